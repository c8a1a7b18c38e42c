//! The key-value store and what a confidential guest offers: components in, words and transcripts out.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]
#![expect(clippy::expect_used, clippy::panic, reason = "what cannot be set up fails the test")]

mod forged;
mod guest;
mod harness;
mod script;
mod store;
