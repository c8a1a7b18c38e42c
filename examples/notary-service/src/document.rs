//! What is said of a document, collected while it streams by.

use sha2::{Digest as _, Sha256};

use crate::Digest;

/// Separates receipts from every other use of SHA-256, and this version of them from the next.
const RECEIPT_DOMAIN: &[u8] = b"redoubt notary receipt 1\0";

/// A document that is being read.
#[derive(Debug, Clone, Default)]
pub struct Document {
    sha256: Sha256,
    bytes: u64,
    line_breaks: u64,
    ends_in_line: bool,
}

/// A document that was read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Of its bytes.
    pub sha256: Digest,
    /// Its length.
    pub bytes: u64,
    /// Its lines, as an editor counts them: a last line without a line break is one.
    pub lines: u64,
}

impl Document {
    /// Takes in the next piece, of any length.
    pub fn feed(&mut self, piece: &[u8]) {
        let Some(last) = piece.last() else { return };
        self.sha256.update(piece);
        self.bytes = self.bytes.saturating_add(count(piece.len()));
        let line_breaks = piece.iter().filter(|byte| **byte == b'\n').count();
        self.line_breaks = self.line_breaks.saturating_add(count(line_breaks));
        self.ends_in_line = *last != b'\n';
    }

    /// What was read.
    #[must_use]
    pub fn finish(self) -> Facts {
        let lines = self.line_breaks.saturating_add(u64::from(self.ends_in_line));
        Facts { sha256: Digest(self.sha256.finalize().into()), bytes: self.bytes, lines }
    }
}

impl Facts {
    /// The receipt that follows `previous`, or the first of a chain.
    ///
    /// It is the SHA-256 of: the domain `redoubt notary receipt 1` and a zero byte; one byte, 1 if there is a previous
    /// receipt; that receipt, or 32 zeros; the document's SHA-256; its length and its lines, 8 bytes each, big-endian.
    #[must_use]
    pub fn receipt(&self, previous: Option<Digest>) -> Digest {
        let mut hash = Sha256::new();
        hash.update(RECEIPT_DOMAIN);
        hash.update([u8::from(previous.is_some())]);
        hash.update(previous.map_or([0; 32], |digest| digest.0));
        hash.update(self.sha256.0);
        hash.update(self.bytes.to_be_bytes());
        hash.update(self.lines.to_be_bytes());
        Digest(hash.finalize().into())
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
