//! The programs that guests run here, compiled when first asked for.
#![expect(unsafe_code, reason = "loading native code has no safe form")]

use attestation_artefact::CALL_STACK_DEFAULT_BYTES;
use std::sync::OnceLock;

use enclave_runtime::{Machine, Program};

/// Room for the linear memory of one component: taken whole, though the programs use few pages.
pub const MEMORY_BYTES: u64 = 1 << 20;

/// A job that copies its input to its output.
#[must_use]
pub fn echo() -> Option<&'static Program> {
    static PROGRAM: OnceLock<Option<Program>> = OnceLock::new();
    let text = || {
        let main =
            format!("(core module $Main {})", include_str!("../../../enclave/runtime/tests/jobs/echo.wat"));
        include_str!("../../../enclave/runtime/tests/jobs/prelude.wat").replace(";; MAIN\n", &main)
    };
    PROGRAM.get_or_init(|| compile(&text())).as_ref()
}

/// A service that does what the first letter of a path's name says.
#[must_use]
pub fn service() -> Option<&'static Program> {
    static PROGRAM: OnceLock<Option<Program>> = OnceLock::new();
    let text = || {
        let imports = [
            include_str!("../../../enclave/runtime/tests/http/kit-imports.wat"),
            include_str!("../../../enclave/runtime/tests/http/service-imports.wat"),
        ];
        let fields = include_str!("../../../enclave/service/tests/serve/service.wat");
        include_str!("../../../enclave/runtime/tests/http/prelude.wat")
            .replace(";; MAIN\n", &format!("(core module $Main {} {fields})", imports.concat()))
            .replace(";; KIT\n", include_str!("../../../enclave/runtime/tests/http/kit.wat"))
            .replace(";; EXPORT\n", include_str!("../../../enclave/runtime/tests/http/service-export.wat"))
    };
    PROGRAM.get_or_init(|| compile(&text())).as_ref()
}

fn compile(text: &str) -> Option<Program> {
    let component = wat::parse_str(text).ok()?;
    let artefact = attestation_artefact::compile_for_linux(&component, CALL_STACK_DEFAULT_BYTES).ok()?;
    // SAFETY: the bytes come from the compiler; the engine checks the processor's features itself on this system.
    unsafe { Program::load_copy(Machine::hosted(MEMORY_BYTES, CALL_STACK_DEFAULT_BYTES), &artefact) }.ok()
}
