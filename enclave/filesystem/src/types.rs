//! The plain types of `wasi:filesystem/types@0.2.12`, with its names. WIT flags are structs of booleans.

use alloc::string::String;

/// What an object is. The types that nothing in memory can be are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DescriptorType {
    /// `directory`.
    Directory,
    /// `symbolic-link`.
    SymbolicLink,
    /// `regular-file`.
    RegularFile,
}

/// What a descriptor is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DescriptorFlags {
    /// `read`.
    pub read: bool,
    /// `write`.
    pub write: bool,
    /// `file-integrity-sync`: refused.
    pub file_integrity_sync: bool,
    /// `data-integrity-sync`: refused.
    pub data_integrity_sync: bool,
    /// `requested-write-sync`: refused.
    pub requested_write_sync: bool,
    /// `mutate-directory`.
    pub mutate_directory: bool,
}

/// How a path is resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PathFlags {
    /// `symlink-follow`: a symbolic link at the end of the path is followed. Those before the end always are.
    pub symlink_follow: bool,
}

/// How something is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenFlags {
    /// `create`: create a file if there is nothing.
    pub create: bool,
    /// `directory`: fail if it is not a directory.
    pub directory: bool,
    /// `exclusive`: with `create`, fail if there is something. Without, it means nothing.
    pub exclusive: bool,
    /// `truncate`: cut the file to no bytes.
    pub truncate: bool,
}

/// `descriptor-stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DescriptorStat {
    /// `type`.
    pub kind: DescriptorType,
    /// Names of a file or symbolic link; two and the number of subdirectories for a directory, as usual. 0 when it
    /// was removed.
    pub link_count: u64,
    /// Bytes of a file, or of the text of a symbolic link. 0 for a directory.
    pub size: u64,
    /// As set by `set-times`; reading does not change it.
    pub data_access_timestamp: Option<Datetime>,
    /// As set by `set-times`, as long as nothing was modified since.
    pub data_modification_timestamp: Option<Datetime>,
    /// Never known.
    pub status_change_timestamp: Option<Datetime>,
}

/// `datetime` of `wasi:clocks/wall-clock`: time since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Datetime {
    /// Whole seconds.
    pub seconds: u64,
    /// And nanoseconds. As an argument also a thousand million and more; as a result always less.
    pub nanoseconds: u32,
}

/// `new-timestamp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewTimestamp {
    /// `no-change`.
    NoChange,
    /// `now`, and what time that is: the file system has no clock.
    Now(Datetime),
    /// `timestamp`.
    Timestamp(Datetime),
}

/// `directory-entry`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// `type`.
    pub kind: DescriptorType,
    /// `name`.
    pub name: String,
}

/// `advice`. None of it changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// `normal`.
    Normal,
    /// `sequential`.
    Sequential,
    /// `random`.
    Random,
    /// `will-need`.
    WillNeed,
    /// `dont-need`.
    DontNeed,
    /// `no-reuse`.
    NoReuse,
}

/// `metadata-hash-value`; see [`FileSystem::metadata_hash`](crate::FileSystem::metadata_hash).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MetadataHashValue {
    /// The same as long as it is the same object.
    pub lower: u64,
    /// The same as long as the object was not modified.
    pub upper: u64,
}

/// Whether what is below a preopened directory may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing may.
    ReadOnly,
    /// Everything may.
    ReadWrite,
}

/// An open file or directory: the key of a [`FileSystem`](crate::FileSystem)'s table. Keys are never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Descriptor(pub(crate) u64);
