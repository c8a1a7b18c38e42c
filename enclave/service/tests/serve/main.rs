//! A whole guest above the devices, against a scripted loader: truthful, slow and lying.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]
#![expect(unsafe_code, reason = "loading native code has no safe form")]
#![expect(clippy::expect_used, clippy::panic, reason = "what cannot be set up fails the test")]

mod components;
mod jobs;
mod loader;
mod protocol;
