//! Hashes of what passes.

use attestation_claim::Digested;
use sha2::{Digest, Sha256};

/// A hash that counts.
#[derive(Debug, Default)]
pub(crate) struct RunningDigest {
    hash: Sha256,
    pub(crate) bytes: u64,
}

impl RunningDigest {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    pub(crate) fn digested(&self) -> Digested {
        Digested { sha256: self.hash.clone().finalize().into(), bytes: self.bytes }
    }
}
