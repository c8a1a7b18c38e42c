//! The virtio network device as smoltcp wants it.
//!
//! Spec: virtio 1.2, section 5.1; no offloads, one queue pair.

use alloc::boxed::Box;
use alloc::vec;

use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;
use virtio_drivers::transport::Transport;

use crate::DeviceError;
use crate::queue::{self, BufferQueue, Direction, Returned};

const DEVICE: &str = "virtio-net";
const QUEUE_RECEIVE: u16 = 0;
const QUEUE_TRANSMIT: u16 = 1;
const FEATURE_MAC: u64 = 1 << 5;
/// `virtio_net_hdr` with `num_buffers`, as VERSION_1 devices always have it. All zeros: no offloads.
const HEADER_BYTES: usize = 12;
/// Ethernet header and payload.
const FRAME_BYTES: usize = 1514;
const BUFFER_BYTES: usize = 2048;
const RECEIVE_BUFFERS: usize = 64;
const TRANSMIT_BUFFERS: usize = 32;

/// What the device's queues hold.
pub(super) const DEVICE_BYTES: usize = (RECEIVE_BUFFERS + TRANSMIT_BUFFERS) * BUFFER_BYTES;

const _: () = assert!(HEADER_BYTES + FRAME_BYTES <= BUFFER_BYTES, "a frame and its header must fit a buffer");

/// The device and its queues.
pub(super) struct NetDevice<T> {
    transport: T,
    receive: BufferQueue<RECEIVE_BUFFERS>,
    transmit: BufferQueue<TRANSMIT_BUFFERS>,
    mac: [u8; 6],
    /// smoltcp's tokens cannot fail, so the first fault waits here.
    fault: Option<DeviceError>,
}

impl<T: Transport> NetDevice<T> {
    pub(super) fn start(mut transport: T) -> Result<Self, DeviceError> {
        queue::negotiate(DEVICE, &mut transport, FEATURE_MAC)?;
        let mac = transport
            .read_config_space::<[u8; 6]>(0)
            .map_err(|cause| DeviceError::Queue { device: DEVICE, cause })?;
        let receive = BufferQueue::new(DEVICE, &mut transport, QUEUE_RECEIVE, Direction::Receive)?;
        let transmit = BufferQueue::new(DEVICE, &mut transport, QUEUE_TRANSMIT, Direction::Transmit)?;
        transport.finish_init();
        let mut device = Self { transport, receive, transmit, mac, fault: None };
        for _ in 0..RECEIVE_BUFFERS {
            device.receive.post(&mut device.transport, vec![0; BUFFER_BYTES].into_boxed_slice())?;
        }
        Ok(device)
    }

    pub(super) const fn mac(&self) -> [u8; 6] {
        self.mac
    }

    /// The first rule that the device broke.
    pub(super) fn fault(&self) -> Result<(), DeviceError> {
        self.fault.clone().map_or(Ok(()), Err)
    }

    fn note<V>(&mut self, result: Result<V, DeviceError>) -> Option<V> {
        match result {
            Ok(value) => Some(value),
            Err(fault) => {
                self.fault.get_or_insert(fault);
                None
            }
        }
    }

    fn has_transmit_room(&mut self) -> bool {
        loop {
            let taken = self.transmit.take();
            match self.note(taken) {
                Some(Some(_)) => {}
                Some(None) => return self.transmit.has_room(),
                None => return false,
            }
        }
    }

    fn send(&mut self, packet: Box<[u8]>) {
        let posted = self.transmit.post(&mut self.transport, packet);
        self.note(posted);
    }

    fn recycle(&mut self, buffer: Box<[u8]>) {
        let posted = self.receive.post(&mut self.transport, buffer);
        self.note(posted);
    }
}

impl<T: Transport> Device for NetDevice<T> {
    type RxToken<'a>
        = Received
    where
        T: 'a;
    type TxToken<'a>
        = Transmit<'a, T>
    where
        T: 'a;

    fn receive(&mut self, _now: Instant) -> Option<(Received, Transmit<'_, T>)> {
        if !self.has_transmit_room() {
            return None;
        }
        let taken = self.receive.take();
        let Returned { buffer, written_bytes } = self.note(taken)??;
        // Copied out, so that the buffer can go back at once.
        let packet = buffer.get(HEADER_BYTES..written_bytes).unwrap_or_default().into();
        self.recycle(buffer);
        Some((Received(packet), Transmit(self)))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Transmit<'_, T>> {
        self.has_transmit_room().then_some(Transmit(self))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME_BYTES;
        capabilities
    }
}

/// A received packet.
pub(super) struct Received(Box<[u8]>);

impl RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

/// Room for a packet to send.
pub(super) struct Transmit<'a, T>(&'a mut NetDevice<T>);

impl<T: Transport> TxToken for Transmit<'_, T> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, bytes: usize, write: F) -> R {
        let mut packet = vec![0; HEADER_BYTES + bytes].into_boxed_slice();
        let result = write(packet.get_mut(HEADER_BYTES..).unwrap_or_default());
        self.0.send(packet);
        result
    }
}
