//! Random components outside of the guest: recorded on made-up surroundings, and run once more from their claims.
//!
//! What is recorded by native code is recorded by the interpreter as well, on the same surroundings, and has to be the
//! same to the last byte of the transcript; then the signed claim is replayed as `redoubt replay` does it. The guest's
//! side of this is in `tests/e2e`.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]
#![expect(clippy::expect_used, reason = "what cannot be set up fails the test")]

mod claims;
mod faults;
mod property;
mod proposals;
mod surroundings;
