//! The engine's thread-local slot without an operating system: one processor, no interrupts, so one cell.
//!
//! A host build without the feature `std` only links with it. It cannot run jobs on several threads, and cannot run them at
//! all without the code memory of a [`Machine`](crate::Machine).

use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

/// Slot 0. The engine asks for slot 1 only with asynchronous components, which this build leaves out.
static SLOT: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());

// SAFETY: no other crate of the guest defines this name; the engine declares it with this signature.
#[unsafe(no_mangle)]
extern "C" fn wasmtime_tls_get(_slot: usize) -> *mut u8 {
    SLOT.load(Ordering::Relaxed)
}

// SAFETY: no other crate of the guest defines this name; the engine declares it with this signature.
#[unsafe(no_mangle)]
extern "C" fn wasmtime_tls_set(_slot: usize, value: *mut u8) {
    SLOT.store(value, Ordering::Relaxed);
}
