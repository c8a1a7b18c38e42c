//! From a snapshot to a file system.
//!
//! Nothing is allocated before it is charged, and nothing is charged before its bytes are there: a length is only ever
//! compared with what is left. Directories are not descended into: records come one after the other.

use alloc::boxed::Box;

use super::error::{SnapshotError, SnapshotField as Field, SnapshotProblem as Problem};
use super::{HAS_ACCESS, HAS_MODIFICATION, MAGIC, kind_byte};
use crate::contents::{BLOCK_BYTES, Contents, FILE_BYTES_MAX};
use crate::inode::{Directory, Node, Number, ROOT, Times};
use crate::limits::{bytes_of, name_cost};
use crate::metadata::is_normalised;
use crate::{Datetime, DescriptorType, ErrorCode, FileSystem, Limits, path};

impl FileSystem {
    /// The tree of a snapshot, in which nothing is open. `bytes` may be anybody's.
    ///
    /// # Errors
    /// The field that is wrong, or with which a limit is exceeded.
    pub fn decode(bytes: &[u8], limits: Limits) -> Result<Self, SnapshotError> {
        let mut decoder = Decoder { reader: Reader { bytes, offset: 0 }, system: Self::new(limits) };
        decoder.magic()?;
        let mut record = ROOT;
        // Numbers of records are numbers of inodes: entries create what they name, as their records will say.
        while decoder.system.inodes.contains_key(&record) {
            decoder.record(record)?;
            record = Number(record.0.saturating_add(1));
        }
        match decoder.reader.rest().len() {
            0 => Ok(decoder.system),
            more => Err(decoder.reader.mark(Field::End).number("no more bytes", bytes_of(more))),
        }
    }
}

struct Decoder<'b> {
    reader: Reader<'b>,
    system: FileSystem,
}

impl<'b> Decoder<'b> {
    fn magic(&mut self) -> Result<(), SnapshotError> {
        let mark = self.reader.mark(Field::Magic);
        let found = self.reader.bytes(mark, bytes_of(MAGIC.len()))?;
        if found == MAGIC { Ok(()) } else { Err(mark.wrong(Problem::Magic)) }
    }

    fn record(&mut self, number: Number) -> Result<(), SnapshotError> {
        let mark = self.reader.mark(Field::Kind);
        let kind = self.kind(mark)?;
        let stated = self.system.inode(number).map_err(|code| mark.refused(code))?.node.kind();
        if kind != stated {
            return Err(mark.number("the kind that the entry says", kind_byte(kind).into()));
        }
        let times = self.times()?;
        match kind {
            DescriptorType::Directory => self.directory(number)?,
            DescriptorType::RegularFile => self.file(number)?,
            DescriptorType::SymbolicLink => self.link(number)?,
        }
        // What was done to the inode just now is not what happened to it.
        let inode = self.system.inode_mut(number).map_err(|code| mark.refused(code))?;
        inode.times = times;
        inode.version = 0;
        Ok(())
    }

    fn directory(&mut self, number: Number) -> Result<(), SnapshotError> {
        let mut last: Option<&str> = None;
        for _ in 0..self.reader.u64(Field::EntryCount)?.1 {
            let mark = self.reader.mark(Field::EntryKind);
            let kind = self.kind(mark)?;
            let (record_mark, record) = self.reader.u64(Field::EntryRecord)?;
            let (name_mark, name) = self.reader.text(Field::EntryName)?;
            if last.is_some_and(|last| last >= name) {
                return Err(name_mark.wrong(Problem::Order));
            }
            path::check_name(name, &self.system.ledger.limits).map_err(|code| name_mark.refused(code))?;
            last = Some(name);
            let entry = Entry { kind, record: Number(record), name };
            self.entry(number, entry, record_mark)?;
        }
        Ok(())
    }

    fn entry(&mut self, directory: Number, entry: Entry<'_>, mark: Mark) -> Result<(), SnapshotError> {
        let Entry { kind, record, name } = entry;
        if record.0 == self.system.next_inode {
            let node = empty(kind, directory);
            return self.system.create(directory, name, node).map(drop).map_err(|code| mark.refused(code));
        }
        let named = self.system.inodes.get(&record).map(|inode| &inode.node);
        let same = named.filter(|node| node.kind() == kind && !node.is_directory());
        if same.is_none() {
            return Err(mark.number("the next record, or one of this kind but no directory", record.0));
        }
        self.system.ledger.charge(name_cost(name)).map_err(|code| mark.refused(code))?;
        self.system.attach(directory, name, record).map_err(|code| mark.refused(code))
    }

    fn file(&mut self, number: Number) -> Result<(), SnapshotError> {
        let (mark, size) = self.reader.u64(Field::FileSize)?;
        if size > FILE_BYTES_MAX {
            return Err(mark.number("less than 2^63", size));
        }
        let mut next = 0;
        for _ in 0..self.reader.u64(Field::BlockCount)?.1 {
            let (mark, block) = self.reader.u64(Field::BlockNumber)?;
            if block < next {
                return Err(mark.wrong(Problem::Order));
            }
            next = block.saturating_add(1);
            self.block(number, block, size)?;
        }
        let sized = self.system.change_contents(number, |contents| contents.set_size(size));
        sized.map_err(|code| mark.refused(code))
    }

    fn block(&mut self, number: Number, block: u64, size: u64) -> Result<(), SnapshotError> {
        let mark = self.reader.mark(Field::BlockBytes);
        let bytes = self.reader.list(mark)?;
        let offset = block.checked_mul(bytes_of(BLOCK_BYTES));
        let end = offset.and_then(|offset| offset.checked_add(bytes_of(bytes.len())));
        let (Some(offset), Some(end)) = (offset, end) else { return Err(mark.wrong(Problem::Block)) };
        if bytes.len() > BLOCK_BYTES || bytes.last().is_none_or(|last| *last == 0) || end > size {
            return Err(mark.wrong(Problem::Block));
        }
        let cost = self.system.contents(number).map(|contents| contents.cost_of_write(offset, bytes.len()));
        let paid = cost.and_then(|cost| self.system.ledger.charge(cost));
        let written =
            paid.and_then(|()| self.system.change_contents(number, |contents| contents.write(offset, bytes)));
        written.map_err(|code| mark.refused(code))
    }

    fn link(&mut self, number: Number) -> Result<(), SnapshotError> {
        let (mark, text) = self.reader.text(Field::LinkText)?;
        let limits = self.system.ledger.limits;
        let paid = path::check(text, &limits).and_then(|()| self.system.ledger.charge(bytes_of(text.len())));
        let inode = paid.and_then(|()| self.system.inode_mut(number)).map_err(|code| mark.refused(code))?;
        inode.node = Node::Link(Box::from(text));
        Ok(())
    }

    fn times(&mut self) -> Result<Times, SnapshotError> {
        let mark = self.reader.mark(Field::TimeFlags);
        let flags = self.reader.byte(mark)?;
        if flags & !(HAS_ACCESS | HAS_MODIFICATION) != 0 {
            return Err(mark.number("0 to 3", flags.into()));
        }
        let mut time = |flag| if flags & flag == 0 { Ok(None) } else { self.time().map(Some) };
        Ok(Times { access: time(HAS_ACCESS)?, modification: time(HAS_MODIFICATION)? })
    }

    fn time(&mut self) -> Result<Datetime, SnapshotError> {
        let (_, seconds) = self.reader.u64(Field::Time)?;
        let (mark, nanoseconds) = self.reader.u64(Field::Time)?;
        let time = u32::try_from(nanoseconds).map(|nanoseconds| Datetime { seconds, nanoseconds });
        match time {
            Ok(time) if is_normalised(time) => Ok(time),
            _ => Err(mark.number("less than 10^9 nanoseconds after less than 2^63 seconds", nanoseconds)),
        }
    }

    fn kind(&mut self, mark: Mark) -> Result<DescriptorType, SnapshotError> {
        match self.reader.byte(mark)? {
            1 => Ok(DescriptorType::Directory),
            2 => Ok(DescriptorType::RegularFile),
            3 => Ok(DescriptorType::SymbolicLink),
            other => Err(mark.number("1, 2 or 3", other.into())),
        }
    }
}

struct Entry<'b> {
    kind: DescriptorType,
    record: Number,
    name: &'b str,
}

/// What a record will fill.
fn empty(kind: DescriptorType, parent: Number) -> Node {
    match kind {
        DescriptorType::Directory => Node::Directory(Directory::below(parent)),
        DescriptorType::RegularFile => Node::File(Contents::default()),
        DescriptorType::SymbolicLink => Node::Link(Box::from("")),
    }
}

/// Where a field begins, to say so when it is wrong.
#[derive(Clone, Copy)]
struct Mark {
    offset: usize,
    field: Field,
}

impl Mark {
    const fn wrong(self, problem: Problem) -> SnapshotError {
        SnapshotError { offset: self.offset, field: self.field, problem }
    }

    const fn number(self, expected: &'static str, found: u64) -> SnapshotError {
        self.wrong(Problem::Number { expected, found })
    }

    const fn refused(self, code: ErrorCode) -> SnapshotError {
        self.wrong(Problem::Refused(code))
    }
}

struct Reader<'b> {
    bytes: &'b [u8],
    offset: usize,
}

impl<'b> Reader<'b> {
    const fn mark(&self, field: Field) -> Mark {
        Mark { offset: self.offset, field }
    }

    fn rest(&self) -> &'b [u8] {
        self.bytes.get(self.offset..).unwrap_or_default()
    }

    fn bytes(&mut self, mark: Mark, length: u64) -> Result<&'b [u8], SnapshotError> {
        let rest = self.rest();
        let taken = usize::try_from(length).ok().and_then(|length| rest.get(..length));
        let taken = taken.ok_or(mark.wrong(Problem::Short { expected: length, found: rest.len() }))?;
        self.offset = self.offset.saturating_add(taken.len());
        Ok(taken)
    }

    fn byte(&mut self, mark: Mark) -> Result<u8, SnapshotError> {
        Ok(self.bytes(mark, 1)?.first().copied().unwrap_or_default())
    }

    fn u64(&mut self, field: Field) -> Result<(Mark, u64), SnapshotError> {
        let mark = self.mark(field);
        let bytes = self.bytes(mark, 8)?.first_chunk().copied().unwrap_or_default();
        Ok((mark, u64::from_le_bytes(bytes)))
    }

    /// A length and as many bytes.
    fn list(&mut self, mark: Mark) -> Result<&'b [u8], SnapshotError> {
        let (_, length) = self.u64(mark.field)?;
        self.bytes(mark, length)
    }

    fn text(&mut self, field: Field) -> Result<(Mark, &'b str), SnapshotError> {
        let mark = self.mark(field);
        let text = core::str::from_utf8(self.list(mark)?).map_err(|_| mark.wrong(Problem::Text))?;
        Ok((mark, text))
    }
}
