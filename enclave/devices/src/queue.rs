//! A virtqueue that owns its buffers and believes nothing that the device says about them.

use alloc::boxed::Box;

use virtio_drivers::queue::VirtQueue;
use virtio_drivers::transport::{DeviceStatus, Transport};

use crate::DeviceError;
use crate::hal::PoolHal;

/// One direction of a device: buffers go out with [`BufferQueue::post`] and come back from [`BufferQueue::take`].
///
/// `SIZE` times the buffers' length is what the queue may take from the shared pool.
pub(crate) struct BufferQueue<const SIZE: usize> {
    device: &'static str,
    index: u16,
    ring: VirtQueue<PoolHal, SIZE>,
    /// What the device has, by token.
    posted: [Option<Box<[u8]>>; SIZE],
    is_receive: bool,
}

/// A buffer that came back.
#[derive(Debug)]
pub(crate) struct Returned {
    /// The buffer.
    pub(crate) buffer: Box<[u8]>,
    /// How much the device says it wrote, capped at the buffer's length.
    pub(crate) written_bytes: usize,
}

/// Which way a queue's buffers travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// The device writes them.
    Receive,
    /// The device reads them.
    Transmit,
}

impl<const SIZE: usize> BufferQueue<SIZE> {
    /// Sets up queue `index` of a device.
    ///
    /// # Errors
    /// The device does not offer a queue of this size, or the pool is used up.
    pub(crate) fn new<T: Transport>(
        device: &'static str,
        transport: &mut T,
        index: u16,
        direction: Direction,
    ) -> Result<Self, DeviceError> {
        let ring = VirtQueue::new(transport, index, false, false)
            .map_err(|cause| DeviceError::Queue { device, cause })?;
        Ok(Self {
            device,
            index,
            ring,
            posted: [const { None }; SIZE],
            is_receive: direction == Direction::Receive,
        })
    }

    /// Hands a buffer to the device and tells it.
    ///
    /// # Errors
    /// The queue is full; check [`Self::has_room`] first.
    pub(crate) fn post<T: Transport>(
        &mut self,
        transport: &mut T,
        mut buffer: Box<[u8]>,
    ) -> Result<(), DeviceError> {
        let token = if self.is_receive {
            // SAFETY: the buffer is kept in `posted` untouched until `take` pops its token.
            unsafe { self.ring.add(&[], &mut [&mut buffer]) }
        } else {
            // SAFETY: likewise.
            unsafe { self.ring.add(&[&buffer], &mut []) }
        };
        let token = token.map_err(|cause| DeviceError::Queue { device: self.device, cause })?;
        if let Some(slot) = self.posted.get_mut(usize::from(token)) {
            *slot = Some(buffer);
        }
        if self.ring.should_notify() {
            transport.notify(self.index);
        }
        Ok(())
    }

    /// Whether another buffer can be posted.
    pub(crate) fn has_room(&self) -> bool {
        self.ring.available_desc() > 0
    }

    /// Whether the device has no buffer left.
    pub(crate) fn is_idle(&self) -> bool {
        self.posted.iter().all(Option::is_none)
    }

    /// The next buffer that the device is done with.
    ///
    /// # Errors
    /// The device returned a buffer that it does not have.
    pub(crate) fn take(&mut self) -> Result<Option<Returned>, DeviceError> {
        let Some(token) = self.ring.peek_used() else { return Ok(None) };
        let foreign = DeviceError::ForeignBuffer { device: self.device, token };
        let mut buffer = self.posted.get_mut(usize::from(token)).and_then(Option::take).ok_or(foreign)?;
        // Should the device change the token between the two reads, the ring refuses with `WrongToken`, and the error
        // ends the guest.
        let reported = if self.is_receive {
            // SAFETY: this is the buffer that was added under this token.
            unsafe { self.ring.pop_used(token, &[], &mut [&mut buffer]) }
        } else {
            // SAFETY: likewise.
            unsafe { self.ring.pop_used(token, &[&buffer], &mut []) }
        };
        let reported = reported.map_err(|cause| DeviceError::Queue { device: self.device, cause })?;
        let written = usize::try_from(reported).unwrap_or(usize::MAX).min(buffer.len());
        Ok(Some(Returned { buffer, written_bytes: written }))
    }
}

impl<const SIZE: usize> core::fmt::Debug for BufferQueue<SIZE> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("BufferQueue")
            .field("device", &self.device)
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}

/// Bits of the virtio specification, section 6.
const VERSION_1: u64 = 1 << 32;
const ACCESS_PLATFORM: u64 = 1 << 33;

/// Resets a device and agrees on features: `wanted` of its own, and the two that every confidential guest needs.
///
/// # Errors
/// The device withholds `VERSION_1`, a wanted feature, or takes its acceptance back.
pub(crate) fn negotiate<T: Transport>(
    device: &'static str,
    transport: &mut T,
    wanted: u64,
) -> Result<(), DeviceError> {
    transport.set_status(DeviceStatus::empty());
    transport.set_status(DeviceStatus::ACKNOWLEDGE | DeviceStatus::DRIVER);
    let offered = transport.read_device_features();
    if offered & VERSION_1 == 0 {
        return Err(DeviceError::FeatureMissing { device, feature: "VERSION_1" });
    }
    if offered & wanted != wanted {
        return Err(DeviceError::FeatureBits { device, expected: wanted, found: offered });
    }
    transport.write_driver_features(VERSION_1 | (offered & ACCESS_PLATFORM) | wanted);
    let accepted = DeviceStatus::ACKNOWLEDGE | DeviceStatus::DRIVER | DeviceStatus::FEATURES_OK;
    transport.set_status(accepted);
    if !transport.get_status().contains(DeviceStatus::FEATURES_OK) {
        return Err(DeviceError::FeatureMissing { device, feature: "FEATURES_OK" });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
