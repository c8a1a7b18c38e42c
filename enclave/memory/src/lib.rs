//! The guest's heap, and memory for the engine: code, stacks, linear memories.
//!
//! An unsafe house: it hands out raw memory. What other crates rely on: the heap only ever holds private memory that
//! [`Heap::add_region`]'s caller vouches for.
#![no_std]
#![expect(unsafe_code, reason = "an allocator hands out raw memory")]

extern crate alloc;

mod heap;

pub use heap::{Heap, HeapUse};
