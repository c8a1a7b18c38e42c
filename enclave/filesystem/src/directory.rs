//! Reading directories.

use alloc::boxed::Box;
use core::ops::Bound;

use crate::{Descriptor, DirectoryEntry, ErrorCode, FileSystem};

/// `directory-entry-stream`. It keeps the directory: close it with [`FileSystem::close`].
///
/// It holds its place, not a list: an entry that is there all the time is returned once, one that is removed before
/// its turn is not, one that is added or renamed after the stream was opened is not either. A directory whose entries
/// are renamed while it is read is therefore read to an end.
#[derive(Debug)]
pub struct DirectoryEntryStream {
    descriptor: Descriptor,
    /// Entries with a lower [`Entry::since`](crate::inode::Entry::since) were there when it was opened.
    opened: u64,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Start,
    Behind(Box<str>),
    End,
}

impl From<DirectoryEntryStream> for Descriptor {
    fn from(stream: DirectoryEntryStream) -> Self {
        stream.descriptor
    }
}

impl FileSystem {
    /// `read-directory`.
    ///
    /// # Errors
    /// `bad-descriptor`, `not-directory`, `insufficient-memory`.
    pub fn read_directory(&mut self, descriptor: Descriptor) -> Result<DirectoryEntryStream, ErrorCode> {
        let base = self.base(descriptor)?;
        let descriptor = self.insert(base)?;
        Ok(DirectoryEntryStream { descriptor, opened: self.next_entry, place: Place::Start })
    }

    /// `read-directory-entry`: the next entry in the order of the bytes of names, or `None` after the last. There are
    /// no `.` and `..`.
    ///
    /// # Errors
    /// `bad-descriptor`.
    pub fn read_directory_entry(
        &self,
        stream: &mut DirectoryEntryStream,
    ) -> Result<Option<DirectoryEntry>, ErrorCode> {
        let directory = self.directory(self.opened(stream.descriptor)?.number)?;
        let from = match &stream.place {
            Place::Start => Bound::Unbounded,
            Place::Behind(last) => Bound::Excluded(&**last),
            Place::End => return Ok(None),
        };
        let mut left = directory.entries.range::<str, _>((from, Bound::Unbounded));
        let Some((name, entry)) = left.find(|(_, entry)| entry.since < stream.opened) else {
            stream.place = Place::End;
            return Ok(None);
        };
        stream.place = Place::Behind(name.clone());
        let kind = self.inode(entry.number)?.node.kind();
        Ok(Some(DirectoryEntry { kind, name: (**name).into() }))
    }
}
