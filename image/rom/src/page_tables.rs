//! Boot page tables that lie in the ROM.
//!
//! Source of the bits: AMD64 Architecture Programmer's Manual, volume 2, section 5.3 (long-mode page translation) and
//! 15.34 (C-bit). Accessed and Dirty are preset because the processor cannot set them in a ROM. Everything is
//! writable and executable here; the guest builds its real tables in RAM, and returns to these to clear its memory.
//!
//! RAM beyond the first gibibyte is mapped with 1 GiB pages, which cost no table. The guest uses them only where the
//! processor has such pages: it refuses a manifest with more memory elsewhere.

use alloc::vec::Vec;

use enclave_wire::layout::{
    BOOT_TABLE_PAGES, BOOT_TABLES_PLAIN_GPA, BOOT_TABLES_SNP_GPA, HIGH_RAM_GPA, LARGE_PAGE_BYTES,
    LOW_RAM_END_GPA, PAGE_BYTES, PCI_BAR_BYTES, PCI_BAR_GPA, RAM_MAX_BYTES, SHARED_POOL_BYTES,
    SHARED_POOL_GPA, SNP_C_BIT,
};

/// The two sets of boot page tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BootTables {
    /// No encryption bit: plain VMs and TDX, where private is the default.
    Plain,
    /// The C-bit everywhere but on memory that is shared with the host.
    Snp,
}

impl BootTables {
    /// For people.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "boot page tables, plain",
            Self::Snp => "boot page tables, snp",
        }
    }

    /// Address of the PML4.
    pub(crate) const fn gpa(self) -> u64 {
        match self {
            Self::Plain => BOOT_TABLES_PLAIN_GPA,
            Self::Snp => BOOT_TABLES_SNP_GPA,
        }
    }

    /// The bytes: PML4, low PDPT, high PDPT, PD of 0-1 GiB, PD of 3-4 GiB.
    pub(crate) fn bytes(self) -> Vec<u8> {
        let [low_pdpt, high_pdpt, low_pd, top_pd] = [1, 2, 3, 4].map(|page| self.branch(page));
        let pages = [
            table(&[(0, low_pdpt), (511, high_pdpt)]),
            self.low_pdpt(low_pd, top_pd),
            table(&[(511, top_pd)]),
            self.directory(0),
            self.directory(TOP_GIB_GPA),
        ];
        pages.iter().flatten().flat_map(|entry| entry.to_le_bytes()).collect()
    }

    /// The first 512 GiB: two gibibytes by directories, RAM by whole gibibytes, nothing else.
    fn low_pdpt(self, low_pd: u64, top_pd: u64) -> Table {
        let entry = |index| match index * GIB_BYTES {
            0 => low_pd,
            TOP_GIB_GPA => top_pd,
            gpa if is_further_ram(gpa) => self.leaf(gpa),
            _ => 0,
        };
        (0..ENTRIES).map(entry).collect()
    }

    /// Entry that points to page number `page` of this set.
    const fn branch(self, page: u64) -> u64 {
        (self.gpa() + page * PAGE_BYTES) | PRESENT | WRITABLE | ACCESSED | self.private_bit()
    }

    /// Maps the gibibyte at `start_gpa` with 2 MiB pages.
    fn directory(self, start_gpa: u64) -> Table {
        (0..ENTRIES).map(|index| self.leaf(start_gpa + index * LARGE_PAGE_BYTES)).collect()
    }

    const fn leaf(self, gpa: u64) -> u64 {
        let privacy = if is_shared(gpa) { 0 } else { self.private_bit() };
        gpa | PRESENT | WRITABLE | ACCESSED | DIRTY | LARGE | privacy
    }

    const fn private_bit(self) -> u64 {
        match self {
            Self::Plain => 0,
            Self::Snp => 1 << SNP_C_BIT,
        }
    }
}

/// One page.
type Table = Vec<u64>;

const ENTRIES: u64 = PAGE_BYTES / 8;
/// What [`BootTables::bytes`] lists.
const _: () = assert!(BOOT_TABLE_PAGES == 5, "the memory map reserves another number of table pages");

const GIB_BYTES: u64 = 1 << 30;
const TOP_GIB_GPA: u64 = 0xC000_0000;
const PRESENT: u64 = 1 << 0;
const WRITABLE: u64 = 1 << 1;
const ACCESSED: u64 = 1 << 5;
const DIRTY: u64 = 1 << 6;
const LARGE: u64 = 1 << 7;

const _: () = assert!(
    SHARED_POOL_BYTES.is_multiple_of(LARGE_PAGE_BYTES)
        && PCI_BAR_GPA.is_multiple_of(LARGE_PAGE_BYTES)
        && PCI_BAR_BYTES.is_multiple_of(LARGE_PAGE_BYTES),
    "a 2 MiB page is either shared or private"
);

/// Whether the gibibyte at `gpa` may be RAM; the first one is mapped by smaller pages.
const fn is_further_ram(gpa: u64) -> bool {
    let high_end_gpa = HIGH_RAM_GPA + RAM_MAX_BYTES - LOW_RAM_END_GPA;
    (gpa >= GIB_BYTES && gpa < LOW_RAM_END_GPA) || (gpa >= HIGH_RAM_GPA && gpa < high_end_gpa)
}

/// Whether the large page at `gpa` is memory that the host sees: the shared pool, and devices.
const fn is_shared(gpa: u64) -> bool {
    (gpa >= SHARED_POOL_GPA && gpa < SHARED_POOL_GPA + SHARED_POOL_BYTES)
        || (gpa >= PCI_BAR_GPA && gpa < PCI_BAR_GPA + PCI_BAR_BYTES)
}

/// A table that is empty but for these (index, entry).
fn table(entries: &[(u64, u64)]) -> Table {
    let entry = |index| entries.iter().find(|(at, _)| *at == index).map_or(0, |(_, entry)| *entry);
    (0..ENTRIES).map(entry).collect()
}

#[cfg(test)]
mod tests {
    use enclave_wire::layout::{BOOT_RAM_GPA, PRIVATE_GPA, ROM_GPA, ROM_VIRTUAL_OFFSET};

    use super::*;

    const C_BIT: u64 = 1 << 51;

    /// An independent walk: reads the entries that the processor would read and collects them.
    fn walk(set: BootTables, address: u64) -> Option<(u64, Vec<u64>)> {
        let bytes = set.bytes();
        let mut table_gpa = set.gpa();
        let mut seen = Vec::new();
        for shift in [39, 30, 21] {
            let index = usize::try_from((address >> shift) & 511).unwrap();
            let at = usize::try_from(table_gpa - set.gpa()).unwrap() + 8 * index;
            let entry = u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
            if entry & 1 == 0 {
                return None;
            }
            seen.push(entry);
            table_gpa = entry & 0x0007_FFFF_FFFF_F000;
            if entry & LARGE != 0 {
                return Some((table_gpa + (address & ((1 << shift) - 1)), seen));
            }
        }
        None
    }

    #[test]
    fn low_and_top_gibibyte_are_identity_mapped() {
        for set in [BootTables::Plain, BootTables::Snp] {
            for address in [0, BOOT_RAM_GPA + 5, PRIVATE_GPA, 0x3FFF_FFFF, 0xC000_0000, 0xFFFF_FFF0] {
                assert_eq!(walk(set, address).unwrap().0, address);
            }
        }
    }

    #[test]
    fn ram_is_identity_mapped_and_nothing_between_or_behind() {
        let high_end_gpa = HIGH_RAM_GPA + RAM_MAX_BYTES - LOW_RAM_END_GPA;
        for set in [BootTables::Plain, BootTables::Snp] {
            for address in [0x4000_0000, 0x7FFF_FFFF, 0x1_0000_0000, high_end_gpa - 1] {
                let (found, seen) = walk(set, address).unwrap();
                assert_eq!(found, address);
                assert!(seen.iter().all(|entry| entry & C_BIT == set.private_bit()));
            }
            for address in [0x8000_0000, 0xBFFF_FFFF, high_end_gpa] {
                assert!(walk(set, address).is_none(), "{address:#x}");
            }
        }
    }

    #[test]
    fn rom_is_mapped_at_its_virtual_offset() {
        for set in [BootTables::Plain, BootTables::Snp] {
            assert_eq!(walk(set, ROM_VIRTUAL_OFFSET + ROM_GPA).unwrap().0, ROM_GPA);
            assert!(walk(set, ROM_VIRTUAL_OFFSET + 0xBFFF_FFFF).is_none());
        }
    }

    #[test]
    fn snp_marks_all_but_shared_memory_private() {
        let last_of_pool = SHARED_POOL_GPA + SHARED_POOL_BYTES - 1;
        for (address, is_private) in [
            (BOOT_RAM_GPA, true),
            (SHARED_POOL_GPA, false),
            (last_of_pool, false),
            (PRIVATE_GPA, true),
            (PCI_BAR_GPA - 1, true),
            (PCI_BAR_GPA, false),
            (PCI_BAR_GPA + PCI_BAR_BYTES, true),
            (ROM_GPA, true),
        ] {
            let (_, seen) = walk(BootTables::Snp, address).unwrap();
            assert_eq!(seen[2] & C_BIT != 0, is_private, "{address:#x}");
            assert!(seen[..2].iter().all(|entry| entry & C_BIT != 0), "tables themselves are private");
            assert!(walk(BootTables::Plain, address).unwrap().1.iter().all(|entry| entry & C_BIT == 0));
        }
    }

    #[test]
    fn no_entry_needs_a_write_by_the_walker() {
        for set in [BootTables::Plain, BootTables::Snp] {
            for quad in set.bytes().chunks_exact(8) {
                let entry = u64::from_le_bytes(quad.try_into().unwrap());
                assert!(entry == 0 || entry & 0x23 == 0x23, "present, writable, accessed: {entry:#x}");
                assert!(entry & 0x80 == 0 || entry & 0x40 != 0, "dirty: {entry:#x}");
            }
        }
    }
}
