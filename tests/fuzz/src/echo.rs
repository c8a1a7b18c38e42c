//! The program that guests run here: it copies its input to its output.
#![expect(unsafe_code, reason = "loading native code has no safe form")]

use attestation_artefact::CALL_STACK_DEFAULT_BYTES;
use std::sync::OnceLock;

use enclave_runtime::{Machine, Program};

/// Room for the linear memory of one component: taken whole, though the program uses one page.
pub const MEMORY_BYTES: u64 = 1 << 20;

/// The program, compiled when first asked for.
#[must_use]
pub fn program() -> Option<&'static Program> {
    static PROGRAM: OnceLock<Option<Program>> = OnceLock::new();
    PROGRAM.get_or_init(compile).as_ref()
}

fn compile() -> Option<Program> {
    let main =
        format!("(core module $Main {})", include_str!("../../../enclave/runtime/tests/jobs/echo.wat"));
    let text = include_str!("../../../enclave/runtime/tests/jobs/prelude.wat").replace(";; MAIN\n", &main);
    let component = wat::parse_str(text).ok()?;
    let artefact = attestation_artefact::compile_for_linux(&component, CALL_STACK_DEFAULT_BYTES).ok()?;
    // SAFETY: the bytes come from the compiler; the engine checks the processor's features itself on this system.
    unsafe { Program::load_copy(Machine::hosted(MEMORY_BYTES, CALL_STACK_DEFAULT_BYTES), &artefact) }.ok()
}
