//! What outlasts a job or a request: the key-value store, the seal key and the evidence of this boot.
//!
//! All of it is in the guest's memory. What a run has written stays when the run traps, exceeds a limit or is cancelled,
//! and the next run finds it: each call to the store is done when it returns, and nothing is taken back. The store ends
//! with the guest unless its manifest says `storage.persist`: then it is sealed and given to the loader whenever it has
//! changed, and the loader gives the last one back at the next boot. Nobody else can read or make one; but a host can give
//! back an old one, or none, and nothing here notices.

mod saved;
mod store;

use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use attestation_manifest::Manifest;
use enclave_platform::Identity;
use enclave_runtime::{EnclaveFailure, KeyPage, KeyValueFailure, Unsealed, VaultHost};
use enclave_sealing::{Context, ContextTooLong, Purpose, SealError, Sealer};
use spin::Mutex;

pub use saved::SavedError;
pub use store::{BUCKET_OVERHEAD_BYTES, ENTRY_OVERHEAD_BYTES, KeyValueStore};

/// What a guest keeps beside its runs.
pub struct Vault {
    store: KeyValueStore,
    sealer: Sealer,
    evidence: Vec<u8>,
    /// The store outlasts the guest.
    persists: bool,
    /// Counter of the blob that the store came from or was last sealed in; 0 for neither.
    saves: u64,
}

/// A blob that the store cannot be taken from. Whoever gave it is guilty, or is on another chip.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// It does not open.
    #[error("state: {0}")]
    Sealed(#[from] SealError),
    /// It opens, and holds no store.
    #[error("state: {0}")]
    Saved(#[from] SavedError),
}

impl Vault {
    /// A vault with an empty store. `identity` says with which key it seals, which is bound to the manifest already, and
    /// what it shows.
    #[must_use]
    pub fn new(manifest: &Manifest<'_>, identity: &Identity) -> Self {
        Self {
            store: KeyValueStore::new(manifest.storage.key_value_bytes),
            sealer: Sealer::new(identity.keys.local_seal()),
            evidence: identity.evidence.encode(),
            persists: manifest.storage.persist,
            saves: 0,
        }
    }

    /// Takes the store from a blob that an earlier guest gave out. Any will do that is of this chip and manifest, however
    /// old it is.
    ///
    /// # Errors
    /// [`RestoreError`]; the store is as before.
    pub fn restore(&mut self, blob: Vec<u8>) -> Result<(), RestoreError> {
        let opened = self.sealer.unseal_in_place(Purpose::KeyValue, blob, 0)?;
        self.store = KeyValueStore::read(self.store.limit_bytes, &opened.plaintext)?;
        self.saves = opened.counter;
        log::info!("state number {}: {} bytes of keys and values", self.saves, self.store.used_bytes());
        Ok(())
    }

    /// Whether there is something to [`save`](Self::save).
    #[must_use]
    pub const fn must_save(&self) -> bool {
        self.persists && self.store.has_changed
    }

    /// Seals the store, under the next counter.
    ///
    /// # Errors
    /// There is no memory for it, or there were too many.
    pub fn save(&mut self, salt: [u8; 32]) -> Result<Vec<u8>, SealError> {
        let (counter, bytes) = (self.saves.saturating_add(1), self.store.saved_bytes());
        let store = &self.store;
        let blob =
            self.sealer.seal_with(Purpose::KeyValue, counter, bytes, |place| store.write(place), salt)?;
        (self.saves, self.store.has_changed) = (counter, false);
        Ok(blob)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("store", &self.store).finish_non_exhaustive()
    }
}

/// A handle to the vault. Each call holds it for its own time only, so that runs never wait for each other.
#[derive(Debug, Clone)]
pub struct SharedVault(Arc<Mutex<Vault>>);

impl SharedVault {
    /// Puts a vault where many runs reach it.
    #[must_use]
    pub fn new(vault: Vault) -> Self {
        Self(Arc::new(Mutex::new(vault)))
    }

    /// See [`Vault::must_save`].
    #[must_use]
    pub fn must_save(&self) -> bool {
        self.0.lock().must_save()
    }

    /// See [`Vault::save`].
    ///
    /// # Errors
    /// Likewise.
    pub fn save(&self, salt: [u8; 32]) -> Result<Vec<u8>, SealError> {
        self.0.lock().save(salt)
    }
}

impl VaultHost for SharedVault {
    fn open(&mut self, _bucket: &str) -> Result<(), KeyValueFailure> {
        self.0.lock().store.open()
    }

    fn get(&mut self, bucket: &str, key: &str) -> Result<Option<Vec<u8>>, KeyValueFailure> {
        Ok(self.0.lock().store.get(bucket, key).map(<[u8]>::to_vec))
    }

    fn set(&mut self, bucket: &str, key: &str, value: &[u8]) -> Result<(), KeyValueFailure> {
        self.0.lock().store.set(bucket, key, value)
    }

    fn delete(&mut self, bucket: &str, key: &str) -> Result<(), KeyValueFailure> {
        self.0.lock().store.delete(bucket, key);
        Ok(())
    }

    fn exists(&mut self, bucket: &str, key: &str) -> Result<bool, KeyValueFailure> {
        Ok(self.0.lock().store.get(bucket, key).is_some())
    }

    fn list_keys(&mut self, bucket: &str, from: u64) -> Result<KeyPage, KeyValueFailure> {
        Ok(self.0.lock().store.list_keys(bucket, from))
    }

    fn increment(&mut self, bucket: &str, key: &str, delta: u64) -> Result<u64, KeyValueFailure> {
        self.0.lock().store.increment(bucket, key, delta)
    }

    fn evidence(&mut self) -> Option<Vec<u8>> {
        Some(self.0.lock().evidence.clone())
    }

    fn seal(
        &mut self,
        context: &str,
        counter: u64,
        plaintext: &[u8],
        salt: [u8; 32],
    ) -> Result<Vec<u8>, EnclaveFailure> {
        let purpose = purpose(context)?;
        self.0.lock().sealer.seal(purpose, counter, plaintext, salt).map_err(|error| refused(&error))
    }

    fn unseal(&mut self, context: &str, least_counter: u64, blob: &[u8]) -> Result<Unsealed, EnclaveFailure> {
        let purpose = purpose(context)?;
        let opened =
            self.0.lock().sealer.unseal(purpose, blob, least_counter).map_err(|error| refused(&error))?;
        Ok(Unsealed { counter: opened.counter, plaintext: opened.plaintext.to_vec() })
    }
}

/// A component seals for itself alone: what the guest seals on its own behalf has other purposes.
fn purpose(context: &str) -> Result<Purpose<'_>, EnclaveFailure> {
    let context = Context::new(context);
    context
        .map(Purpose::Component)
        .map_err(|error: ContextTooLong| EnclaveFailure::Invalid(error.to_string()))
}

fn refused(error: &SealError) -> EnclaveFailure {
    EnclaveFailure::Invalid(error.to_string())
}

#[cfg(test)]
mod tests;
