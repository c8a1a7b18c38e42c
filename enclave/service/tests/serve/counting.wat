;; What a service needs to count in the key-value store.
(import "wasi:keyvalue/store@0.2.0-draft" (instance $store
  (type $error' (variant (case "no-such-store") (case "access-denied") (case "other" string)))
  (export "error" (type $error (eq $error')))
  (export "bucket" (type $bucket (sub resource)))
  (export "open" (func (param "identifier" string) (result (result (own $bucket) (error $error)))))))
(alias export $store "bucket" (type $kv-bucket))
(alias export $store "error" (type $kv-error))
(import "wasi:keyvalue/atomics@0.2.0-draft" (instance $atomics
  (alias outer 1 $kv-bucket (type $b)) (export "bucket" (type $bucket (eq $b)))
  (alias outer 1 $kv-error (type $e)) (export "error" (type $error (eq $e)))
  (export "increment" (func (param "bucket" (borrow $bucket)) (param "key" string) (param "delta" u64)
    (result (result u64 (error $error)))))))
(core func $open (canon lower (func $store "open") (memory $m) (realloc $realloc)))
(core func $increment (canon lower (func $atomics "increment") (memory $m) (realloc $realloc)))
