//! What bounds the calls of a component: stack that is accounted for, and the native stack that is there for it.
//!
//! Native frames differ between compilers, processors and the interpreter, so the place where a native stack ends
//! says nothing that another machine could confirm. Components are therefore compiled with a counter of *accounted*
//! bytes (`instrument`, with the compiler), which ends a run at the same call wherever it is run. What is here keeps
//! the native stack out of the way: it is large enough for whatever the counter lets through.

/// Accounted stack of a component whose manifest says nothing else, in bytes.
pub const CALL_STACK_DEFAULT_BYTES: u32 = 512 * 1024;

/// The least that can be asked for, in bytes.
pub const CALL_STACK_MIN_BYTES: u32 = 16 * 1024;

/// The most that can be asked for, in bytes: the stack of a C program on Linux.
pub const CALL_STACK_MAX_BYTES: u32 = 8 * 1024 * 1024;

/// Name of the function that a component calls when it has used up its call stack. It traps; whoever sees it
/// innermost in a backtrace knows why. No function of the component's own has this name in an artefact.
pub const CALL_DEPTH_FUNCTION: &str = "redoubt:call-depth-exceeded";

/// Native bytes that one accounted byte may stand for. The compiled frames are compared with it one by one.
pub(crate) const NATIVE_FACTOR: u32 = 2;

/// Native bytes of one frame that is not accounted for, or not yet: a leaf, or a function that is about to find no
/// room.
pub(crate) const TRANSIENT_FRAME_BYTES: u32 = 16 * 1024;

/// Native bytes of all adapters between components. A call enters each component once, so each adapter is there once.
pub(crate) const ADAPTER_BYTES: u32 = 64 * 1024;

/// Native bytes of all the ways into the engine's own functions, where one of them can call the next.
pub(crate) const TRAMPOLINE_BYTES: u32 = 32 * 1024;

/// What remains for the way in from the host, and for the engine's error in rounding.
const ENTRY_BYTES: u32 = 16 * 1024;

/// Stack of host functions, and of the way from the executor into the component, in bytes.
const HOST_STACK_BYTES: usize = 256 * 1024;

/// Native stack of compiled code that was compiled for `call_stack_bytes` of accounted stack, in bytes. The engine's
/// own check of it does not fail; should it, that says nothing about the component.
#[must_use]
pub const fn max_wasm_stack_bytes(call_stack_bytes: u32) -> usize {
    let unaccounted = TRANSIENT_FRAME_BYTES + ADAPTER_BYTES + TRAMPOLINE_BYTES + ENTRY_BYTES;
    let accounted = call_stack_bytes as usize * NATIVE_FACTOR as usize;
    accounted + unaccounted as usize
}

/// Stack of one running component, in bytes: compiled code, and on top of it the host functions that it calls.
#[must_use]
pub const fn async_stack_bytes(call_stack_bytes: u32) -> usize {
    max_wasm_stack_bytes(call_stack_bytes) + HOST_STACK_BYTES
}
