//! From component to artefact, reproducibly.

use alloc::vec::Vec;

use wasmparser::{Operator, Parser, Payload};
use wasmtime::{Config, Engine, OptLevel, RegallocAlgorithm, Strategy};

use crate::frames::{self, Code};
use crate::instrument::instrument_with_frames;
use crate::{CompileError, CpuFeature, REQUIRED_CPU_FEATURES, base_config};

/// What the guest runs.
const GUEST_TRIPLE: &str = "x86_64-unknown-none";
/// What tests and benchmarks on a Linux host run.
const LINUX_TRIPLE: &str = "x86_64-unknown-linux-gnu";
/// The engine's interpreter.
const PULLEY_TRIPLE: &str = "pulley64";

/// Compiles a component, in binary form, to the artefact that the guest runs.
///
/// The bytes depend on `component`, `call_stack_bytes` and [`ENGINE`](crate::ENGINE) alone.
///
/// # Errors
/// Those of [`instrument`](crate::instrument()); [`CompileError::Frame`] and [`CompileError::GlueFrames`] where compiled
/// frames are larger than what is accounted for them.
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
/// As [`compile`]; [`CompileError::Fused`].
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
    let instrumented = instrument_with_frames(component, call_stack_bytes)?;
    let has_fma = triple == PULLEY_TRIPLE || features.iter().any(|feature| feature.name == "fma");
    if !has_fma && has_fused(component)? {
        return Err(CompileError::Fused);
    }
    let config = compiler_config(triple, features, call_stack_bytes).map_err(CompileError::settings)?;
    let engine = Engine::new(&config).map_err(CompileError::settings)?;
    let artefact = engine.precompile_component(&instrumented.bytes).map_err(CompileError::component)?;
    let code = if triple == PULLEY_TRIPLE { Code::Pulley } else { Code::X86_64 };
    frames::check(&artefact, code, &instrumented)?;
    Ok(artefact)
}

/// Whether a component, at any depth, multiplies and adds in one.
fn has_fused(component: &[u8]) -> Result<bool, CompileError> {
    for payload in Parser::new(0).parse_all(component) {
        let Payload::CodeSectionEntry(body) = payload? else { continue };
        for operator in body.get_operators_reader()? {
            if let Operator::F32x4RelaxedMadd
            | Operator::F32x4RelaxedNmadd
            | Operator::F64x2RelaxedMadd
            | Operator::F64x2RelaxedNmadd = operator?
            {
                return Ok(true);
            }
        }
    }
    Ok(false)
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
