//! Components of a few lines; `enclave/runtime/tests/jobs/prelude.wat` says what they may import.

use attestation_artefact::CALL_STACK_DEFAULT_BYTES;
use enclave_runtime::{Machine, Program};

/// Copies standard input to standard output.
pub(crate) const ECHO: &str = include_str!("../../../runtime/tests/jobs/echo.wat");

/// Computes for ever.
pub(crate) const SPIN: &str = r#"(func (export "run") (result i32) (loop $l (br $l)) i32.const 0)"#;

/// Returns at once.
pub(crate) const NOTHING: &str = r#"(func (export "run") (result i32) i32.const 0)"#;

/// Traps in a named function.
pub(crate) const TRAP: &str = r#"(func $ledger_overflow unreachable)
    (func (export "run") (result i32) call $ledger_overflow i32.const 0)"#;

/// Compiles and loads a service from the fields of a core module; `enclave/runtime/tests/http/prelude.wat` says what they may
/// import.
pub(crate) fn load_service(fields: &str) -> Program {
    load_component(&wat::parse_str(service(fields)).expect("the test's text is valid"))
}

/// Likewise, of one that may count in the key-value store.
pub(crate) fn load_counting_service(fields: &str) -> Program {
    let main = "(core module $Main ";
    let kit = r#"(with "kit" (instance $kit))"#;
    let store =
        r#"(with "store" (instance (export "open" (func $open)) (export "increment" (func $increment))))"#;
    let functions = r#"(import "store" "open" (func $open (param i32 i32 i32)))
        (import "store" "increment" (func $increment (param i32 i32 i32 i64 i32)))"#;
    let text = service(fields)
        .replace(main, &[include_str!("counting.wat"), main, functions].concat())
        .replace(kit, &[kit, store].concat());
    load_component(&wat::parse_str(text).expect("the test's text is valid"))
}

fn service(fields: &str) -> String {
    let imports = [
        include_str!("../../../runtime/tests/http/kit-imports.wat"),
        include_str!("../../../runtime/tests/http/service-imports.wat"),
    ];
    let main = format!("(core module $Main {} {fields})", imports.concat());
    include_str!("../../../runtime/tests/http/prelude.wat")
        .replace(";; MAIN\n", &main)
        .replace(";; KIT\n", include_str!("../../../runtime/tests/http/kit.wat"))
        .replace(";; EXPORT\n", include_str!("../../../runtime/tests/http/service-export.wat"))
}

/// Compiles and loads the fields of a core module.
pub(crate) fn load(fields: &str) -> Program {
    let main = format!("(core module $Main {fields})");
    let text = include_str!("../../../runtime/tests/jobs/prelude.wat").replace(";; MAIN\n", &main);
    load_component(&wat::parse_str(text).expect("the test's text is valid"))
}

/// Compiles and loads a component.
pub(crate) fn load_component(component: &[u8]) -> Program {
    let artefact = attestation_artefact::compile_for_linux(component, CALL_STACK_DEFAULT_BYTES)
        .expect("the test's component compiles");
    // SAFETY: the bytes come from the compiler; the engine checks the processor's features itself on this system.
    unsafe { Program::load_copy(Machine::hosted(16 << 20, CALL_STACK_DEFAULT_BYTES), &artefact) }
        .expect("the test's component loads")
}
