//! Launches and drives one guest under QEMU.
#![forbid(unsafe_code)]

pub mod end;
pub mod error;
pub mod session;
pub mod text;
