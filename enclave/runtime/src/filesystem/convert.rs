//! The types of `enclave-filesystem` and the generated ones, which have the same names.

use enclave_filesystem as fs;

use crate::bindings::wasi::clocks::wall_clock::Datetime;
use crate::bindings::wasi::filesystem::types;

pub(super) const fn descriptor_type(kind: fs::DescriptorType) -> types::DescriptorType {
    match kind {
        fs::DescriptorType::Directory => types::DescriptorType::Directory,
        fs::DescriptorType::SymbolicLink => types::DescriptorType::SymbolicLink,
        fs::DescriptorType::RegularFile => types::DescriptorType::RegularFile,
    }
}

pub(super) fn directory_entry(entry: fs::DirectoryEntry) -> types::DirectoryEntry {
    types::DirectoryEntry { type_: descriptor_type(entry.kind), name: entry.name }
}

pub(super) fn stat(stat: fs::DescriptorStat) -> types::DescriptorStat {
    let time = |time: fs::Datetime| Datetime { seconds: time.seconds, nanoseconds: time.nanoseconds };
    types::DescriptorStat {
        type_: descriptor_type(stat.kind),
        link_count: stat.link_count,
        size: stat.size,
        data_access_timestamp: stat.data_access_timestamp.map(time),
        data_modification_timestamp: stat.data_modification_timestamp.map(time),
        status_change_timestamp: stat.status_change_timestamp.map(time),
    }
}

pub(super) const fn metadata_hash(hash: fs::MetadataHashValue) -> types::MetadataHashValue {
    types::MetadataHashValue { lower: hash.lower, upper: hash.upper }
}

pub(super) const fn advice(advice: types::Advice) -> fs::Advice {
    match advice {
        types::Advice::Normal => fs::Advice::Normal,
        types::Advice::Sequential => fs::Advice::Sequential,
        types::Advice::Random => fs::Advice::Random,
        types::Advice::WillNeed => fs::Advice::WillNeed,
        types::Advice::DontNeed => fs::Advice::DontNeed,
        types::Advice::NoReuse => fs::Advice::NoReuse,
    }
}

pub(super) fn path_flags(flags: types::PathFlags) -> fs::PathFlags {
    fs::PathFlags { symlink_follow: flags.contains(types::PathFlags::SYMLINK_FOLLOW) }
}

pub(super) fn open_flags(flags: types::OpenFlags) -> fs::OpenFlags {
    fs::OpenFlags {
        create: flags.contains(types::OpenFlags::CREATE),
        directory: flags.contains(types::OpenFlags::DIRECTORY),
        exclusive: flags.contains(types::OpenFlags::EXCLUSIVE),
        truncate: flags.contains(types::OpenFlags::TRUNCATE),
    }
}

pub(super) fn flags_in(flags: types::DescriptorFlags) -> fs::DescriptorFlags {
    fs::DescriptorFlags {
        read: flags.contains(types::DescriptorFlags::READ),
        write: flags.contains(types::DescriptorFlags::WRITE),
        file_integrity_sync: flags.contains(types::DescriptorFlags::FILE_INTEGRITY_SYNC),
        data_integrity_sync: flags.contains(types::DescriptorFlags::DATA_INTEGRITY_SYNC),
        requested_write_sync: flags.contains(types::DescriptorFlags::REQUESTED_WRITE_SYNC),
        mutate_directory: flags.contains(types::DescriptorFlags::MUTATE_DIRECTORY),
    }
}

pub(super) fn flags_out(flags: fs::DescriptorFlags) -> types::DescriptorFlags {
    [
        (flags.read, types::DescriptorFlags::READ),
        (flags.write, types::DescriptorFlags::WRITE),
        (flags.file_integrity_sync, types::DescriptorFlags::FILE_INTEGRITY_SYNC),
        (flags.data_integrity_sync, types::DescriptorFlags::DATA_INTEGRITY_SYNC),
        (flags.requested_write_sync, types::DescriptorFlags::REQUESTED_WRITE_SYNC),
        (flags.mutate_directory, types::DescriptorFlags::MUTATE_DIRECTORY),
    ]
    .into_iter()
    .filter(|(is_set, _)| *is_set)
    .fold(types::DescriptorFlags::empty(), |all, (_, flag)| all | flag)
}

pub(super) const fn error_code(code: fs::ErrorCode) -> types::ErrorCode {
    match code {
        fs::ErrorCode::Access => types::ErrorCode::Access,
        fs::ErrorCode::WouldBlock => types::ErrorCode::WouldBlock,
        fs::ErrorCode::Already => types::ErrorCode::Already,
        fs::ErrorCode::BadDescriptor => types::ErrorCode::BadDescriptor,
        fs::ErrorCode::Busy => types::ErrorCode::Busy,
        fs::ErrorCode::Deadlock => types::ErrorCode::Deadlock,
        fs::ErrorCode::Quota => types::ErrorCode::Quota,
        fs::ErrorCode::Exist => types::ErrorCode::Exist,
        fs::ErrorCode::FileTooLarge => types::ErrorCode::FileTooLarge,
        fs::ErrorCode::IllegalByteSequence => types::ErrorCode::IllegalByteSequence,
        fs::ErrorCode::InProgress => types::ErrorCode::InProgress,
        fs::ErrorCode::Interrupted => types::ErrorCode::Interrupted,
        fs::ErrorCode::Invalid => types::ErrorCode::Invalid,
        fs::ErrorCode::Io => types::ErrorCode::Io,
        fs::ErrorCode::IsDirectory => types::ErrorCode::IsDirectory,
        fs::ErrorCode::Loop => types::ErrorCode::Loop,
        fs::ErrorCode::TooManyLinks => types::ErrorCode::TooManyLinks,
        fs::ErrorCode::MessageSize => types::ErrorCode::MessageSize,
        fs::ErrorCode::NameTooLong => types::ErrorCode::NameTooLong,
        fs::ErrorCode::NoDevice => types::ErrorCode::NoDevice,
        fs::ErrorCode::NoEntry => types::ErrorCode::NoEntry,
        fs::ErrorCode::NoLock => types::ErrorCode::NoLock,
        fs::ErrorCode::InsufficientMemory => types::ErrorCode::InsufficientMemory,
        fs::ErrorCode::InsufficientSpace => types::ErrorCode::InsufficientSpace,
        fs::ErrorCode::NotDirectory => types::ErrorCode::NotDirectory,
        fs::ErrorCode::NotEmpty => types::ErrorCode::NotEmpty,
        fs::ErrorCode::NotRecoverable => types::ErrorCode::NotRecoverable,
        fs::ErrorCode::Unsupported => types::ErrorCode::Unsupported,
        fs::ErrorCode::NoTty => types::ErrorCode::NoTty,
        fs::ErrorCode::NoSuchDevice => types::ErrorCode::NoSuchDevice,
        fs::ErrorCode::Overflow => types::ErrorCode::Overflow,
        fs::ErrorCode::NotPermitted => types::ErrorCode::NotPermitted,
        fs::ErrorCode::Pipe => types::ErrorCode::Pipe,
        fs::ErrorCode::ReadOnly => types::ErrorCode::ReadOnly,
        fs::ErrorCode::InvalidSeek => types::ErrorCode::InvalidSeek,
        fs::ErrorCode::TextFileBusy => types::ErrorCode::TextFileBusy,
        fs::ErrorCode::CrossDevice => types::ErrorCode::CrossDevice,
    }
}
