//! What is shown of a receipt's leaves, and whether it can be in them.

use alloc::vec::Vec;
use core::fmt;

use attestation_merkle::{leaf_hash, root_of_path};

use crate::body::Chunk;
use crate::payload::within;
use crate::written::count;
use crate::{Body, BodySide, Kind, Leaves, ReceiptError, SALT_BYTES, Value};

/// Most chunks that a file shows. With the longest paths, and with everything else, that is less than
/// [`SIGNED_RECEIPT_MAX_BYTES`](crate::SIGNED_RECEIPT_MAX_BYTES).
pub(crate) const CHUNKS_MAX: u64 = 1024;

/// Something that is shown. Nothing of it is signed by itself: it is under a root that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disclosure {
    /// A leaf.
    Leaf(LeafDisclosure),
    /// A chunk of a body whose leaf is shown too.
    Chunk(ChunkDisclosure),
}

/// A leaf with the way to the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeafDisclosure {
    /// Its number.
    pub index: u64,
    /// What hid it.
    pub salt: [u8; SALT_BYTES],
    /// What it says.
    pub value: Value,
    /// Audit path (RFC 9162 §2.1.3.1).
    pub path: Vec<[u8; 32]>,
}

/// A chunk with the way to the root of its body.
#[derive(Clone, PartialEq, Eq)]
pub struct ChunkDisclosure {
    /// Of which body.
    pub body: BodySide,
    /// Its number.
    pub index: u64,
    /// What hid it.
    pub salt: [u8; SALT_BYTES],
    /// What is in it.
    pub bytes: Vec<u8>,
    /// Audit path in the tree of the body.
    pub path: Vec<[u8; 32]>,
}

/// Where something shown belongs. Leaves come first, then chunks of the request, then those of the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The leaf with this number.
    Leaf(u64),
    /// A chunk of a body.
    Chunk {
        /// Of which.
        body: BodySide,
        /// Its number.
        index: u64,
    },
}

impl Disclosure {
    /// Where it belongs.
    #[must_use]
    pub const fn place(&self) -> Place {
        match self {
            Self::Leaf(leaf) => Place::Leaf(leaf.index),
            Self::Chunk(chunk) => Place::Chunk { body: chunk.body, index: chunk.index },
        }
    }

    /// The leaf, where it is one.
    #[must_use]
    pub const fn as_leaf(&self) -> Option<&LeafDisclosure> {
        if let Self::Leaf(leaf) = self { Some(leaf) } else { None }
    }

    /// The chunk, where it is one.
    #[must_use]
    pub const fn as_chunk(&self) -> Option<&ChunkDisclosure> {
        if let Self::Chunk(chunk) = self { Some(chunk) } else { None }
    }
}

impl LeafDisclosure {
    pub(crate) fn leaf(&self) -> Vec<u8> {
        self.value.leaf(&self.salt)
    }
}

impl ChunkDisclosure {
    pub(crate) fn leaf(&self) -> Vec<u8> {
        Chunk { salt: self.salt, index: self.index, bytes: &self.bytes }.encode()
    }
}

/// Without the bytes.
impl fmt::Debug for ChunkDisclosure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = Place::Chunk { body: self.body, index: self.index };
        write!(f, "{place}: {} bytes", self.bytes.len())
    }
}

/// As in a sentence.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leaf(index) => write!(f, "leaf {index}"),
            Self::Chunk { body, index } => write!(f, "chunk {index} of the {}", body.kind()),
        }
    }
}

/// Whether all of these are in the receipt with these leaves, each once and in their order.
pub(crate) fn check(disclosures: &[Disclosure], leaves: &Leaves) -> Result<(), ReceiptError> {
    let chunks = disclosures.iter().filter_map(Disclosure::as_chunk).count();
    within("chunks that are shown", 0, CHUNKS_MAX, chunks as u64)?;
    check_order(disclosures)?;
    check_kinds(disclosures, leaves.count)?;
    for disclosure in disclosures {
        match disclosure {
            Disclosure::Leaf(leaf) => check_leaf(leaf, leaves)?,
            Disclosure::Chunk(chunk) => check_chunk(chunk, body_of(disclosures, chunk.body))?,
        }
    }
    Ok(())
}

/// The body, if its leaf is shown.
pub(crate) fn body_of(disclosures: &[Disclosure], side: BodySide) -> Option<&Body> {
    disclosures.iter().filter_map(Disclosure::as_leaf).find_map(|leaf| leaf.value.body(side))
}

fn check_order(disclosures: &[Disclosure]) -> Result<(), ReceiptError> {
    let places = || disclosures.iter().map(Disclosure::place);
    for (before, place) in places().zip(places().skip(1)) {
        if before == place {
            return Err(ReceiptError::Repeated { place });
        }
        if before > place {
            return Err(ReceiptError::Order { before, place });
        }
    }
    Ok(())
}

/// Whether leaves of these kinds can have these numbers, with whatever is hidden between them.
fn check_kinds(disclosures: &[Disclosure], leaves: u64) -> Result<(), ReceiptError> {
    let mut before = Step::BEGIN;
    for leaf in disclosures.iter().filter_map(Disclosure::as_leaf) {
        let step = Step::at(leaf);
        if !(before.can_precede(step) && step.can_precede(Step::end(leaves))) {
            return Err(ReceiptError::Kind { index: leaf.index, leaves, found: leaf.value.kind() });
        }
        before = step;
    }
    Ok(())
}

fn check_leaf(leaf: &LeafDisclosure, leaves: &Leaves) -> Result<(), ReceiptError> {
    let root = root_of_path(leaf_hash(&leaf.leaf()), leaf.index, leaves.count, &leaf.path);
    if root != Some(leaves.root) {
        return Err(ReceiptError::NotUnderRoot { place: Place::Leaf(leaf.index) });
    }
    Ok(())
}

fn check_chunk(chunk: &ChunkDisclosure, body: Option<&Body>) -> Result<(), ReceiptError> {
    let place = Place::Chunk { body: chunk.body, index: chunk.index };
    let body = body.ok_or(ReceiptError::BodyHidden { body: chunk.body })?;
    let expected = body.chunk_bytes(chunk.index).unwrap_or_default();
    let found = count(&chunk.bytes);
    if found != expected || found == 0 {
        return Err(ReceiptError::ChunkLength { place, expected, found });
    }
    if root_of_path(leaf_hash(&chunk.leaf()), chunk.index, body.chunks, &chunk.path) != Some(body.root) {
        return Err(ReceiptError::NotUnderRoot { place });
    }
    Ok(())
}

/// A place in the order of leaves, counted from 1 so that there is one before the first.
#[derive(Clone, Copy)]
struct Step {
    number: u64,
    /// Place of the kind in [`Kind::ALL`], from 1.
    kind: usize,
}

impl Step {
    const BEGIN: Self = Self { number: 0, kind: 0 };

    fn at(leaf: &LeafDisclosure) -> Self {
        let kind = usize::from(leaf.value.kind().number()).saturating_add(1);
        Self { number: leaf.index.saturating_add(1), kind }
    }

    const fn end(leaves: u64) -> Self {
        Self { number: leaves.saturating_add(1), kind: Kind::ALL.len().saturating_add(1) }
    }

    /// Each kind that is there exactly once needs a place; and where no field can be, there is room for nothing else.
    fn can_precede(self, next: Self) -> bool {
        let Some(distance) = next.number.checked_sub(self.number) else { return false };
        let kinds = || (1..).zip(Kind::ALL);
        let passed_over = kinds().filter(|(place, _)| self.kind < *place && *place < next.kind);
        let needed = (passed_over.filter(|(_, kind)| !kind.is_field()).count() as u64).saturating_add(1);
        let has_fields =
            kinds().any(|(place, kind)| kind.is_field() && (self.kind..=next.kind).contains(&place));
        let is_in_order = self.kind < next.kind || self.kind == next.kind && has_fields;
        is_in_order && (distance == needed || has_fields && distance > needed)
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "tests compute places among leaves that they made")]
mod tests;
