//! The key-value store as bytes, for the time between two boots, and behind it the files.
//!
//! ```text
//! stored = version u8 = 2 ‖ number of the next new key u64 ‖ buckets u32 ‖ bucket … ‖ files
//! bucket = name ‖ entries u32 ‖ entry …
//! entry  = number u64 ‖ key ‖ value
//! name, key, value = length u32 ‖ bytes
//! files  = a snapshot of the file system; nothing when no job has kept any
//! ```
//! Little endian; buckets by name and entries by key, ascending, so that a store has one form. The bytes are sealed where
//! others see them. They are read as if they were not: an older guest of ours may have written them.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;

use super::store::{Bucket, Entry, KeyValueStore, bucket_bytes, entry_bytes};

const VERSION: u8 = 2;
const HEAD_BYTES: usize = 1 + 8 + 4;
const BUCKET_HEAD_BYTES: usize = 4 + 4;
const ENTRY_HEAD_BYTES: usize = 8 + 4 + 4;

/// Bytes that are no store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SavedError {
    /// Of a version that this guest does not know.
    #[error("saved store: expected version {VERSION}, found {found}")]
    Version {
        /// What it says.
        found: u8,
    },
    /// Not what [`KeyValueStore::write`] writes.
    #[error("saved store: {problem}")]
    Malformed {
        /// What is wrong.
        problem: &'static str,
    },
    /// More than the manifest's store takes.
    #[error("saved store: storage.key_value_bytes of the manifest is {limit_bytes}, and it takes more")]
    TooLarge {
        /// The manifest's limit.
        limit_bytes: u64,
    },
}

const fn malformed(problem: &'static str) -> SavedError {
    SavedError::Malformed { problem }
}

impl KeyValueStore {
    /// How many bytes [`Self::write`] writes: those of `files`, and less than what is charged for the store.
    #[must_use]
    pub fn saved_bytes(&self, files: &[u8]) -> usize {
        let buckets = self.buckets.iter().map(|(name, bucket)| {
            let entries = bucket.iter().map(|(key, entry)| ENTRY_HEAD_BYTES + key.len() + entry.value.len());
            BUCKET_HEAD_BYTES + name.len() + entries.sum::<usize>()
        });
        HEAD_BYTES + buckets.sum::<usize>() + files.len()
    }

    /// Writes the store and a snapshot of files to a place of [`Self::saved_bytes`].
    pub fn write(&self, files: &[u8], place: &mut [u8]) {
        let mut to = Writer { rest: place };
        to.bytes(&[VERSION]);
        to.bytes(&self.next_number.to_le_bytes());
        to.length(self.buckets.len());
        for (name, bucket) in &self.buckets {
            to.text(name.as_bytes());
            to.length(bucket.len());
            for (key, entry) in bucket {
                to.bytes(&entry.number.to_le_bytes());
                to.text(key.as_bytes());
                to.text(&entry.value);
            }
        }
        to.bytes(files);
    }

    /// The store that was written, for one that takes up to `limit_bytes`, and the snapshot of files, unread.
    ///
    /// # Errors
    /// [`SavedError`].
    pub fn read(limit_bytes: u64, saved: &[u8]) -> Result<(Self, &[u8]), SavedError> {
        let mut from = Reader { rest: saved };
        match from.array::<1>()? {
            [VERSION] => {}
            [found] => return Err(SavedError::Version { found }),
        }
        let mut store = Self::new(limit_bytes);
        store.next_number = u64::from_le_bytes(from.array()?);
        for _ in 0..from.count()? {
            let name = from.name()?;
            if store.buckets.last_key_value().is_some_and(|(last, _)| *last >= name) {
                return Err(malformed("buckets are not in order"));
            }
            store.charge(bucket_bytes(&name))?;
            let bucket = store.read_bucket(&mut from)?;
            store.buckets.insert(name, bucket);
        }
        Ok((store, from.rest))
    }

    fn read_bucket(&mut self, from: &mut Reader<'_>) -> Result<Bucket, SavedError> {
        let mut bucket = BTreeMap::new();
        for _ in 0..from.count()? {
            let number = u64::from_le_bytes(from.array()?);
            let (key, value) = (from.name()?, from.text()?);
            if bucket.last_key_value().is_some_and(|(last, _)| *last >= key) {
                return Err(malformed("keys are not in order"));
            }
            if number >= self.next_number {
                return Err(malformed("a key's number is one that none has had"));
            }
            self.charge(entry_bytes(&key, value))?;
            bucket.insert(key, Entry { number, value: value.into() });
        }
        if bucket.is_empty() { Err(malformed("a bucket is empty")) } else { Ok(bucket) }
    }

    /// Before memory is taken.
    fn charge(&mut self, bytes: u64) -> Result<(), SavedError> {
        self.used_bytes = self.used_bytes.saturating_add(bytes);
        let limit_bytes = self.limit_bytes;
        if self.used_bytes > limit_bytes { Err(SavedError::TooLarge { limit_bytes }) } else { Ok(()) }
    }
}

/// Writes one thing after the other. What does not fit is a mistake in [`KeyValueStore::saved_bytes`], and is left out.
struct Writer<'a> {
    rest: &'a mut [u8],
}

impl Writer<'_> {
    fn bytes(&mut self, bytes: &[u8]) {
        debug_assert!(bytes.len() <= self.rest.len(), "the place is too small");
        if let Some((place, rest)) = core::mem::take(&mut self.rest).split_at_mut_checked(bytes.len()) {
            place.copy_from_slice(bytes);
            self.rest = rest;
        }
    }

    fn length(&mut self, length: usize) {
        // A store is in a guest's memory, which is less than 4 GiB of keys and values by far.
        self.bytes(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    }

    fn text(&mut self, text: &[u8]) {
        self.length(text.len());
        self.bytes(text);
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], SavedError> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(malformed("it ends early"))?;
        self.rest = rest;
        Ok(*array)
    }

    fn count(&mut self) -> Result<u32, SavedError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn text(&mut self) -> Result<&'a [u8], SavedError> {
        let length = usize::try_from(self.count()?).map_err(|_| malformed("it ends early"))?;
        let (text, rest) = self.rest.split_at_checked(length).ok_or(malformed("it ends early"))?;
        self.rest = rest;
        Ok(text)
    }

    fn name(&mut self) -> Result<Box<str>, SavedError> {
        let text = core::str::from_utf8(self.text()?).map_err(|_| malformed("a name is no text"))?;
        Ok(text.into())
    }
}

#[cfg(test)]
mod tests;
