//! Reads the tables of a ROM the way a VMM does: from the end of the file.
//!
//! Source: QEMU `hw/i386/pc_sysfw_ovmf.c` (GUID table), `target/i386/sev.c` and `hw/i386/tdvf.c` (metadata), and their
//! checks. The file is hostile: every length is compared with what contains it before it is used.

use alloc::vec::Vec;

use enclave_wire::layout::{PAGE_BYTES, ROM_BYTES};

use crate::error::TablesError;
use crate::guid::Guid;
use crate::metadata::{
    EXTEND_MR, HEADER_BYTES, METADATA_VERSION, SEV_RECORD_BYTES, SEV_SIGNATURE, SevKind, SevSection,
    TDVF_RECORD_BYTES, TDVF_SIGNATURE, TdvfKind, TdvfSection,
};

/// What a ROM tells its VMM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RomTables {
    /// Where other processors of an SNP guest start: low half IP, high half CS base >> 16.
    pub ap_reset: u32,
    /// What an SNP host adds, in order of measurement.
    pub sev: Vec<SevSection>,
    /// What a TDX host adds, in order of measurement.
    pub tdvf: Vec<TdvfSection>,
}

impl RomTables {
    /// Walks the GUID table and both metadata tables.
    ///
    /// # Errors
    /// [`TablesError`] names the first thing that a VMM would stumble over.
    pub fn parse(rom: &[u8]) -> Result<Self, TablesError> {
        let found = rom.len() as u64;
        if found != ROM_BYTES {
            return Err(TablesError::Size { expected: ROM_BYTES, found });
        }
        let entries = GuidEntries::find(rom)?;
        let ap_reset = entries.word(Guid::AP_RESET, "ap reset address")?;
        let sev = sev_sections(rom, entries.word(Guid::SEV_METADATA, "sev metadata offset")?)?;
        let tdvf = tdvf_sections(rom, entries.word(Guid::TDX_METADATA, "tdx metadata offset")?)?;
        Ok(Self { ap_reset, sev, tdvf })
    }
}

/// Distance from the end of the ROM to the end of the GUID table.
const TABLE_END_DISTANCE: usize = 0x20;
/// Many times what any ROM has. Each section is compared with all before it.
const SECTIONS_MAX: u64 = 64;
/// u16 length and GUID, which end every entry and the table.
const TRAILER_BYTES: usize = 18;

/// Entries of the GUID table, last one first.
struct GuidEntries<'a>(Vec<(Guid, &'a [u8])>);

impl<'a> GuidEntries<'a> {
    fn find(rom: &'a [u8]) -> Result<Self, TablesError> {
        let table_end = rom.len().saturating_sub(TABLE_END_DISTANCE);
        let upper = rom.get(..table_end).unwrap_or_default();
        let (before, length, found) = split_trailer(upper, "guid table")?;
        if found != Guid::FOOTER {
            return Err(TablesError::Footer { expected: Guid::FOOTER, found });
        }
        // The stated length includes the footer itself.
        let mut rest = last_bytes(before, length, TRAILER_BYTES, "guid table")?;
        let mut entries = Vec::new();
        while !rest.is_empty() {
            let (before, length, guid) = split_trailer(rest, "guid table entry")?;
            let data = last_bytes(before, length, TRAILER_BYTES, "guid table entry")?;
            if entries.iter().any(|(known, _)| *known == guid) {
                return Err(TablesError::DuplicateEntry { guid });
            }
            entries.push((guid, data));
            rest = before.get(..before.len() - data.len()).unwrap_or_default();
        }
        Ok(Self(entries))
    }

    /// An entry whose data is one u32.
    fn word(&self, guid: Guid, what: &'static str) -> Result<u32, TablesError> {
        let entry = self.0.iter().find(|(found, _)| *found == guid);
        let (_, data) = entry.ok_or(TablesError::MissingEntry { what, guid })?;
        let word = <[u8; 4]>::try_from(*data);
        word.map(u32::from_le_bytes).map_err(|_| TablesError::Length {
            what,
            found: data.len() as u64,
            limit: 4,
        })
    }
}

/// Cuts u16 length and GUID off the end.
fn split_trailer<'a>(bytes: &'a [u8], what: &'static str) -> Result<(&'a [u8], usize, Guid), TablesError> {
    let short = TablesError::Length { what, found: TRAILER_BYTES as u64, limit: bytes.len() as u64 };
    let (rest, guid) = bytes.split_last_chunk::<16>().ok_or_else(|| short.clone())?;
    let (before, length) = rest.split_last_chunk::<2>().ok_or(short)?;
    Ok((before, usize::from(u16::from_le_bytes(*length)), Guid::from_bytes(*guid)))
}

/// The last `length - included` bytes, where `included` were cut off already.
fn last_bytes<'a>(
    bytes: &'a [u8],
    length: usize,
    included: usize,
    what: &'static str,
) -> Result<&'a [u8], TablesError> {
    let start = length.checked_sub(included).and_then(|wanted| bytes.len().checked_sub(wanted));
    let limit = (bytes.len() + included) as u64;
    start.and_then(|start| bytes.get(start..)).ok_or(TablesError::Length {
        what,
        found: length as u64,
        limit,
    })
}

fn sev_sections(rom: &[u8], distance: u32) -> Result<Vec<SevSection>, TablesError> {
    let records = metadata_records(rom, distance, "sev metadata", SEV_SIGNATURE, SEV_RECORD_BYTES)?;
    let mut sections = Vec::new();
    for (index, record) in records.chunks_exact(SEV_RECORD_BYTES).enumerate() {
        let mut words = Words(record);
        let section =
            SevSection { gpa: words.next_u32(), bytes: words.next_u32(), kind: SevKind(words.next_u32()) };
        let range = Range::new(u64::from(section.gpa), u64::from(section.bytes));
        let earlier = sections
            .iter()
            .map(|other: &SevSection| Range::new(u64::from(other.gpa), u64::from(other.bytes)));
        let is_one_page = range.bytes == PAGE_BYTES;
        let rule = range.broken_rule(earlier).or(match section.kind {
            SevKind::MEMORY => None,
            SevKind::SECRETS | SevKind::CPUID => (!is_one_page).then_some("expected one page"),
            SevKind(_) => Some("unknown type"),
        });
        range.obey("sev metadata", index, rule)?;
        sections.push(section);
    }
    for kind in [SevKind::SECRETS, SevKind::CPUID] {
        let count = sections.iter().filter(|section| section.kind == kind).count();
        expect_one("sev metadata secrets and cpuid sections", count)?;
    }
    Ok(sections)
}

fn tdvf_sections(rom: &[u8], distance: u32) -> Result<Vec<TdvfSection>, TablesError> {
    let descriptor = from_end(rom, distance, "tdx metadata")?;
    let before = rom.get(..rom.len() - descriptor.len()).unwrap_or_default();
    let guid = before.last_chunk::<16>().copied().map_or(Guid::from_bytes([0; 16]), Guid::from_bytes);
    if guid != Guid::TDVF {
        return Err(TablesError::MissingEntry { what: "before the tdvf descriptor", guid: Guid::TDVF });
    }
    let records = metadata_records(rom, distance, "tdvf metadata", TDVF_SIGNATURE, TDVF_RECORD_BYTES)?;
    let mut sections = Vec::new();
    for (index, record) in records.chunks_exact(TDVF_RECORD_BYTES).enumerate() {
        let section = tdvf_section(record);
        let range = Range::new(section.gpa, section.bytes);
        let earlier = sections.iter().map(|other: &TdvfSection| Range::new(other.gpa, other.bytes));
        let rule = range.broken_rule(earlier).or_else(|| broken_tdvf_rule(rom, &section));
        range.obey("tdvf metadata", index, rule)?;
        sections.push(section);
    }
    for kind in [TdvfKind::FIRMWARE, TdvfKind::TD_HOB] {
        let count = sections.iter().filter(|section| section.kind == kind).count();
        expect_one("tdvf metadata firmware and td-hob sections", count)?;
    }
    Ok(sections)
}

fn tdvf_section(record: &[u8]) -> TdvfSection {
    let mut words = Words(record);
    TdvfSection {
        data_offset: words.next_u32(),
        raw_bytes: words.next_u32(),
        gpa: words.next_u64(),
        bytes: words.next_u64(),
        kind: TdvfKind(words.next_u32()),
        attributes: words.next_u32(),
    }
}

/// Rules of QEMU's `tdvf_parse_and_check_section_entry`, and ours: exactly the firmware is measured.
fn broken_tdvf_rule(rom: &[u8], section: &TdvfSection) -> Option<&'static str> {
    let raw_end = u64::from(section.data_offset) + u64::from(section.raw_bytes);
    match section.kind {
        TdvfKind::FIRMWARE if section.raw_bytes == 0 => Some("firmware without contents"),
        TdvfKind::FIRMWARE if u64::from(section.raw_bytes) > section.bytes => {
            Some("contents exceed the memory")
        }
        TdvfKind::FIRMWARE if raw_end > rom.len() as u64 => Some("contents exceed the file"),
        TdvfKind::FIRMWARE if section.attributes != EXTEND_MR => Some("firmware that is not measured"),
        TdvfKind::FIRMWARE => None,
        TdvfKind::TD_HOB | TdvfKind::TEMP_MEMORY if section.raw_bytes != 0 => Some("memory with contents"),
        TdvfKind::TD_HOB | TdvfKind::TEMP_MEMORY if section.attributes != 0 => Some("unknown attributes"),
        TdvfKind::TD_HOB | TdvfKind::TEMP_MEMORY => None,
        TdvfKind(_) => Some("unknown type"),
    }
}

/// The records behind a header with this signature. Length and count must agree.
fn metadata_records<'a>(
    rom: &'a [u8],
    distance: u32,
    what: &'static str,
    signature: [u8; 4],
    record_bytes: usize,
) -> Result<&'a [u8], TablesError> {
    let metadata = from_end(rom, distance, what)?;
    let limit = metadata.len() as u64;
    let too_long = |found| TablesError::Length { what, found, limit };
    let (header, rest) =
        metadata.split_at_checked(HEADER_BYTES).ok_or_else(|| too_long(HEADER_BYTES as u64))?;
    let mut words = Words(header);
    expect_field(what, u64::from(u32::from_le_bytes(signature)), u64::from(words.next_u32()))?;
    let length = u64::from(words.next_u32());
    expect_field(what, u64::from(METADATA_VERSION), u64::from(words.next_u32()))?;
    let count = u64::from(words.next_u32());
    let records = count * record_bytes as u64;
    expect_field(what, HEADER_BYTES as u64 + records, length)?;
    if count > SECTIONS_MAX {
        return Err(TablesError::TooManySections { table: what, limit: SECTIONS_MAX, found: count });
    }
    usize::try_from(records).ok().and_then(|end| rest.get(..end)).ok_or_else(|| too_long(length))
}

/// From `distance` bytes before the end of the ROM to its end.
fn from_end<'a>(rom: &'a [u8], distance: u32, what: &'static str) -> Result<&'a [u8], TablesError> {
    let start = usize::try_from(distance).ok().and_then(|distance| rom.len().checked_sub(distance));
    let out_of_rom = TablesError::Length { what, found: u64::from(distance), limit: rom.len() as u64 };
    start.and_then(|start| rom.get(start..)).ok_or(out_of_rom)
}

fn expect_field(what: &'static str, expected: u64, found: u64) -> Result<(), TablesError> {
    if expected == found { Ok(()) } else { Err(TablesError::Field { what, expected, found }) }
}

fn expect_one(what: &'static str, count: usize) -> Result<(), TablesError> {
    expect_field(what, 1, count as u64)
}

/// A range of guest-physical memory.
#[derive(Clone, Copy)]
struct Range {
    gpa: u64,
    bytes: u64,
}

impl Range {
    const fn new(gpa: u64, bytes: u64) -> Self {
        Self { gpa, bytes }
    }

    /// Rules for every section of both tables.
    fn broken_rule(self, mut earlier: impl Iterator<Item = Self>) -> Option<&'static str> {
        let Some(end) = self.gpa.checked_add(self.bytes) else { return Some("exceeds the address space") };
        if self.bytes == 0 || !self.gpa.is_multiple_of(PAGE_BYTES) || !self.bytes.is_multiple_of(PAGE_BYTES) {
            return Some("expected whole pages");
        }
        earlier
            .any(|other| other.gpa < end && self.gpa < other.gpa.saturating_add(other.bytes))
            .then_some("overlaps an earlier section")
    }

    fn obey(self, table: &'static str, index: usize, rule: Option<&'static str>) -> Result<(), TablesError> {
        match rule {
            Some(rule) => Err(TablesError::Section { table, index, gpa: self.gpa, bytes: self.bytes, rule }),
            None => Ok(()),
        }
    }
}

/// Little-endian numbers of a record whose size was checked; zero after its end.
struct Words<'a>(&'a [u8]);

impl Words<'_> {
    fn next_u32(&mut self) -> u32 {
        match self.0.split_first_chunk() {
            Some((word, rest)) => {
                self.0 = rest;
                u32::from_le_bytes(*word)
            }
            None => 0,
        }
    }

    fn next_u64(&mut self) -> u64 {
        let low = u64::from(self.next_u32());
        low | u64::from(self.next_u32()) << 32
    }
}
