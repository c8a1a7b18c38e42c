//! What is wrong with a snapshot, and where.

use core::fmt;

use crate::ErrorCode;

/// Why bytes are not a snapshot that can be taken. Whoever made them is guilty, or chose smaller limits now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("snapshot, {field} at byte {offset}: {problem}")]
#[non_exhaustive]
pub struct SnapshotError {
    /// Where the field begins.
    pub offset: usize,
    /// The field.
    pub field: SnapshotField,
    /// What is wrong with it.
    pub problem: SnapshotProblem,
}

/// A field of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotField {
    /// The first bytes.
    Magic,
    /// A record's kind.
    Kind,
    /// Which times follow.
    TimeFlags,
    /// A time.
    Time,
    /// How many entries a directory has.
    EntryCount,
    /// An entry's kind.
    EntryKind,
    /// The number of the record that an entry names.
    EntryRecord,
    /// An entry's name.
    EntryName,
    /// A file's size.
    FileSize,
    /// How many blocks a file has.
    BlockCount,
    /// A block's number.
    BlockNumber,
    /// What is in a block.
    BlockBytes,
    /// Where a symbolic link leads.
    LinkText,
    /// What follows the last record.
    End,
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotProblem {
    /// The bytes end.
    #[error("expected {expected} bytes, found {found}")]
    Short {
        /// What the field, or its length, says.
        expected: u64,
        /// What is left.
        found: usize,
    },
    /// A number is none that can stand there.
    #[error("expected {expected}, found {found}")]
    Number {
        /// What could.
        expected: &'static str,
        /// What does.
        found: u64,
    },
    /// It is not what every snapshot begins with.
    #[error("expected \"redoubt-files-1\"")]
    Magic,
    /// It is not UTF-8.
    #[error("expected UTF-8")]
    Text,
    /// A name or block does not follow the one before.
    #[error("expected what comes after the one before")]
    Order,
    /// Zeros that are to be left out, or a block of another length.
    #[error("expected 1 to 65536 bytes within the file's size, the last not zero")]
    Block,
    /// What the file system itself refuses: the limits, or the text of a name or link.
    #[error("refused: {0}")]
    Refused(ErrorCode),
}

impl fmt::Display for SnapshotField {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Magic => "magic",
            Self::Kind => "kind",
            Self::TimeFlags => "flags of times",
            Self::Time => "time",
            Self::EntryCount => "number of entries",
            Self::EntryKind => "kind of entry",
            Self::EntryRecord => "record of entry",
            Self::EntryName => "name of entry",
            Self::FileSize => "size of file",
            Self::BlockCount => "number of blocks",
            Self::BlockNumber => "number of block",
            Self::BlockBytes => "bytes of block",
            Self::LinkText => "text of link",
            Self::End => "end",
        })
    }
}
