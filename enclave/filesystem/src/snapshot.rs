//! The whole tree as bytes, for sealed storage across restarts and as what a replay begins with.
//!
//! # Format, version 1
//! Numbers are 8 bytes, little endian; kinds and flags are one byte; a text is its length and UTF-8.
//! ```text
//! snapshot  = "redoubt-files-1\n" record…       one for each inode, the root first, and nothing behind
//! record    = kind times body
//! kind      = 1 directory | 2 file | 3 symbolic link
//! times     = flags [access] [modification]     flags: 1 access, 2 modification
//! access, modification = seconds nanoseconds    seconds < 2⁶³, nanoseconds < 10⁹
//! directory = count { kind record-number name }…    in the order of the bytes of names
//! file      = size count { block-number length bytes }…    by block number; blocks of 64 KiB
//! link      = text
//! ```
//! Records are numbered from 0 as they are first named, breadth first: an entry names either the next number that no
//! entry has named yet, or, for one more name of a file or link, one that was. Blocks of zeros and zeros at the end of
//! a block are left out. So there is one encoding of each tree, and decoding accepts that one only.
//!
//! Files without a name, descriptors, and the counters behind hashes of metadata are not kept.

mod decode;
mod encode;
mod error;

pub use error::{SnapshotError, SnapshotField, SnapshotProblem};

use crate::DescriptorType;

/// How a snapshot begins.
const MAGIC: &[u8] = b"redoubt-files-1\n";
/// Flags of the times that follow.
const HAS_ACCESS: u8 = 1;
const HAS_MODIFICATION: u8 = 2;

const fn kind_byte(kind: DescriptorType) -> u8 {
    match kind {
        DescriptorType::Directory => 1,
        DescriptorType::RegularFile => 2,
        DescriptorType::SymbolicLink => 3,
    }
}
