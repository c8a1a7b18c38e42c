;; A `wasi:cli/command` around a random core module. `$Random` and `$Witness` are empty here; in their places come the
;; modules that are made from a number. What brings in the outside has numbers for parameters and results, because that
;; is all a random module can pass on.
(component
  (import "wasi:io/error@0.2.0" (instance $error (export "error" (type (sub resource)))))
  (alias export $error "error" (type $error-type))
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $pollable (sub resource)))
    (export "[method]pollable.ready" (func (param "self" (borrow $pollable)) (result bool)))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (export "input-stream" (type $in (sub resource)))
    (export "output-stream" (type $out (sub resource)))
    (alias outer 1 $error-type (type $error-alias))
    (export "error" (type $e (eq $error-alias)))
    (type $stream-error' (variant (case "last-operation-failed" (own $e)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $stream-error')))
    (export "[method]input-stream.blocking-read" (func
      (param "self" (borrow $in)) (param "len" u64) (result (result (list u8) (error $stream-error)))))
    (export "[method]output-stream.blocking-write-and-flush" (func
      (param "self" (borrow $out)) (param "contents" (list u8)) (result (result (error $stream-error)))))))
  (alias export $streams "input-stream" (type $in))
  (alias export $streams "output-stream" (type $out))
  (import "wasi:cli/stdin@0.2.0" (instance $stdin
    (alias outer 1 $in (type $t)) (export "input-stream" (type $in (eq $t)))
    (export "get-stdin" (func (result (own $in))))))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $out (type $t)) (export "output-stream" (type $out (eq $t)))
    (export "get-stdout" (func (result (own $out))))))
  (import "wasi:cli/stderr@0.2.0" (instance $stderr
    (alias outer 1 $out (type $t)) (export "output-stream" (type $out (eq $t)))
    (export "get-stderr" (func (result (own $out))))))
  (import "wasi:cli/exit@0.2.12" (instance $exit
    (export "exit-with-code" (func (param "status-code" u8)))))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $monotonic
    (alias outer 1 $pollable (type $t)) (export "pollable" (type $pollable (eq $t)))
    (export "now" (func (result u64)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $pollable))))))
  (import "wasi:clocks/wall-clock@0.2.0" (instance $wall
    (type $datetime' (record (field "seconds" u64) (field "nanoseconds" u32)))
    (export "datetime" (type $datetime (eq $datetime')))
    (export "now" (func (result $datetime)))))
  (import "wasi:random/random@0.2.0" (instance $random-source
    (export "get-random-u64" (func (result u64)))))

  ;; Results at 0, what is written at 32, pieces of the input from 1024 on: none is longer than eight bytes.
  (core module $Memory
    (memory (export "memory") 1 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024))
  (core instance $memory (instantiate $Memory))
  (alias core export $memory "memory" (core memory $m))
  (alias core export $memory "realloc" (core func $realloc))

  (core func $ready (canon lower (func $poll "[method]pollable.ready")))
  (core func $drop-pollable (canon resource.drop $pollable))
  (core func $read (canon lower (func $streams "[method]input-stream.blocking-read") (memory $m) (realloc $realloc)))
  (core func $write (canon lower (func $streams "[method]output-stream.blocking-write-and-flush") (memory $m)))
  (core func $get-stdin (canon lower (func $stdin "get-stdin")))
  (core func $get-stdout (canon lower (func $stdout "get-stdout")))
  (core func $get-stderr (canon lower (func $stderr "get-stderr")))
  (core func $exit (canon lower (func $exit "exit-with-code")))
  (core func $now (canon lower (func $monotonic "now")))
  (core func $subscribe (canon lower (func $monotonic "subscribe-duration")))
  (core func $wall-now (canon lower (func $wall "now") (memory $m)))
  (core func $random-u64 (canon lower (func $random-source "get-random-u64")))

  (core module $Outside
    (import "env" "memory" (memory 1 1))
    (import "wasi" "ready" (func $ready (param i32) (result i32)))
    (import "wasi" "drop-pollable" (func $drop-pollable (param i32)))
    (import "wasi" "read" (func $read (param i32 i64 i32)))
    (import "wasi" "write" (func $write (param i32 i32 i32 i32)))
    (import "wasi" "stdin" (func $get-stdin (result i32)))
    (import "wasi" "stdout" (func $get-stdout (result i32)))
    (import "wasi" "stderr" (func $get-stderr (result i32)))
    (import "wasi" "subscribe" (func $subscribe (param i64) (result i32)))
    (import "wasi" "wall-now" (func $wall-now (param i32)))
    (global $in (mut i32) (i32.const -1))
    (global $out (mut i32) (i32.const -1))
    (global $err (mut i32) (i32.const -1))
    ;; Whether some nanoseconds are over when they have just begun: the guest and its host need not agree.
    (func (export "ready") (param $ns i64) (result i32) (local $pollable i32)
      (local.set $pollable (call $subscribe (i64.and (local.get $ns) (i64.const 0xffff))))
      (call $ready (local.get $pollable))
      (call $drop-pollable (local.get $pollable)))
    (func (export "wall") (result i64)
      (call $wall-now (i32.const 0))
      (i64.add (i64.mul (i64.load (i32.const 0)) (i64.const 1000000000)) (i64.load32_u (i32.const 8))))
    ;; Eight bytes of input, fewer at its end; all ones after that.
    (func (export "input") (result i64)
      (if (i32.eq (global.get $in) (i32.const -1)) (then (global.set $in (call $get-stdin))))
      (i64.store (i32.const 1024) (i64.const 0))
      (call $read (global.get $in) (i64.const 8) (i32.const 0))
      (if (result i64) (i32.load8_u (i32.const 0))
        (then (i64.const -1))
        (else (i64.load (i32.const 1024)))))
    (func (export "output") (param i64)
      (if (i32.eq (global.get $out) (i32.const -1)) (then (global.set $out (call $get-stdout))))
      (i64.store (i32.const 32) (local.get 0))
      (call $write (global.get $out) (i32.const 32) (i32.const 8) (i32.const 0)))
    (func (export "error") (param i64)
      (if (i32.eq (global.get $err) (i32.const -1)) (then (global.set $err (call $get-stderr))))
      (i64.store (i32.const 32) (local.get 0))
      (call $write (global.get $err) (i32.const 32) (i32.const 8) (i32.const 0))))
  (core instance $outside (instantiate $Outside
    (with "env" (instance (export "memory" (memory $m))))
    (with "wasi" (instance
      (export "ready" (func $ready))
      (export "drop-pollable" (func $drop-pollable))
      (export "read" (func $read))
      (export "write" (func $write))
      (export "stdin" (func $get-stdin))
      (export "stdout" (func $get-stdout))
      (export "stderr" (func $get-stderr))
      (export "subscribe" (func $subscribe))
      (export "wall-now" (func $wall-now))))))
  (alias core export $outside "ready" (core func $outside-ready))
  (alias core export $outside "wall" (core func $outside-wall))
  (alias core export $outside "input" (core func $outside-input))
  (alias core export $outside "output" (core func $outside-output))
  (alias core export $outside "error" (core func $outside-error))
  (core instance $all (export "now" (func $now)) (export "random" (func $random-u64))
    (export "ready" (func $outside-ready)) (export "wall" (func $outside-wall))
    (export "input" (func $outside-input)) (export "output" (func $outside-output))
    (export "error" (func $outside-error)) (export "exit" (func $exit)))

  (core module $Random)
  (core instance $random (instantiate $Random (with "outside" (instance $all))))
  (core module $Witness)
  (core instance $witness (instantiate $Witness (with "outside" (instance $all)) (with "random" (instance $random))))

  (alias core export $witness "run" (core func $witness-run))
  (func $run (result (result)) (canon lift (core func $witness-run)))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
