//! `wasi:keyvalue`: what a component keeps beside its runs.
//!
//! Others write there as well: earlier runs, and other requests of the same service. So every answer is learnt, and each
//! entry of the transcript begins with a digest of the question: a replay that asks for something else, or writes
//! something else, parts there. Whatever the arguments alone decide is decided before anybody is asked, and not recorded.
#![expect(unreachable_pub, reason = "the generated bindings re-export these types")]

mod asked;
mod learnt;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use wasmtime::component::{Resource, ResourceTableError};

use crate::bindings::wasi::keyvalue::store::{self, KeyResponse};
use crate::bindings::wasi::keyvalue::{atomics, batch};
use crate::limits::RunEnd;
use crate::state::State;

/// The longest name of a bucket.
pub const BUCKET_NAME_MAX_BYTES: usize = 64;
/// The longest key.
pub const KEY_MAX_BYTES: usize = 1024;
/// The longest value: one entry of a transcript holds it.
pub const VALUE_MAX_BYTES: usize = crate::io::PIECE_BYTES;
/// Most keys of one page of a listing.
pub const PAGE_KEYS_MAX: usize = 256;
/// Most bytes of the keys of one page.
pub const PAGE_BYTES_MAX: usize = 32 * 1024;
/// Most buckets that a component has open at once.
const BUCKETS_MAX: usize = 64;
/// Most keys of one call of `wasi:keyvalue/batch`.
const BATCH_KEYS_MAX: usize = 256;
/// Most bytes of the values that one call gives.
const BATCH_BYTES_MAX: usize = 128 * 1024;

/// An open bucket.
#[derive(Debug)]
pub struct Bucket {
    name: String,
}

/// Keys of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyPage {
    /// At most [`PAGE_KEYS_MAX`], of [`PAGE_BYTES_MAX`] bytes together.
    pub keys: Vec<String>,
    /// Where the next page begins; `None` after the last.
    pub cursor: Option<u64>,
}

/// Why the store does not do what it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyValueFailure {
    /// There is no such bucket.
    NoSuchStore,
    /// The component may not have it.
    AccessDenied,
    /// Something else; the text is for people. What is longer than 512 bytes is cut.
    Other(String),
}

/// Why a function of the store failed.
#[derive(Debug)]
pub enum StoreError {
    /// The component is told.
    Failed(KeyValueFailure),
    /// The component is ended.
    Trap(wasmtime::Error),
}

type StoreResult<T> = Result<T, StoreError>;

impl From<KeyValueFailure> for StoreError {
    fn from(failure: KeyValueFailure) -> Self {
        Self::Failed(failure)
    }
}

impl From<RunEnd> for StoreError {
    fn from(end: RunEnd) -> Self {
        Self::Trap(end.into())
    }
}

impl From<ResourceTableError> for StoreError {
    fn from(error: ResourceTableError) -> Self {
        Self::Trap(error.into())
    }
}

impl store::Host for State {
    fn open(&mut self, identifier: String) -> StoreResult<Resource<Bucket>> {
        if identifier.len() > BUCKET_NAME_MAX_BYTES {
            return Err(KeyValueFailure::NoSuchStore.into());
        }
        at_most("buckets open at once", BUCKETS_MAX, self.buckets.saturating_add(1))?;
        self.outside.lock().open_bucket(&identifier)??;
        let bucket = self.table.push(Bucket { name: identifier })?;
        self.buckets = self.buckets.saturating_add(1);
        Ok(bucket)
    }

    fn convert_error(&mut self, error: StoreError) -> wasmtime::Result<store::Error> {
        match error {
            StoreError::Failed(KeyValueFailure::NoSuchStore) => Ok(store::Error::NoSuchStore),
            StoreError::Failed(KeyValueFailure::AccessDenied) => Ok(store::Error::AccessDenied),
            StoreError::Failed(KeyValueFailure::Other(text)) => Ok(store::Error::Other(text)),
            StoreError::Trap(error) => Err(error),
        }
    }
}

impl store::HostBucket for State {
    fn get(&mut self, bucket: Resource<Bucket>, key: String) -> StoreResult<Option<Vec<u8>>> {
        check_key(&key)?;
        Ok(self.outside.lock().get_value(self.bucket(&bucket)?, &key)??)
    }

    fn set(&mut self, bucket: Resource<Bucket>, key: String, value: Vec<u8>) -> StoreResult<()> {
        check_pair(&key, &value)?;
        Ok(self.outside.lock().set_value(self.bucket(&bucket)?, &key, &value)??)
    }

    fn delete(&mut self, bucket: Resource<Bucket>, key: String) -> StoreResult<()> {
        check_key(&key)?;
        Ok(self.outside.lock().delete_value(self.bucket(&bucket)?, &key)??)
    }

    fn exists(&mut self, bucket: Resource<Bucket>, key: String) -> StoreResult<bool> {
        check_key(&key)?;
        Ok(self.outside.lock().has_value(self.bucket(&bucket)?, &key)??)
    }

    fn list_keys(&mut self, bucket: Resource<Bucket>, cursor: Option<u64>) -> StoreResult<KeyResponse> {
        let from = cursor.unwrap_or(0);
        let KeyPage { keys, cursor } = self.outside.lock().list_keys(self.bucket(&bucket)?, from)??;
        Ok(KeyResponse { keys, cursor })
    }

    fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        self.buckets = self.buckets.saturating_sub(1);
        Ok(())
    }
}

impl atomics::Host for State {
    fn increment(&mut self, bucket: Resource<Bucket>, key: String, delta: u64) -> StoreResult<u64> {
        check_key(&key)?;
        Ok(self.outside.lock().increment_value(self.bucket(&bucket)?, &key, delta)??)
    }
}

impl batch::Host for State {
    fn get_many(
        &mut self,
        bucket: Resource<Bucket>,
        keys: Vec<String>,
    ) -> StoreResult<Vec<Option<(String, Vec<u8>)>>> {
        check_batch(&keys)?;
        let name = self.bucket(&bucket)?;
        let mut outside = self.outside.lock();
        let (mut pairs, mut given_bytes) = (Vec::new(), 0_usize);
        for key in keys {
            let value = outside.get_value(name, &key)??;
            given_bytes = given_bytes.saturating_add(value.as_ref().map_or(0, Vec::len));
            at_most("bytes of the values of one call", BATCH_BYTES_MAX, given_bytes)?;
            pairs.push(value.map(|value| (key, value)));
        }
        Ok(pairs)
    }

    fn set_many(&mut self, bucket: Resource<Bucket>, pairs: Vec<(String, Vec<u8>)>) -> StoreResult<()> {
        at_most("keys of one call", BATCH_KEYS_MAX, pairs.len())?;
        pairs.iter().try_for_each(|(key, value)| check_pair(key, value))?;
        let name = self.bucket(&bucket)?;
        let mut outside = self.outside.lock();
        for (key, value) in &pairs {
            outside.set_value(name, key, value)??;
        }
        Ok(())
    }

    fn delete_many(&mut self, bucket: Resource<Bucket>, keys: Vec<String>) -> StoreResult<()> {
        check_batch(&keys)?;
        let name = self.bucket(&bucket)?;
        let mut outside = self.outside.lock();
        for key in &keys {
            outside.delete_value(name, key)??;
        }
        Ok(())
    }
}

impl State {
    fn bucket(&self, bucket: &Resource<Bucket>) -> StoreResult<&str> {
        Ok(&self.table.get(bucket)?.name)
    }
}

fn check_batch(keys: &[String]) -> Result<(), KeyValueFailure> {
    at_most("keys of one call", BATCH_KEYS_MAX, keys.len())?;
    keys.iter().try_for_each(|key| check_key(key))
}

fn check_pair(key: &str, value: &[u8]) -> Result<(), KeyValueFailure> {
    check_key(key)?;
    at_most("bytes of a value", VALUE_MAX_BYTES, value.len())
}

fn check_key(key: &str) -> Result<(), KeyValueFailure> {
    at_most("bytes of a key", KEY_MAX_BYTES, key.len())
}

fn at_most(what: &str, most: usize, found: usize) -> Result<(), KeyValueFailure> {
    if found <= most {
        return Ok(());
    }
    Err(KeyValueFailure::Other(format!("{what}: expected at most {most}, found {found}")))
}
