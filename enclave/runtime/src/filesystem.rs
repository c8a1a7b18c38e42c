//! `wasi:filesystem`: one directory in memory, empty at the start of each run.
//!
//! Nothing here is learnt from outside, so nothing is recorded: what a call returns follows from the calls before it. The
//! one exception is the time of `set-times` with `now`.

mod convert;
mod kept;

use alloc::string::String;
use alloc::vec::Vec;

use enclave_filesystem::{Access, Datetime, Descriptor, DirectoryEntryStream, ErrorCode, FileSystem, Limits};
use wasmtime::component::{Resource, ResourceTableError};

use crate::bindings::wasi::filesystem::{preopens, types};
use crate::io::{Failure, InputStream, OutputStream};
use crate::limits::RunEnd;
use crate::state::State;

pub use kept::Files;
pub(crate) use kept::{begin, end};

/// Bytes for each file, directory and link that may exist: a file system of many small files ends by their number.
const BYTES_PER_INODE: u64 = 4096;

const NS_PER_S: u64 = 1_000_000_000;

/// Why a function of the file system failed.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub enum FileError {
    /// The component is told.
    Code(ErrorCode),
    /// The component is ended.
    Trap(wasmtime::Error),
}

type FileResult<T> = Result<T, FileError>;

impl From<ErrorCode> for FileError {
    fn from(code: ErrorCode) -> Self {
        Self::Code(code)
    }
}

impl From<ResourceTableError> for FileError {
    fn from(error: ResourceTableError) -> Self {
        Self::Trap(error.into())
    }
}

impl From<RunEnd> for FileError {
    fn from(end: RunEnd) -> Self {
        Self::Trap(end.into())
    }
}

/// A file system that holds up to `bytes`.
pub(crate) fn new(bytes: u64) -> FileSystem {
    FileSystem::new(limits(bytes))
}

fn limits(bytes: u64) -> Limits {
    let inodes = u32::try_from(bytes / BYTES_PER_INODE).unwrap_or(u32::MAX);
    Limits::of_linux(bytes, inodes)
}

impl preopens::Host for State {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Resource<Descriptor>, String)>> {
        if self.files.limits().bytes == 0 {
            return Ok(Vec::new());
        }
        let root = self.files.preopen("/", Access::ReadWrite)?;
        Ok(alloc::vec![(self.table.push(root)?, "/".into())])
    }
}

impl State {
    fn descriptor(&self, descriptor: &Resource<Descriptor>) -> FileResult<Descriptor> {
        Ok(*self.table.get(descriptor)?)
    }

    /// A future of its own: one that held on to the state could not be sent.
    fn timestamp(
        &self,
        timestamp: types::NewTimestamp,
    ) -> impl Future<Output = FileResult<enclave_filesystem::NewTimestamp>> + Send + use<> {
        let now = self.wall_ns();
        async move {
            Ok(match timestamp {
                types::NewTimestamp::NoChange => enclave_filesystem::NewTimestamp::NoChange,
                types::NewTimestamp::Timestamp(time) => {
                    let time = Datetime { seconds: time.seconds, nanoseconds: time.nanoseconds };
                    enclave_filesystem::NewTimestamp::Timestamp(time)
                }
                types::NewTimestamp::Now => {
                    let now_ns = now.await?.ok_or(ErrorCode::NotPermitted)?;
                    let nanoseconds = u32::try_from(now_ns % NS_PER_S).unwrap_or(0);
                    let now = Datetime { seconds: now_ns / NS_PER_S, nanoseconds };
                    enclave_filesystem::NewTimestamp::Now(now)
                }
            })
        }
    }
}

impl types::Host for State {
    fn convert_error_code(&mut self, error: FileError) -> wasmtime::Result<types::ErrorCode> {
        match error {
            FileError::Code(code) => Ok(convert::error_code(code)),
            FileError::Trap(error) => Err(error),
        }
    }

    fn filesystem_error_code(
        &mut self,
        failure: Resource<Failure>,
    ) -> wasmtime::Result<Option<types::ErrorCode>> {
        Ok(self.table.get(&failure)?.code.map(convert::error_code))
    }
}

impl types::HostDirectoryEntryStream for State {
    fn read_directory_entry(
        &mut self,
        stream: Resource<DirectoryEntryStream>,
    ) -> FileResult<Option<types::DirectoryEntry>> {
        let entry = self.files.read_directory_entry(self.table.get_mut(&stream)?)?;
        Ok(entry.map(convert::directory_entry))
    }

    fn drop(&mut self, stream: Resource<DirectoryEntryStream>) -> wasmtime::Result<()> {
        let stream = self.table.delete(stream)?;
        Ok(self.files.close(stream)?)
    }
}

impl types::HostDescriptor for State {
    fn read_via_stream(
        &mut self,
        descriptor: Resource<Descriptor>,
        offset: u64,
    ) -> FileResult<Resource<InputStream>> {
        let stream = self.files.read_via_stream(self.descriptor(&descriptor)?, offset)?;
        Ok(self.table.push(InputStream::File(stream))?)
    }

    fn write_via_stream(
        &mut self,
        descriptor: Resource<Descriptor>,
        offset: u64,
    ) -> FileResult<Resource<OutputStream>> {
        let stream = self.files.write_via_stream(self.descriptor(&descriptor)?, offset)?;
        Ok(self.table.push(OutputStream::File(stream))?)
    }

    fn append_via_stream(&mut self, descriptor: Resource<Descriptor>) -> FileResult<Resource<OutputStream>> {
        let stream = self.files.append_via_stream(self.descriptor(&descriptor)?)?;
        Ok(self.table.push(OutputStream::File(stream))?)
    }

    fn advise(
        &mut self,
        descriptor: Resource<Descriptor>,
        offset: u64,
        length: u64,
        advice: types::Advice,
    ) -> FileResult<()> {
        Ok(self.files.advise(self.descriptor(&descriptor)?, offset, length, convert::advice(advice))?)
    }

    fn sync_data(&mut self, descriptor: Resource<Descriptor>) -> FileResult<()> {
        Ok(self.files.sync_data(self.descriptor(&descriptor)?)?)
    }

    fn get_flags(&mut self, descriptor: Resource<Descriptor>) -> FileResult<types::DescriptorFlags> {
        Ok(convert::flags_out(self.files.get_flags(self.descriptor(&descriptor)?)?))
    }

    fn get_type(&mut self, descriptor: Resource<Descriptor>) -> FileResult<types::DescriptorType> {
        Ok(convert::descriptor_type(self.files.get_type(self.descriptor(&descriptor)?)?))
    }

    fn set_size(&mut self, descriptor: Resource<Descriptor>, size: u64) -> FileResult<()> {
        Ok(self.files.set_size(self.descriptor(&descriptor)?, size)?)
    }

    async fn set_times(
        &mut self,
        descriptor: Resource<Descriptor>,
        access: types::NewTimestamp,
        modification: types::NewTimestamp,
    ) -> FileResult<()> {
        let (access, modification) = (self.timestamp(access).await?, self.timestamp(modification).await?);
        Ok(self.files.set_times(self.descriptor(&descriptor)?, access, modification)?)
    }

    fn read(
        &mut self,
        descriptor: Resource<Descriptor>,
        length: u64,
        offset: u64,
    ) -> FileResult<(Vec<u8>, bool)> {
        Ok(self.files.read(self.descriptor(&descriptor)?, length, offset)?)
    }

    fn write(&mut self, descriptor: Resource<Descriptor>, buffer: Vec<u8>, offset: u64) -> FileResult<u64> {
        Ok(self.files.write(self.descriptor(&descriptor)?, &buffer, offset)?)
    }

    fn read_directory(
        &mut self,
        descriptor: Resource<Descriptor>,
    ) -> FileResult<Resource<DirectoryEntryStream>> {
        let stream = self.files.read_directory(self.descriptor(&descriptor)?)?;
        Ok(self.table.push(stream)?)
    }

    fn sync(&mut self, descriptor: Resource<Descriptor>) -> FileResult<()> {
        Ok(self.files.sync(self.descriptor(&descriptor)?)?)
    }

    fn create_directory_at(&mut self, descriptor: Resource<Descriptor>, path: String) -> FileResult<()> {
        Ok(self.files.create_directory_at(self.descriptor(&descriptor)?, &path)?)
    }

    fn stat(&mut self, descriptor: Resource<Descriptor>) -> FileResult<types::DescriptorStat> {
        Ok(convert::stat(self.files.stat(self.descriptor(&descriptor)?)?))
    }

    fn stat_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        path_flags: types::PathFlags,
        path: String,
    ) -> FileResult<types::DescriptorStat> {
        let path_flags = convert::path_flags(path_flags);
        Ok(convert::stat(self.files.stat_at(self.descriptor(&descriptor)?, path_flags, &path)?))
    }

    async fn set_times_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        path_flags: types::PathFlags,
        path: String,
        access: types::NewTimestamp,
        modification: types::NewTimestamp,
    ) -> FileResult<()> {
        let (access, modification) = (self.timestamp(access).await?, self.timestamp(modification).await?);
        let path_flags = convert::path_flags(path_flags);
        let descriptor = self.descriptor(&descriptor)?;
        Ok(self.files.set_times_at(descriptor, path_flags, &path, access, modification)?)
    }

    fn link_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        path_flags: types::PathFlags,
        old_path: String,
        new_descriptor: Resource<Descriptor>,
        new_path: String,
    ) -> FileResult<()> {
        let (old, new) = (self.descriptor(&descriptor)?, self.descriptor(&new_descriptor)?);
        Ok(self.files.link_at(old, convert::path_flags(path_flags), &old_path, new, &new_path)?)
    }

    fn open_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        path_flags: types::PathFlags,
        path: String,
        open_flags: types::OpenFlags,
        flags: types::DescriptorFlags,
    ) -> FileResult<Resource<Descriptor>> {
        let (path_flags, open_flags) = (convert::path_flags(path_flags), convert::open_flags(open_flags));
        let descriptor = self.descriptor(&descriptor)?;
        let opened =
            self.files.open_at(descriptor, path_flags, &path, open_flags, convert::flags_in(flags))?;
        Ok(self.table.push(opened)?)
    }

    fn readlink_at(&mut self, descriptor: Resource<Descriptor>, path: String) -> FileResult<String> {
        Ok(self.files.readlink_at(self.descriptor(&descriptor)?, &path)?)
    }

    fn remove_directory_at(&mut self, descriptor: Resource<Descriptor>, path: String) -> FileResult<()> {
        Ok(self.files.remove_directory_at(self.descriptor(&descriptor)?, &path)?)
    }

    fn rename_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        old_path: String,
        new_descriptor: Resource<Descriptor>,
        new_path: String,
    ) -> FileResult<()> {
        let (old, new) = (self.descriptor(&descriptor)?, self.descriptor(&new_descriptor)?);
        Ok(self.files.rename_at(old, &old_path, new, &new_path)?)
    }

    fn symlink_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        old_path: String,
        new_path: String,
    ) -> FileResult<()> {
        Ok(self.files.symlink_at(self.descriptor(&descriptor)?, &old_path, &new_path)?)
    }

    fn unlink_file_at(&mut self, descriptor: Resource<Descriptor>, path: String) -> FileResult<()> {
        Ok(self.files.unlink_file_at(self.descriptor(&descriptor)?, &path)?)
    }

    fn is_same_object(
        &mut self,
        descriptor: Resource<Descriptor>,
        other: Resource<Descriptor>,
    ) -> wasmtime::Result<bool> {
        let (descriptor, other) = (*self.table.get(&descriptor)?, *self.table.get(&other)?);
        Ok(self.files.is_same_object(descriptor, other))
    }

    fn metadata_hash(&mut self, descriptor: Resource<Descriptor>) -> FileResult<types::MetadataHashValue> {
        Ok(convert::metadata_hash(self.files.metadata_hash(self.descriptor(&descriptor)?)?))
    }

    fn metadata_hash_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        path_flags: types::PathFlags,
        path: String,
    ) -> FileResult<types::MetadataHashValue> {
        let descriptor = self.descriptor(&descriptor)?;
        let hash = self.files.metadata_hash_at(descriptor, convert::path_flags(path_flags), &path)?;
        Ok(convert::metadata_hash(hash))
    }

    fn drop(&mut self, descriptor: Resource<Descriptor>) -> wasmtime::Result<()> {
        let descriptor = self.table.delete(descriptor)?;
        Ok(self.files.close(descriptor)?)
    }
}
