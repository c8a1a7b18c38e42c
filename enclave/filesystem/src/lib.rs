//! A file system in memory, with the semantics of `wasi:filesystem` 0.2.
//!
//! [`FileSystem`] has a method for each function of `wasi:filesystem/types@0.2.12`, with the same arguments and the
//! same [`ErrorCode`]s; a host that binds it to components translates types and nothing else. Descriptors are keys of
//! its table, and [`FileSystem::close`] stands for dropping them.
//!
//! # Determinism
//! What a call returns depends on the calls before it and on nothing else: no clock, no addresses, no hash seeds.
//! * Directories are read in the order of the bytes of their names.
//! * There is no clock. A time is known when `set-times` said it, and the caller says what `now` is. A modification
//!   makes the time of the last modification unknown again, rather than leave one that is wrong; reading leaves the
//!   time of the last access alone. The time of the last change of status is never known.
//! * Hashes of metadata are made of the order in which objects were created and modified.
//! * A write that does not fit writes nothing.
//!
//! A [snapshot](FileSystem::encode) keeps the tree and nothing else: the same bytes for the same names, contents, times
//! and hard links, whatever led to them. What runs on a decoded one sees the same on each run, but not the hashes of
//! metadata that came before.
//!
//! # Where the WIT file and wasmtime-wasi part
//! A program is to meet in a guest what it meets under `wasmtime run` on Linux, so wasmtime-wasi 48 decides:
//! * What is below a descriptor that may only read is refused with `not-permitted`, not `read-only`.
//! * The right to change directories comes with the preopened directory, and `open-at` does not take it away:
//!   `mutate-directory` is not asked for by any libc that opens a directory to create files in it.
//! * Hard links never follow symbolic links: to ask for it is `invalid`.
//! * Descriptors that synchronise are `unsupported`.
//!
//! Not so where wasmtime-wasi breaks its own rules: `remove-directory-at` takes a slash at the end (wasmtime issue
//! 11524); `get-flags` of a directory says `mutate-directory` where it was asked for (11667), and to ask for it below a
//! descriptor that may only read is refused; `stat-at` refuses a file with a slash behind its name.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;

mod contents;
mod directory;
mod error;
mod file;
mod inode;
mod limits;
mod metadata;
mod names;
mod open;
mod path;
mod resolve;
mod snapshot;
mod table;
#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]
mod tests;
mod types;

use alloc::collections::BTreeMap;

use inode::{Directory, Inode, Node, Number, ROOT};
use limits::Ledger;
use open::Open;

pub use contents::{BLOCK_BYTES, FILE_BYTES_MAX};
pub use directory::DirectoryEntryStream;
pub use error::ErrorCode;
pub use file::{READ_BYTES_MAX, ReadStream, WriteStream};
pub use limits::{BLOCK_OVERHEAD_BYTES, INODE_BYTES, Limits, NAME_BYTES, Usage};
pub use snapshot::{SnapshotError, SnapshotField, SnapshotProblem};
pub use types::{
    Access, Advice, Datetime, Descriptor, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry,
    MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};

/// A tree of directories, and what is open in it.
#[derive(Debug, Clone)]
pub struct FileSystem {
    ledger: Ledger,
    inodes: BTreeMap<Number, Inode>,
    open: BTreeMap<Descriptor, Open>,
    next_inode: u64,
    next_descriptor: u64,
    /// Of [`Entry::since`](inode::Entry::since).
    next_entry: u64,
}

impl FileSystem {
    /// An empty root, which costs nothing.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let root = Inode { links: 1, ..Inode::new(Node::Directory(Directory::below(ROOT))) };
        Self {
            ledger: Ledger::new(limits),
            inodes: BTreeMap::from([(ROOT, root)]),
            open: BTreeMap::new(),
            next_inode: 1,
            next_descriptor: 0,
            next_entry: 0,
        }
    }

    /// What it may hold.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.ledger.limits
    }

    /// What it holds.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.ledger.usage
    }
}
