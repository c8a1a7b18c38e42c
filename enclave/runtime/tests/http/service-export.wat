;; How the core module's `handle` becomes a service.
(func $handle-request (param "request" (own $request-in)) (param "response-out" (own $outparam))
    (canon lift (core func $main "handle")))
(component $Service
    (import "request-in" (type $request (sub resource)))
    (import "outparam" (type $outparam (sub resource)))
    (import "handle"
        (func $handle (param "request" (own $request)) (param "response-out" (own $outparam))))
    (export $request' "incoming-request" (type $request))
    (export $outparam' "response-outparam" (type $outparam))
    (export "handle" (func $handle)
        (func (param "request" (own $request')) (param "response-out" (own $outparam')))))
(instance $service (instantiate $Service
    (with "request-in" (type $request-in)) (with "outparam" (type $outparam))
    (with "handle" (func $handle-request))))
(export "wasi:http/incoming-handler@0.2.0" (instance $service))
