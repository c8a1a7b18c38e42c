//! The engine's tuning and the reproducible step from component to native artefact.
#![cfg_attr(not(any(test, feature = "compiler")), no_std)]
use wasmtime as _;
