;; Imports sockets as the C library of a language does: with types of its own, and with those of other interfaces. CALL is
;; replaced by what it does.
(component
  (import "wasi:io/poll@0.2.0" (instance $poll (export "pollable" (type (sub resource)))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:io/streams@0.2.0" (instance $streams (export "input-stream" (type (sub resource)))))
  (alias export $streams "input-stream" (type $in))
  (import "wasi:sockets/network@0.2.0" (instance $network
    (export "network" (type (sub resource)))
    (type $error-code' (enum "unknown" "access-denied"))
    (export "error-code" (type (eq $error-code')))))
  (alias export $network "network" (type $network-type))
  (alias export $network "error-code" (type $error-code))
  (import "wasi:sockets/instance-network@0.2.0" (instance $instance-network
    (alias outer 1 $network-type (type $t)) (export "network" (type $n (eq $t)))
    (export "instance-network" (func (result (own $n))))))
  (import "wasi:sockets/tcp@0.2.0" (instance $tcp
    (alias outer 1 $in (type $t1)) (export "input-stream" (type $in (eq $t1)))
    (alias outer 1 $pollable (type $t2)) (export "pollable" (type $pollable (eq $t2)))
    (alias outer 1 $error-code (type $t3)) (export "error-code" (type $error-code (eq $t3)))
    (export "tcp-socket" (type $socket (sub resource)))
    (export "[method]tcp-socket.subscribe" (func (param "self" (borrow $socket)) (result (own $pollable))))
    (export "[method]tcp-socket.accept" (func
      (param "self" (borrow $socket)) (result (result (own $in) (error $error-code)))))))
  (alias export $tcp "tcp-socket" (type $socket-type))
  (import "wasi:sockets/tcp-create-socket@0.2.0" (instance $create
    (alias outer 1 $socket-type (type $t1)) (export "tcp-socket" (type $socket (eq $t1)))
    (alias outer 1 $error-code (type $t2)) (export "error-code" (type $error-code (eq $t2)))
    (type $family' (enum "ipv4" "ipv6"))
    (export "ip-address-family" (type $family (eq $family')))
    (export "create-tcp-socket" (func (param "address-family" $family)
      (result (result (own $socket) (error $error-code)))))))

  (core module $Memory (memory (export "memory") 1))
  (core instance $memory (instantiate $Memory))
  (alias core export $memory "memory" (core memory $m))
  (core func $instance-network (canon lower (func $instance-network "instance-network")))
  (core func $create-tcp-socket (canon lower (func $create "create-tcp-socket") (memory $m)))
  (core func $subscribe (canon lower (func $tcp "[method]tcp-socket.subscribe")))
  (core func $accept (canon lower (func $tcp "[method]tcp-socket.accept") (memory $m)))
  (core module $Main
    (import "wasi" "instance-network" (func $instance-network (result i32)))
    (import "wasi" "create-tcp-socket" (func $create-tcp-socket (param i32 i32)))
    (import "wasi" "subscribe" (func $subscribe (param i32) (result i32)))
    (import "wasi" "accept" (func $accept (param i32 i32)))
    (func (export "run") (result i32) CALL i32.const 0))
  (core instance $main (instantiate $Main
    (with "wasi" (instance
      (export "instance-network" (func $instance-network))
      (export "create-tcp-socket" (func $create-tcp-socket))
      (export "subscribe" (func $subscribe))
      (export "accept" (func $accept))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
