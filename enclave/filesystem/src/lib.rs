//! A file system in memory, with the semantics of wasi:filesystem.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;
