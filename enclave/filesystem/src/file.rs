//! What is in files: reading, writing, size, and streams over them.

use alloc::vec::Vec;

use crate::contents::{Contents, FILE_BYTES_MAX};
use crate::inode::{Node, Number};
use crate::limits::bytes_of;
use crate::open::Open;
use crate::{Access, Descriptor, ErrorCode, FileSystem};

/// The most that one call reads, as in wasmtime-wasi.
pub const READ_BYTES_MAX: usize = 64 * 1024;

/// `input-stream` over a file. It keeps the file: close it with [`FileSystem::close`].
#[derive(Debug)]
pub struct ReadStream {
    descriptor: Descriptor,
    offset: u64,
}

/// `output-stream` over a file. It keeps the file: close it with [`FileSystem::close`].
#[derive(Debug)]
pub struct WriteStream {
    descriptor: Descriptor,
    /// `None` to append.
    offset: Option<u64>,
}

impl From<ReadStream> for Descriptor {
    fn from(stream: ReadStream) -> Self {
        stream.descriptor
    }
}

impl From<WriteStream> for Descriptor {
    fn from(stream: WriteStream) -> Self {
        stream.descriptor
    }
}

impl FileSystem {
    /// `read`: at most `length` bytes from `offset` and at most [`READ_BYTES_MAX`], and, as in wasmtime-wasi, whether
    /// there were none.
    ///
    /// # Errors
    /// `bad-descriptor`, `invalid`.
    pub fn read(
        &self,
        descriptor: Descriptor,
        length: u64,
        offset: u64,
    ) -> Result<(Vec<u8>, bool), ErrorCode> {
        let open = self.file(descriptor)?;
        check_offset(offset)?;
        if !open.flags.read {
            return Err(ErrorCode::BadDescriptor);
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(READ_BYTES_MAX);
        let bytes = self.contents(open.number)?.read(offset, length);
        let ended = bytes.is_empty();
        Ok((bytes, ended))
    }

    /// `write`: all of `buffer` at `offset`, or nothing.
    ///
    /// # Errors
    /// `bad-descriptor`, `not-permitted`, `invalid`, `file-too-large`, `insufficient-space`.
    pub fn write(&mut self, descriptor: Descriptor, buffer: &[u8], offset: u64) -> Result<u64, ErrorCode> {
        let open = self.file_to_change(descriptor)?;
        check_offset(offset)?;
        self.write_opened(open, buffer, offset)
    }

    /// What a stream of `append-via-stream` does: all of `buffer` at the end, or nothing.
    ///
    /// # Errors
    /// `bad-descriptor`, `not-permitted`, `file-too-large`, `insufficient-space`.
    pub fn append(&mut self, descriptor: Descriptor, buffer: &[u8]) -> Result<u64, ErrorCode> {
        let open = self.file_to_change(descriptor)?;
        let end = self.contents(open.number)?.size();
        self.write_opened(open, buffer, end)
    }

    /// `set-size`: cuts, or adds zeros, which cost nothing.
    ///
    /// # Errors
    /// `bad-descriptor`, `not-permitted`, `invalid`: it is not open for writing, or the size is beyond
    /// [`FILE_BYTES_MAX`].
    pub fn set_size(&mut self, descriptor: Descriptor, size: u64) -> Result<(), ErrorCode> {
        let open = self.file_to_change(descriptor)?;
        check_offset(size)?;
        if !open.flags.write {
            return Err(ErrorCode::Invalid);
        }
        self.cut(open.number, size)
    }

    /// `read-via-stream`. Whether the file may be read shows when it is.
    ///
    /// # Errors
    /// `bad-descriptor`, `is-directory`, `insufficient-memory`.
    pub fn read_via_stream(&mut self, descriptor: Descriptor, offset: u64) -> Result<ReadStream, ErrorCode> {
        let open = self.opened(descriptor)?;
        if self.inode(open.number)?.node.is_directory() {
            return Err(ErrorCode::IsDirectory);
        }
        Ok(ReadStream { descriptor: self.insert(open)?, offset })
    }

    /// `write-via-stream`. Whether the file was opened for writing shows when it is written.
    ///
    /// # Errors
    /// `bad-descriptor`, `not-permitted`, `insufficient-memory`.
    pub fn write_via_stream(
        &mut self,
        descriptor: Descriptor,
        offset: u64,
    ) -> Result<WriteStream, ErrorCode> {
        let open = self.file_to_change(descriptor)?;
        Ok(WriteStream { descriptor: self.insert(open)?, offset: Some(offset) })
    }

    /// `append-via-stream`. Whether the file was opened for writing shows when it is written.
    ///
    /// # Errors
    /// `bad-descriptor`, `not-permitted`, `insufficient-memory`.
    pub fn append_via_stream(&mut self, descriptor: Descriptor) -> Result<WriteStream, ErrorCode> {
        let open = self.file_to_change(descriptor)?;
        Ok(WriteStream { descriptor: self.insert(open)?, offset: None })
    }

    /// The next bytes of a stream, at most `length` and at most [`READ_BYTES_MAX`]. None means the end for now: the
    /// stream ends there, unless no bytes were asked for.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_stream(&self, stream: &mut ReadStream, length: u64) -> Result<Vec<u8>, ErrorCode> {
        let (bytes, _) = self.read(stream.descriptor, length, stream.offset)?;
        stream.offset = stream.offset.saturating_add(bytes_of(bytes.len()));
        Ok(bytes)
    }

    /// Writes all of `buffer` to a stream, or nothing.
    ///
    /// # Errors
    /// As [`write`](Self::write) and [`append`](Self::append).
    pub fn write_stream(&mut self, stream: &mut WriteStream, buffer: &[u8]) -> Result<(), ErrorCode> {
        let Some(offset) = stream.offset else {
            return self.append(stream.descriptor, buffer).map(drop);
        };
        let written = self.write(stream.descriptor, buffer, offset)?;
        stream.offset = Some(offset.saturating_add(written));
        Ok(())
    }

    fn write_opened(&mut self, open: Open, buffer: &[u8], offset: u64) -> Result<u64, ErrorCode> {
        if !open.flags.write {
            return Err(ErrorCode::BadDescriptor);
        }
        let length = bytes_of(buffer.len());
        if length == 0 {
            return Ok(0);
        }
        offset.checked_add(length).filter(|end| *end <= FILE_BYTES_MAX).ok_or(ErrorCode::FileTooLarge)?;
        let cost = self.contents(open.number)?.cost_of_write(offset, buffer.len());
        self.ledger.charge(cost)?;
        self.change_contents(open.number, |contents| contents.write(offset, buffer))?;
        Ok(length)
    }

    /// Sets a file's size, which is within [`FILE_BYTES_MAX`].
    pub(crate) fn cut(&mut self, number: Number, size: u64) -> Result<(), ErrorCode> {
        let before = self.contents(number)?.charged();
        self.change_contents(number, |contents| contents.set_size(size))?;
        let after = self.contents(number)?.charged();
        self.ledger.release(before.saturating_sub(after));
        Ok(())
    }

    pub(crate) fn contents(&self, number: Number) -> Result<&Contents, ErrorCode> {
        match &self.inode(number)?.node {
            Node::File(contents) => Ok(contents),
            Node::Directory(_) | Node::Link(_) => Err(ErrorCode::BadDescriptor),
        }
    }

    pub(crate) fn change_contents(
        &mut self,
        number: Number,
        change: impl FnOnce(&mut Contents),
    ) -> Result<(), ErrorCode> {
        let inode = self.inode_mut(number)?;
        let Node::File(contents) = &mut inode.node else { return Err(ErrorCode::BadDescriptor) };
        change(contents);
        inode.modified();
        Ok(())
    }

    pub(crate) fn file(&self, descriptor: Descriptor) -> Result<Open, ErrorCode> {
        let open = self.opened(descriptor)?;
        self.contents(open.number)?;
        Ok(open)
    }

    fn file_to_change(&self, descriptor: Descriptor) -> Result<Open, ErrorCode> {
        let open = self.file(descriptor)?;
        if open.access == Access::ReadOnly { Err(ErrorCode::NotPermitted) } else { Ok(open) }
    }
}

fn check_offset(offset: u64) -> Result<(), ErrorCode> {
    if offset > FILE_BYTES_MAX { Err(ErrorCode::Invalid) } else { Ok(()) }
}
