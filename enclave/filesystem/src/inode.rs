//! Files, directories and symbolic links, and the names that lead to them.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;

use crate::contents::Contents;
use crate::limits::{INODE_BYTES, bytes_of};
use crate::{Datetime, DescriptorType};

/// Names an inode, and no other one ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Number(pub(crate) u64);

/// The root of every file system.
pub(crate) const ROOT: Number = Number(0);

#[derive(Debug, Clone)]
pub(crate) struct Inode {
    pub(crate) node: Node,
    /// Names that lead here; a directory has one, or none when it was removed. The root has one that is not written
    /// down.
    pub(crate) links: u32,
    /// Descriptors and streams.
    pub(crate) opens: u32,
    /// Counts modifications.
    pub(crate) version: u64,
    pub(crate) times: Times,
}

#[derive(Debug, Clone)]
pub(crate) enum Node {
    File(Contents),
    Directory(Directory),
    Link(Box<str>),
}

#[derive(Debug, Clone)]
pub(crate) struct Directory {
    /// The root's is itself.
    pub(crate) parent: Number,
    /// By name, in the order of their bytes.
    pub(crate) entries: BTreeMap<Box<str>, Entry>,
    pub(crate) subdirectories: u32,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) number: Number,
    /// Since when the directory has the name, as a count: so that what is added while a directory is read does not
    /// appear in that reading.
    pub(crate) since: u64,
}

/// What `set-times` said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) access: Option<Datetime>,
    pub(crate) modification: Option<Datetime>,
}

impl Inode {
    pub(crate) fn new(node: Node) -> Self {
        Self { node, links: 0, opens: 0, version: 0, times: Times::default() }
    }

    /// What it costs, without the names in it.
    pub(crate) fn cost(&self) -> u64 {
        INODE_BYTES.saturating_add(self.node.cost())
    }

    /// The time of the last modification is not known any more.
    pub(crate) fn modified(&mut self) {
        self.version = self.version.saturating_add(1);
        self.times.modification = None;
    }
}

impl Node {
    pub(crate) const fn kind(&self) -> DescriptorType {
        match self {
            Self::File(_) => DescriptorType::RegularFile,
            Self::Directory(_) => DescriptorType::Directory,
            Self::Link(_) => DescriptorType::SymbolicLink,
        }
    }

    pub(crate) const fn is_directory(&self) -> bool {
        matches!(self, Self::Directory(_))
    }

    pub(crate) fn cost(&self) -> u64 {
        match self {
            Self::File(contents) => contents.charged(),
            Self::Directory(_) => 0,
            Self::Link(text) => bytes_of(text.len()),
        }
    }
}

impl Directory {
    pub(crate) const fn below(parent: Number) -> Self {
        Self { parent, entries: BTreeMap::new(), subdirectories: 0 }
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "sizes of types")]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::limits::{BLOCK_OVERHEAD_BYTES, NAME_BYTES};

    /// What the allocator takes for itself, at most.
    const ALLOCATION_BYTES: usize = 16;

    /// Bytes of one node of a tree: eleven keys and values, a few counters, and as many children as it may have.
    const fn node<K, V>(children: usize) -> usize {
        (size_of::<K>() + size_of::<V>()) * 11 + 16 + children * 8 + ALLOCATION_BYTES
    }

    /// Bytes for each key and value in a large tree, whose nodes are at least five full.
    const fn in_a_tree<K, V>() -> usize {
        node::<K, V>(2) / 5
    }

    #[test]
    fn prices_cover_the_tables() {
        let blocks = node::<u64, Vec<u8>>(0);
        let names = node::<Box<str>, Entry>(0);
        let inode = in_a_tree::<Number, Inode>() + blocks.max(names);
        let name = in_a_tree::<Box<str>, Entry>() + ALLOCATION_BYTES;
        let block = in_a_tree::<u64, Vec<u8>>() + ALLOCATION_BYTES;
        let costs = [inode, name, block].map(bytes_of);
        let prices = [INODE_BYTES, NAME_BYTES, BLOCK_OVERHEAD_BYTES];
        assert!(costs.iter().zip(prices).all(|(cost, price)| *cost <= price), "{costs:?} {prices:?}");
    }
}
