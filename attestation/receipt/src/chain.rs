//! Receipts of one boot after each other, and roots over them.

use attestation_merkle::{Tree, leaf_hash};

use crate::{ReceiptError, VerifiedReceipt};

/// Whether these are receipts of one boot, each the next one after the one before. Where the first is not number 0, there
/// were others before it, and nothing is said of what came after the last.
///
/// # Errors
/// The first place, from 0, where one is missing, moved or of another guest.
pub fn check_chain(receipts: &[VerifiedReceipt]) -> Result<(), ReceiptError> {
    let pairs = receipts.iter().zip(receipts.iter().skip(1));
    for (place, (before, receipt)) in (1..).zip(pairs) {
        if before.evidence().instance_key != receipt.evidence().instance_key {
            return Err(ReceiptError::ChainKey { place });
        }
        let (expected, found) = (before.receipt().number.saturating_add(1), receipt.receipt().number);
        if found != expected {
            return Err(ReceiptError::ChainNumber { place, expected, found });
        }
        let (expected, found) = (*before.digest(), receipt.receipt().previous);
        if found != expected {
            return Err(ReceiptError::ChainPrevious { place, expected, found });
        }
    }
    Ok(())
}

/// The root of the tree (RFC 9162 §2.1) whose leaves are these [digests](crate::Receipt::digest) of receipts: what claims
/// sign, and what commitments in Roughtime are to.
#[must_use]
pub fn receipts_root(digests: &[[u8; 32]]) -> [u8; 32] {
    let mut running = RunningRoot::default();
    digests.iter().for_each(|digest| running.push(digest));
    running.0.root()
}

/// The same root, while receipts come: a hash for each bit of their number.
#[derive(Debug, Clone, Default)]
pub struct RunningRoot(Tree);

impl RunningRoot {
    /// Takes the digest of the next receipt.
    pub fn push(&mut self, digest: &[u8; 32]) {
        self.0.push(leaf_hash(digest));
    }

    /// How many there were.
    #[must_use]
    pub const fn receipts(&self) -> u64 {
        self.0.leaves()
    }

    /// [`receipts_root`] of all of them; `None` without any.
    #[must_use]
    pub fn root(&self) -> Option<[u8; 32]> {
        (self.receipts() > 0).then(|| self.0.root())
    }
}

#[cfg(test)]
mod tests;
