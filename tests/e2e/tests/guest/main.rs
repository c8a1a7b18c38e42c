//! The shipping ROM under QEMU: whole runs, every mismatch, every limit, and hosts and artefacts that attack.
//!
//! Each test launches guests of its own with the loader's library; a host that lies is the same loader with one
//! override. A guest never outlives its test. Without a ROM or QEMU a test prints `skipped: …` and passes, unless
//! `REDOUBT_REQUIRE` forbids that.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]
#![expect(
    unsafe_code,
    reason = "the machine code of hostile artefacts is assembled into this program and read as bytes"
)]
#![expect(clippy::expect_used, clippy::panic, reason = "what cannot be set up fails the test")]

mod boots_anywhere;
mod conformance;
mod connect;
mod crowds;
mod examples;
mod harness;
mod hostile_artefact;
mod hostile_loader;
mod hostile_psp;
mod kept;
mod limits;
mod mismatches;
mod network;
mod outgoing;
mod private;
mod programs;
mod random_components;
mod replay;
#[path = "../../../../enclave/runtime/tests/vault/script.rs"]
#[expect(dead_code, reason = "the runtime's tests make more calls than these")]
mod script;
mod services;
mod side_by_side;
mod state;
mod tls;
mod whole_path;
mod wiping;
