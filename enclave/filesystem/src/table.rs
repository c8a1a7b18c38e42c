//! The tables of inodes and names: what every operation is made of. What is taken from them is paid here.

use alloc::boxed::Box;

use crate::inode::{Directory, Entry, Inode, Node, Number};
use crate::limits::name_cost;
use crate::{ErrorCode, FileSystem};

impl FileSystem {
    pub(crate) fn inode(&self, number: Number) -> Result<&Inode, ErrorCode> {
        self.inodes.get(&number).ok_or(ErrorCode::Io)
    }

    pub(crate) fn inode_mut(&mut self, number: Number) -> Result<&mut Inode, ErrorCode> {
        self.inodes.get_mut(&number).ok_or(ErrorCode::Io)
    }

    pub(crate) fn directory(&self, number: Number) -> Result<&Directory, ErrorCode> {
        match &self.inode(number)?.node {
            Node::Directory(directory) => Ok(directory),
            Node::File(_) | Node::Link(_) => Err(ErrorCode::NotDirectory),
        }
    }

    fn directory_mut(&mut self, number: Number) -> Result<&mut Directory, ErrorCode> {
        match &mut self.inode_mut(number)?.node {
            Node::Directory(directory) => Ok(directory),
            Node::File(_) | Node::Link(_) => Err(ErrorCode::NotDirectory),
        }
    }

    /// Nothing can be put into a directory that was removed and is still open.
    pub(crate) fn check_attached(&self, directory: Number) -> Result<(), ErrorCode> {
        if self.inode(directory)?.links == 0 { Err(ErrorCode::NoEntry) } else { Ok(()) }
    }

    /// A new inode under a new name.
    pub(crate) fn create(&mut self, directory: Number, name: &str, node: Node) -> Result<Number, ErrorCode> {
        self.check_attached(directory)?;
        let inode = Inode::new(node);
        self.ledger.charge_inode(inode.cost().saturating_add(name_cost(name)))?;
        let number = Number(self.next_inode);
        self.next_inode = self.next_inode.saturating_add(1);
        self.inodes.insert(number, inode);
        self.attach(directory, name, number)?;
        Ok(number)
    }

    /// A new name, which is paid, for what has none or is no directory.
    pub(crate) fn attach(&mut self, directory: Number, name: &str, number: Number) -> Result<(), ErrorCode> {
        let since = self.next_entry;
        self.next_entry = self.next_entry.saturating_add(1);
        self.put(directory, name, Entry { number, since })
    }

    /// Removes a name and what it costs, and what it names when nothing else leads there.
    pub(crate) fn detach(&mut self, directory: Number, name: &str) -> Result<(), ErrorCode> {
        let entry = self.take(directory, name)?;
        self.ledger.release(name_cost(name));
        self.free_if_unused(entry.number);
        Ok(())
    }

    /// Puts an entry where none is.
    pub(crate) fn put(&mut self, directory: Number, name: &str, entry: Entry) -> Result<(), ErrorCode> {
        let inode = self.inode_mut(entry.number)?;
        inode.links = inode.links.saturating_add(1);
        let is_directory = inode.node.is_directory();
        if let Node::Directory(child) = &mut inode.node {
            child.parent = directory;
        }
        let parent = self.directory_mut(directory)?;
        parent.entries.insert(Box::from(name), entry);
        parent.subdirectories = parent.subdirectories.saturating_add(u32::from(is_directory));
        self.inode_mut(directory)?.modified();
        Ok(())
    }

    /// Takes an entry out. What it names stays, whether or not anything leads there.
    pub(crate) fn take(&mut self, directory: Number, name: &str) -> Result<Entry, ErrorCode> {
        let entry = self.directory_mut(directory)?.entries.remove(name).ok_or(ErrorCode::Io)?;
        let inode = self.inode_mut(entry.number)?;
        inode.links = inode.links.saturating_sub(1);
        let is_directory = inode.node.is_directory();
        let parent = self.directory_mut(directory)?;
        parent.subdirectories = parent.subdirectories.saturating_sub(u32::from(is_directory));
        self.inode_mut(directory)?.modified();
        Ok(entry)
    }

    pub(crate) fn free_if_unused(&mut self, number: Number) {
        let unused = self.inodes.get(&number).is_some_and(|inode| inode.links == 0 && inode.opens == 0);
        if let Some(inode) = unused.then(|| self.inodes.remove(&number)).flatten() {
            self.ledger.release_inode(inode.cost());
        }
    }
}
