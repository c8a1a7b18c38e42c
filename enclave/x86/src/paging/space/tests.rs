//! Tables in ordinary memory.

extern crate alloc;

use alloc::vec::Vec;

use super::*;

struct VecTables {
    pages: Vec<[u64; 512]>,
    limit: usize,
}

impl TableMemory for VecTables {
    fn allocate(&mut self) -> Option<u64> {
        if self.pages.len() == self.limit {
            return None;
        }
        self.pages.push([0; 512]);
        Some(self.pages.len() as u64 * PAGE_BYTES)
    }

    fn read(&self, table_gpa: u64, index: usize) -> u64 {
        self.pages[(table_gpa / PAGE_BYTES) as usize - 1][index]
    }

    fn write(&mut self, table_gpa: u64, index: usize, entry: u64) {
        self.pages[(table_gpa / PAGE_BYTES) as usize - 1][index] = entry;
    }
}

fn space(encryption: Encryption) -> AddressSpace<VecTables> {
    AddressSpace::new(VecTables { pages: Vec::new(), limit: 16 }, encryption).unwrap()
}

#[test]
fn ranges_map_where_they_should() {
    let mut space = space(Encryption::None);
    space.map(0x20_0000, 0x20_0000, 0x40_3000, Access::ReadWrite, Sharing::Private).unwrap();
    for va in [0x20_0000, 0x3F_FFFF, 0x60_0000, 0x60_2FFF] {
        assert_eq!(space.translate(va).unwrap().gpa, va);
    }
    assert_eq!(space.translate(0x1F_FFFF), None);
    assert_eq!(space.translate(0x60_3000), None);
    // Two large pages and three small ones: root, PDPT, PD, PT.
    assert_eq!(space.tables.pages.len(), 4);
}

#[test]
fn the_top_of_the_address_space_maps() {
    let mut space = space(Encryption::None);
    space.map(0xFFFF_FFFF_FFFF_F000, 0xFFFF_F000, 0x1000, Access::Execute, Sharing::Private).unwrap();
    let found = space.translate(0xFFFF_FFFF_FFFF_FFF0).unwrap();
    assert_eq!((found.gpa, found.access), (0xFFFF_FFF0, Access::Execute));
}

#[test]
fn protecting_cuts_large_pages_and_keeps_the_rest() {
    let mut space = space(Encryption::None);
    space.map(0, 0, 0x60_0000, Access::ReadWrite, Sharing::Private).unwrap();
    space.protect(0x1F_F000, 0x20_2000, Access::Execute).unwrap();
    assert_eq!(space.translate(0x1F_EFFF).unwrap().access, Access::ReadWrite);
    assert_eq!(space.translate(0x1F_F000).unwrap().access, Access::Execute);
    assert_eq!(space.translate(0x20_0000).unwrap().access, Access::Execute);
    assert_eq!(space.translate(0x40_0FFF).unwrap().access, Access::Execute);
    assert_eq!(space.translate(0x40_1000).unwrap().access, Access::ReadWrite);
    assert_eq!(space.translate(0x40_1000).unwrap().gpa, 0x40_1000);
}

#[test]
fn guard_pages_close_and_open_again() {
    let mut space = space(Encryption::None);
    space.map(0, 0, 0x20_0000, Access::ReadWrite, Sharing::Private).unwrap();
    space.protect(0x5000, 0x1000, Access::None).unwrap();
    assert_eq!(space.translate(0x5000).unwrap().access, Access::None);
    space.protect(0x5000, 0x1000, Access::ReadWrite).unwrap();
    assert_eq!(space.translate(0x5000).unwrap().access, Access::ReadWrite);
}

/// Marks a page as the processor does when it is written to.
fn write_to(space: &mut AddressSpace<VecTables>, va: u64) {
    let (table, index, _) = space.find_leaf(va).unwrap();
    let entry = space.tables.read(table, index);
    space.tables.write(table, index, entry | Flags::DIRTY.bits());
}

fn written(space: &AddressSpace<VecTables>, start: u64, end: u64) -> Vec<(u64, u64)> {
    let mut found = Vec::new();
    space.for_each_written(Range { start, end }, &mut |range| found.push((range.start, range.end)));
    found
}

#[test]
fn pages_that_were_written_to_are_found_through_cuts_and_changes() {
    for encryption in [Encryption::None, Encryption::PrivateBit(51), Encryption::SharedBit(47)] {
        let mut space = space(encryption);
        // A hole before, between and behind what is mapped.
        space.map(0x20_0000, 0x20_0000, 0x60_0000, Access::ReadWrite, Sharing::Private).unwrap();
        space.map(0x4000_0000, 0x4000_0000, 0x20_0000, Access::ReadWrite, Sharing::Private).unwrap();
        assert_eq!(written(&space, 0, 0x4040_0000), []);
        write_to(&mut space, 0x41_2345);
        write_to(&mut space, 0x401F_FFFF);
        let both = [(0x40_0000, 0x60_0000), (0x4000_0000, 0x4020_0000)];
        assert_eq!(written(&space, 0, 0x4040_0000), both);
        assert_eq!(written(&space, 0x60_0000, 0x4000_0000), []);
        // Cut into small pages, all of them count as written; what they allow changes nothing.
        space.protect(0x40_1000, 0x1000, Access::None).unwrap();
        space.protect(0x40_2000, 0x1000, Access::Execute).unwrap();
        let pages = written(&space, 0x20_0000, 0x80_0000);
        assert_eq!((pages.len(), pages[1]), (512, (0x40_1000, 0x40_2000)));
        // Once cut, small pages are marked one by one.
        space.protect(0x60_1000, 0x1000, Access::None).unwrap();
        write_to(&mut space, 0x60_3000);
        assert_eq!(written(&space, 0x60_0000, 0x80_0000), [(0x60_3000, 0x60_4000)]);
    }
}

/// What is cleared, and what is forgotten, of a range.
fn take(space: &mut AddressSpace<VecTables>, start: u64, end: u64) -> (Vec<(u64, u64)>, Vec<u64>) {
    let (mut cleared, mut forgotten) = (Vec::new(), Vec::new());
    space.take_written(
        Range { start, end },
        &mut |range| cleared.push((range.start, range.end)),
        &mut |page| forgotten.push(page),
    );
    (cleared, forgotten)
}

#[test]
fn marks_are_taken_from_pages_that_are_cleared_as_a_whole() {
    for encryption in [Encryption::None, Encryption::PrivateBit(51), Encryption::SharedBit(47)] {
        let mut space = space(encryption);
        space.map(0x20_0000, 0x20_0000, 0x60_0000, Access::ReadWrite, Sharing::Private).unwrap();
        // A stack that begins in a large page with a guard, and ends in another one, in which others live too.
        space.protect(0x20_1000, 0x1000, Access::None).unwrap();
        let range = (0x20_2000, 0x40_3000);
        assert_eq!(take(&mut space, range.0, range.1), (Vec::new(), Vec::new()));
        [0x20_0000, 0x20_2000, 0x3F_F123, 0x50_0000].into_iter().for_each(|va| write_to(&mut space, va));
        let small = [(0x20_2000, 0x20_3000), (0x3F_F000, 0x40_0000)];
        let shared = (0x40_0000, 0x40_3000);
        let expected = ([small[0], small[1], shared].to_vec(), [0x20_2000, 0x3F_F000].to_vec());
        assert_eq!(take(&mut space, range.0, range.1), expected);
        // The others' page is still marked, for the end; those before it are as if they had never been used.
        assert_eq!(take(&mut space, range.0, range.1), ([shared].to_vec(), Vec::new()));
        assert_eq!(written(&space, 0, 0x80_0000), [(0x20_0000, 0x20_1000), (0x40_0000, 0x60_0000)]);
        write_to(&mut space, 0x20_2000);
        assert_eq!(take(&mut space, range.0, range.1), ([small[0], shared].to_vec(), [0x20_2000].to_vec()));
        // A large page that is the stack's alone.
        write_to(&mut space, 0x60_0000);
        let whole = ([(0x60_0000, 0x80_0000)].to_vec(), [0x60_0000].to_vec());
        assert_eq!(take(&mut space, 0x60_0000, 0x80_0000), whole);
        // What is not mapped is passed over.
        assert_eq!(take(&mut space, 0x80_0000, 0x100_0000), (Vec::new(), Vec::new()));
    }
}

#[test]
fn encryption_bits_follow_the_platform() {
    for (encryption, private_shared) in
        [(Encryption::PrivateBit(51), (false, true)), (Encryption::SharedBit(47), (false, true))]
    {
        let mut space = space(encryption);
        space.map(0x20_0000, 0x20_0000, 0x1000, Access::ReadWrite, Sharing::Private).unwrap();
        space.map(0x40_0000, 0x40_0000, 0x20_0000, Access::ReadWrite, Sharing::Shared).unwrap();
        let private = space.translate(0x20_0000).unwrap();
        let shared = space.translate(0x40_0000).unwrap();
        assert_eq!((private.is_shared, shared.is_shared), private_shared);
        assert_eq!((private.gpa, shared.gpa), (0x20_0000, 0x40_0000));
    }
}

#[test]
fn mistakes_are_named() {
    let mut space = space(Encryption::None);
    let rw = (Access::ReadWrite, Sharing::Private);
    space.map(0x20_0000, 0x20_0000, 0x20_0000, rw.0, rw.1).unwrap();
    assert_eq!(
        space.map(0x20_1000, 0, 0x1000, rw.0, rw.1),
        Err(PagingError::AlreadyMapped { va: 0x20_1000 })
    );
    assert!(matches!(space.map(0x123, 0, 0x1000, rw.0, rw.1), Err(PagingError::Misaligned { .. })));
    assert!(matches!(
        space.map(0xFFFF_FFFF_FFFF_F000, 0, 0x2000, rw.0, rw.1),
        Err(PagingError::Misaligned { .. })
    ));
    assert!(matches!(space.protect(0x50_0000, 0x1000, rw.0), Err(PagingError::NotMapped { va: 0x50_0000 })));
    let mut full = AddressSpace::new(VecTables { pages: Vec::new(), limit: 2 }, Encryption::None).unwrap();
    assert_eq!(full.map(0, 0, 0x1000, rw.0, rw.1), Err(PagingError::OutOfTables));
}

#[test]
fn ranges_without_others() {
    let range = |start, end| Range { start, end };
    let without = |other| range(10, 20).without(other).map(|part| (part.start, part.end));
    assert_eq!(without(range(12, 15)), [(10, 12), (15, 20)]);
    assert_eq!(without(range(5, 15)), [(10, 10), (15, 20)]);
    assert_eq!(without(range(15, 25)), [(10, 15), (20, 20)]);
    assert_eq!(without(range(5, 25)), [(10, 10), (20, 20)]);
    for elsewhere in [range(0, 10), range(20, 30), range(0, 0)] {
        assert_eq!(without(elsewhere), [(10, 20), (20, 20)]);
    }
}
