//! The files that the next job begins with.

use bytes::Bytes;
use enclave_runtime::{Files, SnapshotError};

/// A snapshot, which is all that is needed of them between two jobs.
#[derive(Debug)]
pub(super) struct KeptFiles {
    /// What they may take, as charged.
    limit_bytes: u64,
    /// Empty when there are none.
    snapshot: Bytes,
    /// Of the snapshot; `None` when there are none.
    digest: Option<[u8; 32]>,
    has_changed: bool,
}

impl KeptFiles {
    /// None yet. `limit_bytes` is 0 where none are kept.
    pub(super) const fn new(limit_bytes: u64) -> Self {
        Self { limit_bytes, snapshot: Bytes::new(), digest: None, has_changed: false }
    }

    /// Those of an earlier guest.
    pub(super) fn read(snapshot: &[u8], limit_bytes: u64) -> Result<Self, SnapshotError> {
        if snapshot.is_empty() {
            return Ok(Self::new(limit_bytes));
        }
        // Looked at before there is a copy, so that memory is taken twice at most.
        let digest = Some(*Files::read(snapshot, limit_bytes)?.digest());
        Ok(Self { snapshot: Bytes::copy_from_slice(snapshot), digest, ..Self::new(limit_bytes) })
    }

    pub(super) const fn limit_bytes(&self) -> u64 {
        self.limit_bytes
    }

    pub(super) const fn snapshot(&self) -> &Bytes {
        &self.snapshot
    }

    pub(super) const fn has_changed(&self) -> bool {
        self.has_changed
    }

    pub(super) const fn note_saved(&mut self) {
        self.has_changed = false;
    }

    pub(super) fn keep(&mut self, files: &Files) {
        if self.digest == Some(*files.digest()) {
            return;
        }
        // First the old ones go: with those of the job there is room for two.
        self.snapshot = Bytes::new();
        self.snapshot = files.snapshot().into();
        (self.digest, self.has_changed) = (Some(*files.digest()), true);
    }
}
