//! From a file system to a snapshot.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use sha2::{Digest, Sha256};

use super::{HAS_ACCESS, HAS_MODIFICATION, MAGIC, kind_byte};
use crate::contents::Contents;
use crate::inode::{Directory, Inode, Node, Number, ROOT, Times};
use crate::limits::bytes_of;
use crate::{Datetime, FileSystem};

impl FileSystem {
    /// The tree as bytes: the same for the same names, contents, times and hard links. Files without a name and
    /// descriptors are left out.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // Once more, so that it takes its own size of memory: large trees have little beside them.
        let mut length = 0_usize;
        self.encode_to(&mut |part| length = length.saturating_add(part.len()));
        let mut out = Vec::with_capacity(length);
        self.encode_to(&mut |part| out.extend_from_slice(part));
        out
    }

    /// [`encode`](Self::encode) in parts, for whoever seals or sends them as they come.
    pub fn encode_to(&self, sink: &mut dyn FnMut(&[u8])) {
        Encoder { system: self, sink, numbers: BTreeMap::new(), queue: VecDeque::new() }.run();
    }

    /// SHA-256 of the [encoding](Self::encode).
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        self.encode_to(&mut |part| hash.update(part));
        hash.finalize().into()
    }
}

struct Encoder<'a> {
    system: &'a FileSystem,
    sink: &'a mut dyn FnMut(&[u8]),
    /// Of records, by inode.
    numbers: BTreeMap<Number, u64>,
    /// Named, and not written yet.
    queue: VecDeque<&'a Inode>,
}

impl<'a> Encoder<'a> {
    fn run(mut self) {
        (self.sink)(MAGIC);
        self.number(ROOT);
        while let Some(inode) = self.queue.pop_front() {
            self.byte(kind_byte(inode.node.kind()));
            self.times(inode.times);
            match &inode.node {
                Node::Directory(directory) => self.directory(directory),
                Node::File(contents) => self.file(contents),
                Node::Link(text) => self.bytes(text.as_bytes()),
            }
        }
    }

    fn directory(&mut self, directory: &'a Directory) {
        self.u64(bytes_of(directory.entries.len()));
        for (name, entry) in &directory.entries {
            let kind = self.system.inodes.get(&entry.number).map(|inode| inode.node.kind());
            self.byte(kind.map_or(0, kind_byte));
            let number = self.number(entry.number);
            self.u64(number);
            self.bytes(name.as_bytes());
        }
    }

    fn file(&mut self, contents: &Contents) {
        self.u64(contents.size());
        self.u64(bytes_of(contents.without_zeros().count()));
        for (block, bytes) in contents.without_zeros() {
            self.u64(block);
            self.bytes(bytes);
        }
    }

    fn times(&mut self, times: Times) {
        let flag = |time: Option<Datetime>, flag| if time.is_some() { flag } else { 0 };
        self.byte(flag(times.access, HAS_ACCESS) | flag(times.modification, HAS_MODIFICATION));
        for time in [times.access, times.modification].into_iter().flatten() {
            self.u64(time.seconds);
            self.u64(time.nanoseconds.into());
        }
    }

    /// The record's number of an inode, which is queued when it is named first.
    fn number(&mut self, inode: Number) -> u64 {
        let next = bytes_of(self.numbers.len());
        *self.numbers.entry(inode).or_insert_with(|| {
            self.queue.extend(self.system.inodes.get(&inode));
            next
        })
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.u64(bytes_of(bytes.len()));
        (self.sink)(bytes);
    }

    fn u64(&mut self, number: u64) {
        (self.sink)(&number.to_le_bytes());
    }

    fn byte(&mut self, byte: u8) {
        (self.sink)(&[byte]);
    }
}
