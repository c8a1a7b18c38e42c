//! A device on the other side of the rings, truthful and lying.
#![expect(clippy::cast_possible_truncation, reason = "addresses are those of this process")]

use alloc::vec;
use alloc::vec::Vec;

use virtio_drivers::transport::{DeviceType, InterruptStatus};
use virtio_drivers::{PhysAddr, Result as VirtioResult};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::*;
use crate::shared::tests::init_test_pool;

const SIZE: usize = 4;

/// What the driver told the device, and what the device says of itself.
#[derive(Debug)]
struct FakeDevice {
    features: u64,
    accepted: u64,
    status: DeviceStatus,
    takes_features: bool,
    descriptors: PhysAddr,
    driver_area: PhysAddr,
    device_area: PhysAddr,
    notified: u32,
    used_index: u16,
}

impl FakeDevice {
    fn new() -> Self {
        init_test_pool();
        Self {
            features: VERSION_1 | 1 << 5,
            accepted: 0,
            status: DeviceStatus::empty(),
            takes_features: true,
            descriptors: 0,
            driver_area: 0,
            device_area: 0,
            notified: 0,
            used_index: 0,
        }
    }

    /// Address and length of a posted descriptor, as the device reads them.
    fn descriptor(&self, id: u16) -> (PhysAddr, u32) {
        let entry = self.descriptors + 16 * u64::from(id);
        // SAFETY: the queue's memory lives as long as the queue; addresses are the test pool's.
        let address = unsafe { core::ptr::with_exposed_provenance::<u64>(entry as usize).read_volatile() };
        // SAFETY: likewise.
        let length = unsafe { core::ptr::with_exposed_provenance::<u32>(entry as usize + 8).read_volatile() };
        (address, length)
    }

    /// The `n`-th descriptor that was made available.
    fn available(&self, n: u16) -> u16 {
        let entry = self.driver_area + 4 + 2 * u64::from(n % SIZE as u16);
        // SAFETY: as in `descriptor`.
        unsafe { core::ptr::with_exposed_provenance::<u16>(entry as usize).read_volatile() }
    }

    /// Writes into a buffer whose descriptor was read before, perhaps too late.
    fn write_to((address, length): (PhysAddr, u32), bytes: &[u8]) {
        assert!(bytes.len() <= length as usize);
        for (offset, byte) in bytes.iter().enumerate() {
            // SAFETY: as in `descriptor`; the buffer has that length, and the pool is never unmapped.
            unsafe {
                core::ptr::with_exposed_provenance_mut::<u8>(address as usize + offset).write_volatile(*byte)
            }
        }
    }

    fn read_buffer(&self, id: u16) -> Vec<u8> {
        let (address, length) = self.descriptor(id);
        (0..length as usize)
            // SAFETY: as in `write_buffer`.
            .map(|offset| unsafe {
                core::ptr::with_exposed_provenance::<u8>(address as usize + offset).read_volatile()
            })
            .collect()
    }

    /// Returns a buffer, true or not.
    fn use_buffer(&mut self, id: u32, length: u32) {
        let entry = self.device_area + 4 + 8 * u64::from(self.used_index % SIZE as u16);
        // SAFETY: as in `descriptor`.
        unsafe { core::ptr::with_exposed_provenance_mut::<u32>(entry as usize).write_volatile(id) }
        // SAFETY: likewise.
        unsafe { core::ptr::with_exposed_provenance_mut::<u32>(entry as usize + 4).write_volatile(length) }
        self.set_used_index(self.used_index.wrapping_add(1));
    }

    fn set_used_index(&mut self, index: u16) {
        self.used_index = index;
        // SAFETY: as in `descriptor`.
        unsafe {
            core::ptr::with_exposed_provenance_mut::<u16>(self.device_area as usize + 2)
                .write_volatile(index);
        }
    }
}

impl Transport for FakeDevice {
    fn device_type(&self) -> DeviceType {
        DeviceType::Console
    }

    fn read_device_features(&mut self) -> u64 {
        self.features
    }

    fn write_driver_features(&mut self, driver_features: u64) {
        self.accepted = driver_features;
    }

    fn max_queue_size(&mut self, _queue: u16) -> u32 {
        256
    }

    fn notify(&mut self, _queue: u16) {
        self.notified += 1;
    }

    fn get_status(&self) -> DeviceStatus {
        if self.takes_features { self.status } else { self.status.difference(DeviceStatus::FEATURES_OK) }
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
        _queue: u16,
        _size: u32,
        descriptors: PhysAddr,
        driver_area: PhysAddr,
        device_area: PhysAddr,
    ) {
        (self.descriptors, self.driver_area, self.device_area) = (descriptors, driver_area, device_area);
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

    fn read_config_space<T: FromBytes + IntoBytes>(&self, _offset: usize) -> VirtioResult<T> {
        Err(virtio_drivers::Error::ConfigSpaceMissing)
    }

    fn write_config_space<T: IntoBytes + Immutable>(
        &mut self,
        _offset: usize,
        _value: T,
    ) -> VirtioResult<()> {
        Err(virtio_drivers::Error::ConfigSpaceMissing)
    }
}

fn receive_queue() -> (FakeDevice, BufferQueue<SIZE>) {
    let mut device = FakeDevice::new();
    let queue = BufferQueue::new("test", &mut device, 0, Direction::Receive).unwrap();
    (device, queue)
}

fn buffer(bytes: usize) -> Box<[u8]> {
    vec![0; bytes].into_boxed_slice()
}

#[test]
fn received_bytes_arrive_by_copy() {
    let (mut device, mut queue) = receive_queue();
    queue.post(&mut device, buffer(16)).unwrap();
    assert!(queue.take().unwrap().is_none());
    let id = device.available(0);
    let descriptor = device.descriptor(id);
    FakeDevice::write_to(descriptor, b"hello");
    device.use_buffer(id.into(), 5);
    let returned = queue.take().unwrap().unwrap();
    assert_eq!((&returned.buffer[..5], returned.written_bytes), (b"hello".as_slice(), 5));
    // What the device writes afterwards reaches nobody.
    FakeDevice::write_to(descriptor, b"HELLO");
    assert_eq!(&returned.buffer[..5], b"hello");
}

#[test]
fn sent_bytes_are_what_the_device_reads() {
    let mut device = FakeDevice::new();
    let mut queue: BufferQueue<SIZE> = BufferQueue::new("test", &mut device, 1, Direction::Transmit).unwrap();
    queue.post(&mut device, b"to the host".as_slice().into()).unwrap();
    assert_eq!(device.notified, 1);
    assert_eq!(device.read_buffer(device.available(0)), b"to the host");
    assert!(!queue.is_idle());
    device.use_buffer(device.available(0).into(), 0);
    assert!(queue.take().unwrap().is_some());
    assert!(queue.is_idle());
}

#[test]
fn lengths_beyond_the_buffer_are_capped() {
    let (mut device, mut queue) = receive_queue();
    queue.post(&mut device, buffer(16)).unwrap();
    let id = device.available(0);
    device.use_buffer(id.into(), u32::MAX);
    assert_eq!(queue.take().unwrap().unwrap().written_bytes, 16);
}

#[test]
fn foreign_and_repeated_buffers_are_refused() {
    let (mut device, mut queue) = receive_queue();
    queue.post(&mut device, buffer(16)).unwrap();
    let id = device.available(0);
    device.use_buffer(id.into(), 1);
    device.use_buffer(id.into(), 1);
    assert!(queue.take().unwrap().is_some());
    assert_eq!(queue.take().unwrap_err(), DeviceError::ForeignBuffer { device: "test", token: id });

    for foreign in [3_u32, 4, 0xFFFF, 0x1_0000, u32::MAX] {
        let (mut device, mut queue) = receive_queue();
        queue.post(&mut device, buffer(16)).unwrap();
        device.use_buffer(foreign, 1);
        // The ring keeps the low 16 bits: 0x10000 reads as buffer 0, which is posted, and stays within its bounds.
        let taken = queue.take();
        assert!(taken.is_err() || foreign == 0x1_0000, "{foreign:#x}: {taken:?}");
    }
}

#[test]
fn an_index_that_jumps_ahead_yields_no_buffer_twice() {
    let (mut device, mut queue) = receive_queue();
    for _ in 0..SIZE {
        queue.post(&mut device, buffer(16)).unwrap();
    }
    assert!(!queue.has_room());
    device.use_buffer(device.available(0).into(), 1);
    device.set_used_index(1_000);
    assert!(queue.take().unwrap().is_some());
    // The other entries of the used ring still name buffer 0.
    assert!(queue.take().is_err());
}

#[test]
fn a_full_queue_refuses_more() {
    let (mut device, mut queue) = receive_queue();
    for _ in 0..SIZE {
        queue.post(&mut device, buffer(16)).unwrap();
    }
    assert!(matches!(queue.post(&mut device, buffer(16)), Err(DeviceError::Queue { .. })));
}

#[test]
fn features_are_insisted_on() {
    let mut device = FakeDevice::new();
    negotiate("test", &mut device, 1 << 5).unwrap();
    assert_eq!(device.accepted, VERSION_1 | 1 << 5);

    device.features |= ACCESS_PLATFORM | 1 << 28 | 1 << 29;
    negotiate("test", &mut device, 0).unwrap();
    assert_eq!(device.accepted, VERSION_1 | ACCESS_PLATFORM, "nothing is accepted that is not used");

    device.features = 1 << 5;
    let refused = negotiate("test", &mut device, 0).unwrap_err();
    assert_eq!(refused, DeviceError::FeatureMissing { device: "test", feature: "VERSION_1" });

    device.features = VERSION_1;
    let refused = negotiate("test", &mut device, 1 << 5).unwrap_err();
    assert_eq!(refused, DeviceError::FeatureBits { device: "test", expected: 1 << 5, found: VERSION_1 });

    device.takes_features = false;
    assert!(negotiate("test", &mut device, 0).is_err());
}
