//! `compile COMPONENT SAME DEFAULT`: both artefacts of a component, for the Linux guest.
#![expect(unsafe_code, reason = "the engine marks the choice of instruction set extensions as unsafe")]

use std::env;
use std::fs;

use attestation_artefact::{CALL_STACK_DEFAULT_BYTES, REQUIRED_CPU_FEATURES, compile_for_linux};
use tests_linux_guest::Tuning;
use wasmtime::error::Context as _;
use wasmtime::{Engine, Result};

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let mut next = || arguments.next().context("usage: compile COMPONENT SAME DEFAULT");
    let (component, same, default) = (next()?, next()?, next()?);
    let component = fs::read(&component).with_context(|| format!("cannot read {component}"))?;
    let artefact = compile_for_linux(&component, CALL_STACK_DEFAULT_BYTES)?;
    fs::write(&same, artefact).with_context(|| format!("cannot write {same}"))?;
    fs::write(&default, compile_default(&component)?).with_context(|| format!("cannot write {default}"))
}

/// Default settings, except for the processor: the one that compiles is not the one that runs.
fn compile_default(component: &[u8]) -> Result<Vec<u8>> {
    let mut config = Tuning::Default.config();
    config.target("x86_64-unknown-linux-gnu")?;
    for feature in REQUIRED_CPU_FEATURES {
        // SAFETY: the engine checks for these extensions when it loads the artefact.
        unsafe { config.cranelift_flag_enable(feature.compiler_flag) };
    }
    Ok(Engine::new(&config)?.precompile_component(component)?)
}
