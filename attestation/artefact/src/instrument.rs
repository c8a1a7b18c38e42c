//! Gives a component a deterministic limit of its calls, before it is compiled.
//!
//! Each core instance of a component shares one counter, a global of a small core module that is added to it: the
//! bytes of accounted stack that are left. Functions that call others take their part at entry and give it back at
//! each exit; one that finds too little calls a function named [`CALL_DEPTH_FUNCTION`](crate::CALL_DEPTH_FUNCTION),
//! which traps. How much a function takes is computed from its WebAssembly alone
//! ([`frame_bytes`](body::frame_bytes)), so that every compiler and interpreter ends the same run at the same call.
//!
//! What is not accounted for:
//! * Functions without calls, and such that end in tail calls only: one of them is on the stack at a time.
//! * The engine's own frames: adapters between components (each is there once, because no call enters a component
//!   that is already on the stack), and the way into the host. Where the latter can repeat, in destructors of
//!   resources, the function that leads there takes more.
//! * A trap: it ends the whole instance, and its counter with it.
//!
//! Input is hostile: it is validated as the engine will, in the first pass, and rewritten in the second.

mod body;
mod component;
mod height;
mod module;
mod names;
mod survey;
#[cfg(test)]
mod tests;

use alloc::vec::Vec;

use crate::{CALL_STACK_MAX_BYTES, CALL_STACK_MIN_BYTES, CompileError};

pub(crate) use body::DESTRUCTOR_BYTES;

/// How deep components, and types of components, may be nested in one another. Tools make two or three levels.
const MAX_NESTING: usize = 16;

/// How many component instances with core modules may share one accounted stack, in equal parts.
const MAX_COUNTERS: u32 = 8;

/// A component with counted calls.
pub(crate) struct Instrumented {
    pub(crate) bytes: Vec<u8>,
    /// Its core modules in the order in which they stand in `bytes`.
    pub(crate) modules: Vec<ModuleFrames>,
    /// Whether one of its resources has a destructor.
    pub(crate) has_destructors: bool,
}

/// What a core module's functions may take of the native stack.
pub(crate) struct ModuleFrames {
    /// Its number in the original component; `None` for one that was added.
    pub(crate) original: Option<u32>,
    /// One for each defined function.
    pub(crate) functions: Vec<FunctionFrame>,
}

/// What a function may take of the native stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FunctionFrame {
    /// Its number in the original module, imports included.
    pub(crate) original: u32,
    /// The most that its frame may take, in native bytes.
    pub(crate) native_bytes: u64,
}

/// Rewrites a component, in binary form, so that no run of it takes more than `call_stack_bytes` of accounted stack.
///
/// The bytes depend on the arguments alone. Custom sections are left out, except for the names of functions: those
/// with offsets into code would be wrong.
///
/// # Errors
/// [`CompileError::Component`] for bytes that are not a valid component; [`CompileError::CallStack`]; and for valid
/// components whose calls cannot be counted [`CompileError::Indirect`], [`CompileError::Instances`],
/// [`CompileError::Nesting`], [`CompileError::Reserved`] and [`CompileError::DestructorTailCall`].
pub fn instrument(component: &[u8], call_stack_bytes: u32) -> Result<Vec<u8>, CompileError> {
    instrument_with_frames(component, call_stack_bytes).map(|instrumented| instrumented.bytes)
}

/// Whether bytes are a component that the engine takes, and not nested too deep.
pub(crate) fn validate(component: &[u8]) -> Result<(), CompileError> {
    survey::survey(component).map(drop)
}

/// [`instrument`], with what its compiled form must keep to.
pub(crate) fn instrument_with_frames(
    component: &[u8],
    call_stack_bytes: u32,
) -> Result<Instrumented, CompileError> {
    if !(CALL_STACK_MIN_BYTES..=CALL_STACK_MAX_BYTES).contains(&call_stack_bytes) {
        return Err(CompileError::CallStack { found: call_stack_bytes });
    }
    let survey = survey::survey(component)?;
    component::rewrite(component, &survey, call_stack_bytes)
}
