//! Page tables as a value: mapping, splitting and translation, independent of where the tables lie.

use x86_64::structures::paging::PageTableFlags as Flags;

use enclave_wire::layout::{LARGE_PAGE_BYTES, PAGE_BYTES};

/// What a mapping allows. There is no way to say writable and executable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing: any use faults.
    None,
    /// Reading.
    Read,
    /// Reading and writing.
    ReadWrite,
    /// Reading and executing.
    Execute,
}

/// Who else can see a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// The guest alone.
    Private,
    /// The host too.
    Shared,
    /// Device registers: the host too, uncached.
    Device,
}

/// How entries tell private from shared memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// Not at all (no TEE).
    None,
    /// This bit is set for private memory (SNP).
    PrivateBit(u32),
    /// This bit is set for shared memory (TDX).
    SharedBit(u32),
}

/// A request that the tables cannot serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PagingError {
    /// An address or length is not a multiple of the page size, or the range wraps.
    #[error("page range {va:#x}+{bytes:#x}: not a range of whole pages")]
    Misaligned {
        /// First address.
        va: u64,
        /// Length.
        bytes: u64,
    },
    /// The address has a mapping already.
    #[error("address {va:#x} is mapped already")]
    AlreadyMapped {
        /// The address.
        va: u64,
    },
    /// The address has no mapping.
    #[error("address {va:#x} is not mapped")]
    NotMapped {
        /// The address.
        va: u64,
    },
    /// No page left for another table.
    #[error("no memory left for page tables")]
    OutOfTables,
    /// The final tables are not loaded yet.
    #[error("page tables are not installed yet")]
    NotInstalled,
}

/// Where the tables lie.
pub trait TableMemory {
    /// A zeroed page for one more table, by guest-physical address.
    fn allocate(&mut self) -> Option<u64>;
    /// Entry `index` of a table from [`Self::allocate`].
    fn read(&self, table_gpa: u64, index: usize) -> u64;
    /// Sets entry `index` of a table from [`Self::allocate`].
    fn write(&mut self, table_gpa: u64, index: usize, entry: u64);
}

/// A mapping as the tables have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Translation {
    /// Guest-physical address.
    pub gpa: u64,
    /// What it allows.
    pub access: Access,
    /// Whether the entry marks the page as visible to the host.
    pub is_shared: bool,
}

/// A range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// First address.
    pub start: u64,
    /// First address after.
    pub end: u64,
}

impl Range {
    /// Length.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.end - self.start
    }

    /// What lies before `other` and what lies after it; each may be empty.
    #[must_use]
    pub const fn without(self, other: Self) -> [Self; 2] {
        if other.start >= self.end || other.end <= self.start {
            return [self, Self { start: self.end, end: self.end }];
        }
        let before =
            Self { start: self.start, end: if other.start > self.start { other.start } else { self.start } };
        [before, Self { start: if other.end < self.end { other.end } else { self.end }, end: self.end }]
    }
}

/// Four levels of tables.
#[derive(Debug)]
pub struct AddressSpace<M> {
    tables: M,
    root: u64,
    encryption: Encryption,
}

/// Bits 12 to 51: the address in an entry, encryption bit included.
const ADDRESS_MASK: u64 = 0x000F_FFFF_FFFF_F000;

impl<M: TableMemory> AddressSpace<M> {
    /// An empty address space.
    ///
    /// # Errors
    /// No page for the root.
    pub fn new(mut tables: M, encryption: Encryption) -> Result<Self, PagingError> {
        let root = tables.allocate().ok_or(PagingError::OutOfTables)?;
        Ok(Self { tables, root, encryption })
    }

    /// Where the tables lie.
    pub const fn tables_mut(&mut self) -> &mut M {
        &mut self.tables
    }

    /// Guest-physical address of the root, for CR3. Page walks of an SNP guest are private whatever CR3 says (APM
    /// volume 2, 15.34.5), so it carries no encryption bit.
    pub const fn root(&self) -> u64 {
        self.root
    }

    /// Maps a range, with large pages where both addresses allow.
    ///
    /// # Errors
    /// See [`PagingError`]; pages before the failing one stay mapped.
    pub fn map(
        &mut self,
        va: u64,
        pa: u64,
        bytes: u64,
        access: Access,
        sharing: Sharing,
    ) -> Result<(), PagingError> {
        check_range(va, bytes)?;
        check_range(pa, bytes)?;
        let mut done = 0;
        while done < bytes {
            let (va, pa) = (va + done, pa + done);
            let fits_large = (va | pa).is_multiple_of(LARGE_PAGE_BYTES) && bytes - done >= LARGE_PAGE_BYTES;
            let leaf = self.leaf(pa, access, sharing);
            if fits_large {
                self.set_leaf(va, 2, leaf | Flags::HUGE_PAGE.bits())?;
                done += LARGE_PAGE_BYTES;
            } else {
                self.set_leaf(va, 1, leaf)?;
                done += PAGE_BYTES;
            }
        }
        Ok(())
    }

    /// Changes what a mapped range allows, cutting large pages where the range begins or ends inside one.
    ///
    /// # Errors
    /// See [`PagingError`]; pages before the failing one are changed.
    pub fn protect(&mut self, va: u64, bytes: u64, access: Access) -> Result<(), PagingError> {
        check_range(va, bytes)?;
        let mut done = 0;
        while done < bytes {
            let va = va + done;
            let whole_large = va.is_multiple_of(LARGE_PAGE_BYTES) && bytes - done >= LARGE_PAGE_BYTES;
            let (table, index, level) = self.find_leaf(va)?;
            let entry = self.tables.read(table, index);
            if level == 2 && !whole_large {
                self.split(table, index)?;
                continue;
            }
            self.tables.write(table, index, (entry & !access_mask()) | access_bits(access));
            done += page_bytes(level);
        }
        Ok(())
    }

    /// What an address translates to.
    pub fn translate(&self, va: u64) -> Option<Translation> {
        let (table, index, level) = self.find_leaf(va).ok()?;
        let entry = self.tables.read(table, index);
        let offset = va & (page_bytes(level) - 1);
        let is_shared = match self.encryption {
            Encryption::None => false,
            Encryption::PrivateBit(bit) => entry & (1 << bit) == 0,
            Encryption::SharedBit(bit) => entry & (1 << bit) != 0,
        };
        let gpa = (entry & ADDRESS_MASK & !self.encryption_mask()) + offset;
        Some(Translation { gpa, access: access_of(entry), is_shared })
    }

    /// Calls `visit` with the guest-physical range of each page in a virtual `range` that the processor has marked as
    /// written to.
    pub fn for_each_written(&self, range: Range, visit: &mut dyn FnMut(Range)) {
        let mut va = range.start;
        while va < range.end {
            let found = self.find_leaf(va).ok();
            let bytes = found.map_or(PAGE_BYTES, |(_, _, level)| page_bytes(level));
            if let Some((table, index, _)) = found {
                let entry = self.tables.read(table, index);
                if entry & Flags::DIRTY.bits() != 0 {
                    let start = entry & ADDRESS_MASK & !self.encryption_mask();
                    visit(Range { start, end: start + bytes });
                }
            }
            va = (va - va % bytes).saturating_add(bytes);
        }
    }

    /// Calls `clear` with the guest-physical range of each page, or part of one, in a virtual `range` that the processor
    /// has marked as written to, and takes the mark from pages that lie in it as a whole. `forget` gets their addresses:
    /// as long as the processor remembers a translation, it does not mark the page anew.
    pub fn take_written(&mut self, range: Range, clear: &mut dyn FnMut(Range), forget: &mut dyn FnMut(u64)) {
        let mut va = range.start;
        while va < range.end {
            let found = self.find_leaf(va).ok();
            let bytes = found.map_or(PAGE_BYTES, |(_, _, level)| page_bytes(level));
            let page = va - va % bytes;
            let end = page.saturating_add(bytes);
            let entry = found.map_or(0, |(table, index, _)| self.tables.read(table, index));
            if let Some((table, index, _)) = found.filter(|_| entry & Flags::DIRTY.bits() != 0) {
                let gpa = (entry & ADDRESS_MASK & !self.encryption_mask()) + (va - page);
                clear(Range { start: gpa, end: gpa + (end.min(range.end) - va) });
                if va == page && end <= range.end {
                    self.tables.write(table, index, entry & !Flags::DIRTY.bits());
                    forget(page);
                }
            }
            va = end;
        }
    }

    fn encryption_mask(&self) -> u64 {
        match self.encryption {
            Encryption::None => 0,
            Encryption::PrivateBit(bit) | Encryption::SharedBit(bit) => 1 << bit,
        }
    }

    fn leaf(&self, pa: u64, access: Access, sharing: Sharing) -> u64 {
        let encryption = match (self.encryption, sharing) {
            (Encryption::PrivateBit(bit), Sharing::Private)
            | (Encryption::SharedBit(bit), Sharing::Shared | Sharing::Device) => 1 << bit,
            _ => 0,
        };
        let caching = match sharing {
            Sharing::Device => Flags::NO_CACHE | Flags::WRITE_THROUGH,
            Sharing::Private | Sharing::Shared => Flags::empty(),
        };
        // Mapped marks an entry as ours even when it allows nothing, so that `protect` can open it again.
        pa | encryption | caching.bits() | Flags::BIT_9.bits() | access_bits(access)
    }

    /// Entries that point to tables: private under SNP, and as permissive as can be, since leaves decide.
    fn table_entry(&self, table_gpa: u64) -> u64 {
        let encryption = match self.encryption {
            Encryption::PrivateBit(bit) => 1 << bit,
            Encryption::None | Encryption::SharedBit(_) => 0,
        };
        table_gpa | encryption | (Flags::PRESENT | Flags::WRITABLE).bits()
    }

    fn set_leaf(&mut self, va: u64, level: u32, leaf: u64) -> Result<(), PagingError> {
        let mut table = self.root;
        for above in (level + 1..=4).rev() {
            let index = index_at(va, above);
            let entry = self.tables.read(table, index);
            if is_leaf(entry, above) {
                return Err(PagingError::AlreadyMapped { va });
            }
            table = if entry == 0 {
                let page = self.tables.allocate().ok_or(PagingError::OutOfTables)?;
                let entry = self.table_entry(page);
                self.tables.write(table, index, entry);
                page
            } else {
                entry & ADDRESS_MASK & !self.encryption_mask()
            };
        }
        let index = index_at(va, level);
        if self.tables.read(table, index) != 0 {
            return Err(PagingError::AlreadyMapped { va });
        }
        self.tables.write(table, index, leaf);
        Ok(())
    }

    /// Table, index and level of the entry that maps an address.
    fn find_leaf(&self, va: u64) -> Result<(u64, usize, u32), PagingError> {
        let mut table = self.root;
        for level in (1..=4).rev() {
            let index = index_at(va, level);
            let entry = self.tables.read(table, index);
            if entry == 0 {
                return Err(PagingError::NotMapped { va });
            }
            if is_leaf(entry, level) {
                return Ok((table, index, level));
            }
            table = entry & ADDRESS_MASK & !self.encryption_mask();
        }
        Err(PagingError::NotMapped { va })
    }

    fn split(&mut self, table: u64, index: usize) -> Result<(), PagingError> {
        let large = self.tables.read(table, index);
        let page = self.tables.allocate().ok_or(PagingError::OutOfTables)?;
        let first = large & !Flags::HUGE_PAGE.bits();
        for small in 0..512_u16 {
            self.tables.write(page, usize::from(small), first + u64::from(small) * PAGE_BYTES);
        }
        let entry = self.table_entry(page);
        self.tables.write(table, index, entry);
        Ok(())
    }
}

const fn check_range(start: u64, bytes: u64) -> Result<(), PagingError> {
    let whole = start.is_multiple_of(PAGE_BYTES) && bytes.is_multiple_of(PAGE_BYTES);
    // The last page of the address space ends at 2^64, so compare with the last byte.
    if whole && bytes > 0 && start.checked_add(bytes - 1).is_some() {
        Ok(())
    } else {
        Err(PagingError::Misaligned { va: start, bytes })
    }
}

/// Index into the table of a level, 1 for the lowest.
fn index_at(va: u64, level: u32) -> usize {
    usize::try_from((va >> (12 + 9 * (level - 1))) & 0x1FF).unwrap_or(0)
}

/// Bytes that a leaf of this level maps.
const fn page_bytes(level: u32) -> u64 {
    if level == 2 { LARGE_PAGE_BYTES } else { PAGE_BYTES }
}

/// Leaves carry the software mark; tables never do.
const fn is_leaf(entry: u64, level: u32) -> bool {
    level == 1 || entry & Flags::BIT_9.bits() != 0
}

const fn access_mask() -> u64 {
    Flags::PRESENT.bits() | Flags::WRITABLE.bits() | Flags::NO_EXECUTE.bits()
}

const fn access_bits(access: Access) -> u64 {
    match access {
        Access::None => Flags::NO_EXECUTE.bits(),
        Access::Read => Flags::PRESENT.bits() | Flags::NO_EXECUTE.bits(),
        Access::ReadWrite => Flags::PRESENT.bits() | Flags::WRITABLE.bits() | Flags::NO_EXECUTE.bits(),
        Access::Execute => Flags::PRESENT.bits(),
    }
}

const fn access_of(entry: u64) -> Access {
    let present = entry & Flags::PRESENT.bits() != 0;
    let writable = entry & Flags::WRITABLE.bits() != 0;
    let executable = entry & Flags::NO_EXECUTE.bits() == 0;
    match (present, writable, executable) {
        (false, _, _) => Access::None,
        (true, true, _) => Access::ReadWrite,
        (true, false, true) => Access::Execute,
        (true, false, false) => Access::Read,
    }
}

#[cfg(test)]
mod tests;
