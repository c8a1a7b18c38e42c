//! Why a component has no artefact.

use alloc::string::String;

use crate::{CALL_STACK_MAX_BYTES, CALL_STACK_MIN_BYTES};

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
    /// An accounted stack out of bounds. The caller is guilty.
    #[error("call stack: expected {CALL_STACK_MIN_BYTES} to {CALL_STACK_MAX_BYTES} bytes, found {found}")]
    CallStack {
        /// What was asked for, in bytes.
        found: u32,
    },
    /// A core module or component as a value. What is instantiated from it could not be given a counter of calls.
    #[error("component: {sort} that is {how}: expected only such as are instantiated where they are defined")]
    Indirect {
        /// What it is.
        sort: &'static str,
        /// What happens to it.
        how: &'static str,
    },
    /// Too many component instances that share one accounted stack.
    #[error("component: {found} instances of components with core modules, expected at most {most}")]
    Instances {
        /// How many there are.
        found: u32,
        /// How many may share it.
        most: u32,
    },
    /// Components inside one another, or types of components inside one another, too deep.
    #[error("component: components or their types are nested more than {most} deep")]
    Nesting {
        /// The bound.
        most: usize,
    },
    /// An instantiation argument with the name that the counter of calls has.
    #[error("component: the instantiation argument `{name}` has a reserved name")]
    Reserved {
        /// The name.
        name: String,
    },
    /// A tail call that may reach a resource's destructor, which may make the next: the engine's own frames between
    /// them are not accounted for.
    #[error(
        "component: a tail call of type [i32] -> [] may reach a destructor of its resources, expected a call"
    )]
    DestructorTailCall,
    /// Multiplication and addition in one, for processors without an instruction for it. What the engine calls in its
    /// place leaves NaNs as the machine makes them, and so computes something else.
    #[error(
        "component: its fused multiplications (relaxed SIMD) have no native code for processors without FMA that computes \
         the same: use the guest's processors or the interpreter"
    )]
    Fused,
    /// A function whose compiled frame is larger than what is accounted for it.
    #[error(
        "component: function {function} of core module {module} has a native frame of {found} bytes, expected at most \
         {most}; it keeps too many values at once: split it"
    )]
    Frame {
        /// Number of the core module, in the order in which they stand in the component.
        module: u32,
        /// Number of the function in its module, imports included.
        function: u32,
        /// Size of the frame, in bytes.
        found: u64,
        /// What is accounted for it, as native bytes.
        most: u64,
    },
    /// The engine's own frames between components, or between a component and its host, are larger than their part of
    /// the stack.
    #[error(
        "component: {what} have native frames of {found} bytes, expected at most {most}; it has too many or too large interfaces"
    )]
    GlueFrames {
        /// Which.
        what: &'static str,
        /// Sizes of the frames, in bytes.
        found: u64,
        /// Their part.
        most: u64,
    },
}

impl From<wasmparser::Error> for CompileError {
    fn from(error: wasmparser::Error) -> Self {
        Self::component(error)
    }
}

impl From<wasm_encoder::reencode::Error> for CompileError {
    fn from(error: wasm_encoder::reencode::Error) -> Self {
        Self::component(error)
    }
}

impl CompileError {
    pub(crate) fn component(reason: impl core::fmt::Display) -> Self {
        Self::Component { reason: alloc::format!("{reason:#}") }
    }

    pub(crate) fn settings(reason: impl core::fmt::Display) -> Self {
        Self::Settings { reason: alloc::format!("{reason:#}") }
    }
}
