//! WASI 0.2 host for one component, with limits.
#![cfg_attr(not(test), no_std)]
use wasmtime_wasi_io as _; use wasmtime as _; use attestation_artefact as _;
