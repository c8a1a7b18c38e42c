//! `error-code`, the one error of `wasi:filesystem`.

/// Why an operation failed: `error-code` of `wasi:filesystem/types@0.2.12`, in the order of the WIT file.
///
/// All of them are here, so that a host maps one enumeration to the other. This crate itself returns those that
/// say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ErrorCode {
    /// `EACCES`.
    #[error("access")]
    Access,
    /// `EAGAIN`.
    #[error("would-block")]
    WouldBlock,
    /// `EALREADY`.
    #[error("already")]
    Already,
    /// `EBADF`. Returned: the descriptor is closed, is a directory's where a file's is needed, or was not opened for
    /// what is asked of it.
    #[error("bad-descriptor")]
    BadDescriptor,
    /// `EBUSY`. Returned: `.` or `..` is to be renamed, or replaced.
    #[error("busy")]
    Busy,
    /// `EDEADLK`.
    #[error("deadlock")]
    Deadlock,
    /// `EDQUOT`.
    #[error("quota")]
    Quota,
    /// `EEXIST`. Returned.
    #[error("exist")]
    Exist,
    /// `EFBIG`. Returned: a write would end beyond [`FILE_BYTES_MAX`](crate::FILE_BYTES_MAX).
    #[error("file-too-large")]
    FileTooLarge,
    /// `EILSEQ`.
    #[error("illegal-byte-sequence")]
    IllegalByteSequence,
    /// `EINPROGRESS`.
    #[error("in-progress")]
    InProgress,
    /// `EINTR`.
    #[error("interrupted")]
    Interrupted,
    /// `EINVAL`. Returned: an offset or a size beyond [`FILE_BYTES_MAX`](crate::FILE_BYTES_MAX), flags that exclude
    /// each other, a NUL in a path, a directory that would become its own descendant, a link read that is none.
    #[error("invalid")]
    Invalid,
    /// `EIO`. Returned where this crate broke a rule of its own; no sequence of calls is known that leads there.
    #[error("io")]
    Io,
    /// `EISDIR`. Returned.
    #[error("is-directory")]
    IsDirectory,
    /// `ELOOP`. Returned: too many symbolic links, or one at the end of a path where none is to be followed.
    #[error("loop")]
    Loop,
    /// `EMLINK`. Returned: a file has 2³² − 1 names.
    #[error("too-many-links")]
    TooManyLinks,
    /// `EMSGSIZE`.
    #[error("message-size")]
    MessageSize,
    /// `ENAMETOOLONG`. Returned: a path, one of its names, or the number of its names is over the limit.
    #[error("name-too-long")]
    NameTooLong,
    /// `ENODEV`.
    #[error("no-device")]
    NoDevice,
    /// `ENOENT`. Returned.
    #[error("no-entry")]
    NoEntry,
    /// `ENOLCK`.
    #[error("no-lock")]
    NoLock,
    /// `ENOMEM`. Returned: too many descriptors and streams are open.
    #[error("insufficient-memory")]
    InsufficientMemory,
    /// `ENOSPC`. Returned: too many bytes or inodes are in use.
    #[error("insufficient-space")]
    InsufficientSpace,
    /// `ENOTDIR`. Returned.
    #[error("not-directory")]
    NotDirectory,
    /// `ENOTEMPTY`. Returned.
    #[error("not-empty")]
    NotEmpty,
    /// `ENOTRECOVERABLE`.
    #[error("not-recoverable")]
    NotRecoverable,
    /// `ENOTSUP`. Returned: a descriptor that synchronises is asked for.
    #[error("unsupported")]
    Unsupported,
    /// `ENOTTY`.
    #[error("no-tty")]
    NoTty,
    /// `ENXIO`.
    #[error("no-such-device")]
    NoSuchDevice,
    /// `EOVERFLOW`. Returned: a time is too late.
    #[error("overflow")]
    Overflow,
    /// `EPERM`. Returned: a path leads out of its base, a descriptor may only read, a directory is to get a second
    /// name.
    #[error("not-permitted")]
    NotPermitted,
    /// `EPIPE`.
    #[error("pipe")]
    Pipe,
    /// `EROFS`.
    #[error("read-only")]
    ReadOnly,
    /// `ESPIPE`.
    #[error("invalid-seek")]
    InvalidSeek,
    /// `ETXTBSY`.
    #[error("text-file-busy")]
    TextFileBusy,
    /// `EXDEV`.
    #[error("cross-device")]
    CrossDevice,
}
