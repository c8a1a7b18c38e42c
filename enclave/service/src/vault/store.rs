//! Buckets of keys and values in memory.
//!
//! Memory is charged before it is taken, at what it costs rather than at what it says: a stated price for each entry and
//! each bucket covers the nodes of the tables that they stand in, half full as these can be, and the allocator's rounding.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::ToString;
use core::fmt;

use enclave_runtime::{KeyPage, KeyValueFailure, PAGE_BYTES_MAX, PAGE_KEYS_MAX};

/// Charged for each entry, besides the bytes of its key and value.
pub const ENTRY_OVERHEAD_BYTES: u64 = 192;
/// Charged for each bucket that holds something, besides the bytes of its name.
pub const BUCKET_OVERHEAD_BYTES: u64 = 768;

/// A store that takes up to a number of bytes.
pub struct KeyValueStore {
    pub(super) limit_bytes: u64,
    pub(super) used_bytes: u64,
    /// A bucket is there as long as it holds something.
    pub(super) buckets: BTreeMap<Box<str>, Bucket>,
    /// That of the next key that is new to its bucket.
    pub(super) next_number: u64,
    /// Something was written or taken away since this was last set to `false`.
    pub(super) has_changed: bool,
}

pub(super) type Bucket = BTreeMap<Box<str>, Entry>;

pub(super) struct Entry {
    /// Rises with every new key. Listings go by it, so that none of their pages repeats a key or
    /// leaves one out, whatever is written and deleted between them.
    pub(super) number: u64,
    pub(super) value: Box<[u8]>,
}

impl KeyValueStore {
    /// An empty store of a manifest's `storage.key_value_bytes`; 0 is none.
    #[must_use]
    pub const fn new(limit_bytes: u64) -> Self {
        Self { limit_bytes, used_bytes: 0, buckets: BTreeMap::new(), next_number: 0, has_changed: false }
    }

    /// What is charged for everything that it holds.
    #[must_use]
    pub const fn used_bytes(&self) -> u64 {
        self.used_bytes
    }

    /// Whether there is a store. Every bucket is: one that nobody wrote to is empty.
    ///
    /// # Errors
    /// The manifest has none.
    pub const fn open(&self) -> Result<(), KeyValueFailure> {
        if self.limit_bytes == 0 { Err(KeyValueFailure::AccessDenied) } else { Ok(()) }
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, bucket: &str, key: &str) -> Option<&[u8]> {
        Some(&self.buckets.get(bucket)?.get(key)?.value)
    }

    /// Gives a key its value.
    ///
    /// # Errors
    /// There is no room for it; nothing has changed.
    pub fn set(&mut self, bucket: &str, key: &str, value: &[u8]) -> Result<(), KeyValueFailure> {
        let freed_bytes = self.get(bucket, key).map_or(0, |old| entry_bytes(key, old));
        let bucket_bytes = if self.buckets.contains_key(bucket) { 0 } else { bucket_bytes(bucket) };
        let added_bytes = entry_bytes(key, value).saturating_add(bucket_bytes);
        let others_bytes = self.used_bytes.saturating_sub(freed_bytes);
        let used_bytes = others_bytes.saturating_add(added_bytes);
        if used_bytes > self.limit_bytes {
            return Err(KeyValueFailure::Other(format!(
                "storage.key_value_bytes of the manifest is {}: {others_bytes} are taken, and this takes {added_bytes}",
                self.limit_bytes
            )));
        }
        self.used_bytes = used_bytes;
        self.has_changed = true;
        self.put(bucket, key, value.into());
        Ok(())
    }

    fn put(&mut self, bucket: &str, key: &str, value: Box<[u8]>) {
        let bucket = match self.buckets.get_mut(bucket) {
            Some(there) => there,
            None => self.buckets.entry(bucket.into()).or_default(),
        };
        if let Some(entry) = bucket.get_mut(key) {
            entry.value = value;
            return;
        }
        bucket.insert(key.into(), Entry { number: self.next_number, value });
        self.next_number = self.next_number.saturating_add(1);
    }

    /// Takes a key's value away, if it has one.
    pub fn delete(&mut self, bucket: &str, key: &str) {
        let Some(there) = self.buckets.get_mut(bucket) else { return };
        let Some(entry) = there.remove(key) else { return };
        self.has_changed = true;
        let mut freed_bytes = entry_bytes(key, &entry.value);
        if there.is_empty() {
            self.buckets.remove(bucket);
            freed_bytes = freed_bytes.saturating_add(bucket_bytes(bucket));
        }
        self.used_bytes = self.used_bytes.saturating_sub(freed_bytes);
    }

    /// Adds to the number that a key's value is in decimal digits, or to 0, and gives the sum.
    ///
    /// # Errors
    /// The value is no number, the sum is too large for one, or there is no room; nothing has changed.
    pub fn increment(&mut self, bucket: &str, key: &str, delta: u64) -> Result<u64, KeyValueFailure> {
        let old = match self.get(bucket, key) {
            Some(value) => number(value).ok_or_else(|| {
                let found = value.get(..24).unwrap_or(value).escape_ascii();
                KeyValueFailure::Other(format!(
                    "increment: expected a number in decimal digits, found \"{found}\""
                ))
            })?,
            None => 0,
        };
        let sum = old.checked_add(delta).ok_or_else(|| {
            KeyValueFailure::Other(format!("increment: {old} and {delta} are more than {}", u64::MAX))
        })?;
        self.set(bucket, key, sum.to_string().as_bytes())?;
        Ok(sum)
    }

    /// The keys of a bucket whose numbers are at least `from`, as many as a page takes.
    #[must_use]
    pub fn list_keys(&self, bucket: &str, from: u64) -> KeyPage {
        let Some(bucket) = self.buckets.get(bucket) else { return KeyPage::default() };
        // No more is held at once than a page, and the one after it.
        let mut oldest: BTreeMap<u64, &str> = BTreeMap::new();
        for (key, entry) in bucket.iter().filter(|(_, entry)| entry.number >= from) {
            oldest.insert(entry.number, key);
            if oldest.len() > PAGE_KEYS_MAX.saturating_add(1) {
                oldest.pop_last();
            }
        }
        let (mut page, mut bytes) = (KeyPage::default(), 0_usize);
        for (number, key) in oldest {
            bytes = bytes.saturating_add(key.len());
            if page.keys.len() == PAGE_KEYS_MAX || bytes > PAGE_BYTES_MAX {
                page.cursor = Some(number);
                break;
            }
            page.keys.push(key.into());
        }
        page
    }
}

/// Without what is stored: it is the component's.
impl fmt::Debug for KeyValueStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyValueStore").field("used_bytes", &self.used_bytes).finish_non_exhaustive()
    }
}

pub(super) fn entry_bytes(key: &str, value: &[u8]) -> u64 {
    ENTRY_OVERHEAD_BYTES.saturating_add(byte_count(key.len())).saturating_add(byte_count(value.len()))
}

pub(super) fn bucket_bytes(name: &str) -> u64 {
    BUCKET_OVERHEAD_BYTES.saturating_add(byte_count(name.len()))
}

fn byte_count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

fn number(value: &[u8]) -> Option<u64> {
    let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    core::str::from_utf8(value).ok().filter(|_| is_number)?.parse().ok()
}

#[cfg(test)]
mod tests;
