//! The contract between the guest and whoever launches it: memory map, frames, PSP messages, boot configuration.
//!
//! Types, constants and their codecs; no input or output, no unsafe. Both sides treat what they decode here as
//! hostile: decoding never panics and never allocates what a length field says.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;

// Under `ring`: see the root Cargo.toml.
#[cfg(target_os = "none")]
use getrandom02 as _;

pub mod boot;
pub mod control;
pub mod frame;
pub mod layout;
pub mod network;
pub mod psp;
