//! What outlasts a job or a request: the key-value store, the files of jobs, the seal key and the evidence of this boot.
//!
//! All of it is in the guest's memory. What a run has written to the store stays when the run traps, exceeds a limit or is
//! cancelled, and the next run finds it: each call to the store is done when it returns, and nothing is taken back. Files
//! are the job's own until it has ended by itself and its claim is signed; then the next one begins with them, and
//! otherwise with what this one began with. Store and files end with the guest unless its manifest says `storage.persist`
//! (without it no files are kept at all): then they are sealed and given to the loader whenever they have changed, and the
//! loader gives the last ones back at the next boot. Nobody else can read or make them; but a host can give back old ones,
//! or none, and nothing here notices.

mod files;
mod saved;
mod store;

use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use attestation_manifest::Manifest;
use bytes::Bytes;
use enclave_platform::Identity;
use enclave_runtime::{EnclaveFailure, Files, KeyPage, KeyValueFailure, SnapshotError, Unsealed, VaultHost};
use enclave_sealing::{Context, ContextTooLong, Purpose, SealError, Sealer};
use spin::Mutex;

use files::KeptFiles;

pub use saved::SavedError;
pub use store::{BUCKET_OVERHEAD_BYTES, ENTRY_OVERHEAD_BYTES, KeyValueStore};

/// What a guest keeps beside its runs.
pub struct Vault {
    store: KeyValueStore,
    sealer: Sealer,
    evidence: Vec<u8>,
    /// Of the job that ended last, where jobs keep them.
    files: KeptFiles,
    /// What is stored outlasts the guest.
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
    /// It opens, and holds no files, or more than the manifest permits.
    #[error("state: {0}")]
    Files(#[from] SnapshotError),
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
            files: KeptFiles::new(if manifest.keeps_files() { manifest.storage.files_bytes } else { 0 }),
            persists: manifest.storage.persist,
            saves: 0,
        }
    }

    /// Takes what is stored from a blob that an earlier guest gave out. Any will do that is of this chip and manifest,
    /// however old it is.
    ///
    /// # Errors
    /// [`RestoreError`]; everything is as before.
    pub fn restore(&mut self, blob: Vec<u8>) -> Result<(), RestoreError> {
        let opened = self.sealer.unseal_in_place(Purpose::Storage, blob, 0)?;
        let (store, snapshot) = KeyValueStore::read(self.store.limit_bytes, &opened.plaintext)?;
        let files = KeptFiles::read(snapshot, self.files.limit_bytes())?;
        (self.store, self.files, self.saves) = (store, files, opened.counter);
        let (stored, filed) = (self.store.used_bytes(), self.files.snapshot().len());
        log::info!("state number {}: {stored} bytes of keys and values, {filed} of files", self.saves);
        Ok(())
    }

    /// Whether there is something to [`save`](Self::save).
    #[must_use]
    pub const fn must_save(&self) -> bool {
        self.persists && (self.store.has_changed || self.files.has_changed())
    }

    /// Seals store and files, under the next counter.
    ///
    /// # Errors
    /// There is no memory for it, or there were too many.
    pub fn save(&mut self, salt: [u8; 32]) -> Result<Vec<u8>, SealError> {
        let (counter, snapshot) = (self.saves.saturating_add(1), self.files.snapshot());
        let store = &self.store;
        let bytes = store.saved_bytes(snapshot);
        let write = |place: &mut [u8]| store.write(snapshot, place);
        let blob = self.sealer.seal_with(Purpose::Storage, counter, bytes, write, salt)?;
        self.saves = counter;
        self.store.has_changed = false;
        self.files.note_saved();
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

impl SharedVault {
    /// A snapshot of the files that the next job begins with.
    #[must_use]
    pub fn files(&self) -> Bytes {
        self.0.lock().files.snapshot().clone()
    }

    /// Those of a job that has ended by itself.
    pub fn keep_files(&self, files: &Files) {
        self.0.lock().files.keep(files);
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
