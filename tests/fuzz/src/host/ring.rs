//! The device's end of a split virtqueue (virtio 1.2, section 2.7).

use super::memory::{read_pool, write_pool};

const DESCRIPTOR_BYTES: u64 = 16;

/// A queue, where its driver has put it.
#[derive(Debug, Clone, Copy)]
pub struct Ring {
    size: u16,
    descriptors: u64,
    driver_area: u64,
    device_area: u64,
    seen: u16,
    used: u16,
}

impl Ring {
    /// A queue of `size` whose parts lie at these addresses.
    #[must_use]
    pub const fn new(size: u16, descriptors: u64, driver_area: u64, device_area: u64) -> Self {
        Self { size, descriptors, driver_area, device_area, seen: 0, used: 0 }
    }

    /// Takes the next buffer, writes into it what fits, and gives it back with this length, true or not.
    pub fn fill_next(&mut self, bytes: &[u8], stated: u32) {
        let Some(id) = self.next_available() else { return };
        let descriptor = self.descriptors + DESCRIPTOR_BYTES * u64::from(id % self.size);
        let address = u64::from_le_bytes(read_pool(descriptor));
        let length = u32::from_le_bytes(read_pool(descriptor + 8));
        let fits = bytes.len().min(usize::try_from(length).unwrap_or(0));
        write_pool(address, bytes.get(..fits).unwrap_or_default());
        self.give_back(id.into(), stated);
    }

    /// Reads the beginning of the next buffer, and keeps it.
    pub fn read_next<const N: usize>(&mut self) -> Option<[u8; N]> {
        let id = self.next_available()?;
        let descriptor = self.descriptors + DESCRIPTOR_BYTES * u64::from(id % self.size);
        Some(read_pool(u64::from_le_bytes(read_pool(descriptor))))
    }

    /// Gives a buffer back, one that the device has or another.
    pub fn give_back(&mut self, id: u32, stated: u32) {
        let entry = self.device_area + 4 + 8 * u64::from(self.used % self.size);
        write_pool(entry, &id.to_le_bytes());
        write_pool(entry + 4, &stated.to_le_bytes());
        self.used = self.used.wrapping_add(1);
        write_pool(self.device_area + 2, &self.used.to_le_bytes());
    }

    /// The next buffer that the driver made available, by its descriptor.
    fn next_available(&mut self) -> Option<u16> {
        let made = u16::from_le_bytes(read_pool(self.driver_area + 2));
        if made == self.seen {
            return None;
        }
        let entry = self.driver_area + 4 + 2 * u64::from(self.seen % self.size);
        let id = u16::from_le_bytes(read_pool(entry));
        self.seen = self.seen.wrapping_add(1);
        Some(id)
    }
}
