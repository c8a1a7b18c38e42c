//! One segment as bytes: its head, its leaf in the tree, its link in the chain.

use core::iter::successors;

use sha2::{Digest, Sha256};

use crate::leb128;
use crate::{PAYLOAD_MAX_BYTES, SEGMENT_TARGET_BYTES};

/// Bytes of a head.
pub(crate) const HEAD_BYTES: usize = 4 + 8 + 4 + 4;
/// Bytes of a chain value.
pub(crate) const CHAIN_BYTES: usize = 32;
/// The most bytes of an entry besides its payload. A payload's length takes three at most.
pub(crate) const ENTRY_PREFIX_MAX_BYTES: usize = 1 + leb128::MAX_BYTES + 3;
/// The longest body: one entry more than nearly enough.
pub(crate) const BODY_MAX_BYTES: usize =
    SEGMENT_TARGET_BYTES - 1 + ENTRY_PREFIX_MAX_BYTES + PAYLOAD_MAX_BYTES;
/// The longest segment.
pub const SEGMENT_MAX_BYTES: usize = HEAD_BYTES + BODY_MAX_BYTES + CHAIN_BYTES;

/// What the first segment is chained to.
pub(crate) const FIRST_CHAIN: [u8; 32] = [0; 32];
const CHAIN_LABEL: &[u8] = b"redoubt transcript chain 1";

const _: () =
    assert!(HEAD_BYTES == 20 && BODY_MAX_BYTES == 69_709, "the format changed: it is a new version");
const _: () = assert!(PAYLOAD_MAX_BYTES < 1 << 21, "a payload's length takes more than three bytes");

/// The numbers before a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) index: u32,
    pub(crate) first_entry: u64,
    pub(crate) entries: u32,
    pub(crate) body_bytes: u32,
}

impl Head {
    pub(crate) fn encode(&self) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        let fields = self.index.to_le_bytes().into_iter().chain(self.first_entry.to_le_bytes());
        let fields = fields.chain(self.entries.to_le_bytes()).chain(self.body_bytes.to_le_bytes());
        bytes.iter_mut().zip(fields).for_each(|(byte, field)| *byte = field);
        bytes
    }

    /// Takes a head off the front; `None` when there are too few bytes.
    pub(crate) fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (index, bytes) = bytes.split_first_chunk()?;
        let (first_entry, bytes) = bytes.split_first_chunk()?;
        let (entries, bytes) = bytes.split_first_chunk()?;
        let (body_bytes, body) = bytes.split_first_chunk()?;
        let head = Self {
            index: u32::from_le_bytes(*index),
            first_entry: u64::from_le_bytes(*first_entry),
            entries: u32::from_le_bytes(*entries),
            body_bytes: u32::from_le_bytes(*body_bytes),
        };
        Some((head, body))
    }

    /// Bytes of the body, as far as this machine can count.
    pub(crate) fn body_len(&self) -> usize {
        usize::try_from(self.body_bytes).unwrap_or(usize::MAX)
    }
}

/// A whole segment, none of it checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment<'a> {
    /// Where it begins, in whatever was read.
    pub(crate) offset: usize,
    pub(crate) head: Head,
    /// Head and body.
    pub(crate) leaf: &'a [u8],
    pub(crate) body: &'a [u8],
    pub(crate) chain: [u8; 32],
}

impl<'a> Segment<'a> {
    /// Takes the segment that begins at `offset`; `None` when it is not whole.
    pub(crate) fn at(bytes: &'a [u8], offset: usize) -> Option<Self> {
        let rest = bytes.get(offset..)?;
        let (head, after_head) = Head::split(rest)?;
        let (body, after_body) = after_head.split_at_checked(head.body_len())?;
        let leaf = rest.get(..HEAD_BYTES.checked_add(body.len())?)?;
        Some(Self { offset, head, leaf, body, chain: *after_body.first_chunk()? })
    }

    /// Where the next one begins.
    pub(crate) const fn end(&self) -> usize {
        self.offset.saturating_add(self.leaf.len()).saturating_add(CHAIN_BYTES)
    }
}

/// The segments from a place on, as far as they are whole, by what their heads say.
pub(crate) fn segments_from(bytes: &[u8], offset: usize) -> impl Iterator<Item = Segment<'_>> {
    successors(Segment::at(bytes, offset), |segment| Segment::at(bytes, segment.end()))
}

/// The chain value of a segment.
pub(crate) fn chain(previous: &[u8; 32], leaf_hash: &[u8; 32]) -> [u8; 32] {
    let hash = Sha256::new().chain_update(CHAIN_LABEL).chain_update(previous).chain_update(leaf_hash);
    hash.finalize().into()
}
