//! Instructions, paging, exceptions: the processor, behind safe functions.
//!
//! An unsafe house: everything here touches the machine. What other crates rely on:
//! * exceptions never return; each prints its registers and ends the guest;
//! * after `paging::install` no page is both writable and executable, and address 0 is not mapped;
//! * one processor, interrupts never enabled.
//!
//! Specs: Intel SDM volume 3 (October 2025) and AMD APM volume 2 rev 3.43, cited where a number comes from them.
#![no_std]
#![expect(unsafe_code, reason = "instructions, page tables and descriptor tables have no safe form")]

pub mod cpu;
pub mod entropy;
pub mod exceptions;
pub mod paging;
pub mod port;
pub mod serial;
pub mod tsc;
#[cfg(target_os = "none")]
pub mod wipe;
