//! Components of a few lines; `enclave/runtime/tests/jobs/prelude.wat` says what they may import.

/// Copies standard input to standard output.
pub(crate) const ECHO: &str = include_str!("../../../../../enclave/runtime/tests/jobs/echo.wat");

/// Does what the first letter of the path says, see `service.wat`.
pub(crate) fn service() -> Vec<u8> {
    service_that("", "")
}

/// That service with further fields in its core module, which begins each request with further instructions.
pub(crate) fn service_that(fields: &str, begins_with: &str) -> Vec<u8> {
    const IMPORTS: &str = include_str!("../../../../../enclave/runtime/tests/http/service-imports.wat");
    const EXPORT: &str = include_str!("../../../../../enclave/runtime/tests/http/service-export.wat");
    const SERVICE: &str = include_str!("../../../../../enclave/service/tests/serve/service.wat");
    const FIRST: &str = ";; t: traps before it has said anything.\n";
    let service = SERVICE.replacen(FIRST, begins_with, 1);
    with_http(&format!("{IMPORTS} {fields} {service}"), EXPORT)
}

/// A job that may use the kit of `kit.wat`, around the fields of a core module.
pub(crate) fn http_job(fields: &str) -> Vec<u8> {
    const EXPORT: &str = r#"(func $run (result (result)) (canon lift (core func $main "run")))
        (instance $command (export "run" (func $run)))
        (export "wasi:cli/run@0.2.0" (instance $command))"#;
    with_http(fields, EXPORT)
}

fn with_http(fields: &str, export: &str) -> Vec<u8> {
    const HTTP: &str = include_str!("../../../../../enclave/runtime/tests/http/prelude.wat");
    const KIT: &str = include_str!("../../../../../enclave/runtime/tests/http/kit.wat");
    const KIT_IMPORTS: &str = include_str!("../../../../../enclave/runtime/tests/http/kit-imports.wat");
    let main = format!("(core module $Main {KIT_IMPORTS} {fields})");
    let text = HTTP.replace(";; MAIN\n", &main).replace(";; KIT\n", KIT).replace(";; EXPORT\n", export);
    wat::parse_str(text).expect("the test's text is valid")
}

/// Does what the first byte of its input says, so that one guest can go through every way to end a job: `s` computes
/// for ever, `g` grows its memory for ever, `o` writes for ever, `t` traps in a named function, `x` exits with code 7, `h`
/// asks for streams for ever, `b` grows a table for as long as it can, `r` asks for lists of random bytes that are as long as
/// can be; anything else, and nothing, succeeds.
pub(crate) const MOODY: &str = r#"(import "env" "memory" (memory 1))
    (import "wasi" "stdin" (func $stdin (result i32)))
    (import "wasi" "stdout" (func $stdout (result i32)))
    (import "wasi" "read" (func $read (param i32 i64 i32)))
    (import "wasi" "write-all" (func $write-all (param i32 i32 i32 i32)))
    (import "wasi" "exit-with-code" (func $exit (param i32)))
    (import "wasi" "random-bytes" (func $random (param i64 i32)))
    (memory $own 1)
    (table $table 1 funcref)
    (func $ledger_overflow unreachable)
    (func $mood (result i32)
        (call $read (call $stdin) (i64.const 1) (i32.const 0))
        (if (result i32) (i32.load8_u (i32.const 0))
            (then (i32.const 0))
            (else (i32.load8_u (i32.load (i32.const 4))))))
    (func (export "run") (result i32) (local $mood i32) (local $out i32)
        (local.set $mood (call $mood))
        (if (i32.eq (local.get $mood) (i32.const 0x73)) (then (loop $l (br $l))))
        (if (i32.eq (local.get $mood) (i32.const 0x67))
            (then (loop $l
                (br_if $l (i32.ne (memory.grow $own (i32.const 1)) (i32.const -1))))))
        (if (i32.eq (local.get $mood) (i32.const 0x6F))
            (then
                (local.set $out (call $stdout))
                (loop $l
                    (call $write-all (local.get $out) (i32.const 0) (i32.const 4096) (i32.const 8192))
                    (br $l))))
        (if (i32.eq (local.get $mood) (i32.const 0x74)) (then (call $ledger_overflow)))
        (if (i32.eq (local.get $mood) (i32.const 0x68)) (then (loop $l (drop (call $stdin)) (br $l))))
        (if (i32.eq (local.get $mood) (i32.const 0x62))
            (then (loop $l
                (br_if $l (i32.ne (table.grow $table (ref.null func) (i32.const 1000)) (i32.const -1))))))
        (if (i32.eq (local.get $mood) (i32.const 0x72))
            (then
                (drop (memory.grow 0 (i32.const 20)))
                (loop $l (call $random (i64.const 1048576) (i32.const 0)) (br $l))))
        (if (i32.eq (local.get $mood) (i32.const 0x78)) (then (call $exit (i32.const 7))))
        i32.const 0)"#;

/// Grows a memory of its own by 2.5 GiB, writes to both ends of it and reads that back; traps when anything is wrong.
pub(crate) const LARGE: &str = r#"(memory $own 1)
    (func (export "run") (result i32)
        (if (i32.ne (memory.grow $own (i32.const 40960)) (i32.const 1)) (then unreachable))
        (i64.store (i32.const 8) (i64.const 0x0123456789ABCDEF))
        (i64.store (i32.const 0xA000FFF8) (i64.const 0x0FEDCBA987654321))
        (if (i64.ne (i64.load (i32.const 8)) (i64.const 0x0123456789ABCDEF)) (then unreachable))
        (if (i64.ne (i64.load (i32.const 0xA000FFF8)) (i64.const 0x0FEDCBA987654321)) (then unreachable))
        (if (i64.ne (i64.load (i32.const 0x50000000)) (i64.const 0)) (then unreachable))
        i32.const 0)"#;

/// Returns at once.
pub(crate) const NOTHING: &str = r#"(func (export "run") (result i32) i32.const 0)"#;

/// Computes for ever.
pub(crate) const SPIN: &str = r#"(func (export "run") (result i32) (loop $l (br $l)) i32.const 0)"#;

/// A component, in binary form, around the fields of a core module.
pub(crate) fn component(fields: &str) -> Vec<u8> {
    let main = format!("(core module $Main {fields})");
    let prelude = include_str!("../../../../../enclave/runtime/tests/jobs/prelude.wat");
    wat::parse_str(prelude.replace(";; MAIN\n", &main)).expect("the test's text is valid")
}
