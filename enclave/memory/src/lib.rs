//! The guest's heap, and memory for the engine: code, stacks and linear memories.
//!
//! An unsafe house: it hands out raw memory and changes what pages allow. What other crates rely on:
//! * the heap only ever holds private memory that [`Heap::set_region`]'s caller vouches for;
//! * no byte of an artefact runs whose hash is not the manifest's;
//! * code is never writable again once it is executable, and every engine stack ends in an unmapped page;
//! * nothing that a run wrote to its stack or its memories is found by a later one.
#![no_std]
#![expect(unsafe_code, reason = "an allocator hands out raw memory; page permissions have no safe form")]

extern crate alloc;

mod heap;

#[cfg(target_os = "none")]
mod artefact;
#[cfg(target_os = "none")]
mod linear;
#[cfg(target_os = "none")]
mod machine;
#[cfg(target_os = "none")]
mod private;

#[cfg(target_os = "none")]
pub use artefact::{ArtefactBuffer, ArtefactError};
pub use heap::{Heap, HeapUse};
#[cfg(target_os = "none")]
pub use private::{PrivateMemoryError, grow_heap};
