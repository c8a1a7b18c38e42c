//! Bundles: one file with evidence, everything that is needed to verify it, and the time that it was made for.
//!
//! A quote verifies only while its collateral is current, so whoever keeps evidence keeps the collateral and the time with
//! it. A bundle is a container: nothing in it is believed because it is in there, and its time is a proposal that whoever
//! verifies may take or leave.
//!
//! ```cddl
//! bundle = {
//!     0: 1,                   ; version
//!     1: uint,                ; time: seconds since 1970
//!     2: [1*128 item],        ; by rising kind; the order within a kind is content
//! }
//! item = [kind: uint, contents: bstr]
//! ```
//! Deterministic CBOR (RFC 8949 §4.2.1): one content has one encoding, and other bytes are refused.
//! Panics: never on input.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;

mod codec;
mod error;
mod kind;

use alloc::vec::Vec;

pub use attestation_x509::Instant;
pub use error::BundleError;
pub use kind::Kind;

/// The longest bundle that is looked at.
pub const BUNDLE_MAX_BYTES: usize = 8 * 1024 * 1024;
/// The most items: a machine with eight GPUs and four switches has about eighty.
pub const ITEMS_MAX: usize = 128;

/// Evidence with all that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle<'a> {
    /// When the collateral was current.
    pub at: Instant,
    /// By rising kind. Where kinds come in pairs, the first of one belongs to the first of the other.
    pub items: Vec<Item<'a>>,
}

/// One object, as its maker made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its bytes.
    pub contents: &'a [u8],
}

impl<'a> Bundle<'a> {
    /// The objects of a kind, in their order.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &'a [u8]> {
        self.items.iter().filter(move |item| item.kind == kind).map(|item| item.contents)
    }
}
