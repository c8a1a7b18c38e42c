//! Why a ROM cannot be measured.

use crate::{PAGES_MAX, ROM_MAX_BYTES};

/// A file that no VMM would launch as a confidential guest. Whoever made the ROM is guilty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MeasureError {
    /// Not a size that firmware has.
    #[error("rom: expected a multiple of 4096 bytes up to {ROM_MAX_BYTES}, found {found}")]
    RomSize {
        /// Bytes found.
        found: usize,
    },
    /// No GUID table ends 32 bytes before the end.
    #[error("rom: no GUID table at its end")]
    NoGuidTable,
    /// An entry of the GUID table reaches out of it.
    #[error("rom GUID table: the entry that ends at byte {offset:#x} has an impossible length {found}")]
    GuidEntry {
        /// Where the entry ends.
        offset: usize,
        /// Length that it states.
        found: usize,
    },
    /// An entry is missing, twice there, or has another size.
    #[error("rom GUID table: expected exactly one entry for {what} with 4 bytes")]
    Entry {
        /// What the entry points to.
        what: &'static str,
    },
    /// Processors but the first have no address to start at.
    #[error("rom AP reset address: expected one for the processors after the first, found 0")]
    ApReset,
    /// Metadata does not start where its entry says, or states another version or length than its records have.
    #[error("rom {what}: expected a version 1 table, found none at {distance:#x} bytes before the end")]
    Metadata {
        /// Which table.
        what: &'static str,
        /// Distance from the end of the ROM.
        distance: usize,
    },
    /// A record breaks a rule of the platform or of QEMU.
    #[error("rom {what}, record {index}: expected {rule}")]
    Section {
        /// Which table.
        what: &'static str,
        /// Record, from 0.
        index: usize,
        /// The rule.
        rule: &'static str,
    },
    /// The tables name more memory than a launch has.
    #[error("rom {what}: expected at most {PAGES_MAX} pages in all")]
    TooManyPages {
        /// Which table.
        what: &'static str,
    },
}
