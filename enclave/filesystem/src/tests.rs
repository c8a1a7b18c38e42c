//! What a program sees, through the functions that a host calls.
//!
//! The tables follow the public WASI test suite (`tests/rust/wasm32-wasip1`, `wasm32-wasip3/filesystem-*`), the test
//! programs of wasmtime (`p1_path_*`, `p2_file_*`) and what wasmtime-wasi 48 did with the same calls on Linux.

mod directories;
mod files;
mod limits;
mod links;
mod metadata;
mod model;
mod opening;
mod paths;
mod removal;
mod renaming;
mod snapshots;

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use crate::inode::Node;
use crate::limits::{bytes_of, name_cost};
use crate::{
    Access, Descriptor, DescriptorFlags, DirectoryEntryStream, ErrorCode, FileSystem, Limits, OpenFlags,
    PathFlags, Usage,
};

pub(crate) const STAY: PathFlags = PathFlags { symlink_follow: false };
pub(crate) const FOLLOW: PathFlags = PathFlags { symlink_follow: true };
pub(crate) const ROOMY: Limits = Limits::of_linux(1 << 30, 1 << 16);

pub(crate) const NONE: OpenFlags =
    OpenFlags { create: false, directory: false, exclusive: false, truncate: false };
pub(crate) const CREATE: OpenFlags = OpenFlags { create: true, ..NONE };
pub(crate) const DIRECTORY: OpenFlags = OpenFlags { directory: true, ..NONE };
pub(crate) const TRUNCATE: OpenFlags = OpenFlags { truncate: true, ..NONE };
pub(crate) const NEW: OpenFlags = OpenFlags { create: true, exclusive: true, ..NONE };

/// A file system and its root, preopened for everything and for reading only.
pub(crate) struct Sandbox {
    pub(crate) fs: FileSystem,
    pub(crate) root: Descriptor,
    pub(crate) read_only: Descriptor,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self::within(ROOMY)
    }

    pub(crate) fn within(limits: Limits) -> Self {
        Self::of(FileSystem::new(limits))
    }

    pub(crate) fn of(mut fs: FileSystem) -> Self {
        let root = fs.preopen(".", Access::ReadWrite).unwrap();
        let read_only = fs.preopen(".", Access::ReadOnly).unwrap();
        Self { fs, root, read_only }
    }

    /// With directories (a slash at the end), symbolic links (`name -> text`) and files (which hold their path).
    pub(crate) fn with(paths: &[&str]) -> Self {
        let mut sandbox = Self::new();
        for path in paths {
            match path.split_once(" -> ") {
                Some((name, text)) => sandbox.fs.symlink_at(sandbox.root, text, name).unwrap(),
                None if path.ends_with('/') => sandbox.fs.create_directory_at(sandbox.root, path).unwrap(),
                None => sandbox.put(path, path.as_bytes()),
            }
        }
        sandbox
    }

    pub(crate) fn open(
        &mut self,
        path: &str,
        open_flags: OpenFlags,
        flags: &str,
    ) -> Result<Descriptor, ErrorCode> {
        self.fs.open_at(self.root, STAY, path, open_flags, descriptor_flags(flags))
    }

    pub(crate) fn put(&mut self, path: &str, bytes: &[u8]) {
        let file = self.open(path, CREATE, "w").unwrap();
        self.fs.set_size(file, 0).unwrap();
        assert_eq!(self.fs.write(file, bytes, 0), Ok(bytes_of(bytes.len())));
        self.fs.close(file).unwrap();
    }

    pub(crate) fn get(&mut self, path: &str) -> Result<Vec<u8>, ErrorCode> {
        let file = self.open(path, NONE, "r")?;
        let bytes = self.get_opened(file);
        self.fs.close(file).unwrap();
        Ok(bytes)
    }

    pub(crate) fn get_opened(&self, file: Descriptor) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            let (part, ended) = self.fs.read(file, u64::MAX, bytes_of(bytes.len())).unwrap();
            bytes.extend(part);
            if ended {
                return bytes;
            }
        }
    }

    pub(crate) fn rename(&mut self, from: &str, to: &str) -> Result<(), ErrorCode> {
        self.fs.rename_at(self.root, from, self.root, to)
    }

    pub(crate) fn names(&mut self, path: &str) -> Vec<String> {
        let directory = self.open(path, DIRECTORY, "r").unwrap();
        let mut stream = self.fs.read_directory(directory).unwrap();
        let names = rest_of(&self.fs, &mut stream);
        self.fs.close(stream).unwrap();
        self.fs.close(directory).unwrap();
        names
    }
}

pub(crate) fn rest_of(fs: &FileSystem, stream: &mut DirectoryEntryStream) -> Vec<String> {
    let next = || fs.read_directory_entry(stream).unwrap().map(|entry| entry.name);
    core::iter::from_fn(next).collect()
}

/// `r` read, `w` write, `m` mutate the directory.
pub(crate) fn descriptor_flags(letters: &str) -> DescriptorFlags {
    DescriptorFlags {
        read: letters.contains('r'),
        write: letters.contains('w'),
        mutate_directory: letters.contains('m'),
        ..DescriptorFlags::default()
    }
}

pub(crate) fn letters_of(flags: DescriptorFlags) -> String {
    let letters = [(flags.read, "r"), (flags.write, "w"), (flags.mutate_directory, "m")];
    letters.iter().filter(|(is_set, _)| *is_set).map(|(_, letter)| (*letter).to_owned()).collect()
}

/// Adds up what there is, and checks that the tables agree with each other.
pub(crate) fn audit(fs: &FileSystem) {
    let mut usage = Usage { descriptors: u32::try_from(fs.open.len()).unwrap(), ..Usage::default() };
    for (number, inode) in &fs.inodes {
        if *number != crate::inode::ROOT {
            usage.inodes += 1;
            usage.bytes += inode.cost();
        }
        let opens = fs.open.values().filter(|open| open.number == *number).count();
        assert_eq!(bytes_of(opens), inode.opens.into());
        let entries = fs.inodes.iter().filter_map(|(parent, inode)| match &inode.node {
            Node::Directory(directory) => Some((parent, directory)),
            _ => None,
        });
        let mut links = u32::from(*number == crate::inode::ROOT);
        for (parent, directory) in entries {
            let names = directory.entries.values().filter(|entry| entry.number == *number).count();
            links += u32::try_from(names).unwrap();
            if let Node::Directory(child) = &inode.node {
                assert!(names == 0 || child.parent == *parent);
            }
        }
        assert_eq!(links, inode.links);
        assert!(links > 0 || opens > 0, "{number:?} is in use by nobody");
        if let Node::Directory(directory) = &inode.node {
            usage.bytes += directory.entries.keys().map(|name| name_cost(name)).sum::<u64>();
            let is_directory = |number| fs.inodes[number].node.is_directory();
            let subdirectories =
                directory.entries.values().filter(|entry| is_directory(&entry.number)).count();
            assert_eq!(bytes_of(subdirectories), directory.subdirectories.into());
        }
    }
    assert_eq!(usage, fs.usage());
}
