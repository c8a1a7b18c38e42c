;; A service that does what the first letter of the path's name says.
(func (export "handle") (param $request i32) (param $out i32)
    (local $response i32) (local $body i32) (local $stream i32) (local $from i32) (local $what i32)
    (call $path (local.get $request) (i32.const 5104))
    (local.set $what (i32.load8_u offset=1 (i32.load (i32.const 5108))))
    ;; t: traps before it has said anything.
    (if (i32.eq (local.get $what) (i32.const 116)) (then unreachable))
    ;; l: computes for ever.
    (if (i32.eq (local.get $what) (i32.const 108)) (then (loop $on (br $on))))
    ;; r: recurses for ever.
    (if (i32.eq (local.get $what) (i32.const 114)) (then (call $deeper)))
    ;; n: no response.
    (if (i32.eq (local.get $what) (i32.const 110)) (then (call $drop-outparam (local.get $out)) (return)))
    (local.set $response (call $new-response (call $new-fields)))
    (local.set $body (call $body-of (local.get $response)))
    (call $give (local.get $out) (local.get $response))
    (local.set $stream (call $writer (local.get $body)))
    ;; e: gives back what it gets.
    (if (i32.eq (local.get $what) (i32.const 101))
        (then
            (call $consume (local.get $request) (i32.const 5104))
            (local.set $from (call $stream (i32.load (i32.const 5108))))
            (drop (call $relay (local.get $from) (local.get $stream)))
            (call $drop-in (local.get $from))))
    ;; g: writes gigabytes.
    (if (i32.eq (local.get $what) (i32.const 103))
        (then (loop $more
            (drop (call $put (local.get $stream) (i32.const 8192) (i32.const 50000)))
            (br $more))))
    (drop (call $put (local.get $stream) (i32.const 8192) (i32.const 5)))
    ;; h: traps in the middle of its response.
    (if (i32.eq (local.get $what) (i32.const 104)) (then unreachable))
    ;; w: writes a line to its log.
    (if (i32.eq (local.get $what) (i32.const 119)) (then (call $say (i32.const 42))))
    (call $drop-out (local.get $stream))
    (drop (call $finished (local.get $body))))
(func $deeper (call $deeper) (call $deeper))
