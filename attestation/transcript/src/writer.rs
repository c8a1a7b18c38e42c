//! Writing a transcript, entry by entry, in the guest.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;
use core::mem;

use attestation_merkle::{Tree, leaf_hash};

use crate::root::RootInputs;
use crate::segment::{CHAIN_BYTES, ENTRY_PREFIX_MAX_BYTES, FIRST_CHAIN, HEAD_BYTES, Head, chain};
use crate::{Header, Kind, MAGIC, PAYLOAD_MAX_BYTES, Root, SEGMENT_TARGET_BYTES, WriteError, leb128};

/// Room for a segment of small entries, the last of which goes over the target.
const SEGMENT_CAPACITY: usize = HEAD_BYTES + SEGMENT_TARGET_BYTES + 256 + CHAIN_BYTES;

/// Writes a transcript. The first segment, with the header, is there from the beginning.
///
/// Memory: the open segment, those that are closed and not taken, and a hash for each bit of their number. An
/// entry costs a copy, and a closed segment one SHA-256 over it and one allocation.
pub struct Writer {
    /// Room for the head, then the body as far as it came.
    open: Vec<u8>,
    /// In the open segment.
    open_entries: u32,
    /// Closed, and not taken yet.
    closed: VecDeque<Vec<u8>>,
    /// Of the file, up to the open segment.
    closed_bytes: u64,
    chain: [u8; 32],
    tree: Tree,
    /// Closed, the header's included.
    segments: u64,
    /// In closed segments.
    closed_entries: u64,
    fuel: u64,
    was_ended: bool,
}

/// A transcript that has all its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finished {
    /// Segments that were not taken before, in their order.
    pub segments: VecDeque<Vec<u8>>,
    /// Number of entries, the last one included.
    pub entries: u64,
    /// Bytes of the whole file.
    pub bytes: u64,
    /// What the claim signs.
    pub root: Root,
}

impl Writer {
    /// Begins a transcript.
    #[must_use]
    pub fn new(header: &Header) -> Self {
        let mut writer = Self {
            open: empty_segment(),
            open_entries: 0,
            closed: VecDeque::new(),
            closed_bytes: u64::try_from(MAGIC.len()).unwrap_or(u64::MAX),
            chain: FIRST_CHAIN,
            tree: Tree::default(),
            segments: 0,
            closed_entries: 0,
            fuel: 0,
            was_ended: false,
        };
        writer.open.extend_from_slice(&header.encode());
        writer.close(0);
        writer
    }

    /// Records something that the run learnt when it had used `fuel_used_total` since it began.
    ///
    /// # Errors
    /// See [`WriteError`]. Then nothing was recorded.
    pub fn append(&mut self, kind: Kind, fuel_used_total: u64, payload: &[u8]) -> Result<(), WriteError> {
        let index = self.check(kind, fuel_used_total, payload)?;
        let before = if self.open_entries == 0 { 0 } else { self.fuel };
        self.open.reserve(ENTRY_PREFIX_MAX_BYTES.saturating_add(payload.len()).saturating_add(CHAIN_BYTES));
        self.open.push(kind.0);
        leb128::write(fuel_used_total.saturating_sub(before), &mut self.open);
        leb128::write(u64::try_from(payload.len()).unwrap_or(u64::MAX), &mut self.open);
        self.open.extend_from_slice(payload);
        self.open_entries = self.open_entries.saturating_add(1);
        self.fuel = fuel_used_total;
        self.was_ended = kind == Kind::END;
        if self.was_ended || self.open.len() >= HEAD_BYTES + SEGMENT_TARGET_BYTES {
            self.close(index);
        }
        Ok(())
    }

    /// Takes the oldest segment that is closed. A file is [`MAGIC`] and then all segments in their order.
    /// Whoever takes none keeps them all in memory.
    pub fn take_segment(&mut self) -> Option<Vec<u8>> {
        self.closed.pop_front()
    }

    /// Entries so far.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.closed_entries.saturating_add(self.open_entries.into())
    }

    /// Bytes of the file so far, the open segment included, whatever was taken.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        if self.open_entries == 0 {
            return self.closed_bytes;
        }
        let open = u64::try_from(self.open.len().saturating_add(CHAIN_BYTES));
        self.closed_bytes.saturating_add(open.unwrap_or(u64::MAX))
    }

    /// The root, and the segments that were not taken. The last entry is of kind [`Kind::END`].
    ///
    /// # Errors
    /// [`WriteError::NoEnd`].
    pub fn finish(self) -> Result<Finished, WriteError> {
        if !self.was_ended {
            return Err(WriteError::NoEnd);
        }
        let (entries, bytes, segments) = (self.closed_entries, self.closed_bytes, self.segments);
        let inputs = RootInputs { entries, segments, last_chain: self.chain, tree: self.tree.root() };
        Ok(Finished { segments: self.closed, entries, bytes, root: inputs.root() })
    }

    #[cfg(test)]
    pub(crate) fn pretend_segments(&mut self, segments: u64) {
        self.segments = segments;
    }

    /// The number of the open segment, where the entry can go in.
    fn check(&self, kind: Kind, fuel_used_total: u64, payload: &[u8]) -> Result<u32, WriteError> {
        if self.was_ended {
            return Err(WriteError::AfterEnd { kind });
        }
        if !kind.is_known() {
            return Err(WriteError::UnknownKind { found: kind });
        }
        let (limit, found) = (PAYLOAD_MAX_BYTES, payload.len());
        if found > limit {
            return Err(WriteError::PayloadLength { kind, limit, found });
        }
        let (before, found) = (self.fuel, fuel_used_total);
        if found < before {
            return Err(WriteError::FuelBackwards { kind, before, found });
        }
        let segments = self.segments;
        u32::try_from(segments).map_err(|_| WriteError::Full { segments })
    }

    fn close(&mut self, index: u32) {
        let body_bytes = self.open.len().saturating_sub(HEAD_BYTES);
        let body_bytes = u32::try_from(body_bytes).unwrap_or(u32::MAX);
        let (first_entry, entries) = (self.closed_entries, self.open_entries);
        if let Some(head) = self.open.first_chunk_mut() {
            *head = Head { index, first_entry, entries, body_bytes }.encode();
        }
        let leaf_hash = leaf_hash(&self.open);
        self.chain = chain(&self.chain, &leaf_hash);
        self.tree.push(leaf_hash);
        self.segments = self.segments.saturating_add(1);
        self.open.extend_from_slice(&self.chain);
        self.closed_bytes =
            self.closed_bytes.saturating_add(u64::try_from(self.open.len()).unwrap_or(u64::MAX));
        self.closed_entries = self.entries();
        self.open_entries = 0;
        self.closed.push_back(mem::replace(&mut self.open, empty_segment()));
    }
}

/// Without what was recorded: it may be of a private job.
impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (entries, bytes) = (self.entries(), self.bytes());
        f.debug_struct("Writer").field("entries", &entries).field("bytes", &bytes).finish_non_exhaustive()
    }
}

fn empty_segment() -> Vec<u8> {
    let mut segment = Vec::with_capacity(SEGMENT_CAPACITY);
    segment.extend_from_slice(&[0; HEAD_BYTES]);
    segment
}
