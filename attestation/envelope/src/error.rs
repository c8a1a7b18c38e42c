//! What can be wrong with an envelope or with the key of a reader.

use crate::head::Content;
use crate::job::{JOB_HEAD_BYTES, JOB_MAGIC};
use crate::{MAGIC, READERS_MAX};

/// Why an envelope does not open. Whoever gave it is guilty, or has other readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// It does not begin as one.
    #[error("envelope: expected the bytes {MAGIC:02x?} at its beginning; what was never sealed needs no key")]
    NotAnEnvelope,
    /// It ends before its head does.
    #[error("envelope: expected a head of {expected} bytes, found {found} bytes in all")]
    ShortHead {
        /// What its number of readers says.
        expected: usize,
        /// All there is.
        found: usize,
    },
    /// It says that something unknown is in it.
    #[error("envelope: expected a content of 1 (a transcript) to 6 (a log), found {found}")]
    UnknownContent {
        /// What it says.
        found: u8,
    },
    /// Something else is in it.
    #[error("envelope: expected {expected}, found {found}")]
    OtherContent {
        /// What was looked for.
        expected: Content,
        /// What it says.
        found: Content,
    },
    /// It has no readers, or more than any has.
    #[error("envelope: expected 1 to {READERS_MAX} readers, found {found}")]
    Readers {
        /// What it says.
        found: u8,
    },
    /// The key is none of its readers'.
    #[error("envelope: sealed for {readers} readers, and this key is none of theirs")]
    NotAReader {
        /// How many it has.
        readers: usize,
    },
    /// A record that is longer than any.
    #[error("envelope, record {record} at byte {offset}: expected at most {limit} bytes, found {found}")]
    RecordTooLong {
        /// Its number.
        record: u64,
        /// Where it begins.
        offset: usize,
        /// The longest of such an envelope.
        limit: usize,
        /// What it says.
        found: u32,
    },
    /// A record that was changed, or is in another place than it was.
    #[error("envelope, record {record} at byte {offset}: not what was sealed there")]
    Record {
        /// Its number.
        record: u64,
        /// Where it begins.
        offset: usize,
    },
    /// The last record is missing, or part of it.
    #[error("envelope, record {record} at byte {offset}: cut off")]
    CutOff {
        /// Number of the record that should follow.
        record: u64,
        /// Where it should begin, or begins.
        offset: usize,
    },
    /// Bytes after the last record.
    #[error("envelope, byte {offset}: expected its end after the last record")]
    Trailing {
        /// Where they begin.
        offset: usize,
    },
}

/// What is in an envelope for a private job is no input of one. Whoever sealed it is guilty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JobHeadError {
    /// It begins otherwise.
    #[error("private input: expected {JOB_MAGIC:02x?} at the beginning of what is sealed")]
    Magic,
    /// It ends before its head does.
    #[error("private input: expected a head of {JOB_HEAD_BYTES} bytes, found {found} bytes in all")]
    Short {
        /// All there is.
        found: usize,
    },
}

/// A key that is no reader's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A point of the curve with which nothing can be sealed, because everybody could open it.
    #[error("reader {index}: not a public key of X25519 that anything can be sealed for")]
    Public {
        /// Its place in the list, from 0.
        index: usize,
    },
    /// No key at all, or too many.
    #[error("expected 1 to {READERS_MAX} readers, found {found}")]
    Count {
        /// How many.
        found: usize,
    },
    /// A file that holds no private key of X25519.
    #[error(
        "expected a private key of X25519 in PEM (PKCS #8, RFC 8410), as `redoubt-verify reader-key new` makes it"
    )]
    Private,
}
