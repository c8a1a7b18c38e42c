//! Sealed blobs: versioned, bound to a purpose and a counter.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;
