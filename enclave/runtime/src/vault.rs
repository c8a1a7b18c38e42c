//! What outlasts a run: a store, a key, and what the platform said of this boot.

use alloc::vec::Vec;

use crate::enclave::{EnclaveFailure, Unsealed};
use crate::keyvalue::{KeyPage, KeyValueFailure};

/// What a guest keeps beside its runs. Others use it too: earlier runs did, and so do the other requests of a service. What
/// comes from here goes into the transcript of the run that asked, so a replay needs none. Every function returns at once.
pub trait VaultHost {
    /// Opens a bucket, whose name has at most [`BUCKET_NAME_MAX_BYTES`](crate::BUCKET_NAME_MAX_BYTES). The other functions
    /// of the store are only asked about buckets that this one permitted, and never about longer keys or values than
    /// [`KEY_MAX_BYTES`](crate::KEY_MAX_BYTES) and [`VALUE_MAX_BYTES`](crate::VALUE_MAX_BYTES).
    ///
    /// # Errors
    /// The component gets no bucket, but this.
    fn open(&mut self, bucket: &str) -> Result<(), KeyValueFailure>;

    /// The value of a key, if it has one.
    ///
    /// # Errors
    /// What the component is told.
    fn get(&mut self, bucket: &str, key: &str) -> Result<Option<Vec<u8>>, KeyValueFailure>;

    /// Gives a key its value, in the place of an older one. Whatever becomes of the run, the value stays.
    ///
    /// # Errors
    /// What the component is told; nothing has changed.
    fn set(&mut self, bucket: &str, key: &str, value: &[u8]) -> Result<(), KeyValueFailure>;

    /// Takes a key's value away, if it has one.
    ///
    /// # Errors
    /// What the component is told.
    fn delete(&mut self, bucket: &str, key: &str) -> Result<(), KeyValueFailure>;

    /// Whether a key has a value.
    ///
    /// # Errors
    /// What the component is told.
    fn exists(&mut self, bucket: &str, key: &str) -> Result<bool, KeyValueFailure>;

    /// The page of a bucket's keys that begins at a cursor; the first one begins at 0.
    ///
    /// # Errors
    /// What the component is told.
    fn list_keys(&mut self, bucket: &str, from: u64) -> Result<KeyPage, KeyValueFailure>;

    /// Adds to the number that a key's value is, or to 0, and gives the sum. Nothing comes in between.
    ///
    /// # Errors
    /// What the component is told; nothing has changed.
    fn increment(&mut self, bucket: &str, key: &str, delta: u64) -> Result<u64, KeyValueFailure>;

    /// The encoded evidence of this boot, at most [`EVIDENCE_MAX_BYTES`](crate::EVIDENCE_MAX_BYTES); `None` where there is
    /// none, which ends a run that asks for it.
    fn evidence(&mut self) -> Option<Vec<u8>>;

    /// Seals at most [`PLAINTEXT_MAX_BYTES`](crate::PLAINTEXT_MAX_BYTES) for a context of at most
    /// [`SEAL_CONTEXT_MAX_BYTES`](crate::SEAL_CONTEXT_MAX_BYTES), into a blob of at most
    /// [`SEALED_MAX_BYTES`](crate::SEALED_MAX_BYTES). `salt` is fresh from [`JobHost::fill_random`](crate::JobHost::fill_random).
    ///
    /// # Errors
    /// What the component is told.
    fn seal(
        &mut self,
        context: &str,
        counter: u64,
        plaintext: &[u8],
        salt: [u8; 32],
    ) -> Result<Vec<u8>, EnclaveFailure>;

    /// Opens a blob of the same context whose counter is at least `least_counter`.
    ///
    /// # Errors
    /// What the component is told.
    fn unseal(&mut self, context: &str, least_counter: u64, blob: &[u8]) -> Result<Unsealed, EnclaveFailure>;
}
