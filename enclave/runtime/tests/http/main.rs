//! `wasi:http` as components see it. Components are written in the text format; they run as native code, and their
//! transcripts are replayed natively and in the interpreter.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]
#![expect(clippy::expect_used, reason = "what cannot be set up fails the test")]

mod bodies;
mod fields;
mod harness;
mod limits;
mod outgoing;
mod replay;
mod service;
