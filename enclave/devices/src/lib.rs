//! Host-shared memory, fw_cfg, PCI, virtio console and network.
//!
//! An unsafe house, because it touches memory that the host may change at any moment. What other crates rely on:
//! * no reference into shared memory ever exists: bytes are copied in or out, once, and then parsed;
//! * every length that a device reports is capped at the buffer it was given, every token is checked against what was
//!   posted;
//! * a device that breaks the rules yields a [`DeviceError`], or where `virtio-drivers` leaves no room for one (registers
//!   that move after they were placed, a notification offset outside of its region) a panic: either ends the guest.
#![cfg_attr(not(test), no_std)]
#![expect(unsafe_code, reason = "memory shared with the host has no safe form")]
#![warn(clippy::indexing_slicing)]

extern crate alloc;

pub mod console;
mod error;
pub mod fw_cfg;
mod hal;
pub mod net;
pub mod pci;
mod queue;
pub mod shared;

pub use error::DeviceError;
