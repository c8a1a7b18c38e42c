//! The log's serial port (16550 at COM1), write only, polled.

use core::fmt;

use enclave_wire::boot::SERIAL_PORT;

use crate::port;

/// Line status register, relative to the port.
const LINE_STATUS: u16 = 5;
/// Transmit holding register empty.
const TRANSMIT_EMPTY: u8 = 1 << 5;
/// A port that never becomes ready must not hang the guest: the log is a service, not a dependency.
const READY_POLLS: u32 = 100_000;

/// The serial port as a text sink. Writes never fail; a dead port loses text.
#[derive(Debug, Clone, Copy, Default)]
pub struct Serial;

impl fmt::Write for Serial {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if byte == b'\n' {
                write_byte(b'\r');
            }
            write_byte(byte);
        }
        Ok(())
    }
}

fn write_byte(byte: u8) {
    let ready = (0..READY_POLLS).any(|_| port::read_u8(SERIAL_PORT + LINE_STATUS) & TRANSMIT_EMPTY != 0);
    if ready {
        port::write_u8(SERIAL_PORT, byte);
    }
}
