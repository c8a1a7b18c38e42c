//! Whole ROMs: what a good guest becomes, and how broken guests and broken files are named.

use alloc::string::ToString;
use alloc::vec::Vec;

use enclave_wire::layout::{
    BOOT_DATA_BYTES, BOOT_DATA_GPA, RESET_CODE_BYTES, RESET_PAGE_GPA, ROM_BYTES, ROM_GPA,
    ROM_PAYLOAD_END_GPA, ROM_VIRTUAL_OFFSET,
};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use crate::test_elf::{TestElf, TestSegment};
use crate::{Guid, ROM_FILLER, Rom, RomError, RomTables, SevKind, TablesError, TdvfKind, assemble};

fn guest_rom() -> Rom {
    assemble(&TestElf::guest().bytes()).unwrap()
}

fn refusal(change: impl FnOnce(&mut TestElf)) -> RomError {
    let mut elf = TestElf::guest();
    change(&mut elf);
    assemble(&elf.bytes()).unwrap_err()
}

fn offset(gpa: u64) -> usize {
    usize::try_from(gpa - ROM_GPA).unwrap()
}

#[test]
fn pieces_lie_at_their_physical_addresses() {
    let rom = guest_rom();
    let bytes = rom.bytes();
    assert_eq!(bytes.len() as u64, ROM_BYTES);
    assert_eq!(bytes[..0x1800], [0xC3; 0x1800]);
    assert_eq!(&bytes[0x2000..0x2012], b"redoubt test guest");
    assert_eq!(bytes[0x2100..0x2140], [0x5A; 0x40]);
    assert!(bytes[0x2140..offset(ROM_PAYLOAD_END_GPA)].iter().all(|byte| *byte == ROM_FILLER));
    assert_eq!(bytes[offset(RESET_PAGE_GPA)..][..0x200], [0xF4; 0x200]);
}

#[test]
fn sections_name_everything_ascending() {
    let rom = guest_rom();
    let names: Vec<&str> = rom.sections().iter().map(|section| section.name.as_str()).collect();
    let expected = [
        ".text",
        ".rodata",
        ".data",
        "boot page tables, snp",
        "boot page tables, plain",
        ".reset",
        "tdvf metadata",
        "sev metadata",
        "guid table",
        "reset vector",
    ];
    assert_eq!(names, expected);
    assert_eq!(rom.free_bytes(), ROM_PAYLOAD_END_GPA - (ROM_GPA + 0x2140));
    assert_eq!(rom.used_bytes(), 0x1800 + 18 + 0x40 + 0xA000 + 0x200 + 160 + 52 + 84 + 15);
}

#[test]
fn explanation_lists_sections_and_room_to_grow() {
    let rom = guest_rom();
    let text = rom.explain().to_string();
    assert!(
        text.contains(&format!(".text                       {:#x}      6144     0.2%\n", ROM_GPA)),
        "{text}"
    );
    assert!(text.ends_with(&format!("can grow by {} bytes\n", rom.free_bytes())), "{text}");
}

#[test]
fn physical_addresses_may_carry_the_virtual_offset() {
    let mut elf = TestElf::guest();
    for segment in elf.segments.iter_mut().filter(|segment| !segment.bytes.is_empty()) {
        segment.paddr += ROM_VIRTUAL_OFFSET;
    }
    assert_eq!(assemble(&elf.bytes()).unwrap(), guest_rom());
}

#[test]
fn reset_vector_reaches_both_entries() {
    let rom = guest_rom();
    let vector = &rom.bytes()[offset(0xFFFF_FFF0)..];
    assert_eq!(hex::encode(vector), "0f20c0a8017405e984f0ffffe901f0ff");
}

/// Golden numbers. Made once by writing this ROM to a file and reading it with `sev-snp-measure` 0.0.13 (PyPI):
/// `o = OVMF("rom"); hex(o.sev_es_reset_eip()); [(hex(s.gpa), hex(s.size), s.section_type_int) for s in
/// o.metadata_items()]`.
#[test]
fn sev_tables_read_like_an_independent_reader_reads_them() {
    let rom = guest_rom();
    let tables = RomTables::parse(rom.bytes()).unwrap();
    assert_eq!(tables.ap_reset, 0xFFFF_FFF0);
    let sections: Vec<_> =
        tables.sev.iter().map(|section| (section.gpa, section.bytes, section.kind.0)).collect();
    assert_eq!(sections, [(0x10_0000, 0x1000, 2), (0x10_1000, 0x1000, 3), (0x10_2000, 0xF_E000, 1)]);
    assert_eq!(
        hex::encode(Sha256::digest(rom.bytes())),
        GUEST_ROM_SHA256,
        "the golden numbers are of another ROM"
    );
}

const GUEST_ROM_SHA256: &str = "bc25f9e563955d56ea6772245138f77e0b98d33d384381f53d0a0b46e2ae5dc0";

#[test]
fn tdvf_tables_cover_rom_and_boot_ram() {
    let tables = RomTables::parse(guest_rom().bytes()).unwrap();
    let sections: Vec<_> = tables
        .tdvf
        .iter()
        .map(|s| (s.data_offset, s.raw_bytes, s.gpa, s.bytes, s.kind.0, s.attributes))
        .collect();
    let expected = [
        (0, 0x2C_0000, 0xFFD4_0000, 0x2C_0000, 0, 1),
        (0, 0, 0x10_0000, 0x2000, 3, 0),
        (0, 0, 0x10_2000, 0x2000, 2, 0),
        (0, 0, 0x10_4000, 0xF_C000, 3, 0),
    ];
    assert_eq!(sections, expected);
}

#[test]
fn kinds_print_for_people() {
    assert_eq!(SevKind::CPUID.to_string(), "cpuid");
    assert_eq!(TdvfKind(9).to_string(), "type 0x9");
}

#[test]
fn overlap_is_named() {
    let error =
        refusal(|elf| elf.segments[1] = TestSegment::in_place(".rodata", 4, ROM_GPA + 0x17FF, vec![1]));
    assert_eq!(error.to_string(), "`.text` and `.rodata` overlap at 0xffd417ff");
}

#[test]
fn too_large_says_by_how_much() {
    let fits = usize::try_from(ROM_PAYLOAD_END_GPA - ROM_GPA - 0x3000).unwrap();
    let large = |bytes: usize| TestSegment::in_place(".rodata", 4, ROM_GPA + 0x3000, vec![0; bytes]);
    let mut elf = TestElf::guest();
    elf.segments[1] = large(fits);
    assert_eq!(assemble(&elf.bytes()).unwrap().free_bytes(), 0);
    let error = refusal(|elf| elf.segments[1] = large(fits + 1));
    assert!(matches!(error, RomError::TooLarge { excess_bytes: 1, .. }), "{error}");
    let huge = refusal(|elf| elf.segments[1] = large(fits + 0x10_0000));
    assert!(matches!(huge, RomError::TooLarge { excess_bytes: 0x10_0000, .. }), "{huge}");
}

#[test]
fn reset_code_must_stay_below_the_tables() {
    let code = |bytes| TestSegment::in_place(".reset", 5, RESET_PAGE_GPA, vec![0xF4; bytes]);
    let fits = usize::try_from(RESET_CODE_BYTES).unwrap();
    let mut elf = TestElf::guest();
    elf.segments[4] = code(fits);
    assemble(&elf.bytes()).unwrap();
    let error = refusal(|elf| elf.segments[4] = code(fits + 3));
    assert_eq!(error, RomError::ResetCodeTooLarge { section: ".reset".into(), excess_bytes: 3 });
}

#[test]
fn bytes_outside_the_rom_are_refused() {
    let error = refusal(|elf| elf.segments[2].paddr = 0x10_0000);
    assert_eq!(error, RomError::OutsideRom { section: ".data".into(), gpa: 0x10_0000, bytes: 0x40 });
    let error = refusal(|elf| elf.segments[2].paddr = u64::MAX - 0x10);
    assert!(matches!(error, RomError::OutsideRom { .. } | RomError::ResetCodeTooLarge { .. }), "{error}");
}

#[test]
fn write_and_execute_together_are_refused() {
    assert_eq!(
        refusal(|elf| elf.segments[2].flags = 7),
        RomError::WritableExecutable { segment: ".data".into() }
    );
}

#[test]
fn writable_data_must_be_linked_for_boot_ram() {
    let error = refusal(|elf| elf.segments[2].vaddr = ROM_GPA + 0x2100);
    assert!(matches!(error, RomError::OutsideBootRam { .. }), "{error}");
    let error = refusal(|elf| elf.segments[3].memory_bytes = BOOT_DATA_BYTES);
    assert!(matches!(&error, RomError::OutsideBootRam { segment, .. } if segment == ".bss"), "{error}");
    let error = refusal(|elf| elf.segments[3].vaddr = BOOT_DATA_GPA - 1);
    assert!(matches!(error, RomError::OutsideBootRam { .. }), "{error}");
}

#[test]
fn code_must_be_linked_for_its_place() {
    let error = refusal(|elf| elf.segments[0].vaddr += 0x1000);
    assert!(matches!(error, RomError::Misplaced { .. }), "{error}");
    let error = refusal(|elf| elf.segments[0].memory_bytes += 1);
    assert_eq!(error, RomError::GrowsInRom { segment: ".text".into(), expected: 0x1800, found: 0x1801 });
}

#[test]
fn entries_must_be_reset_code() {
    let start = RESET_PAGE_GPA;
    for gpa in [ROM_GPA, start - 1, start + 0x200, start + RESET_CODE_BYTES] {
        let error = refusal(|elf| elf.symbols[1].1 = gpa);
        let expected = RomError::EntryOutside {
            symbol: "reset_protected_mode",
            gpa,
            start_gpa: start,
            end_gpa: start + RESET_CODE_BYTES,
        };
        assert_eq!(error, expected);
    }
    let error = refusal(|elf| elf.segments[4].flags = 4);
    assert!(matches!(error, RomError::EntryOutside { symbol: "reset_real_mode", .. }), "{error}");
}

#[test]
fn symbols_must_exist_once() {
    assert_eq!(
        refusal(|elf| elf.symbols.truncate(1)),
        RomError::MissingSymbol { symbol: "reset_protected_mode" }
    );
    let error = refusal(|elf| elf.symbols.push(("reset_real_mode", RESET_PAGE_GPA + 4)));
    assert!(matches!(error, RomError::AmbiguousSymbol { symbol: "reset_real_mode", .. }), "{error}");
}

#[test]
fn files_for_something_else_are_refused() {
    assert_eq!(
        refusal(|elf| elf.machine = 183),
        RomError::Header { field: "machine", expected: 62, found: 183 }
    );
    assert_eq!(refusal(|elf| elf.kind = 3), RomError::Header { field: "type", expected: 2, found: 3 });
    assert_eq!(refusal(|elf| elf.segments[3].kind = 2), RomError::NotStatic { found: 2 });
    assert!(matches!(assemble(b"not an ELF file").unwrap_err(), RomError::Malformed(_)));
}

#[test]
fn bytes_that_the_file_lacks_are_refused() {
    let mut elf = TestElf::guest().bytes();
    let file_size_of_first_segment = 64 + 32;
    elf[file_size_of_first_segment + 3] = 1;
    let error = assemble(&elf).unwrap_err();
    assert!(matches!(error, RomError::OutsideFile { bytes: 0x100_1800, .. }), "{error}");
}

#[test]
fn guid_table_entry_may_not_occur_twice() {
    let mut rom = guest_rom().bytes().to_vec();
    let last_guid = offset(0xFFFF_FFCE - 16);
    let guid_before = last_guid - 22;
    rom.copy_within(last_guid..last_guid + 16, guid_before);
    let error = RomTables::parse(&rom).unwrap_err();
    assert_eq!(error, TablesError::DuplicateEntry { guid: Guid::AP_RESET });
}

#[test]
fn table_reader_names_what_is_broken() {
    let rom = guest_rom();
    let broken = |gpa: u64, value: u8| {
        let mut bytes = rom.bytes().to_vec();
        bytes[offset(gpa)] = value;
        RomTables::parse(&bytes).unwrap_err().to_string()
    };
    // Footer GUID, table length, an entry's length, an entry's GUID.
    assert!(broken(0xFFFF_FFD0, 0).contains("footer"), "{}", broken(0xFFFF_FFD0, 0));
    assert!(broken(0xFFFF_FFCF, 0xFF).contains("guid table entry: length 65535"));
    assert!(broken(0xFFFF_FFCE - 18, 17).contains("guid table entry: length 17"));
    assert!(
        broken(0xFFFF_FFCE - 16, 0)
            .contains("00f771de-1a7e-4fcb-890e-68c77e2fb44e (ap reset address) is missing")
    );
    // TDVF: GUID, signature, length, version, count; first section's attributes.
    let tdvf = RESET_PAGE_GPA + RESET_CODE_BYTES;
    assert!(broken(tdvf, 0).contains("before the tdvf descriptor"));
    assert!(broken(tdvf + 16, 0).contains("tdvf metadata: expected 0x46564454"));
    assert!(broken(tdvf + 20, 0).contains("tdvf metadata: expected 0x90, found 0x0"));
    assert!(broken(tdvf + 24, 2).contains("tdvf metadata: expected 0x1, found 0x2"));
    assert!(broken(tdvf + 31, 0xFF).contains("found 0x90"));
    assert!(broken(tdvf + 32 + 28, 0).contains("section 0"));
    // SEV: signature, size of the secrets page, type of the CPUID page.
    let sev = tdvf + 160;
    assert!(broken(sev, 0).contains("sev metadata: expected"));
    assert!(broken(sev + 16 + 4 + 1, 0x20).contains("section 0"));
    assert!(broken(sev + 28 + 8, 9).contains("unknown type"));
    assert!(broken(sev + 28 + 1, 0).contains("overlaps an earlier section"));
}

#[test]
fn more_sections_than_any_rom_has_are_refused_unread() {
    let mut rom = guest_rom().bytes().to_vec();
    // As many as fit: compared with each other, they would take seconds.
    let count: u32 = 80_000;
    let header =
        [b"ASEV".as_slice(), &(16 + 12 * count).to_le_bytes(), &1_u32.to_le_bytes(), &count.to_le_bytes()];
    rom[..16].copy_from_slice(&header.concat());
    let entry = rom.windows(16).rposition(|window| window == Guid::SEV_METADATA.as_bytes()).unwrap();
    rom[entry - 6..entry - 2].copy_from_slice(&u32::try_from(ROM_BYTES).unwrap().to_le_bytes());
    let error = RomTables::parse(&rom).unwrap_err();
    assert_eq!(error.to_string(), "rom: sev metadata: expected at most 64 sections, found 80000");
}

#[test]
fn truncated_rom_is_named() {
    let rom = guest_rom();
    let error = RomTables::parse(&rom.bytes()[1..]).unwrap_err();
    assert_eq!(error, TablesError::Size { expected: ROM_BYTES, found: ROM_BYTES - 1 });
    assert!(RomTables::parse(&[]).is_err());
}

proptest! {
    #[test]
    fn damaged_elf_never_panics(at in 0usize..0x2400, value: u8, length in 0usize..0x2400) {
        let mut elf = TestElf::guest().bytes();
        if let Some(byte) = elf.get_mut(at) {
            *byte = value;
        }
        let _ = assemble(&elf);
        elf.truncate(length);
        let _ = assemble(&elf);
    }

    #[test]
    fn damaged_headers_never_panic(at in 0usize..64 + 5 * 56, value: u64) {
        let mut elf = TestElf::guest().bytes();
        elf[at..at + 8].copy_from_slice(&value.to_le_bytes());
        let _ = assemble(&elf);
    }

    #[test]
    fn arbitrary_bytes_are_no_guest(bytes: Vec<u8>) {
        prop_assert!(assemble(&bytes).is_err());
        prop_assert!(RomTables::parse(&bytes).is_err());
    }
}

proptest! {
    // A ROM is large: fewer, but aimed at the page with the tables.
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn damaged_rom_never_panics(changes in prop::collection::vec((0xC00usize..0x1000, any::<u8>()), 1..8)) {
        let mut rom = guest_rom().bytes().to_vec();
        for (at, value) in changes {
            rom[offset(RESET_PAGE_GPA) + at] = value;
        }
        let _ = RomTables::parse(&rom);
    }
}
