//! Reading a transcript that is whole in memory.

use core::fmt;

use crate::error::{Place, RunField};
use crate::root::RootInputs;
use crate::segment::HEAD_BYTES;
use crate::walk::Walk;
use crate::{Entries, Entry, Header, Root, Run, TranscriptError};

/// Reads header and entries, and checks on the way that each follows from all before it.
///
/// What it gives is consistent, and may still be made up: only [`Self::finish`] knows the root, and only the
/// claim knows which one is right. So [`verify_run`] comes first. Ends after the first error.
pub struct Reader<'a> {
    walk: Walk<'a>,
    header: Header,
    entries: Entries<'a>,
    /// How reading ended, once it has.
    end: Option<Result<(), TranscriptError>>,
}

/// What a whole transcript comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// What it begins with.
    pub header: Header,
    /// Number of entries, the last one included.
    pub entries: u64,
    /// Number of segments, the header's included.
    pub segments: u64,
    /// Bytes of the file.
    pub bytes: usize,
    /// Fuel used at the last entry.
    pub fuel: u64,
    /// What a claim signs of it.
    pub root: Root,
}

/// Checks that `bytes` are the whole transcript that `expected` stands for. Reads everything once; allocates
/// a hash for each bit of the number of segments.
///
/// # Errors
/// See [`TranscriptError`]: the first thing that is wrong, and where.
pub fn verify(bytes: &[u8], expected: &Root) -> Result<Summary, TranscriptError> {
    check_root(Reader::new(bytes)?.finish()?, expected)
}

/// [`verify`], and the header is of `run`: what a claim says of itself. A transcript of another run is called
/// that.
///
/// # Errors
/// See [`TranscriptError`]: the first thing that is wrong, and where.
pub fn verify_run(bytes: &[u8], expected: &Root, run: &Run) -> Result<Summary, TranscriptError> {
    let reader = Reader::new(bytes)?;
    check_run(&reader.header.run, run)?;
    check_root(reader.finish()?, expected)
}

impl<'a> Reader<'a> {
    /// Reads as far as the header.
    ///
    /// # Errors
    /// See [`TranscriptError`]: no transcript, or something is wrong with its first segment.
    pub fn new(bytes: &'a [u8]) -> Result<Self, TranscriptError> {
        let mut walk = Walk::new(bytes)?;
        let segment = walk.next_segment()?.ok_or_else(|| walk.no_end())?;
        let offset = segment.offset.saturating_add(HEAD_BYTES);
        let header = Header::decode(segment.body).map_err(|error| {
            let at = Place { offset, segment: 0, entries: 0..0 };
            TranscriptError::Header { at, error }
        })?;
        Ok(Self { walk, header, entries: Entries::none(), end: None })
    }

    /// What the transcript begins with.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Reads what has not been read yet, and sums up.
    ///
    /// # Errors
    /// See [`TranscriptError`]: the first thing that is wrong, whenever it was found.
    pub fn finish(mut self) -> Result<Summary, TranscriptError> {
        let inputs = self.read_all()?;
        Ok(Summary {
            header: self.header,
            entries: inputs.entries,
            segments: inputs.segments,
            bytes: self.walk.offset(),
            fuel: self.entries.fuel(),
            root: inputs.root(),
        })
    }

    /// Reads what has not been read yet.
    pub(crate) fn read_all(&mut self) -> Result<RootInputs, TranscriptError> {
        self.by_ref().for_each(drop);
        self.end.clone().unwrap_or(Ok(()))?;
        Ok(self.walk.root_inputs())
    }

    fn step(&mut self) -> Result<Option<Entry<'a>>, TranscriptError> {
        loop {
            if let Some(entry) = self.entries.next() {
                return entry.map(Some);
            }
            if self.entries.was_ended() {
                return self.walk.check_nothing_follows().map(|()| None);
            }
            let segment = self.walk.next_segment()?.ok_or_else(|| self.walk.no_end())?;
            let offset = segment.offset.saturating_add(HEAD_BYTES);
            self.entries = Entries::new(&segment.head, segment.body, offset, self.entries.fuel());
        }
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Entry<'a>, TranscriptError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.end.is_some() {
            return None;
        }
        match self.step() {
            Ok(Some(entry)) => Some(Ok(entry)),
            Ok(None) => {
                self.end = Some(Ok(()));
                None
            }
            Err(error) => {
                self.end = Some(Err(error.clone()));
                Some(Err(error))
            }
        }
    }
}

impl core::iter::FusedIterator for Reader<'_> {}

/// Without the bytes: they may be many, and of a private job.
impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (next, offset) = (self.entries.next_number(), self.walk.offset());
        f.debug_struct("Reader").field("next_entry", &next).field("offset", &offset).finish_non_exhaustive()
    }
}

fn check_root(summary: Summary, expected: &Root) -> Result<Summary, TranscriptError> {
    if summary.root == *expected {
        return Ok(summary);
    }
    Err(TranscriptError::WrongRoot { expected: *expected, found: summary.root })
}

fn check_run(found: &Run, expected: &Run) -> Result<(), TranscriptError> {
    let digests = [
        (RunField::Component, expected.component, found.component),
        (RunField::Manifest, expected.manifest, found.manifest),
    ];
    for (field, expected, found) in digests {
        if expected != found {
            return Err(TranscriptError::OtherRun { field, expected, found });
        }
    }
    let (expected, found) = (expected.sequence, found.sequence);
    if expected == found { Ok(()) } else { Err(TranscriptError::OtherJob { expected, found }) }
}
