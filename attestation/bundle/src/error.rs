//! Why bytes are no bundle, or a bundle cannot be written.

use crate::{BUNDLE_MAX_BYTES, ITEMS_MAX, Kind};

/// Bytes that are no bundle, or items that do not make one. Whoever supplied them is guilty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// Longer than any that is written.
    #[error("bundle: expected at most {BUNDLE_MAX_BYTES} bytes, found {found}")]
    TooLong {
        /// Bytes found.
        found: usize,
    },
    /// Not the CBOR of the format.
    #[error("bundle: not the expected CBOR at byte {offset}")]
    Malformed {
        /// Where reading stopped.
        offset: usize,
    },
    /// The same content has one deterministic encoding, and this is another.
    #[error("bundle: not in deterministic encoding")]
    NotDeterministic,
    /// Another version of the format.
    #[error("bundle version: expected {expected}, found {found}")]
    Version {
        /// The only version.
        expected: u32,
        /// Version found.
        found: u32,
    },
    /// No items, or too many.
    #[error("bundle: expected 1 to {ITEMS_MAX} items, found {found}")]
    ItemCount {
        /// How many it has or claims to have.
        found: u64,
    },
    /// A kind that this build does not know, and that nobody could check therefore.
    #[error("bundle, item {index}: expected a kind that is known, found {found}")]
    UnknownKind {
        /// Which item, from 0.
        index: usize,
        /// Number found.
        found: u64,
    },
    /// Items are by rising kind.
    #[error("bundle, item {index}: expected {expected} or a later kind, found {found}")]
    Order {
        /// Which item, from 0.
        index: usize,
        /// Kind of the item before.
        expected: Kind,
        /// Kind found.
        found: Kind,
    },
    /// Nothing is in there, or more than the kind has.
    #[error("bundle, item {index}, {kind}: expected 1 to {limit} bytes, found {found}")]
    ItemLength {
        /// Which item, from 0.
        index: usize,
        /// Its kind.
        kind: Kind,
        /// Most bytes.
        limit: usize,
        /// Bytes found.
        found: usize,
    },
    /// Kinds that belong together one to one.
    #[error("bundle: expected as many of {of} as of {with}, which is {expected}, found {found}")]
    Unpaired {
        /// What there are too many or too few of.
        of: Kind,
        /// What it belongs to.
        with: Kind,
        /// As many as there are of `with`.
        expected: usize,
        /// As many as there are.
        found: usize,
    },
}
