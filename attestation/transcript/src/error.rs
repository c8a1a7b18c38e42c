//! Why a transcript is not believed, a proof shows nothing, or an entry is not written.

use core::fmt;
use core::ops::Range;

use crate::hex::Hex;
use crate::{HeaderError, Kind, MAGIC, Root, TRANSCRIPT_VERSION};

/// Where something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Byte of the file, or of the segment in a proof, from 0.
    pub offset: usize,
    /// Number of the segment that belongs there, from 0. The header is segment 0.
    pub segment: u64,
    /// Entries that are affected. Empty where none is known to be: then it begins with the next that is due.
    pub entries: Range<u64>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (segment, Range { start, end }) = (self.segment, &self.entries);
        write!(f, "segment {segment} ")?;
        match end.saturating_sub(*start) {
            _ if segment == 0 => f.write_str("(header)")?,
            0 => write!(f, "(from entry {start} on)")?,
            1 => write!(f, "(entry {start})")?,
            _ => write!(f, "(entries {start} to {})", end.saturating_sub(1))?,
        }
        write!(f, ", byte {}", self.offset)
    }
}

/// A number in the head of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeadField {
    /// Number of its entries.
    EntryCount,
    /// Number of its first entry.
    FirstEntry,
    /// Number of the segment.
    Index,
}

impl fmt::Display for HeadField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EntryCount => "number of entries",
            Self::FirstEntry => "first entry",
            Self::Index => "index",
        })
    }
}

/// A number in front of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryField {
    /// Fuel.
    Fuel,
    /// Bytes of the payload.
    PayloadLength,
}

impl fmt::Display for EntryField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fuel => "fuel",
            Self::PayloadLength => "length of the payload",
        })
    }
}

/// A digest that names a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunField {
    /// The component.
    Component,
    /// The manifest.
    Manifest,
}

impl fmt::Display for RunField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Component => "component",
            Self::Manifest => "manifest",
        })
    }
}

/// Bytes that are not the transcript that a root stands for: the first thing that is wrong, and where.
///
/// Before `Header`, what was stored or sent came to harm. The others of one place fit the chain:
/// whoever wrote the chain values is guilty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TranscriptError {
    /// Something else, another version, or still sealed.
    #[error(
        "not a transcript of version {TRANSCRIPT_VERSION}: expected a file that begins with {}, found {}; \
         see whether it is the right file, and open it if it is sealed", Hex(&MAGIC), Hex(found)
    )]
    Magic {
        /// First bytes, zero beyond the end.
        found: [u8; 8],
    },
    /// The file ends inside a segment.
    #[error(
        "transcript, {at}: the segment has {expected} bytes, found {found}; get the file again from there on"
    )]
    Truncated {
        /// The segment.
        at: Place,
        /// Bytes of the segment, at least.
        expected: usize,
        /// Bytes that are there.
        found: usize,
    },
    /// The file ends after a segment, and the last entry was not in it.
    #[error("transcript, {at}: the file ends before the entry that is its last; get it again from there on")]
    NoEnd {
        /// Where more belongs.
        at: Place,
    },
    /// Something follows the segment with the last entry.
    #[error("transcript, {at}: expected nothing after the last entry, found {found} bytes; cut them off")]
    AfterEnd {
        /// Where the transcript ends.
        at: Place,
        /// Bytes after it.
        found: usize,
    },
    /// A segment does not fit its chain value.
    #[error("transcript, {at}: bytes of this segment were changed; get it from another copy")]
    Changed {
        /// The segment, with the entries that it says it has.
        at: Place,
    },
    /// A number in a segment's head is not what it must be. Where the chain does not fit what was found, it
    /// fits what was expected.
    #[error(
        "transcript, {at}: {field} of this segment: expected {expected}, found {found}; get it from \
         another copy"
    )]
    Head {
        /// The segment.
        at: Place,
        /// Which number.
        field: HeadField,
        /// What follows from all before.
        expected: u64,
        /// What is there.
        found: u64,
    },
    /// A segment longer than any.
    #[error(
        "transcript, {at}: expected a body of at most {limit} bytes, found {found}; get it from another copy"
    )]
    BodyLength {
        /// The segment.
        at: Place,
        /// The longest.
        limit: usize,
        /// What its head says.
        found: u32,
    },
    /// A segment is not there, nor later in the file.
    #[error(
        "transcript, {at}: found segment {found} there, and the expected one nowhere after it; it was \
         removed: get it from another copy"
    )]
    Missing {
        /// The segment that is missing, and the entries up to the one that was found.
        at: Place,
        /// Segment that was found.
        found: u64,
    },
    /// A segment is there again.
    #[error(
        "transcript, {at}: found segment {found} there, which has been before; take it out, or get this \
         segment from another copy"
    )]
    Repeated {
        /// The segment that belongs there.
        at: Place,
        /// Segment that was found.
        found: u64,
    },
    /// A segment comes before its time.
    #[error(
        "transcript, {at}: found segment {found} there, and the expected one later; put them in the order \
         of their numbers"
    )]
    Swapped {
        /// The segment that belongs there.
        at: Place,
        /// Segment that was found.
        found: u64,
    },
    /// The header is none.
    #[error("transcript, {at}: header: {error}")]
    Header {
        /// The header.
        at: Place,
        /// What is wrong with it.
        #[source]
        error: HeaderError,
    },
    /// A kind that this build does not know.
    #[error("transcript, {at}: expected a kind that is known, found {found}")]
    UnknownKind {
        /// The entry.
        at: Place,
        /// Kind found.
        found: Kind,
    },
    /// A number has one shortest form, and this is another.
    #[error("transcript, {at}: {field} is not in its shortest form")]
    LongForm {
        /// The entry.
        at: Place,
        /// Which number.
        field: EntryField,
    },
    /// A number has more than 64 bits.
    #[error("transcript, {at}: {field} has more than 64 bits")]
    Overflow {
        /// The entry.
        at: Place,
        /// Which number.
        field: EntryField,
    },
    /// Fuel is never given back.
    #[error("transcript, {at}: fuel: expected at least {before}, found {found}")]
    FuelBackwards {
        /// The entry.
        at: Place,
        /// Fuel used at the entry before.
        before: u64,
        /// Fuel used at this one.
        found: u64,
    },
    /// A payload longer than any.
    #[error("transcript, {at}: expected a payload of at most {limit} bytes, found {found}")]
    PayloadLength {
        /// The entry.
        at: Place,
        /// The longest.
        limit: usize,
        /// What it says.
        found: u64,
    },
    /// An entry does not end in its segment.
    #[error("transcript, {at}: expected {expected} more bytes of this entry in its segment, found {found}")]
    EntryCut {
        /// The entry.
        at: Place,
        /// Bytes that belong there, at least.
        expected: usize,
        /// Bytes up to the end of the body.
        found: usize,
    },
    /// Something follows the last entry in its segment.
    #[error("transcript, {at}: an entry after the one that is the last")]
    EntryAfterEnd {
        /// Where the segment should end.
        at: Place,
    },
    /// A segment has less than belongs in it.
    #[error(
        "transcript, {at}: the segment is closed too early: expected {expected} bytes or more, found {found}"
    )]
    ClosedEarly {
        /// Where the next entry belongs.
        at: Place,
        /// Bytes of a body that is full.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// A segment has more than belongs in it.
    #[error("transcript, {at}: an entry in a segment that is full: it has {limit} bytes already")]
    ClosedLate {
        /// The entry.
        at: Place,
        /// Bytes of a body that is full.
        limit: usize,
    },
    /// The transcript is of something else.
    #[error(
        "transcript of another run: {field}: expected {}, found {}; see which claim it belongs to",
        Hex(expected),
        Hex(found)
    )]
    OtherRun {
        /// What differs.
        field: RunField,
        /// SHA-256 of what was asked for.
        expected: [u8; 32],
        /// SHA-256 in the header.
        found: [u8; 32],
    },
    /// The transcript is of another job of the same component and manifest.
    #[error(
        "transcript of another run: number of the job: expected {expected}, found {found}; see which claim \
         it belongs to"
    )]
    OtherJob {
        /// What was asked for.
        expected: u64,
        /// What the header says.
        found: u64,
    },
    /// Consistent in itself, and not what was signed.
    #[error(
        "transcript: root: expected {expected}, found {found}; it agrees with itself, so it is of \
         another run, or somebody made it up"
    )]
    WrongRoot {
        /// What was signed.
        expected: Root,
        /// What these bytes have.
        found: Root,
    },
}

impl TranscriptError {
    /// Where in the file; `None` where it is the file as a whole.
    #[must_use]
    pub const fn place(&self) -> Option<&Place> {
        match self {
            Self::Magic { .. } | Self::OtherRun { .. } | Self::OtherJob { .. } | Self::WrongRoot { .. } => {
                None
            }
            Self::Truncated { at, .. }
            | Self::NoEnd { at }
            | Self::AfterEnd { at, .. }
            | Self::Changed { at }
            | Self::Head { at, .. }
            | Self::BodyLength { at, .. }
            | Self::Missing { at, .. }
            | Self::Repeated { at, .. }
            | Self::Swapped { at, .. }
            | Self::Header { at, .. }
            | Self::UnknownKind { at, .. }
            | Self::LongForm { at, .. }
            | Self::Overflow { at, .. }
            | Self::FuelBackwards { at, .. }
            | Self::PayloadLength { at, .. }
            | Self::EntryCut { at, .. }
            | Self::EntryAfterEnd { at }
            | Self::ClosedEarly { at, .. }
            | Self::ClosedLate { at, .. } => Some(at),
        }
    }
}

/// A proof that shows nothing, or that cannot be made. Whoever handed it out is guilty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// Longer than any.
    #[error("proof: expected at most {limit} bytes, found {found}")]
    TooLong {
        /// Longest that is accepted.
        limit: usize,
        /// Bytes found.
        found: usize,
    },
    /// Not the CBOR of the format.
    #[error("proof: not the expected CBOR at byte {offset}")]
    Malformed {
        /// Where reading stopped.
        offset: usize,
    },
    /// The same content has one deterministic encoding, and this is another.
    #[error("proof: not in deterministic encoding")]
    NotDeterministic,
    /// Another version of the format.
    #[error("proof version: expected {TRANSCRIPT_VERSION}, found {found}")]
    Version {
        /// Version found.
        found: u32,
    },
    /// More hashes than any path has.
    #[error("proof: expected an audit path of at most {limit} hashes, found {found}")]
    PathTooLong {
        /// The longest.
        limit: usize,
        /// What it says.
        found: u64,
    },
    /// The transcript has no such segment.
    #[error("proof: the transcript has {segments} segments, numbered from 0; there is no segment {found}")]
    NoSegment {
        /// How many it has.
        segments: u64,
        /// Which one was asked for or is said to be shown.
        found: u64,
    },
    /// The segment's length is not what its head says.
    #[error("proof: expected {expected} bytes of a segment without its chain value, found {found}")]
    SegmentLength {
        /// By its head, or of a head.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// A tree of this size has other paths.
    #[error("proof: an audit path of {found} hashes does not belong to segment {segment} of {segments}")]
    PathLength {
        /// Which segment it shows.
        segment: u64,
        /// How many there are said to be.
        segments: u64,
        /// Hashes found.
        found: usize,
    },
    /// It proves something about another transcript, or nothing.
    #[error("proof: root: expected {expected}, found {found}; it is of another run, or somebody made it up")]
    WrongRoot {
        /// What was signed.
        expected: Root,
        /// Where the proof leads.
        found: Root,
    },
    /// The segment under the root breaks the format. Whoever signed the root is guilty.
    #[error("proof: {0}")]
    Segment(#[from] TranscriptError),
    /// Numbers under the root contradict each other. Whoever signed the root is guilty.
    #[error(
        "proof, segment {segment}: its entries end before number {found}, and those of the transcript \
         before {expected}"
    )]
    EntryNumbers {
        /// Which segment it shows.
        segment: u64,
        /// Number of entries in the transcript.
        expected: u64,
        /// Number after the segment's last.
        found: u64,
    },
    /// The last entry is where it must not be, or missing where it must be. Whoever signed the root is
    /// guilty.
    #[error("proof, segment {segment} of {segments}: the last entry is in the last segment and in no other")]
    End {
        /// Which segment it shows.
        segment: u64,
        /// How many there are.
        segments: u64,
    },
}

/// An entry that is not written. The runtime is guilty, and the writer is as it was before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The last entry was written.
    #[error("transcript: an entry of {kind} after the last one")]
    AfterEnd {
        /// What should have been written.
        kind: Kind,
    },
    /// Numbers of segments have 32 bits.
    #[error("transcript: full: it has {segments} segments")]
    Full {
        /// Segments that it has.
        segments: u64,
    },
    /// Fuel is never given back.
    #[error("transcript: an entry of {kind}: fuel: expected at least {before}, found {found}")]
    FuelBackwards {
        /// What should have been written.
        kind: Kind,
        /// Fuel used at the entry before.
        before: u64,
        /// Fuel used at this one.
        found: u64,
    },
    /// There is no last entry.
    #[error("transcript: finished without an entry of {}", Kind::END)]
    NoEnd,
    /// A payload longer than any.
    #[error("transcript: an entry of {kind}: expected a payload of at most {limit} bytes, found {found}")]
    PayloadLength {
        /// What should have been written.
        kind: Kind,
        /// The longest.
        limit: usize,
        /// Bytes found.
        found: usize,
    },
    /// A kind that no reader knows.
    #[error("transcript: expected a kind that is known, found {found}")]
    UnknownKind {
        /// Kind found.
        found: Kind,
    },
}
