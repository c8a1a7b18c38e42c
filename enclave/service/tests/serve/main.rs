//! A whole guest above the devices, against a scripted loader: truthful, slow and lying.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]
#![expect(
    unsafe_code,
    reason = "loading native code has no safe form, and neither has an allocator that counts"
)]
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what cannot be set up fails the test"
)]

mod callers;
mod components;
mod datagrams;
mod files;
mod jobs;
mod kept;
mod loader;
mod memory;
mod private;
mod protocol;
mod requests;
#[path = "../../../runtime/tests/vault/script.rs"]
#[expect(dead_code, reason = "the runtime's tests make more calls than these")]
mod script;
mod sealed;
mod sessions;
mod street;
