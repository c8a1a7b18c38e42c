//! Public tests of WASI, run by our runtime, each once more from its transcript, and what came of them as tables: the suite
//! `WebAssembly/wasi-testsuite`, and wasmtime's own test programs. Nothing of either is part of the project: whoever has
//! them names their folders.
//!
//! The suite's tests are core modules of WASI preview 1 and components of WASI 0.3. The former become components of WASI 0.2 by the
//! adapter that compilers use for old programs, so that each of their calls arrives at an interface that the guest offers.
//!
//! Panics: never; a folder that is no suite is an error.

#![forbid(unsafe_code)]

mod component;
mod host;
mod known;
mod programs;
mod run;
mod specification;
mod suite;
mod table;

pub use known::Why;
pub use suite::{Suite, Verdict};
pub use table::table;
