//! Merkle trees of RFC 9162 §2.1, over hashes of leaves.
//!
//! Panics: never. Whatever is allocated has the size of what the caller has.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;

use alloc::vec::Vec;

use sha2::{Digest, Sha256};

/// Longest audit path in trees whose leaves have numbers of 32 bits.
pub const PATH_MAX: usize = 32;

/// A tree to which leaves are added. It keeps one hash for each bit of their number.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    leaves: u64,
    /// Roots of full subtrees, the largest first: one for each bit that is set in `leaves`.
    peaks: Vec<[u8; 32]>,
}

impl Tree {
    /// Adds a leaf, by [`leaf_hash`].
    pub fn push(&mut self, leaf_hash: [u8; 32]) {
        let (mut node, mut bits) = (leaf_hash, self.leaves);
        while bits & 1 == 1
            && let Some(left) = self.peaks.pop()
        {
            node = node_hash(&left, &node);
            bits >>= 1;
        }
        self.peaks.push(node);
        self.leaves = self.leaves.saturating_add(1);
    }

    /// How many there are.
    #[must_use]
    pub const fn leaves(&self) -> u64 {
        self.leaves
    }

    /// MTH of §2.1.1.
    #[must_use]
    pub fn root(&self) -> [u8; 32] {
        let peaks = self.peaks.iter().rev().copied();
        peaks.reduce(|right, left| node_hash(&left, &right)).unwrap_or_else(|| Sha256::digest([]).into())
    }
}

/// The hash of a leaf (§2.1.1).
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update([0]).chain_update(leaf).finalize().into()
}

/// A whole tree, for paths to its leaves.
#[derive(Debug, Clone)]
pub struct Levels(Vec<Vec<[u8; 32]>>);

impl Levels {
    /// Of the tree over these hashes of leaves.
    #[must_use]
    pub fn new(leaf_hashes: Vec<[u8; 32]>) -> Self {
        let mut levels = Vec::new();
        let mut level = leaf_hashes;
        while level.len() > 1 {
            // A node without a sibling goes up as it is.
            let above = level.chunks(2).filter_map(parent).collect();
            levels.push(core::mem::replace(&mut level, above));
        }
        levels.push(level);
        Self(levels)
    }

    /// MTH of §2.1.1.
    #[must_use]
    pub fn root(&self) -> [u8; 32] {
        let top = self.0.last().and_then(|level| level.first());
        top.copied().unwrap_or_else(|| Sha256::digest([]).into())
    }

    /// PATH of §2.1.3.1: siblings from the leaf up; `None` when there is no such leaf.
    #[must_use]
    pub fn path(&self, leaf: usize) -> Option<Vec<[u8; 32]>> {
        self.0.first()?.get(leaf)?;
        let (mut index, mut path) = (leaf, Vec::new());
        for level in &self.0 {
            path.extend(level.get(index ^ 1));
            index >>= 1;
        }
        Some(path)
    }
}

/// The root to which a path leads (§2.1.3.2); `None` when a tree of this size has no path of this length
/// there.
#[must_use]
pub fn root_of_path(leaf_hash: [u8; 32], leaf: u64, leaves: u64, path: &[[u8; 32]]) -> Option<[u8; 32]> {
    let (mut node, mut index, mut last) = (leaf_hash, leaf, leaves.checked_sub(1)?);
    if index > last {
        return None;
    }
    for sibling in path {
        if last == 0 {
            return None;
        }
        if index & 1 == 1 || index == last {
            node = node_hash(sibling, &node);
            // Levels in which the node has no sibling.
            let up = index.trailing_zeros();
            index = index.checked_shr(up).unwrap_or(0);
            last = last.checked_shr(up).unwrap_or(0);
        } else {
            node = node_hash(&node, sibling);
        }
        index >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(node)
}

fn parent(pair: &[[u8; 32]]) -> Option<[u8; 32]> {
    match pair {
        [left, right] => Some(node_hash(left, right)),
        [alone] => Some(*alone),
        _ => None,
    }
}

fn node_hash(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

#[cfg(test)]
mod tests;
