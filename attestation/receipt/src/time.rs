//! When an exchange was, as far as servers of time can be quoted for it.

use alloc::vec::Vec;

use attestation_merkle::{Levels, leaf_hash, root_of_path};
use attestation_roughtime::{ServerKey, Verified, VerifiedExchange};
use minicbor::Decoder;

use crate::written::{read_array, read_path, write_path, written};
use crate::{ReceiptError, VerifiedReceipt};

/// What is known of when a receipt was made, beyond what its guest says. That it was made at the end of the exchange, and not
/// of an older one, is the guest's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeFinding {
    /// The receipt is not older.
    pub not_before: Bound,
    /// The receipt is not younger.
    pub not_after: Bound,
}

/// One end of the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// It holds if this server is honest, whatever the guest is.
    Proven {
        /// Second since 1970.
        second: u64,
        /// Who signed it.
        server: ServerKey,
    },
    /// Nothing was shown for it: there is only what the guest says, in [`Receipt::time`](crate::Receipt::time).
    AssertedOnly,
}

/// Shows that a receipt is under the root that a Roughtime exchange commits to. As a file:
/// ```cddl
/// commitment-opening = [1, bstr .size 32, uint, uint, path]   ; version, salt; number of the receipt, number of receipts
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitmentOpening {
    /// Of the commitment.
    pub salt: [u8; 32],
    /// Number of the receipt under the root, from 0.
    pub index: u64,
    /// How many are under it.
    pub receipts: u64,
    /// Audit path (RFC 9162 §2.1.3.1).
    pub path: Vec<[u8; 32]>,
}

const OPENING_VERSION: u32 = 1;

/// What can be proven of the time of a receipt.
///
/// `before` is the verified measurement with the response that the receipt names, which is therefore older. `after` is a
/// verified measurement with a nonce that commits to the receipt, which is therefore younger. Whether servers in them
/// contradict each other is in [`Verified::inconsistencies`], and for the caller to judge.
///
/// # Errors
/// A measurement that has nothing to do with the receipt, whatever else there is; or one that contradicts what the guest
/// says or the other one. What is not shown is no error: it is [`Bound::AssertedOnly`].
pub fn check_time(
    receipt: &VerifiedReceipt,
    before: Option<&Verified>,
    after: Option<(&Verified, &CommitmentOpening)>,
) -> Result<TimeFinding, ReceiptError> {
    let time = &receipt.receipt().time;
    let older = before.map(|before| named(receipt, before)).transpose()?;
    let younger = after.map(|(after, opening)| committing(receipt, after, opening)).transpose()?;
    let (earliest_s, latest_s) =
        (older.map(|older| older.midpoint.earliest_s()), younger.map(|younger| younger.midpoint.latest_s()));
    let earliest = earliest_s.unwrap_or(0).max(time.earliest_s);
    let latest = latest_s.unwrap_or(u64::MAX).min(time.latest_s);
    if earliest > latest {
        return Err(ReceiptError::TimeContradiction { earliest, latest });
    }
    let bound = |exchange: Option<&VerifiedExchange>, second: Option<u64>| match exchange.zip(second) {
        Some((exchange, second)) => Bound::Proven { second, server: exchange.server },
        None => Bound::AssertedOnly,
    };
    Ok(TimeFinding { not_before: bound(older, earliest_s), not_after: bound(younger, latest_s) })
}

/// Openings of one commitment, in the order of the receipts under it. They are made one at a time.
#[derive(Debug, Clone)]
pub struct CommitmentOpenings {
    salt: [u8; 32],
    levels: Levels,
    receipts: usize,
    next: usize,
}

impl CommitmentOpenings {
    /// For all receipts with these digests.
    #[must_use]
    pub fn new(salt: [u8; 32], digests: &[[u8; 32]]) -> Self {
        let levels = Levels::new(digests.iter().map(|digest| leaf_hash(digest)).collect());
        Self { salt, levels, receipts: digests.len(), next: 0 }
    }
}

impl Iterator for CommitmentOpenings {
    type Item = CommitmentOpening;

    fn next(&mut self) -> Option<CommitmentOpening> {
        let path = self.levels.path(self.next)?;
        let (index, receipts) = (u64::try_from(self.next).ok()?, u64::try_from(self.receipts).ok()?);
        self.next = self.next.checked_add(1)?;
        Some(CommitmentOpening { salt: self.salt, index, receipts, path })
    }
}

impl CommitmentOpening {
    /// For the receipt with this number among those whose [root](crate::receipts_root) is committed to; `None` where there
    /// is no such receipt.
    #[must_use]
    pub fn new(salt: [u8; 32], digests: &[[u8; 32]], index: usize) -> Option<Self> {
        CommitmentOpenings::new(salt, digests).nth(index)
    }

    /// The root that it leads to from the receipt with this digest; `None` when no tree has such a path.
    #[must_use]
    pub fn root(&self, digest: &[u8; 32]) -> Option<[u8; 32]> {
        root_of_path(leaf_hash(digest), self.index, self.receipts, &self.path)
    }

    /// The one encoding of this opening.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        written(|encoder| {
            encoder.array(5)?.u32(OPENING_VERSION)?.bytes(&self.salt)?;
            encoder.u64(self.index)?.u64(self.receipts)?;
            write_path(&self.path, encoder)
        })
    }

    /// Reads [`Self::encode`]'s bytes and nothing else.
    ///
    /// # Errors
    /// Another version, or not the one encoding of its content.
    pub fn decode(bytes: &[u8]) -> Result<Self, ReceiptError> {
        let mut decoder = Decoder::new(bytes);
        let (version, opening) = Self::decode_parts(&mut decoder)
            .ok_or_else(|| ReceiptError::Opening { offset: decoder.position() })?;
        if version != OPENING_VERSION {
            return Err(ReceiptError::Version { expected: OPENING_VERSION, found: version });
        }
        // Long forms and trailing bytes end here.
        if opening.encode() != bytes {
            return Err(ReceiptError::NotDeterministic);
        }
        Ok(opening)
    }

    fn decode_parts(decoder: &mut Decoder<'_>) -> Option<(u32, Self)> {
        read_array(decoder, 5)?;
        let version = decoder.u32().ok()?;
        let salt = decoder.bytes().ok()?.try_into().ok()?;
        let (index, receipts) = (decoder.u64().ok()?, decoder.u64().ok()?);
        Some((version, Self { salt, index, receipts, path: read_path(decoder)? }))
    }
}

/// The exchange whose response the receipt names.
fn named<'v>(receipt: &VerifiedReceipt, before: &'v Verified) -> Result<&'v VerifiedExchange, ReceiptError> {
    let expected = receipt.receipt().time.roughtime.ok_or(ReceiptError::NotBeforeUnnamed)?;
    let named = before.exchanges.iter().find(|exchange| exchange.response_digest == expected);
    named.ok_or(ReceiptError::NotBefore { expected })
}

/// The first exchange that commits to the receipt.
fn committing<'v>(
    receipt: &VerifiedReceipt,
    after: &'v Verified,
    opening: &CommitmentOpening,
) -> Result<&'v VerifiedExchange, ReceiptError> {
    let CommitmentOpening { salt, index, receipts, .. } = opening;
    let root = opening.root(receipt.digest());
    let root = root.ok_or(ReceiptError::NotAfterPath { index: *index, receipts: *receipts })?;
    let committed = after.exchanges.iter().find(|exchange| exchange.commits_to(salt, &root));
    committed.ok_or(ReceiptError::NotAfter { root })
}

#[cfg(test)]
mod tests;
