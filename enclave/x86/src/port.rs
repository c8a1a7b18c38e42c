//! Port input and output.
//!
//! Only legacy devices whose registers have no side effects on memory are reached this way: the serial port, fw_cfg,
//! PCI configuration, the interval timer and the debug exit. A device that writes to memory does so only through
//! addresses that `enclave-devices` gives it, all of them in the shared pool.

use core::arch::asm;
use core::fmt::Debug;

/// How port accesses reach the machine: the instruction itself, or a hypercall where the instruction would trap into
/// a handler that we refuse to have (SNP, TDX).
pub trait PortIo: Debug + Sync {
    /// Writes one byte.
    fn write_u8(&self, port: u16, value: u8);
    /// Writes four bytes; everything written to memory before is visible to the device.
    fn write_u32(&self, port: u16, value: u32);
    /// Writes two bytes.
    fn write_u16(&self, port: u16, value: u16);
    /// Reads one byte.
    fn read_u8(&self, port: u16) -> u8;
    /// Reads four bytes.
    fn read_u32(&self, port: u16) -> u32;
}

/// The instructions themselves: no TEE.
#[derive(Debug, Clone, Copy, Default)]
pub struct DirectPorts;

impl PortIo for DirectPorts {
    fn write_u8(&self, port: u16, value: u8) {
        write_u8(port, value);
    }

    fn write_u32(&self, port: u16, value: u32) {
        write_u32(port, value);
    }

    fn write_u16(&self, port: u16, value: u16) {
        write_u16(port, value);
    }

    fn read_u8(&self, port: u16) -> u8 {
        read_u8(port)
    }

    fn read_u32(&self, port: u16) -> u32 {
        read_u32(port)
    }
}

/// Writes one byte.
pub fn write_u8(port: u16, value: u8) {
    // SAFETY: port writes do not touch memory that Rust knows of (see the module's header).
    unsafe { asm!("out dx, al", in("dx") port, in("al") value, options(nomem, nostack, preserves_flags)) }
}

/// Writes two bytes.
pub fn write_u16(port: u16, value: u16) {
    // SAFETY: as in `write_u8`.
    unsafe { asm!("out dx, ax", in("dx") port, in("ax") value, options(nomem, nostack, preserves_flags)) }
}

/// Writes four bytes. Orders memory before it: fw_cfg and others start work on a port write.
pub fn write_u32(port: u16, value: u32) {
    // SAFETY: as in `write_u8`; without `nomem` the compiler keeps earlier writes to shared memory before this one.
    unsafe { asm!("out dx, eax", in("dx") port, in("eax") value, options(nostack, preserves_flags)) }
}

/// Reads one byte.
#[must_use]
pub fn read_u8(port: u16) -> u8 {
    let value;
    // SAFETY: as in `write_u8`.
    unsafe { asm!("in al, dx", in("dx") port, out("al") value, options(nomem, nostack, preserves_flags)) }
    value
}

/// Reads four bytes.
#[must_use]
pub fn read_u32(port: u16) -> u32 {
    let value;
    // SAFETY: as in `write_u8`.
    unsafe { asm!("in eax, dx", in("dx") port, out("eax") value, options(nomem, nostack, preserves_flags)) }
    value
}
