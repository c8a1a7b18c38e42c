//! From the guest's ELF file to a [`Payload`].
//!
//! Source: "Tool Interface Standard (TIS) Executable and Linking Format", version 1.2; System V ABI, x86-64 supplement.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use enclave_wire::layout::{BOOT_DATA_BYTES, BOOT_DATA_GPA, ROM_VIRTUAL_OFFSET};
use object::LittleEndian;
use object::elf::{
    EM_X86_64, ET_EXEC, FileHeader64, PF_W, PF_X, PT_DYNAMIC, PT_INTERP, PT_LOAD, PT_TLS, ProgramHeader64,
    SHF_ALLOC, SHN_UNDEF, SHT_NOBITS, SHT_SYMTAB,
};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader, SectionTable, Sym};

use crate::error::RomError;
use crate::payload::{Payload, Piece};

type Header = FileHeader64<LittleEndian>;
type Segment = ProgramHeader64<LittleEndian>;
type Sections<'a> = SectionTable<'a, Header>;

const LE: LittleEndian = LittleEndian;
/// Longer names are not what a linker script for people says.
const NAME_MAX: usize = 32;

impl<'a> Payload<'a> {
    /// Reads the statically linked ELF file of the guest.
    ///
    /// `p_paddr` says where the bytes of a segment lie in the ROM; it may carry [`ROM_VIRTUAL_OFFSET`].
    ///
    /// # Errors
    /// [`RomError`] when the file is not such a file, or a segment is not linked for the ROM or boot RAM.
    pub fn from_elf(elf: &'a [u8]) -> Result<Self, RomError> {
        let header = Header::parse(elf).map_err(RomError::Malformed)?;
        header.endian().map_err(RomError::Malformed)?;
        expect_header("machine", EM_X86_64, header.e_machine(LE))?;
        expect_header("type", ET_EXEC, header.e_type(LE))?;

        let segments = header.program_headers(LE, elf).map_err(RomError::Malformed)?;
        let sections = header.sections(LE, elf).map_err(RomError::Malformed)?;
        let mut pieces = Vec::new();
        for (index, segment) in segments.iter().enumerate() {
            pieces.extend(read_segment(elf, segment, || segment_name(&sections, segment, index))?);
        }
        Ok(Self {
            pieces,
            real_mode_entry_gpa: symbol_gpa(elf, &sections, "reset_real_mode")?,
            protected_mode_entry_gpa: symbol_gpa(elf, &sections, "reset_protected_mode")?,
        })
    }
}

fn expect_header(field: &'static str, expected: u16, found: u16) -> Result<(), RomError> {
    if expected == found { Ok(()) } else { Err(RomError::Header { field, expected, found }) }
}

/// The bytes of one segment; none when it has none in the file, as `.bss`.
fn read_segment<'a>(
    elf: &'a [u8],
    segment: &Segment,
    name: impl FnOnce() -> String,
) -> Result<Option<Piece<'a>>, RomError> {
    match segment.p_type(LE) {
        PT_LOAD => {}
        found @ (PT_INTERP | PT_DYNAMIC | PT_TLS) => return Err(RomError::NotStatic { found }),
        _ => return Ok(None),
    }
    let name = name();
    let Ok(bytes) = segment.data(LE, elf) else {
        let (found, limit) = (segment.file_range(LE), elf.len() as u64);
        return Err(RomError::OutsideFile { segment: name, offset: found.0, bytes: found.1, limit });
    };
    let piece = Piece {
        name,
        gpa: strip_virtual_offset(segment.p_paddr(LE)),
        bytes,
        is_executable: segment.p_flags(LE) & PF_X != 0,
    };
    if segment.p_flags(LE) & PF_W != 0 {
        check_in_boot_ram(segment, &piece)?;
    } else {
        check_in_place(segment, &piece)?;
    }
    Ok(Some(piece).filter(|piece| !piece.bytes.is_empty()))
}

/// Writable data is copied to boot RAM, and never executed.
fn check_in_boot_ram(segment: &Segment, piece: &Piece<'_>) -> Result<(), RomError> {
    if piece.is_executable {
        return Err(RomError::WritableExecutable { segment: piece.name.clone() });
    }
    let (found_gpa, found_bytes) = (segment.p_vaddr(LE), segment.p_memsz(LE));
    let offset = found_gpa.checked_sub(BOOT_DATA_GPA);
    let end = offset.and_then(|offset| offset.checked_add(found_bytes));
    if found_bytes == 0 || end.is_some_and(|end| end <= BOOT_DATA_BYTES) {
        return Ok(());
    }
    Err(RomError::OutsideBootRam {
        segment: piece.name.clone(),
        expected_gpa: BOOT_DATA_GPA,
        expected_bytes: BOOT_DATA_BYTES,
        found_gpa,
        found_bytes,
    })
}

/// Code and constants stay in the ROM: they must be linked for it and cannot grow.
fn check_in_place(segment: &Segment, piece: &Piece<'_>) -> Result<(), RomError> {
    let (expected, found) = (piece.bytes.len() as u64, segment.p_memsz(LE));
    if expected != found {
        return Err(RomError::GrowsInRom { segment: piece.name.clone(), expected, found });
    }
    let vaddr = segment.p_vaddr(LE);
    if expected > 0 && strip_virtual_offset(vaddr) != piece.gpa {
        let expected = piece.gpa.wrapping_add(ROM_VIRTUAL_OFFSET);
        return Err(RomError::Misplaced { segment: piece.name.clone(), expected, found: vaddr });
    }
    Ok(())
}

/// Code-model kernel links the ROM at the top of the address space; physical addresses lie below 4 GiB.
const fn strip_virtual_offset(address: u64) -> u64 {
    if address >= ROM_VIRTUAL_OFFSET { address - ROM_VIRTUAL_OFFSET } else { address }
}

/// The name of the segment's first section, or its number when there is none that prints.
fn segment_name(sections: &Sections<'_>, segment: &Segment, index: usize) -> String {
    let (vaddr, bytes) = (segment.p_vaddr(LE), segment.p_memsz(LE));
    let holds = |address: u64| address.checked_sub(vaddr).is_some_and(|offset| offset < bytes);
    let section = sections.iter().find(|section| {
        let is_empty =
            section.sh_size(LE) == 0 || (section.sh_type(LE) == SHT_NOBITS && segment.p_filesz(LE) > 0);
        section.sh_flags(LE) & u64::from(SHF_ALLOC) != 0 && !is_empty && holds(section.sh_addr(LE))
    });
    let name = section.and_then(|section| sections.section_name(LE, section).ok());
    let prints = |name: &&[u8]| (1..=NAME_MAX).contains(&name.len()) && name.iter().all(u8::is_ascii_graphic);
    match name.filter(prints) {
        Some(name) => String::from_utf8_lossy(name).into_owned(),
        None => format!("segment {index}"),
    }
}

fn symbol_gpa(elf: &[u8], sections: &Sections<'_>, symbol: &'static str) -> Result<u64, RomError> {
    let table = sections.symbols(LE, elf, SHT_SYMTAB).map_err(RomError::Malformed)?;
    let mut matches = table
        .iter()
        .filter(|entry| entry.st_shndx(LE) != SHN_UNDEF)
        .filter(|entry| table.symbol_name(LE, entry).is_ok_and(|name| name == symbol.as_bytes()))
        .map(|entry| strip_virtual_offset(entry.st_value(LE)));
    let first = matches.next().ok_or(RomError::MissingSymbol { symbol })?;
    match matches.find(|second| *second != first) {
        Some(second) => Err(RomError::AmbiguousSymbol { symbol, first, second }),
        None => Ok(first),
    }
}
