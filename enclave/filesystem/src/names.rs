//! Operations on names: directories, links, renaming, removal.

use alloc::boxed::Box;
use alloc::string::String;

use crate::inode::{Directory, Entry, Node, Number, ROOT};
use crate::limits::name_cost;
use crate::resolve::Place;
use crate::{Descriptor, ErrorCode, FileSystem, PathFlags, path};

impl FileSystem {
    /// `create-directory-at`.
    ///
    /// # Errors
    /// `bad-descriptor`, `not-directory`, `not-permitted`, `exist`, `no-entry`, `invalid`, `loop`, `name-too-long`,
    /// `insufficient-space`.
    pub fn create_directory_at(&mut self, descriptor: Descriptor, path: &str) -> Result<(), ErrorCode> {
        let base = self.base_to_change(descriptor)?;
        let place = self.name_of(base, path::without_slashes(path))?;
        let name = new_name(&place)?;
        let node = Node::Directory(Directory::below(place.directory));
        self.create(place.directory, name, node).map(drop)
    }

    /// `symlink-at`. `old_path` is the text of the link; that it leads nowhere, or out of a base, shows when it is
    /// followed.
    ///
    /// # Errors
    /// As [`create_directory_at`](Self::create_directory_at).
    pub fn symlink_at(
        &mut self,
        descriptor: Descriptor,
        old_path: &str,
        new_path: &str,
    ) -> Result<(), ErrorCode> {
        let base = self.base_to_change(descriptor)?;
        if old_path.starts_with('/') {
            return Err(ErrorCode::NotPermitted);
        }
        let place = self.name_of(base, new_path)?;
        path::check(old_path, &self.ledger.limits)?;
        let name = new_name(&place)?;
        self.create(place.directory, name, Node::Link(Box::from(old_path))).map(drop)
    }

    /// `readlink-at`.
    ///
    /// # Errors
    /// `bad-descriptor`, `not-directory`, `not-permitted`, `no-entry`, `invalid`, `loop`, `name-too-long`.
    pub fn readlink_at(&self, descriptor: Descriptor, path: &str) -> Result<String, ErrorCode> {
        let base = self.base(descriptor)?.number;
        let found = self.name_of(base, path)?.found.ok_or(ErrorCode::NoEntry)?;
        match &self.inode(found)?.node {
            Node::Link(text) => Ok((**text).into()),
            Node::File(_) | Node::Directory(_) => Err(ErrorCode::Invalid),
        }
    }

    /// `link-at`: one more name for a file, or for a symbolic link itself.
    ///
    /// # Errors
    /// `bad-descriptor`, `not-directory`, `not-permitted`, `invalid`, `no-entry`, `exist`, `loop`, `too-many-links`,
    /// `name-too-long`, `insufficient-space`.
    pub fn link_at(
        &mut self,
        descriptor: Descriptor,
        old_path_flags: PathFlags,
        old_path: &str,
        new_descriptor: Descriptor,
        new_path: &str,
    ) -> Result<(), ErrorCode> {
        let (old_base, new_base) = self.bases_to_change(descriptor, new_descriptor)?;
        if old_path_flags.symlink_follow {
            return Err(ErrorCode::Invalid);
        }
        let old = self.name_of(old_base, old_path)?;
        let new = self.name_of(new_base, new_path)?;
        let number = old.found.ok_or(ErrorCode::NoEntry)?;
        let name = new_name(&new)?;
        self.check_attached(new.directory)?;
        let inode = self.inode(number)?;
        if inode.node.is_directory() {
            return Err(ErrorCode::NotPermitted);
        }
        if inode.links == u32::MAX {
            return Err(ErrorCode::TooManyLinks);
        }
        self.ledger.charge(name_cost(name))?;
        self.attach(new.directory, name, number)
    }

    /// `unlink-file-at`. A file that is open stays until it is closed.
    ///
    /// # Errors
    /// `bad-descriptor`, `not-directory`, `not-permitted`, `is-directory`, `no-entry`, `invalid`, `loop`,
    /// `name-too-long`.
    pub fn unlink_file_at(&mut self, descriptor: Descriptor, path: &str) -> Result<(), ErrorCode> {
        let base = self.base_to_change(descriptor)?;
        let place = self.name_of(base, path)?;
        let found = place.found.ok_or(ErrorCode::NoEntry)?;
        if self.inode(found)?.node.is_directory() {
            return Err(ErrorCode::IsDirectory);
        }
        let name = place.name.ok_or(ErrorCode::IsDirectory)?;
        self.detach(place.directory, &name)
    }

    /// `remove-directory-at`. A directory that is open stays until it is closed, and nothing can be put into it.
    ///
    /// # Errors
    /// `bad-descriptor`, `not-directory`, `not-permitted`, `not-empty`, `no-entry`, `invalid`, `loop`,
    /// `name-too-long`.
    pub fn remove_directory_at(&mut self, descriptor: Descriptor, path: &str) -> Result<(), ErrorCode> {
        let base = self.base_to_change(descriptor)?;
        let place = self.directory_to_remove(base, path)?;
        let found = place.found.ok_or(ErrorCode::NoEntry)?;
        let name = place.name.ok_or(ErrorCode::Invalid)?;
        if !self.directory(found)?.entries.is_empty() {
            return Err(ErrorCode::NotEmpty);
        }
        self.detach(place.directory, &name)
    }

    /// `rename-at`, by the rules of POSIX.
    ///
    /// # Errors
    /// `bad-descriptor`, `not-directory`, `not-permitted`, `busy`, `no-entry`, `invalid`, `not-empty`,
    /// `is-directory`, `loop`, `name-too-long`, `insufficient-space`.
    pub fn rename_at(
        &mut self,
        descriptor: Descriptor,
        old_path: &str,
        new_descriptor: Descriptor,
        new_path: &str,
    ) -> Result<(), ErrorCode> {
        let (old_base, new_base) = self.bases_to_change(descriptor, new_descriptor)?;
        let old = self.name_of(old_base, path::without_slashes(old_path))?;
        // As in wasmtime-wasi, a slash behind the new name means nothing.
        let new = self.name_of(new_base, path::without_slashes(new_path))?;
        let (Some(old_name), Some(new_name)) = (&old.name, &new.name) else { return Err(ErrorCode::Busy) };
        let number = old.found.ok_or(ErrorCode::NoEntry)?;
        self.check_attached(new.directory)?;
        if path::has_slash(old_path) && !self.inode(number)?.node.is_directory() {
            return Err(ErrorCode::NotDirectory);
        }
        self.check_ancestors(number, &old, &new)?;
        match new.found {
            Some(target) if target == number => Ok(()),
            Some(target) => {
                self.check_replaceable(number, target)?;
                self.replace((old.directory, old_name), (new.directory, new_name))
            }
            None => self.move_name((old.directory, old_name), (new.directory, new_name)),
        }
    }

    fn bases_to_change(&self, one: Descriptor, other: Descriptor) -> Result<(Number, Number), ErrorCode> {
        self.base(one)?;
        self.base(other)?;
        Ok((self.base_to_change(one)?, self.base_to_change(other)?))
    }

    /// As [`name_of`](Self::name_of), but a slash behind the name of a directory, and not of a link to one, changes
    /// nothing.
    fn directory_to_remove(&self, base: Number, path: &str) -> Result<Place, ErrorCode> {
        let place = self.name_of(base, path)?;
        let bare = path::without_slashes(path);
        if !path::has_slash(path) {
            return Ok(place);
        }
        let named = self.name_of(base, bare)?;
        Ok(if named.found == place.found { named } else { place })
    }

    /// Nothing may become its own descendant, or replace what it is in.
    fn check_ancestors(&self, moved: Number, old: &Place, new: &Place) -> Result<(), ErrorCode> {
        if old.directory == new.directory {
            return Ok(());
        }
        if self.is_within(new.directory, moved)? {
            return Err(ErrorCode::Invalid);
        }
        match new.found {
            Some(target) if self.is_within(old.directory, target)? => Err(ErrorCode::NotEmpty),
            _ => Ok(()),
        }
    }

    /// Whether `directory` is `ancestor` or below it. Takes as long as it is deep.
    fn is_within(&self, directory: Number, ancestor: Number) -> Result<bool, ErrorCode> {
        if !self.inode(ancestor)?.node.is_directory() {
            return Ok(false);
        }
        let mut at = directory;
        while at != ancestor {
            if at == ROOT || self.inode(at)?.links == 0 {
                return Ok(false);
            }
            at = self.directory(at)?.parent;
        }
        Ok(true)
    }

    fn check_replaceable(&self, moved: Number, target: Number) -> Result<(), ErrorCode> {
        let is_directory = self.inode(moved)?.node.is_directory();
        match &self.inode(target)?.node {
            Node::Directory(_) if !is_directory => Err(ErrorCode::IsDirectory),
            Node::Directory(directory) if !directory.entries.is_empty() => Err(ErrorCode::NotEmpty),
            Node::File(_) | Node::Link(_) if is_directory => Err(ErrorCode::NotDirectory),
            _ => Ok(()),
        }
    }

    /// Gives what one name names to another that exists; that one stays the name that it was to those who read the
    /// directory.
    fn replace(&mut self, old: (Number, &str), new: (Number, &str)) -> Result<(), ErrorCode> {
        let replaced = self.take(new.0, new.1)?;
        let moved = self.take(old.0, old.1)?;
        self.ledger.release(name_cost(old.1));
        self.put(new.0, new.1, Entry { number: moved.number, since: replaced.since })?;
        self.free_if_unused(replaced.number);
        Ok(())
    }

    fn move_name(&mut self, old: (Number, &str), new: (Number, &str)) -> Result<(), ErrorCode> {
        self.ledger.exchange(name_cost(old.1), name_cost(new.1))?;
        let moved = self.take(old.0, old.1)?;
        self.attach(new.0, new.1, moved.number)
    }
}

/// The last name, which must not exist.
fn new_name(place: &Place) -> Result<&str, ErrorCode> {
    match (&place.name, place.found) {
        (Some(name), None) => Ok(name),
        _ => Err(ErrorCode::Exist),
    }
}
