;; Sends EXCHANGES requests one after the other, reads each body to its end, and lets go of everything.
(import "wasi" "drop-incoming-body" (func $drop-body (param i32)))
(import "wasi" "drop-incoming-response" (func $drop-response (param i32)))
(func (export "run") (result i32)
  (local $left i32) (local $response i32) (local $body i32) (local $stream i32) (local $got i32)
  (local.set $left (i32.const EXCHANGES))
  (loop $exchanges
    (local.set $response (call $fetch (i32.const 4096) (i32.const 11)))
    (local.set $body (call $body (local.get $response)))
    (local.set $stream (call $stream (local.get $body)))
    (loop $pieces
      (local.set $got (call $pull (local.get $stream) (i64.const 65536)))
      (br_if $pieces (i32.gt_s (local.get $got) (i32.const 0))))
    (call $drop-in (local.get $stream))
    (call $drop-body (local.get $body))
    (call $drop-response (local.get $response))
    (local.set $left (i32.sub (local.get $left) (i32.const 1)))
    (br_if $exchanges (local.get $left)))
  i32.const 0)
