;; A job that keeps a tally in a file. It prints what the file `tally` holds, and appends the first byte of its input. Then
;; that byte says what else it does:
;;   b  writes 150,000 bytes to the file `big`
;;   d  takes the file `tally` away
;;   e  exits with code 3
;;   l  loops for ever
;;   t  traps
(component
  (import "wasi:io/error@0.2.0" (instance $error (export "error" (type (sub resource)))))
  (alias export $error "error" (type $error-type))
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
  (import "wasi:cli/exit@0.2.12" (instance $exit
    (export "exit-with-code" (func (param "status-code" u8)))))
  (import "wasi:filesystem/types@0.2.0" (instance $types
    (export "descriptor" (type $descriptor (sub resource)))
    (type $error-code' (enum "access" "would-block" "already" "bad-descriptor" "busy" "deadlock" "quota" "exist"
      "file-too-large" "illegal-byte-sequence" "in-progress" "interrupted" "invalid" "io" "is-directory" "loop"
      "too-many-links" "message-size" "name-too-long" "no-device" "no-entry" "no-lock" "insufficient-memory"
      "insufficient-space" "not-directory" "not-empty" "not-recoverable" "unsupported" "no-tty" "no-such-device"
      "overflow" "not-permitted" "pipe" "read-only" "invalid-seek" "text-file-busy" "cross-device"))
    (export "error-code" (type $error-code (eq $error-code')))
    (type $path-flags' (flags "symlink-follow"))
    (export "path-flags" (type $path-flags (eq $path-flags')))
    (type $open-flags' (flags "create" "directory" "exclusive" "truncate"))
    (export "open-flags" (type $open-flags (eq $open-flags')))
    (type $descriptor-flags' (flags "read" "write" "file-integrity-sync" "data-integrity-sync"
      "requested-write-sync" "mutate-directory"))
    (export "descriptor-flags" (type $descriptor-flags (eq $descriptor-flags')))
    (type $filesize' u64)
    (export "filesize" (type $filesize (eq $filesize')))
    (export "[method]descriptor.open-at" (func (param "self" (borrow $descriptor)) (param "path-flags" $path-flags)
      (param "path" string) (param "open-flags" $open-flags) (param "flags" $descriptor-flags)
      (result (result (own $descriptor) (error $error-code)))))
    (export "[method]descriptor.read" (func (param "self" (borrow $descriptor)) (param "length" $filesize)
      (param "offset" $filesize) (result (result (tuple (list u8) bool) (error $error-code)))))
    (export "[method]descriptor.write" (func (param "self" (borrow $descriptor)) (param "buffer" (list u8))
      (param "offset" $filesize) (result (result $filesize (error $error-code)))))
    (export "[method]descriptor.unlink-file-at" (func (param "self" (borrow $descriptor)) (param "path" string)
      (result (result (error $error-code)))))))
  (alias export $types "descriptor" (type $descriptor))
  (import "wasi:filesystem/preopens@0.2.0" (instance $preopens
    (alias outer 1 $descriptor (type $t)) (export "descriptor" (type $d (eq $t)))
    (export "get-directories" (func (result (list (tuple (own $d) string)))))))

  ;; Lists from the host come behind the first 64 KiB, one after the other.
  (core module $Memory
    (memory (export "memory") 16)
    (global $next (mut i32) (i32.const 65536))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
      (global.set $next (i32.add (local.get $at) (local.get 3)))
      (local.get $at)))
  (core instance $memory (instantiate $Memory))
  (alias core export $memory "memory" (core memory $m))
  (alias core export $memory "realloc" (core func $realloc))

  (core func $stdin (canon lower (func $stdin "get-stdin")))
  (core func $stdout (canon lower (func $stdout "get-stdout")))
  (core func $input (canon lower (func $streams "[method]input-stream.blocking-read") (memory $m) (realloc $realloc)))
  (core func $print
    (canon lower (func $streams "[method]output-stream.blocking-write-and-flush") (memory $m)))
  (core func $exit (canon lower (func $exit "exit-with-code")))
  (core func $roots (canon lower (func $preopens "get-directories") (memory $m) (realloc $realloc)))
  (core func $open (canon lower (func $types "[method]descriptor.open-at") (memory $m)))
  (core func $read (canon lower (func $types "[method]descriptor.read") (memory $m) (realloc $realloc)))
  (core func $write (canon lower (func $types "[method]descriptor.write") (memory $m)))
  (core func $unlink (canon lower (func $types "[method]descriptor.unlink-file-at") (memory $m)))

  (core module $Main
    (import "env" "memory" (memory 1))
    (import "wasi" "stdin" (func $stdin (result i32)))
    (import "wasi" "stdout" (func $stdout (result i32)))
    (import "wasi" "input" (func $input (param i32 i64 i32)))
    (import "wasi" "print" (func $print (param i32 i32 i32 i32)))
    (import "wasi" "exit" (func $exit (param i32)))
    (import "wasi" "roots" (func $roots (param i32)))
    (import "wasi" "open" (func $open (param i32 i32 i32 i32 i32 i32 i32)))
    (import "wasi" "read" (func $read (param i32 i64 i64 i32)))
    (import "wasi" "write" (func $write (param i32 i32 i32 i64 i32)))
    (import "wasi" "unlink" (func $unlink (param i32 i32 i32 i32)))
    (data (i32.const 1024) "tally")
    (data (i32.const 1032) "big")

    ;; Results are at 0. What fails ends the run.
    (func $check (if (i32.load8_u (i32.const 0)) (then unreachable)))

    (func $root (result i32)
      (call $roots (i32.const 0))
      (i32.load (i32.load (i32.const 0))))

    ;; Opens or creates a file, to read and to write.
    (func $file (param $name i32) (param $length i32) (result i32)
      (call $open (call $root) (i32.const 0) (local.get $name) (local.get $length) (i32.const 1) (i32.const 3)
        (i32.const 0))
      (call $check)
      (i32.load (i32.const 4)))

    (func $write-at (param $file i32) (param $at i32) (param $length i32) (param $offset i64)
      (call $write (local.get $file) (local.get $at) (local.get $length) (local.get $offset) (i32.const 0))
      (call $check))

    (func (export "run") (result i32)
      (local $command i32) (local $tally i32) (local $length i32)
      (call $input (call $stdin) (i64.const 1) (i32.const 0))
      (call $check)
      (local.set $command (i32.load8_u (i32.load (i32.const 4))))
      (local.set $tally (call $file (i32.const 1024) (i32.const 5)))
      (call $read (local.get $tally) (i64.const 4096) (i64.const 0) (i32.const 0))
      (call $check)
      (local.set $length (i32.load (i32.const 8)))
      (call $print (call $stdout) (i32.load (i32.const 4)) (local.get $length) (i32.const 0))
      (call $check)
      (i32.store8 (i32.const 2048) (local.get $command))
      (call $write-at (local.get $tally) (i32.const 2048) (i32.const 1) (i64.extend_i32_u (local.get $length)))
      (if (i32.eq (local.get $command) (i32.const 98 (;b;)))
        (then
          (memory.fill (i32.const 262144) (i32.const 66) (i32.const 150000))
          (call $write-at (call $file (i32.const 1032) (i32.const 3)) (i32.const 262144) (i32.const 150000)
            (i64.const 0))))
      (if (i32.eq (local.get $command) (i32.const 100 (;d;)))
        (then
          (call $unlink (call $root) (i32.const 1024) (i32.const 5) (i32.const 0))
          (call $check)))
      (if (i32.eq (local.get $command) (i32.const 101 (;e;))) (then (call $exit (i32.const 3))))
      (if (i32.eq (local.get $command) (i32.const 108 (;l;))) (then (loop $ever (br $ever))))
      (if (i32.eq (local.get $command) (i32.const 116 (;t;))) (then unreachable))
      (i32.const 0)))

  (core instance $main (instantiate $Main
    (with "env" (instance (export "memory" (memory $m))))
    (with "wasi" (instance
      (export "stdin" (func $stdin))
      (export "stdout" (func $stdout))
      (export "input" (func $input))
      (export "print" (func $print))
      (export "exit" (func $exit))
      (export "roots" (func $roots))
      (export "open" (func $open))
      (export "read" (func $read))
      (export "write" (func $write))
      (export "unlink" (func $unlink))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
