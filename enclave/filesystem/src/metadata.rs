//! What is known of files and directories: size, times, identity.

use sha2::{Digest, Sha256};

use crate::inode::{Inode, Node, Number};
use crate::limits::bytes_of;
use crate::resolve::Ending;
use crate::{
    Access, Advice, Datetime, Descriptor, DescriptorFlags, DescriptorStat, DescriptorType, ErrorCode,
    FileSystem, MetadataHashValue, NewTimestamp, PathFlags,
};

/// Keeps the hashes apart from all others.
const HASH_LABEL: &[u8] = b"redoubt filesystem metadata v1";
const NANOSECONDS: u32 = 1_000_000_000;
/// The latest second, as in wasmtime-wasi.
pub(crate) const SECONDS_MAX: u64 = i64::MAX.unsigned_abs();

impl FileSystem {
    /// `get-flags`.
    ///
    /// # Errors
    /// `bad-descriptor`.
    pub fn get_flags(&self, descriptor: Descriptor) -> Result<DescriptorFlags, ErrorCode> {
        Ok(self.opened(descriptor)?.flags)
    }

    /// `get-type`.
    ///
    /// # Errors
    /// `bad-descriptor`.
    pub fn get_type(&self, descriptor: Descriptor) -> Result<DescriptorType, ErrorCode> {
        Ok(self.opened_inode(descriptor)?.node.kind())
    }

    /// `stat`.
    ///
    /// # Errors
    /// `bad-descriptor`.
    pub fn stat(&self, descriptor: Descriptor) -> Result<DescriptorStat, ErrorCode> {
        Ok(stat_of(self.opened_inode(descriptor)?))
    }

    /// `stat-at`.
    ///
    /// # Errors
    /// `bad-descriptor`, `not-directory`, `not-permitted`, `no-entry`, `invalid`, `loop`, `name-too-long`.
    pub fn stat_at(
        &self,
        descriptor: Descriptor,
        path_flags: PathFlags,
        path: &str,
    ) -> Result<DescriptorStat, ErrorCode> {
        let number = self.lookup_at(descriptor, path_flags, path)?;
        Ok(stat_of(self.inode(number)?))
    }

    /// `set-times`.
    ///
    /// # Errors
    /// `bad-descriptor`, `not-permitted`, `overflow`.
    pub fn set_times(
        &mut self,
        descriptor: Descriptor,
        data_access_timestamp: NewTimestamp,
        data_modification_timestamp: NewTimestamp,
    ) -> Result<(), ErrorCode> {
        let open = self.opened(descriptor)?;
        let times = NewTimes::new(data_access_timestamp, data_modification_timestamp)?;
        if open.access == Access::ReadOnly {
            return Err(ErrorCode::NotPermitted);
        }
        times.apply(self.inode_mut(open.number)?);
        Ok(())
    }

    /// `set-times-at`.
    ///
    /// # Errors
    /// `bad-descriptor`, `not-directory`, `not-permitted`, `overflow`, `no-entry`, `invalid`, `loop`,
    /// `name-too-long`.
    pub fn set_times_at(
        &mut self,
        descriptor: Descriptor,
        path_flags: PathFlags,
        path: &str,
        data_access_timestamp: NewTimestamp,
        data_modification_timestamp: NewTimestamp,
    ) -> Result<(), ErrorCode> {
        self.base(descriptor)?;
        let times = NewTimes::new(data_access_timestamp, data_modification_timestamp)?;
        self.base_to_change(descriptor)?;
        let number = self.lookup_at(descriptor, path_flags, path)?;
        times.apply(self.inode_mut(number)?);
        Ok(())
    }

    /// `is-same-object`. A descriptor that is not open is the same as none.
    #[must_use]
    pub fn is_same_object(&self, descriptor: Descriptor, other: Descriptor) -> bool {
        let number = |descriptor| self.opened(descriptor).map(|open| open.number);
        matches!((number(descriptor), number(other)), (Ok(one), Ok(other)) if one == other)
    }

    /// `metadata-hash`: of nothing but the order of calls, so the same wherever they are repeated.
    ///
    /// `lower`, which libc takes for the number of the inode, is the first half of SHA-256 over a label and how many
    /// objects were created before this one: it stays the same while the object is modified, and no other object ever
    /// has it. `upper` covers type, size and the number of modifications as well. So the two together stay as long as
    /// the object is not modified or replaced, as WASI asks for. There is no secret in it: whoever guesses the
    /// numbers can compute it.
    ///
    /// # Errors
    /// `bad-descriptor`.
    pub fn metadata_hash(&self, descriptor: Descriptor) -> Result<MetadataHashValue, ErrorCode> {
        let number = self.opened(descriptor)?.number;
        Ok(hash_of(number, self.inode(number)?))
    }

    /// `metadata-hash-at`.
    ///
    /// # Errors
    /// As [`stat_at`](Self::stat_at).
    pub fn metadata_hash_at(
        &self,
        descriptor: Descriptor,
        path_flags: PathFlags,
        path: &str,
    ) -> Result<MetadataHashValue, ErrorCode> {
        let number = self.lookup_at(descriptor, path_flags, path)?;
        Ok(hash_of(number, self.inode(number)?))
    }

    /// `advise`: changes nothing.
    ///
    /// # Errors
    /// `bad-descriptor`: it is not a file's.
    pub fn advise(
        &self,
        descriptor: Descriptor,
        _offset: u64,
        _length: u64,
        _advice: Advice,
    ) -> Result<(), ErrorCode> {
        self.file(descriptor).map(drop)
    }

    /// `sync-data`: there is nothing to wait for.
    ///
    /// # Errors
    /// `bad-descriptor`.
    pub fn sync_data(&self, descriptor: Descriptor) -> Result<(), ErrorCode> {
        self.opened(descriptor).map(drop)
    }

    /// `sync`: there is nothing to wait for.
    ///
    /// # Errors
    /// `bad-descriptor`.
    pub fn sync(&self, descriptor: Descriptor) -> Result<(), ErrorCode> {
        self.opened(descriptor).map(drop)
    }

    fn lookup_at(
        &self,
        descriptor: Descriptor,
        path_flags: PathFlags,
        path: &str,
    ) -> Result<Number, ErrorCode> {
        let ending = if path_flags.symlink_follow { Ending::FOLLOW } else { Ending::STAY };
        self.lookup(self.base(descriptor)?.number, path, ending)
    }
}

/// Times to set; `None` leaves one as it is.
struct NewTimes {
    access: Option<Datetime>,
    modification: Option<Datetime>,
}

impl NewTimes {
    fn new(access: NewTimestamp, modification: NewTimestamp) -> Result<Self, ErrorCode> {
        Ok(Self { access: new_time(access)?, modification: new_time(modification)? })
    }

    fn apply(self, inode: &mut Inode) {
        inode.version = inode.version.saturating_add(1);
        inode.times.access = self.access.or(inode.times.access);
        inode.times.modification = self.modification.or(inode.times.modification);
    }
}

fn new_time(new: NewTimestamp) -> Result<Option<Datetime>, ErrorCode> {
    match new {
        NewTimestamp::NoChange => Ok(None),
        NewTimestamp::Now(time) | NewTimestamp::Timestamp(time) => normalised(time).map(Some),
    }
}

fn normalised(time: Datetime) -> Result<Datetime, ErrorCode> {
    let more = u64::from(time.nanoseconds.div_euclid(NANOSECONDS));
    let seconds = time.seconds.checked_add(more).filter(|seconds| *seconds <= SECONDS_MAX);
    Ok(Datetime {
        seconds: seconds.ok_or(ErrorCode::Overflow)?,
        nanoseconds: time.nanoseconds.rem_euclid(NANOSECONDS),
    })
}

/// Whether a time is one that [`normalised`] makes.
pub(crate) fn is_normalised(time: Datetime) -> bool {
    normalised(time) == Ok(time)
}

fn stat_of(inode: &Inode) -> DescriptorStat {
    let links = u64::from(inode.links);
    let (link_count, size) = match &inode.node {
        Node::File(contents) => (links, contents.size()),
        Node::Link(text) => (links, bytes_of(text.len())),
        Node::Directory(_) if links == 0 => (0, 0),
        // Its name, its `.`, and the `..` of each directory in it.
        Node::Directory(directory) => (u64::from(directory.subdirectories).saturating_add(2), 0),
    };
    DescriptorStat {
        kind: inode.node.kind(),
        link_count,
        size,
        data_access_timestamp: inode.times.access,
        data_modification_timestamp: inode.times.modification,
        status_change_timestamp: None,
    }
}

fn hash_of(number: Number, inode: &Inode) -> MetadataHashValue {
    let stat = stat_of(inode);
    let identity = Sha256::new().chain_update(HASH_LABEL).chain_update(number.0.to_le_bytes());
    let state = identity.clone().chain_update([0]);
    let state = [inode.version, stat.size, stat.link_count]
        .iter()
        .fold(state, |state, part| state.chain_update(part.to_le_bytes()));
    MetadataHashValue { lower: half_of(identity), upper: half_of(state) }
}

fn half_of(hash: Sha256) -> u64 {
    let digest: [u8; 32] = hash.finalize().into();
    u64::from_le_bytes(digest.first_chunk().copied().unwrap_or_default())
}
