//! Says what a file of evidence or collateral is, and takes it out of what it is wrapped in: hexadecimal, base64, PEM, JSON
//! of clouds, protobuf of Google's tools, certificate tables, bundles.
//!
//! Recognition decides nothing: an item is what its bytes look like, and whoever reads it next finds out whether it is.
//! What looks like nothing that is known is an error, never skipped.
//! Panics: never on input.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;

mod binary;
mod google;
mod item;
mod json;
mod protobuf;
mod text;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

pub use item::{Item, Kind};

/// The longest file that is looked at: a bundle. Event logs have up to 256 KiB, RIMs 100 kB.
pub const FILE_MAX_BYTES: usize = attestation_bundle::BUNDLE_MAX_BYTES;
const _: () = assert!(attestation_receipt::SIGNED_RECEIPT_MAX_BYTES <= FILE_MAX_BYTES, "a receipt is a file");
/// Most items that one file may hold.
pub const ITEMS_MAX: usize = 256;
/// How deep one thing may be wrapped in another: base64 of PEM in JSON in base64 is four.
pub const DEPTH_MAX: usize = 4;
/// By how much items may be longer than the file, together: what unwrapping adds are frames of documents, and the fields
/// of a report or quote that protobuf leaves out.
pub const ADDED_MAX_BYTES: usize = 16 * 1024;

/// A file that is not known. Whoever supplied it is guilty, or whoever named it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecogniseError {
    /// Nothing.
    #[error("expected evidence or collateral, found an empty file")]
    Empty,
    /// Longer than anything that is known.
    #[error("expected at most {FILE_MAX_BYTES} bytes, found {found}")]
    TooLong {
        /// Bytes found.
        found: usize,
    },
    /// It looks like nothing that is known.
    #[error("expected {}, found {found}", Kind::NAMES)]
    Unknown {
        /// Its first bytes.
        found: String,
    },
    /// It looks like something, and is not.
    #[error("{within}: {problem}")]
    Malformed {
        /// Where.
        within: String,
        /// What is wrong.
        problem: String,
    },
    /// Too many items, or too deep.
    #[error("expected at most {ITEMS_MAX} items, wrapped at most {DEPTH_MAX} times, found more")]
    TooMuch,
    /// Items that are longer than the file: it names the same bytes again and again.
    #[error("expected items of at most {limit} bytes together, found more")]
    Repeated {
        /// Most bytes of all items.
        limit: usize,
    },
}

/// What a file holds, in its order.
///
/// # Errors
/// The file, or something wrapped in it, is not known.
pub fn recognise(bytes: &[u8]) -> Result<Vec<Item>, RecogniseError> {
    if bytes.len() > FILE_MAX_BYTES {
        return Err(RecogniseError::TooLong { found: bytes.len() });
    }
    if bytes.is_empty() {
        return Err(RecogniseError::Empty);
    }
    let limit = bytes.len().saturating_add(ADDED_MAX_BYTES);
    let mut items = Items { list: Vec::new(), path: Vec::new(), limit, room: limit };
    items.read(bytes)?;
    Ok(items.list)
}

/// Items as they are found.
struct Items {
    list: Vec<Item>,
    /// What the bytes at hand are wrapped in, outermost first.
    path: Vec<String>,
    /// Most bytes of all items, and how many are left. The entries of a certificate table may lie over one another, and
    /// in each may be another table: a small file could name gigabytes.
    limit: usize,
    room: usize,
}

impl Items {
    fn read(&mut self, bytes: &[u8]) -> Result<(), RecogniseError> {
        if let Some(kind) = binary::kind(bytes) {
            return self.push(kind, bytes);
        }
        if let Some((report, table)) = binary::extended_report(bytes) {
            return self.read_extended_report(report, table);
        }
        if let Some(done) = self.read_bundle(bytes) {
            return done;
        }
        if let Some(message) = google::message(bytes) {
            return self.read_google(message, bytes);
        }
        match core::str::from_utf8(bytes) {
            Ok(text) => self.read_text(text),
            Err(_) => Err(RecogniseError::Unknown { found: binary::start(bytes) }),
        }
    }

    /// Goes on with what was wrapped in `wrapper`.
    fn unwrap(
        &mut self,
        wrapper: impl Into<String>,
        read: impl FnOnce(&mut Self) -> Result<(), RecogniseError>,
    ) -> Result<(), RecogniseError> {
        if self.path.len() >= DEPTH_MAX {
            return Err(RecogniseError::TooMuch);
        }
        self.path.push(wrapper.into());
        let done = read(self);
        self.path.pop();
        done
    }

    fn push(&mut self, kind: Kind, bytes: &[u8]) -> Result<(), RecogniseError> {
        if self.list.len() >= ITEMS_MAX {
            return Err(RecogniseError::TooMuch);
        }
        let room = self.room.checked_sub(bytes.len());
        self.room = room.ok_or(RecogniseError::Repeated { limit: self.limit })?;
        self.list.push(Item { kind, bytes: bytes.to_vec(), within: self.path.clone() });
        Ok(())
    }

    fn malformed(&self, problem: impl ToString) -> RecogniseError {
        RecogniseError::Malformed { within: self.path.join(", "), problem: problem.to_string() }
    }
}
