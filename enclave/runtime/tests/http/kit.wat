;; What the tests' modules share: the body of a core module. Up to 4096 the memory belongs to it.
;; A failure is a negative number: -1 for a closed stream, -100 minus the case of `error-code`, -200 for a taken future.
    (import "env" "memory" (memory 1))
    (import "wasi" "stdout" (func $stdout (result i32)))
    (import "wasi" "block" (func $block (param i32)))
    (import "wasi" "drop-pollable" (func $drop-pollable (param i32)))
    (import "wasi" "drop-error" (func $drop-error (param i32)))
    (import "wasi" "http-error-code" (func $http-error-code (param i32 i32)))
    (import "wasi" "blocking-read" (func $blocking-read (param i32 i64 i32)))
    (import "wasi" "blocking-write" (func $blocking-write (param i32 i32 i32 i32)))
    (import "wasi" "new-fields" (func $new-fields (result i32)))
    (import "wasi" "new-outgoing-request" (func $new-request (param i32) (result i32)))
    (import "wasi" "set-scheme" (func $set-scheme (param i32 i32 i32 i32 i32) (result i32)))
    (import "wasi" "set-authority" (func $set-authority (param i32 i32 i32 i32) (result i32)))
    (import "wasi" "set-path" (func $set-path (param i32 i32 i32 i32) (result i32)))
    (import "wasi" "request-body" (func $request-body (param i32 i32)))
    (import "wasi" "write-stream" (func $write-stream (param i32 i32)))
    (import "wasi" "finish" (func $finish (param i32 i32 i32 i32)))
    (import "wasi" "handle" (func $handle (param i32 i32 i32 i32)))
    (import "wasi" "subscribe-future" (func $subscribe-future (param i32) (result i32)))
    (import "wasi" "get-response" (func $get-response (param i32 i32)))
    (import "wasi" "drop-future-incoming-response" (func $drop-future (param i32)))
    (import "wasi" "consume-response" (func $consume-response (param i32 i32)))
    (import "wasi" "body-stream" (func $body-stream (param i32 i32)))
    (import "wasi" "finish-reading" (func $finish-reading (param i32) (result i32)))
    (import "wasi" "subscribe-trailers" (func $subscribe-trailers (param i32) (result i32)))
    (import "wasi" "get-trailers" (func $get-trailers (param i32 i32)))

    (global $stdout-stream (mut i32) (i32.const -1))
    (global $at (mut i32) (i32.const 0))
    (data (i32.const 1024) "a.example")

    ;; Where the bytes of the last `pull` are.
    (func (export "at") (result i32) (global.get $at))

    ;; Writes text to standard output.
    (func $print (export "print") (param $at i32) (param $len i32)
      (if (i32.eq (global.get $stdout-stream) (i32.const -1)) (then (global.set $stdout-stream (call $stdout))))
      (drop (call $put (global.get $stdout-stream) (local.get $at) (local.get $len))))

    ;; Writes a number and a line break to standard output.
    (func (export "say") (param $number i32) (local $at i32) (local $rest i32)
      (local.set $at (i32.const 600))
      (i32.store8 (local.get $at) (i32.const 10))
      (local.set $rest (select (i32.sub (i32.const 0) (local.get $number)) (local.get $number)
        (i32.lt_s (local.get $number) (i32.const 0))))
      (loop $digits
        (local.set $at (i32.sub (local.get $at) (i32.const 1)))
        (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $rest) (i32.const 10))))
        (local.set $rest (i32.div_u (local.get $rest) (i32.const 10)))
        (br_if $digits (local.get $rest)))
      (if (i32.lt_s (local.get $number) (i32.const 0))
        (then
          (local.set $at (i32.sub (local.get $at) (i32.const 1)))
          (i32.store8 (local.get $at) (i32.const 45))))
      (call $print (local.get $at) (i32.sub (i32.const 601) (local.get $at))))

    ;; The failure in a `stream-error` at this address.
    (func $failure (param $at i32) (result i32) (local $code i32)
      (if (i32.load8_u (local.get $at)) (then (return (i32.const -1))))
      (call $http-error-code (i32.load offset=4 (local.get $at)) (i32.const 200))
      (local.set $code (select (i32.load8_u (i32.const 208)) (i32.const 99) (i32.load8_u (i32.const 200))))
      (call $drop-error (i32.load offset=4 (local.get $at)))
      (i32.sub (i32.const -100) (local.get $code)))

    ;; Reads once, and gives the number of bytes.
    (func $pull (export "pull") (param $stream i32) (param $len i64) (result i32)
      (call $blocking-read (local.get $stream) (local.get $len) (i32.const 32))
      (if (i32.load8_u (i32.const 32)) (then (return (call $failure (i32.const 36)))))
      (global.set $at (i32.load (i32.const 36)))
      (i32.load (i32.const 40)))

    ;; Writes all of it to a stream; 0 or a failure.
    (func $put (export "put") (param $stream i32) (param $at i32) (param $len i32) (result i32) (local $piece i32)
      (loop $pieces
        (local.set $piece (select (local.get $len) (i32.const 4096) (i32.lt_u (local.get $len) (i32.const 4096))))
        (call $blocking-write (local.get $stream) (local.get $at) (local.get $piece) (i32.const 48))
        (if (i32.load8_u (i32.const 48)) (then (return (call $failure (i32.const 52)))))
        (local.set $at (i32.add (local.get $at) (local.get $piece)))
        (local.set $len (i32.sub (local.get $len) (local.get $piece)))
        (br_if $pieces (local.get $len)))
      i32.const 0)

    ;; Copies a stream to another until it ends or fails, and gives that as a failure.
    (func $relay (export "relay") (param $from i32) (param $to i32) (result i32) (local $len i32)
      (loop $pieces
        (local.set $len (call $pull (local.get $from) (i64.const 4096)))
        (if (i32.lt_s (local.get $len) (i32.const 0)) (then (return (local.get $len))))
        (drop (call $put (local.get $to) (global.get $at) (local.get $len)))
        (br $pieces))
      unreachable)

    ;; Likewise, to standard output.
    (func (export "show") (param $from i32) (result i32)
      (if (i32.eq (global.get $stdout-stream) (i32.const -1)) (then (global.set $stdout-stream (call $stdout))))
      (call $relay (local.get $from) (global.get $stdout-stream)))

    ;; GET http://a.example and this path, not sent yet.
    (func $request (export "request") (param $path i32) (param $len i32) (result i32) (local $request i32)
      (call $request-with (local.get $path) (local.get $len) (call $new-fields)))

    ;; Likewise, with these fields.
    (func $request-with (export "request-with") (param $path i32) (param $len i32) (param $fields i32) (result i32)
      (local $request i32)
      (local.set $request (call $new-request (local.get $fields)))
      (if (call $set-scheme (local.get $request) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0))
        (then unreachable))
      (if (call $set-authority (local.get $request) (i32.const 1) (i32.const 1024) (i32.const 9)) (then unreachable))
      (if (call $set-path (local.get $request) (i32.const 1) (local.get $path) (local.get $len)) (then unreachable))
      (local.get $request))

    ;; The future, or a failure.
    (func $send (export "send") (param $request i32) (result i32)
      (call $handle (local.get $request) (i32.const 0) (i32.const 0) (i32.const 64))
      (if (i32.load8_u (i32.const 64)) (then (return (i32.sub (i32.const -100) (i32.load8_u (i32.const 72))))))
      (i32.load (i32.const 72)))

    ;; What a future gives now: 0 for nothing yet.
    (func $peek (export "peek") (param $future i32) (result i32)
      (call $get-response (local.get $future) (i32.const 128))
      (if (i32.eqz (i32.load8_u (i32.const 128))) (then (return (i32.const 0))))
      (if (i32.load8_u (i32.const 136)) (then (return (i32.const -200))))
      (if (i32.load8_u (i32.const 144)) (then (return (i32.sub (i32.const -100) (i32.load8_u (i32.const 152))))))
      (i32.load (i32.const 152)))

    ;; What a future gives in the end.
    (func $await (export "await") (param $future i32) (result i32) (local $response i32) (local $pollable i32)
      (loop $again
        (local.set $response (call $peek (local.get $future)))
        (if (i32.eqz (local.get $response))
          (then
            (local.set $pollable (call $subscribe-future (local.get $future)))
            (call $block (local.get $pollable))
            (call $drop-pollable (local.get $pollable))
            (br $again))))
      (local.get $response))

    ;; The response to GET, or a failure.
    (func (export "fetch") (param $path i32) (param $len i32) (result i32) (local $future i32) (local $response i32)
      (local.set $future (call $send (call $request (local.get $path) (local.get $len))))
      (if (i32.lt_s (local.get $future) (i32.const 0)) (then (return (local.get $future))))
      (local.set $response (call $await (local.get $future)))
      (call $drop-future (local.get $future))
      (local.get $response))

    (func $unwrap (param $at i32) (result i32)
      (if (i32.load8_u (local.get $at)) (then unreachable))
      (i32.load offset=4 (local.get $at)))

    ;; The body of a response.
    (func (export "body") (param $response i32) (result i32)
      (call $consume-response (local.get $response) (i32.const 80))
      (call $unwrap (i32.const 80)))

    ;; The stream of a body.
    (func (export "stream") (param $body i32) (result i32)
      (call $body-stream (local.get $body) (i32.const 80))
      (call $unwrap (i32.const 80)))

    ;; The body of a request.
    (func (export "outgoing") (param $request i32) (result i32)
      (call $request-body (local.get $request) (i32.const 80))
      (call $unwrap (i32.const 80)))

    ;; The stream of a body that goes out.
    (func (export "writer") (param $body i32) (result i32)
      (call $write-stream (local.get $body) (i32.const 80))
      (call $unwrap (i32.const 80)))

    ;; Finishes a body without trailers; 0 or a failure.
    (func (export "finished") (param $body i32) (result i32)
      (call $finish (local.get $body) (i32.const 0) (i32.const 0) (i32.const 96))
      (if (i32.eqz (i32.load8_u (i32.const 96))) (then (return (i32.const 0))))
      (i32.sub (i32.const -100) (i32.load8_u (i32.const 104))))

    ;; The trailers of a body in the end: 0 for none.
    (func (export "trailers") (param $body i32) (result i32) (local $future i32) (local $pollable i32)
      (local.set $future (call $finish-reading (local.get $body)))
      (loop $again
        (call $get-trailers (local.get $future) (i32.const 128))
        (if (i32.eqz (i32.load8_u (i32.const 128)))
          (then
            (local.set $pollable (call $subscribe-trailers (local.get $future)))
            (call $block (local.get $pollable))
            (call $drop-pollable (local.get $pollable))
            (br $again))))
      (if (i32.load8_u (i32.const 136)) (then (return (i32.const -200))))
      (if (i32.load8_u (i32.const 144)) (then (return (i32.sub (i32.const -100) (i32.load8_u (i32.const 152))))))
      (select (i32.load (i32.const 156)) (i32.const 0) (i32.load8_u (i32.const 152))))
