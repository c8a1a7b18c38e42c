//! What a file system may hold, and what it holds.
//!
//! Memory is charged before it is taken, at what it costs rather than at what it says: contents at the blocks that
//! hold them, and a stated price for each inode, name and block, which covers the tables that they stand in. Descriptors,
//! of some 50 bytes each, are counted and not charged.

use crate::ErrorCode;

/// Charged for each file, directory and symbolic link but the root; the first table of its blocks or names included.
pub const INODE_BYTES: u64 = 704;
/// Charged for each name in a directory, besides the bytes of the name.
pub const NAME_BYTES: u64 = 112;
/// Charged for each block of a file, besides its size: the power of two, at least 64, that holds what was written
/// to its [`BLOCK_BYTES`](crate::BLOCK_BYTES).
pub const BLOCK_OVERHEAD_BYTES: u64 = 96;

/// The most that a file system may hold.
///
/// Memory that the allocator refuses is not an error here but the end of the program, as everywhere: an error would
/// depend on the machine. Choose limits that fit the heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes in all, as charged: contents and what is around them, of unlinked files that are open as well. More is
    /// [`ErrorCode::InsufficientSpace`].
    pub bytes: u64,
    /// Files, directories and symbolic links, the root not counted. More is [`ErrorCode::InsufficientSpace`].
    pub inodes: u32,
    /// Descriptors and streams that are open at once. More is [`ErrorCode::InsufficientMemory`].
    pub descriptors: u32,
    /// Bytes of one name. More is [`ErrorCode::NameTooLong`].
    pub name_bytes: u32,
    /// Bytes of a path, or of the text of a symbolic link. More is [`ErrorCode::NameTooLong`].
    pub path_bytes: u32,
    /// Names in a path, or in the text of a symbolic link, `.` not counted: more is [`ErrorCode::NameTooLong`]. Also of the names that
    /// one path leads through when those in the links on its way are counted: more is [`ErrorCode::Loop`].
    pub path_depth: u32,
}

impl Limits {
    /// Names and paths as Linux has them, and as many descriptors as it grants a process.
    #[must_use]
    pub const fn of_linux(bytes: u64, inodes: u32) -> Self {
        Self { bytes, inodes, descriptors: 1024, name_bytes: 255, path_bytes: 4095, path_depth: 2048 }
    }
}

/// What a file system holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Usage {
    /// As charged against [`Limits::bytes`].
    pub bytes: u64,
    /// As counted against [`Limits::inodes`].
    pub inodes: u32,
    /// As counted against [`Limits::descriptors`].
    pub descriptors: u32,
}

/// Keeps usage within limits.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    pub(crate) limits: Limits,
    pub(crate) usage: Usage,
}

impl Ledger {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, usage: Usage::default() }
    }

    /// Takes `charged` bytes in place of `released` ones.
    pub(crate) fn exchange(&mut self, released: u64, charged: u64) -> Result<(), ErrorCode> {
        let kept = self.usage.bytes.saturating_sub(released);
        let total = kept.checked_add(charged).filter(|total| *total <= self.limits.bytes);
        self.usage.bytes = total.ok_or(ErrorCode::InsufficientSpace)?;
        Ok(())
    }

    pub(crate) fn charge(&mut self, bytes: u64) -> Result<(), ErrorCode> {
        self.exchange(0, bytes)
    }

    pub(crate) fn release(&mut self, bytes: u64) {
        self.usage.bytes = self.usage.bytes.saturating_sub(bytes);
    }

    /// One inode and `bytes`, or neither.
    pub(crate) fn charge_inode(&mut self, bytes: u64) -> Result<(), ErrorCode> {
        if self.usage.inodes >= self.limits.inodes {
            return Err(ErrorCode::InsufficientSpace);
        }
        self.charge(bytes)?;
        self.usage.inodes = self.usage.inodes.saturating_add(1);
        Ok(())
    }

    pub(crate) fn release_inode(&mut self, bytes: u64) {
        self.usage.inodes = self.usage.inodes.saturating_sub(1);
        self.release(bytes);
    }

    /// Whether one more descriptor may be open.
    pub(crate) fn check_descriptor(&self) -> Result<(), ErrorCode> {
        let full = self.usage.descriptors >= self.limits.descriptors;
        if full { Err(ErrorCode::InsufficientMemory) } else { Ok(()) }
    }
}

/// A length in memory as a number of bytes: lossless wherever a pointer has at most 64 bits.
pub(crate) fn bytes_of(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// What a name in a directory costs.
pub(crate) fn name_cost(name: &str) -> u64 {
    NAME_BYTES.saturating_add(bytes_of(name.len()))
}
