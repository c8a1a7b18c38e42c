//! Everything that a run learnt from outside: append-only, hash-chained, Merkle-rooted.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;
