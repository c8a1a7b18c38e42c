//! Programs from components, for whoever runs one outside of the guest.

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::program::{Machine, Program, RuntimeError};

/// How a component is compiled. What it computes, and the fuel it takes, is the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tuning {
    /// For processors like the guest's: `attestation_artefact::REQUIRED_CPU_FEATURES`.
    #[default]
    Guest,
    /// For any x86-64 processor.
    Baseline,
    /// For the engine's interpreter.
    Interpreter,
}

impl Program {
    /// Compiles a component and loads it.
    ///
    /// # Errors
    /// See [`RuntimeError`]: no component, or one that the guest would not take.
    pub fn compile(
        component: &[u8],
        tuning: Tuning,
        call_stack_bytes: u32,
        linear_memory_bytes: u64,
    ) -> Result<Self, RuntimeError> {
        let artefact = match tuning {
            Tuning::Guest => attestation_artefact::compile_for_linux(component, call_stack_bytes),
            Tuning::Baseline => attestation_artefact::compile_for_linux_baseline(component, call_stack_bytes),
            Tuning::Interpreter => attestation_artefact::compile_for_pulley(component, call_stack_bytes),
        };
        let artefact = artefact.map_err(|error| RuntimeError::Component { reason: error.to_string() })?;
        let mut config = Machine::hosted(linear_memory_bytes, call_stack_bytes).into_config();
        if tuning == Tuning::Interpreter {
            config.target("pulley64").map_err(RuntimeError::settings)?;
        }
        let engine = Engine::new(&config).map_err(RuntimeError::settings)?;
        // SAFETY: the bytes come from the compiler; the engine checks the processor's features itself on this system.
        let component = unsafe { Component::deserialize(&engine, &artefact) };
        Self::from_component(engine, component)
    }
}
