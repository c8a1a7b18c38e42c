//! Whole jobs: component in, report out. Components are written in the text format, so no toolchain is needed; they run
//! as native code, compiled as for the guest.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]
#![expect(unsafe_code, reason = "loading native code has no safe form")]
#![expect(clippy::expect_used, clippy::panic, reason = "what cannot be set up fails the test")]

mod conformance;
mod harness;
mod interfaces;
mod limits;
mod machine;
mod outcomes;
mod replays;
mod sockets;
