//! What is shown, in its order, with gaps where it is not.

use alloc::vec::Vec;

use crate::body::CHUNK_BYTES;
use crate::disclosure::body_of;
use crate::{BodySide, Disclosure, Leaves, Value};

/// Leaves, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<'r> {
    /// A leaf that is shown.
    Shown {
        /// Its number.
        index: u64,
        /// What it says.
        value: &'r Value,
    },
    /// Leaves that are not. Nothing is known of them but that they are there.
    Hidden {
        /// Number of the first.
        first: u64,
        /// How many.
        count: u64,
    },
}

/// Bytes of a body, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'r> {
    /// What is shown.
    Shown {
        /// Where in the body it begins.
        offset: u64,
        /// One chunk.
        bytes: &'r [u8],
    },
    /// What is not.
    Hidden {
        /// Where in the body it begins.
        offset: u64,
        /// How long it is.
        bytes: u64,
    },
}

/// All leaves in their order.
pub(crate) fn contents<'r>(disclosures: &'r [Disclosure], leaves: &Leaves) -> Vec<Content<'r>> {
    let (mut contents, mut next) = (Vec::new(), 0_u64);
    for leaf in disclosures.iter().filter_map(Disclosure::as_leaf) {
        contents.extend(hidden_leaves(next, leaf.index));
        contents.push(Content::Shown { index: leaf.index, value: &leaf.value });
        next = leaf.index.saturating_add(1);
    }
    contents.extend(hidden_leaves(next, leaves.count));
    contents
}

/// All of a body in its order; `None` where its leaf is hidden.
pub(crate) fn pieces(disclosures: &[Disclosure], side: BodySide) -> Option<Vec<Piece<'_>>> {
    let body = body_of(disclosures, side)?;
    let (mut pieces, mut next) = (Vec::new(), 0_u64);
    for chunk in disclosures.iter().filter_map(Disclosure::as_chunk).filter(|chunk| chunk.body == side) {
        let offset = chunk.index.saturating_mul(CHUNK_BYTES as u64);
        pieces.extend(hidden_bytes(next, offset));
        pieces.push(Piece::Shown { offset, bytes: &chunk.bytes });
        next = offset.saturating_add(body.chunk_bytes(chunk.index).unwrap_or_default());
    }
    pieces.extend(hidden_bytes(next, body.bytes));
    Some(pieces)
}

fn hidden_leaves<'r>(first: u64, end: u64) -> Option<Content<'r>> {
    let count = end.checked_sub(first).filter(|count| *count > 0)?;
    Some(Content::Hidden { first, count })
}

fn hidden_bytes<'r>(offset: u64, end: u64) -> Option<Piece<'r>> {
    let bytes = end.checked_sub(offset).filter(|bytes| *bytes > 0)?;
    Some(Piece::Hidden { offset, bytes })
}
