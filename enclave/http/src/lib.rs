//! HTTP/1.1 without input and output: heads, bodies, limits.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;
