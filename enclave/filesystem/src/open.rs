//! Descriptors: what is open, and for what.

use alloc::string::String;

use crate::contents::Contents;
use crate::inode::{Inode, Node, Number, ROOT};
use crate::resolve::{Ending, Place};
use crate::{Access, Descriptor, DescriptorFlags, ErrorCode, FileSystem, OpenFlags, PathFlags};

/// What stands behind a descriptor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Open {
    pub(crate) number: Number,
    /// Of the preopened directory that it comes from.
    pub(crate) access: Access,
    /// As `get-flags` returns them.
    pub(crate) flags: DescriptorFlags,
}

impl FileSystem {
    /// Opens a directory for a component to begin with: `path` from the root, with or without a slash before it; `/` or
    /// `.` is the root itself.
    ///
    /// # Errors
    /// As [`open_at`](Self::open_at) for a directory.
    pub fn preopen(&mut self, path: &str, access: Access) -> Result<Descriptor, ErrorCode> {
        let number = match path.trim_start_matches('/') {
            "" => ROOT,
            path => self.lookup(ROOT, path, Ending::FOLLOW)?,
        };
        self.directory(number)?;
        let mutate_directory = access == Access::ReadWrite;
        let flags = DescriptorFlags { read: true, mutate_directory, ..DescriptorFlags::default() };
        self.insert(Open { number, access, flags })
    }

    /// `open-at`.
    ///
    /// `create` and `truncate` open for writing as well; what is not opened for writing is opened for reading.
    ///
    /// # Errors
    /// `bad-descriptor`, `not-directory`, `unsupported`, `invalid`, `not-permitted`, `no-entry`, `exist`, `loop`,
    /// `is-directory`, `name-too-long`, `insufficient-memory`, `insufficient-space`.
    pub fn open_at(
        &mut self,
        descriptor: Descriptor,
        path_flags: PathFlags,
        path: &str,
        open_flags: OpenFlags,
        flags: DescriptorFlags,
    ) -> Result<Descriptor, ErrorCode> {
        let base = self.base(descriptor)?;
        let flags = effective_flags(open_flags, flags)?;
        if base.access == Access::ReadOnly && (flags.write || flags.mutate_directory) {
            return Err(ErrorCode::NotPermitted);
        }
        let is_new = open_flags.create && open_flags.exclusive;
        let follow = path_flags.symlink_follow && !is_new;
        let place = self.resolve(base.number, path, Ending { follow, create: open_flags.create })?;
        self.ledger.check_descriptor()?;
        let number = match place.found {
            Some(_) if is_new => return Err(ErrorCode::Exist),
            Some(number) => self.open_found(number, place.slash, open_flags, flags)?,
            None => self.open_new(place, open_flags)?,
        };
        let is_directory = self.inode(number)?.node.is_directory();
        let flags = DescriptorFlags { mutate_directory: flags.mutate_directory && is_directory, ..flags };
        self.insert(Open { number, access: base.access, flags })
    }

    /// Closes a descriptor or stream. A file without a name goes with the last.
    ///
    /// # Errors
    /// `bad-descriptor`: it is not open.
    pub fn close(&mut self, descriptor: impl Into<Descriptor>) -> Result<(), ErrorCode> {
        let open = self.open.remove(&descriptor.into()).ok_or(ErrorCode::BadDescriptor)?;
        self.ledger.usage.descriptors = self.ledger.usage.descriptors.saturating_sub(1);
        let inode = self.inode_mut(open.number)?;
        inode.opens = inode.opens.saturating_sub(1);
        self.free_if_unused(open.number);
        Ok(())
    }

    fn open_found(
        &mut self,
        number: Number,
        slash: bool,
        open_flags: OpenFlags,
        flags: DescriptorFlags,
    ) -> Result<Number, ErrorCode> {
        match &self.inode(number)?.node {
            Node::Directory(_) if flags.write => Err(ErrorCode::IsDirectory),
            Node::Directory(_) => Ok(number),
            Node::Link(_) => Err(ErrorCode::Loop),
            Node::File(_) if slash || open_flags.directory => Err(ErrorCode::NotDirectory),
            Node::File(_) => {
                if open_flags.truncate {
                    self.cut(number, 0)?;
                }
                Ok(number)
            }
        }
    }

    fn open_new(&mut self, place: Place, open_flags: OpenFlags) -> Result<Number, ErrorCode> {
        let name: String = place.name.filter(|_| open_flags.create).ok_or(ErrorCode::NoEntry)?;
        self.create(place.directory, &name, Node::File(Contents::default()))
    }

    /// One more descriptor or stream.
    pub(crate) fn insert(&mut self, open: Open) -> Result<Descriptor, ErrorCode> {
        self.ledger.check_descriptor()?;
        let inode = self.inode_mut(open.number)?;
        inode.opens = inode.opens.saturating_add(1);
        self.ledger.usage.descriptors = self.ledger.usage.descriptors.saturating_add(1);
        let descriptor = Descriptor(self.next_descriptor);
        self.next_descriptor = self.next_descriptor.saturating_add(1);
        self.open.insert(descriptor, open);
        Ok(descriptor)
    }

    pub(crate) fn opened(&self, descriptor: Descriptor) -> Result<Open, ErrorCode> {
        self.open.get(&descriptor).copied().ok_or(ErrorCode::BadDescriptor)
    }

    pub(crate) fn opened_inode(&self, descriptor: Descriptor) -> Result<&Inode, ErrorCode> {
        self.inode(self.opened(descriptor)?.number)
    }

    /// A directory that paths may start from.
    pub(crate) fn base(&self, descriptor: Descriptor) -> Result<Open, ErrorCode> {
        let open = self.opened(descriptor)?;
        self.directory(open.number)?;
        Ok(open)
    }

    /// One below which names may be changed.
    pub(crate) fn base_to_change(&self, descriptor: Descriptor) -> Result<Number, ErrorCode> {
        let open = self.base(descriptor)?;
        if open.access == Access::ReadOnly { Err(ErrorCode::NotPermitted) } else { Ok(open.number) }
    }
}

/// What is opened, as it will be reported.
fn effective_flags(open_flags: OpenFlags, flags: DescriptorFlags) -> Result<DescriptorFlags, ErrorCode> {
    if flags.file_integrity_sync || flags.data_integrity_sync || flags.requested_write_sync {
        return Err(ErrorCode::Unsupported);
    }
    if open_flags.directory && (open_flags.create || open_flags.exclusive || open_flags.truncate) {
        return Err(ErrorCode::Invalid);
    }
    let write = flags.write || open_flags.create || open_flags.truncate;
    Ok(DescriptorFlags { read: flags.read || !flags.write, write, ..flags })
}
