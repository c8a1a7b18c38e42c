//! From segment to segment through a file: frames, numbers and chain are checked, and what is wrong gets its
//! name.

use core::cmp::Ordering;

use attestation_merkle::{Tree, leaf_hash};

use crate::error::{HeadField, Place};
use crate::root::RootInputs;
use crate::segment::{
    BODY_MAX_BYTES, CHAIN_BYTES, FIRST_CHAIN, HEAD_BYTES, Head, Segment, chain, segments_from,
};
use crate::{Entries, MAGIC, TranscriptError};

/// A place between two segments, and what must come next.
#[derive(Clone)]
pub(crate) struct Walk<'a> {
    bytes: &'a [u8],
    offset: usize,
    index: u64,
    first_entry: u64,
    chain: [u8; 32],
    tree: Tree,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, TranscriptError> {
        if !bytes.starts_with(&MAGIC) {
            return Err(wrong_start(bytes));
        }
        let (offset, chain, tree) = (MAGIC.len(), FIRST_CHAIN, Tree::default());
        Ok(Self { bytes, offset, index: 0, first_entry: 0, chain, tree })
    }

    /// The next segment, which follows from all before it; `None` where the file ends. Its body was not
    /// looked into.
    pub(crate) fn next_segment(&mut self) -> Result<Option<Segment<'a>>, TranscriptError> {
        if self.rest().is_empty() {
            return Ok(None);
        }
        let segment = self.whole()?;
        let leaf_hash = leaf_hash(segment.leaf);
        let chain = chain(&self.chain, &leaf_hash);
        if chain != segment.chain {
            return Err(self.blame(&segment));
        }
        self.check(&segment.head)?;
        self.offset = segment.end();
        self.index = self.index.saturating_add(1);
        self.first_entry = self.first_entry.saturating_add(segment.head.entries.into());
        self.chain = chain;
        self.tree.push(leaf_hash);
        Ok(Some(segment))
    }

    /// Nothing may follow the segment with the last entry.
    pub(crate) fn check_nothing_follows(&self) -> Result<(), TranscriptError> {
        let found = self.rest().len();
        if found == 0 {
            return Ok(());
        }
        let at = self.place(0);
        if let Some(next) = Segment::at(self.bytes, self.offset)
            && let Some(earlier) = find(self.bytes, MAGIC.len(), next.head.index)
            && earlier.offset < next.offset
            && (earlier.leaf, earlier.chain) == (next.leaf, next.chain)
        {
            return Err(TranscriptError::Repeated { at, found: next.head.index.into() });
        }
        Err(TranscriptError::AfterEnd { at, found })
    }

    /// More must follow.
    pub(crate) fn no_end(&self) -> TranscriptError {
        TranscriptError::NoEnd { at: self.place(0) }
    }

    /// Where the next segment begins.
    pub(crate) const fn offset(&self) -> usize {
        self.offset
    }

    /// Of all segments so far.
    pub(crate) fn root_inputs(&self) -> RootInputs {
        let (entries, segments) = (self.first_entry, self.index);
        RootInputs { entries, segments, last_chain: self.chain, tree: self.tree.root() }
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.offset..).unwrap_or_default()
    }

    /// The next segment with this number of entries.
    fn place(&self, entries: u32) -> Place {
        let end = self.first_entry.saturating_add(entries.into());
        Place { offset: self.offset, segment: self.index, entries: self.first_entry..end }
    }

    fn whole(&self) -> Result<Segment<'a>, TranscriptError> {
        let found = self.rest().len();
        let truncated = |entries, body_bytes: usize| {
            let expected = (HEAD_BYTES + CHAIN_BYTES).saturating_add(body_bytes);
            TranscriptError::Truncated { at: self.place(entries), expected, found }
        };
        let (head, _) = Head::split(self.rest()).ok_or_else(|| truncated(0, 0))?;
        if head.body_len() > BODY_MAX_BYTES {
            let (at, limit, found) = (self.place(head.entries), BODY_MAX_BYTES, head.body_bytes);
            return Err(TranscriptError::BodyLength { at, limit, found });
        }
        let segment = Segment::at(self.bytes, self.offset);
        segment.ok_or_else(|| truncated(head.entries, head.body_len()))
    }

    /// The numbers of a segment that is linked to the one before.
    fn check(&self, head: &Head) -> Result<(), TranscriptError> {
        let mut numbers = [
            (HeadField::Index, self.index, u64::from(head.index)),
            (HeadField::FirstEntry, self.first_entry, head.first_entry),
            // Of the header alone it is known beforehand.
            (HeadField::EntryCount, 0, if self.index == 0 { head.entries.into() } else { 0 }),
        ]
        .into_iter();
        match numbers.find(|(_, expected, found)| expected != found) {
            Some((field, expected, found)) => {
                Err(TranscriptError::Head { at: self.place(head.entries), field, expected, found })
            }
            None => Ok(()),
        }
    }

    /// Says why a segment does not fit its chain value.
    fn blame(&self, segment: &Segment<'a>) -> TranscriptError {
        let head = &segment.head;
        if let Some(error) = self.changed_number(segment) {
            return error;
        }
        let found = u64::from(head.index);
        match found.cmp(&self.index) {
            Ordering::Equal => TranscriptError::Changed { at: self.place(head.entries) },
            Ordering::Less => TranscriptError::Repeated { at: self.place(0), found },
            Ordering::Greater => self.not_there(segment, found),
        }
    }

    /// Whether the segment fits once the numbers in its head are what they must be: then one of them was
    /// changed.
    fn changed_number(&self, segment: &Segment<'_>) -> Option<TranscriptError> {
        let head = &segment.head;
        let index = u32::try_from(self.index).ok()?;
        let expected = Head { index, first_entry: self.first_entry, ..*head };
        let entries = if index == 0 { 0 } else { count(&expected, segment.body) };
        let expected = Head { entries, ..expected };
        let leaf = [expected.encode().as_slice(), segment.body].concat();
        if expected == *head || chain(&self.chain, &leaf_hash(&leaf)) != segment.chain {
            return None;
        }
        let at = self.place(entries);
        let numbers = [
            (HeadField::Index, u64::from(expected.index), u64::from(head.index)),
            (HeadField::FirstEntry, expected.first_entry, head.first_entry),
            (HeadField::EntryCount, expected.entries.into(), head.entries.into()),
        ];
        let changed = numbers.into_iter().find(|(_, expected, found)| expected != found)?;
        let (field, expected, found) = changed;
        Some(TranscriptError::Head { at, field, expected, found })
    }

    /// A later segment stands where this one belongs.
    fn not_there(&self, segment: &Segment<'_>, found: u64) -> TranscriptError {
        let wanted = u32::try_from(self.index).ok();
        match wanted.and_then(|wanted| find(self.bytes, segment.end(), wanted)) {
            Some(later) => TranscriptError::Swapped { at: self.place(later.head.entries), found },
            None => {
                let end = segment.head.first_entry.max(self.first_entry);
                let at = Place { entries: self.first_entry..end, ..self.place(0) };
                TranscriptError::Missing { at, found }
            }
        }
    }
}

fn wrong_start(bytes: &[u8]) -> TranscriptError {
    if MAGIC.starts_with(bytes) {
        let at = Place { offset: 0, segment: 0, entries: 0..0 };
        return TranscriptError::Truncated { at, expected: MAGIC.len(), found: bytes.len() };
    }
    let mut found = [0; 8];
    found.iter_mut().zip(bytes).for_each(|(found, byte)| *found = *byte);
    TranscriptError::Magic { found }
}

/// The first segment with this number at or after `offset`.
fn find(bytes: &[u8], offset: usize, index: u32) -> Option<Segment<'_>> {
    segments_from(bytes, offset).find(|segment| segment.head.index == index)
}

/// How many entries a body has, as far as it can be read.
fn count(head: &Head, body: &[u8]) -> u32 {
    let read = Entries::new(head, body, 0, 0).take_while(Result::is_ok).count();
    u32::try_from(read).unwrap_or(u32::MAX)
}
