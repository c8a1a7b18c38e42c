//! What a claim signs of a transcript.

use core::fmt;

use sha2::{Digest, Sha256};

use crate::TRANSCRIPT_VERSION;
use crate::hex::Hex;

/// What a claim signs of a transcript: 32 bytes that stand for all of it. The crate's description says of
/// what.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Root(pub [u8; 32]);

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.0).fmt(f)
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Root({self})")
    }
}

/// What a root is computed of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RootInputs {
    pub(crate) entries: u64,
    pub(crate) segments: u64,
    pub(crate) last_chain: [u8; 32],
    pub(crate) tree: [u8; 32],
}

impl RootInputs {
    pub(crate) fn root(&self) -> Root {
        let hash = Sha256::new()
            .chain_update(ROOT_LABEL)
            .chain_update(TRANSCRIPT_VERSION.to_le_bytes())
            .chain_update(self.entries.to_le_bytes())
            .chain_update(self.segments.to_le_bytes())
            .chain_update(self.last_chain)
            .chain_update(self.tree);
        Root(hash.finalize().into())
    }
}

const ROOT_LABEL: &[u8] = b"redoubt transcript root 1";
