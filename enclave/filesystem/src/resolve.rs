//! From a path to what it names, within the directory that it starts from.
//!
//! The rules of `openat2` with `RESOLVE_BENEATH`, which wasmtime-wasi asks Linux for: `..` may not lead above the base,
//! not even for a moment, and nothing may be absolute.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use crate::inode::{Node, Number};
use crate::limits::bytes_of;
use crate::{ErrorCode, FileSystem, path};

/// Symbolic links that may be followed for one path, as on Linux.
const LINKS_MAX: u32 = 40;

/// What to do at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ending {
    /// Follow a symbolic link. One with a slash behind it is followed anyway.
    pub(crate) follow: bool,
    /// A file is to be created, so a slash is out of place.
    pub(crate) create: bool,
}

impl Ending {
    pub(crate) const STAY: Self = Self { follow: false, create: false };
    pub(crate) const FOLLOW: Self = Self { follow: true, create: false };
}

/// Where a path ends.
#[derive(Debug)]
pub(crate) struct Place {
    /// The directory of the last name.
    pub(crate) directory: Number,
    /// The last name; `None` when the path ends in `.` or `..`, and so in `directory` itself.
    pub(crate) name: Option<String>,
    /// What is there.
    pub(crate) found: Option<Number>,
    /// Whether it has to be a directory.
    pub(crate) slash: bool,
}

impl FileSystem {
    /// What a path names, as metadata operations understand it.
    pub(crate) fn lookup(&self, base: Number, path: &str, ending: Ending) -> Result<Number, ErrorCode> {
        let place = self.resolve(base, path, ending)?;
        let found = place.found.ok_or(ErrorCode::NoEntry)?;
        if place.slash && !self.inode(found)?.node.is_directory() {
            return Err(ErrorCode::NotDirectory);
        }
        Ok(found)
    }

    /// The name that a path ends in, as operations on names understand it: a slash behind it asks for what is in the
    /// directory of that name, of which there is only `.`.
    pub(crate) fn name_of(&self, base: Number, path: &str) -> Result<Place, ErrorCode> {
        if !path::has_slash(path) {
            return self.resolve(base, path, Ending::STAY);
        }
        let directory = self.lookup(base, path, Ending::FOLLOW)?;
        Ok(Place { directory, name: None, found: Some(directory), slash: true })
    }

    /// Walks a path from `base`, a directory.
    pub(crate) fn resolve(&self, base: Number, path: &str, ending: Ending) -> Result<Place, ErrorCode> {
        path::check(path, &self.ledger.limits)?;
        let names = path::names(path).rev().collect();
        let (slash, depth) = (path::has_slash(path), bytes_of(path::depth(path)));
        Walk { system: self, base, at: base, names, depth, slash, links: 0 }.run(ending)
    }
}

struct Walk<'a> {
    system: &'a FileSystem,
    base: Number,
    at: Number,
    /// What is left, the next one last.
    names: Vec<&'a str>,
    /// How many names there were so far, `.` not counted.
    depth: u64,
    slash: bool,
    links: u32,
}

impl<'a> Walk<'a> {
    fn run(mut self, ending: Ending) -> Result<Place, ErrorCode> {
        while let Some(name) = self.names.pop() {
            match name {
                "." => {}
                ".." => self.leave()?,
                name => {
                    if let Some(found) = self.enter(name, ending)? {
                        let name = Some(name.to_owned());
                        return Ok(Place { directory: self.at, name, found, slash: self.slash });
                    }
                }
            }
        }
        Ok(Place { directory: self.at, name: None, found: Some(self.at), slash: true })
    }

    fn leave(&mut self) -> Result<(), ErrorCode> {
        if self.at == self.base {
            return Err(ErrorCode::NotPermitted);
        }
        self.at = self.system.directory(self.at)?.parent;
        Ok(())
    }

    /// Goes on to `name`, or says what is there when the path ends there.
    fn enter(&mut self, name: &'a str, ending: Ending) -> Result<Option<Option<Number>>, ErrorCode> {
        let is_last = self.names.is_empty();
        path::check_name_length(name, &self.system.ledger.limits)?;
        if is_last && ending.create && self.slash {
            return Err(ErrorCode::IsDirectory);
        }
        let Some(entry) = self.system.directory(self.at)?.entries.get(name) else {
            return if is_last { Ok(Some(None)) } else { Err(ErrorCode::NoEntry) };
        };
        match &self.system.inode(entry.number)?.node {
            Node::Link(text) if !is_last || ending.follow || self.slash => {
                self.follow(text, is_last)?;
                return Ok(None);
            }
            Node::Directory(_) if !is_last => self.at = entry.number,
            _ if is_last => return Ok(Some(Some(entry.number))),
            _ => return Err(ErrorCode::NotDirectory),
        }
        Ok(None)
    }

    fn follow(&mut self, text: &'a str, is_last: bool) -> Result<(), ErrorCode> {
        let depth = self.depth.saturating_add(bytes_of(path::depth(text)));
        if self.links == LINKS_MAX || depth > self.system.ledger.limits.path_depth.into() {
            return Err(ErrorCode::Loop);
        }
        if text.starts_with('/') {
            return Err(ErrorCode::NotPermitted);
        }
        (self.links, self.depth) = (self.links.saturating_add(1), depth);
        self.names.extend(path::names(text).rev());
        self.slash |= is_last && path::has_slash(text);
        Ok(())
    }
}
