//! The virtio console: one reliable byte stream to the loader.
//!
//! Spec: virtio 1.2, section 5.3. Port 1, not the console on port 0: QEMU drops what it cannot write to a console at
//! once, and holds it back for every other port. Such a port wants to hear that it is open; what the device says about
//! ports is not listened to, since there is nothing in it that the guest needs.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use virtio_drivers::transport::pci::PciTransport;
use virtio_drivers::transport::{DeviceType, Transport};

use crate::DeviceError;
use crate::pci::PciBus;
use crate::queue::{BufferQueue, Direction, Returned};

const DEVICE: &str = "virtio-console";
/// `VIRTIO_CONSOLE_F_MULTIPORT`.
const FEATURE_MULTIPORT: u64 = 1 << 1;
const PORT: u32 = 1;
const QUEUE_CONTROL_TRANSMIT: u16 = 3;
const QUEUE_RECEIVE: u16 = 4;
const QUEUE_TRANSMIT: u16 = 5;
/// What the driver has to say, in this order: port and event, each with the value 1 for yes.
const ANNOUNCEMENTS: [(u32, u16); CONTROL_BUFFERS - 1] =
    [(0, EVENT_DEVICE_READY), (PORT, EVENT_PORT_READY), (PORT, EVENT_PORT_OPEN)];
const EVENT_DEVICE_READY: u16 = 0;
const EVENT_PORT_READY: u16 = 3;
const EVENT_PORT_OPEN: u16 = 6;
/// The next power of two.
const CONTROL_BUFFERS: usize = 4;
/// QEMU moves at most 4 KiB from a socket at a time, so larger buffers would only be bounced for nothing.
const RECEIVE_BUFFER_BYTES: usize = 4096;
const RECEIVE_BUFFERS: usize = 64;
const TRANSMIT_BUFFERS: usize = 8;
/// The largest piece that [`Console::send`] hands to the device at once.
const TRANSMIT_PIECE_BYTES: usize = 64 * 1024 + 512;

/// The stream.
#[derive(Debug)]
pub struct Console<T = PciTransport> {
    transport: T,
    receive: BufferQueue<RECEIVE_BUFFERS>,
    transmit: BufferQueue<TRANSMIT_BUFFERS>,
    /// Owns the announcements for as long as the device may read them.
    _control: BufferQueue<CONTROL_BUFFERS>,
}

impl Console {
    /// Finds and starts the device.
    ///
    /// # Errors
    /// There is none, or it breaks the rules.
    pub fn open(bus: &mut PciBus) -> Result<Self, DeviceError> {
        let transport = bus.open(DeviceType::Console)?.ok_or(DeviceError::Missing { device: DEVICE })?;
        Self::start(transport)
    }
}

impl<T: Transport> Console<T> {
    /// Starts the device behind `transport`, which is one of this type.
    ///
    /// # Errors
    /// It breaks the rules.
    pub fn start(mut transport: T) -> Result<Self, DeviceError> {
        crate::queue::negotiate(DEVICE, &mut transport, FEATURE_MULTIPORT)?;
        let mut control =
            BufferQueue::new(DEVICE, &mut transport, QUEUE_CONTROL_TRANSMIT, Direction::Transmit)?;
        let receive = BufferQueue::new(DEVICE, &mut transport, QUEUE_RECEIVE, Direction::Receive)?;
        let transmit = BufferQueue::new(DEVICE, &mut transport, QUEUE_TRANSMIT, Direction::Transmit)?;
        transport.finish_init();
        for (port, event) in ANNOUNCEMENTS {
            control.post(&mut transport, announcement(port, event))?;
        }
        let mut console = Self { transport, receive, transmit, _control: control };
        for _ in 0..RECEIVE_BUFFERS {
            console.receive.post(&mut console.transport, vec![0; RECEIVE_BUFFER_BYTES].into_boxed_slice())?;
        }
        Ok(console)
    }

    /// Passes the received bytes on, piece by piece, and gives the buffers back to the device: as many as there are, once
    /// each, so that a device which fills them as fast as they come back does not keep us here. Returns how many bytes there
    /// were.
    ///
    /// # Errors
    /// The device broke a rule.
    pub fn receive(&mut self, mut consume: impl FnMut(&[u8])) -> Result<usize, DeviceError> {
        let mut total = 0;
        for _ in 0..RECEIVE_BUFFERS {
            let Some(Returned { buffer, written_bytes }) = self.receive.take()? else { break };
            consume(buffer.get(..written_bytes).unwrap_or_default());
            total += written_bytes;
            self.receive.post(&mut self.transport, buffer)?;
        }
        Ok(total)
    }

    /// Whether [`Self::send`] would take a piece now.
    ///
    /// # Errors
    /// The device broke a rule.
    pub fn can_send(&mut self) -> Result<bool, DeviceError> {
        while self.transmit.take()?.is_some() {}
        Ok(self.transmit.has_room())
    }

    /// Sends bytes, waiting for room: the loader always reads, and a host that does not only stops its own guest.
    ///
    /// # Errors
    /// The device broke a rule.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), DeviceError> {
        for piece in bytes.chunks(TRANSMIT_PIECE_BYTES) {
            self.send_piece(piece.to_vec())?;
        }
        Ok(())
    }

    fn send_piece(&mut self, piece: Vec<u8>) -> Result<(), DeviceError> {
        while !self.can_send()? {
            core::hint::spin_loop();
        }
        let piece: Box<[u8]> = piece.into_boxed_slice();
        self.transmit.post(&mut self.transport, piece)
    }

    /// Waits until the device has taken everything: before the guest ends.
    ///
    /// # Errors
    /// The device broke a rule.
    pub fn flush(&mut self) -> Result<(), DeviceError> {
        while !self.transmit.is_idle() {
            self.can_send()?;
            core::hint::spin_loop();
        }
        Ok(())
    }
}

/// `struct virtio_console_control`: port, event, value.
fn announcement(port: u32, event: u16) -> Box<[u8]> {
    let value: u16 = 1;
    [&port.to_le_bytes()[..], &event.to_le_bytes(), &value.to_le_bytes()].concat().into_boxed_slice()
}
