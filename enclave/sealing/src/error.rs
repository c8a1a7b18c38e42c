//! What can be wrong with a blob.

use alloc::string::String;

use crate::blob::{MAGIC, VERSION};

/// A blob that cannot be made or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The bytes end early.
    #[error("sealed blob: expected at least {expected_at_least} bytes, found {found}: part of it is missing")]
    TooShort {
        /// Bytes of the header that is there and of the tag.
        expected_at_least: usize,
        /// Bytes of the blob.
        found: usize,
    },
    /// Something else than a sealed blob.
    #[error(
        "sealed blob: expected bytes that begin with \"{}\", found \"{}\"",
        MAGIC.escape_ascii(), .found.escape_ascii()
    )]
    NotABlob {
        /// The first bytes.
        found: [u8; 6],
    },
    /// Sealed by another release, which may be older or newer.
    #[error(
        "sealed blob: expected version {VERSION}, found {found}: open it with the release that sealed it"
    )]
    Version {
        /// The version it states.
        found: u16,
    },
    /// Sealed for something else.
    #[error("sealed blob: expected one for {expected}, found one for {found}")]
    Purpose {
        /// What it was to be opened for.
        expected: String,
        /// What it states.
        found: String,
    },
    /// A genuine blob that is older than one that is known to exist.
    #[error(
        "sealed blob: expected counter {expected_at_least} or more, found {found}: an old blob was given back; \
         supply the newest"
    )]
    RolledBack {
        /// The smallest counter that would do.
        expected_at_least: u64,
        /// The blob's.
        found: u64,
    },
    /// Sealed with another key, or changed since; which of them, nobody can tell.
    #[error(
        "sealed blob: not sealed by this image with this manifest on this processor, or changed since; \
         start what sealed it, or begin without it"
    )]
    NotOurs,
    /// More plaintext than the cipher takes at once, 64 GiB.
    #[error("sealed blob: {found} bytes of plaintext are too many")]
    TooLong {
        /// Bytes of the plaintext.
        found: usize,
    },
    /// No memory for the blob or its plaintext.
    #[error("sealed blob: no memory for {bytes} bytes")]
    OutOfMemory {
        /// What was asked for.
        bytes: usize,
    },
}
