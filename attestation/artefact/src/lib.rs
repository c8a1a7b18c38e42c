//! The engine's tuning and the reproducible step from component to native artefact.
//!
//! Native code runs inside the guest's trust boundary, so the hash of an artefact alone says nothing about the
//! component it came from. Whoever holds the component compiles it again with `compile` and compares the bytes: same
//! component, same [`ENGINE`], same bytes, on any machine. The guest loads artefacts with [`base_config`] and holds
//! no compiler. Panics: never on input.
#![cfg_attr(not(any(test, feature = "compiler")), no_std)]
#![cfg_attr(not(feature = "compiler"), forbid(unsafe_code))]
#![cfg_attr(
    feature = "compiler",
    expect(unsafe_code, reason = "the engine marks the choice of instruction set extensions as unsafe")
)]

extern crate alloc;

mod call_depth;
#[cfg(feature = "compiler")]
mod compile;
mod config;
mod cpu;
#[cfg(feature = "compiler")]
mod error;
#[cfg(feature = "compiler")]
mod frames;
#[cfg(feature = "compiler")]
mod instrument;
#[cfg(feature = "compiler")]
mod outline;
#[cfg(feature = "compiler")]
mod positions;
#[cfg(feature = "compiler")]
mod sections;

pub use call_depth::{
    CALL_DEPTH_FUNCTION, CALL_STACK_DEFAULT_BYTES, CALL_STACK_MAX_BYTES, CALL_STACK_MIN_BYTES,
    async_stack_bytes, max_wasm_stack_bytes,
};
#[cfg(feature = "compiler")]
pub use compile::{compile, compile_for_linux, compile_for_linux_baseline, compile_for_pulley};
pub use config::base_config;
pub use cpu::{CpuFeature, CpuidRegister, REQUIRED_CPU_FEATURES, is_required_feature};
#[cfg(feature = "compiler")]
pub use error::CompileError;
#[cfg(feature = "compiler")]
pub use instrument::instrument;
#[cfg(feature = "compiler")]
pub use outline::outline;
#[cfg(feature = "compiler")]
pub use positions::{Position, Positions};

/// Names the compiler and its tuning, for the manifest and the reference values.
///
/// Two artefacts are comparable only if this text is the same. The last number rises whenever a flag in this crate
/// changes the generated code; the test `artefact_bytes_are_pinned` notices when that was forgotten.
pub const ENGINE: &str = "wasmtime 48.0.8 cranelift x86_64-unknown-none redoubt-tuning 2";
