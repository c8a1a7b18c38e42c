//! From component to artefact, reproducibly.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use wasmtime::{Config, Engine, OptLevel, RegallocAlgorithm, Strategy};

use crate::{CpuFeature, REQUIRED_CPU_FEATURES, base_config};

/// What the guest runs.
const GUEST_TRIPLE: &str = "x86_64-unknown-none";
/// What tests and benchmarks on a Linux host run.
const LINUX_TRIPLE: &str = "x86_64-unknown-linux-gnu";
/// The engine's interpreter.
const PULLEY_TRIPLE: &str = "pulley64";

/// No artefact could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// The component is not one, or uses a proposal that is switched off. Its author is guilty.
    #[error("component: {reason}")]
    Component {
        /// The compiler's words.
        reason: String,
    },
    /// The compiler refused its own settings. This build of the compiler is guilty.
    #[error("compiler settings: {reason}")]
    Settings {
        /// The compiler's words.
        reason: String,
    },
}

/// Compiles a component, in binary form, to the artefact that the guest runs.
///
/// The bytes depend on `component`, `call_stack_bytes` and [`ENGINE`](crate::ENGINE) alone.
///
/// # Errors
/// [`CompileError::Component`] for bytes that are not a valid component.
pub fn compile(component: &[u8], call_stack_bytes: u32) -> Result<Vec<u8>, CompileError> {
    compile_for(GUEST_TRIPLE, REQUIRED_CPU_FEATURES, component, call_stack_bytes)
}

/// The same machine code, labelled for Linux, so that tests and benchmarks can run it without the guest.
///
/// # Errors
/// As [`compile`].
pub fn compile_for_linux(component: &[u8], call_stack_bytes: u32) -> Result<Vec<u8>, CompileError> {
    compile_for(LINUX_TRIPLE, REQUIRED_CPU_FEATURES, component, call_stack_bytes)
}

/// Machine code for any x86-64 processor. Computes the same.
///
/// # Errors
/// As [`compile`].
pub fn compile_for_linux_baseline(component: &[u8], call_stack_bytes: u32) -> Result<Vec<u8>, CompileError> {
    compile_for(LINUX_TRIPLE, &[], component, call_stack_bytes)
}

/// Code for the engine's interpreter, which runs on any processor. Computes the same.
///
/// # Errors
/// As [`compile`].
pub fn compile_for_pulley(component: &[u8], call_stack_bytes: u32) -> Result<Vec<u8>, CompileError> {
    compile_for(PULLEY_TRIPLE, &[], component, call_stack_bytes)
}

fn compile_for(
    triple: &str,
    features: &[CpuFeature],
    component: &[u8],
    call_stack_bytes: u32,
) -> Result<Vec<u8>, CompileError> {
    let config = compiler_config(triple, features, call_stack_bytes).map_err(settings_error)?;
    let engine = Engine::new(&config).map_err(settings_error)?;
    engine
        .precompile_component(component)
        .map_err(|error| CompileError::Component { reason: format!("{error:#}") })
}

fn compiler_config(triple: &str, features: &[CpuFeature], call_stack_bytes: u32) -> wasmtime::Result<Config> {
    let mut config = base_config(call_stack_bytes);
    // An explicit triple also keeps the compiler from looking at the processor it runs on.
    config.target(triple)?;
    config.strategy(Strategy::Cranelift).cranelift_opt_level(OptLevel::Speed);
    config.cranelift_regalloc_algorithm(RegallocAlgorithm::Backtracking).cranelift_nan_canonicalization(true);
    for feature in features {
        // SAFETY: code with these extensions runs only where the engine's or the guest's own check has found them.
        unsafe { config.cranelift_flag_enable(feature.compiler_flag) };
    }
    Ok(config)
}

fn settings_error(error: wasmtime::Error) -> CompileError {
    CompileError::Settings { reason: format!("{error:#}") }
}
