//! A virtio device, as far as its driver sees it outside of shared memory.

use core::cell::RefCell;
use std::rc::Rc;

use virtio_drivers::transport::{DeviceStatus, DeviceType, InterruptStatus, Transport};
use virtio_drivers::{Error, PhysAddr, Result};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::Ring;

/// More queues than any of our drivers sets up.
const QUEUES: usize = 8;
/// `VERSION_1` and `ACCESS_PLATFORM`; and of the devices, multiport and a MAC address.
const FEATURES: u64 = 0b11 << 32 | 1 << 1 | 1 << 5;
const QUEUE_SIZE: u32 = 256;

/// A device that offers what its driver wants. Clones are the same device.
#[derive(Debug, Clone)]
pub struct Device {
    kind: DeviceType,
    config: [u8; 8],
    status: DeviceStatus,
    queues: Rc<RefCell<[Option<Ring>; QUEUES]>>,
}

impl Device {
    /// A device of this type, with these bytes to configure it.
    #[must_use]
    pub fn new(kind: DeviceType, config: [u8; 8]) -> Self {
        Self { kind, config, status: DeviceStatus::empty(), queues: Rc::default() }
    }

    /// A queue that the driver has set up.
    #[must_use]
    pub fn queue(&self, index: usize) -> Option<Ring> {
        self.queues.borrow().get(index).copied().flatten()
    }
}

impl Transport for Device {
    fn device_type(&self) -> DeviceType {
        self.kind
    }

    fn read_device_features(&mut self) -> u64 {
        FEATURES
    }

    fn write_driver_features(&mut self, _driver_features: u64) {}

    fn max_queue_size(&mut self, _queue: u16) -> u32 {
        QUEUE_SIZE
    }

    fn notify(&mut self, _queue: u16) {}

    fn get_status(&self) -> DeviceStatus {
        self.status
    }

    fn set_status(&mut self, status: DeviceStatus) {
        self.status = status;
    }

    fn set_guest_page_size(&mut self, _guest_page_size: u32) {}

    fn requires_legacy_layout(&self) -> bool {
        false
    }

    fn queue_set(
        &mut self,
        queue: u16,
        size: u32,
        descriptors: PhysAddr,
        driver_area: PhysAddr,
        device_area: PhysAddr,
    ) {
        let ring = Ring::new(u16::try_from(size).unwrap_or(u16::MAX), descriptors, driver_area, device_area);
        self.queues.borrow_mut().iter_mut().skip(queue.into()).take(1).for_each(|slot| *slot = Some(ring));
    }

    fn queue_unset(&mut self, _queue: u16) {}

    fn queue_used(&mut self, _queue: u16) -> bool {
        false
    }

    fn ack_interrupt(&mut self) -> InterruptStatus {
        InterruptStatus::empty()
    }

    fn read_config_generation(&self) -> u32 {
        0
    }

    fn read_config_space<T: FromBytes + IntoBytes>(&self, offset: usize) -> Result<T> {
        let value = self.config.get(offset..).and_then(|rest| T::read_from_prefix(rest).ok());
        value.map(|(value, _)| value).ok_or(Error::ConfigSpaceTooSmall)
    }

    fn write_config_space<T: IntoBytes + Immutable>(&mut self, _offset: usize, _value: T) -> Result<()> {
        Ok(())
    }
}
