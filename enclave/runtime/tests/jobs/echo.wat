;; Copies standard input to standard output until the end, then exits with 0.
(import "env" "memory" (memory 1))
    (import "wasi" "stdin" (func $stdin (result i32)))
    (import "wasi" "stdout" (func $stdout (result i32)))
    (import "wasi" "read" (func $read (param i32 i64 i32)))
    (import "wasi" "write-all" (func $write-all (param i32 i32 i32 i32)))
    (func (export "run") (result i32) (local $in i32) (local $out i32)
        (local.set $in (call $stdin))
        (local.set $out (call $stdout))
        (block $end
            (loop $l
                (call $read (local.get $in) (i64.const 4096) (i32.const 0))
                (br_if $end (i32.load8_u (i32.const 0)))
                (call $write-all
                    (local.get $out) (i32.load (i32.const 4)) (i32.load (i32.const 8)) (i32.const 16))
                (br_if $end (i32.load8_u (i32.const 16)))
                (br $l)))
        (i32.ne (i32.load8_u (i32.const 4)) (i32.const 1)))
