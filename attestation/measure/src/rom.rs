//! The tables that a VMM reads from the end of a ROM.
//!
//! Source: QEMU `hw/i386/pc_sysfw_ovmf.c`, `include/hw/i386/tdvf.h`; EDK2 `OvmfPkg/ResetVector`.

use alloc::vec::Vec;

use crate::{MeasureError, PAGE_BYTES, PAGES_MAX, ROM_MAX_BYTES};

/// First address after a ROM.
const ROM_END_GPA: u64 = 1 << 32;
/// Distance from the end of the ROM to the end of its GUID table.
const TABLE_END_DISTANCE: usize = 0x20;
/// Length (u16) and GUID, which end every entry of the GUID table.
const ENTRY_TRAILER_BYTES: usize = 18;
/// Signature, length, version, record count: four u32, in both kinds of metadata.
const METADATA_HEADER_BYTES: usize = 16;
const SEV_RECORD_BYTES: usize = 12;
const TDVF_RECORD_BYTES: usize = 32;

/// `96b582de-1fb2-45f7-baea-a366c55a082d`
const FOOTER: [u8; 16] = 0xde82_b596_b21f_f745_baea_a366_c55a_082d_u128.to_be_bytes();
/// `dc886566-984a-4798-a75e-5585a7bf67cc`
const SEV_METADATA: [u8; 16] = 0x6665_88dc_4a98_9847_a75e_5585_a7bf_67cc_u128.to_be_bytes();
/// `e47a6535-984a-4798-865e-4685a7bf8ec2`
const TDX_METADATA: [u8; 16] = 0x3565_7ae4_4a98_9847_865e_4685_a7bf_8ec2_u128.to_be_bytes();
/// `e9eaf9f3-168e-44d5-a8eb-7f4d8738f6ae`, directly before the TDVF descriptor.
const TDVF: [u8; 16] = 0xf3f9_eae9_8e16_d544_a8eb_7f4d_8738_f6ae_u128.to_be_bytes();

/// GUID and data of an entry of the GUID table.
type Entry<'a> = ([u8; 16], &'a [u8]);

/// A ROM with a GUID table.
#[derive(Debug)]
pub(crate) struct Rom<'a> {
    bytes: &'a [u8],
    entries: Vec<Entry<'a>>,
}

/// Memory that a host adds at launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Section<'a> {
    pub(crate) gpa: u64,
    pub(crate) bytes: u64,
    pub(crate) kind: u32,
    /// TDVF only; bit 0: contents are measured.
    pub(crate) attributes: u32,
    /// TDVF only: contents in the file.
    pub(crate) data: &'a [u8],
}

impl<'a> Rom<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, MeasureError> {
        let found = bytes.len();
        if found == 0 || found > ROM_MAX_BYTES || !found.is_multiple_of(PAGE_BYTES) {
            return Err(MeasureError::RomSize { found });
        }
        Ok(Self { bytes, entries: guid_entries(bytes)? })
    }

    /// Address of the first byte.
    pub(crate) const fn gpa(&self) -> u64 {
        // At most 16 MiB: cannot wrap, and `usize` fits.
        ROM_END_GPA.saturating_sub(self.bytes.len() as u64)
    }

    /// Pages of the file, in ascending order.
    pub(crate) fn pages(&self) -> impl Iterator<Item = (u64, &'a [u8])> {
        page_addresses(self.gpa(), self.bytes.len() as u64).zip(self.bytes.chunks_exact(PAGE_BYTES))
    }

    /// Records of the SEV metadata, in order.
    pub(crate) fn sev_sections(&self) -> Result<Vec<Section<'a>>, MeasureError> {
        let what = "SEV metadata";
        let table = self.metadata(what, SEV_METADATA, *b"ASEV", SEV_RECORD_BYTES)?;
        let sections = table.chunks_exact(SEV_RECORD_BYTES).map(|record| {
            let mut fields = Fields(record);
            let (gpa, bytes, kind) = (fields.u32(), fields.u32(), fields.u32());
            Section { gpa: gpa.into(), bytes: bytes.into(), kind, attributes: 0, data: &[] }
        });
        checked_sections(what, sections.collect())
    }

    /// Sections of the TDVF descriptor, in order.
    pub(crate) fn tdvf_sections(&self) -> Result<Vec<Section<'a>>, MeasureError> {
        let what = "TDVF metadata";
        let table = self.metadata(what, TDX_METADATA, *b"TDVF", TDVF_RECORD_BYTES)?;
        let mut sections = Vec::new();
        for (index, record) in table.chunks_exact(TDVF_RECORD_BYTES).enumerate() {
            let mut fields = Fields(record);
            let (offset, raw_bytes) = (fields.usize(), fields.usize());
            let (gpa, bytes, kind, attributes) = (fields.u64(), fields.u64(), fields.u32(), fields.u32());
            let data = self
                .bytes
                .get(offset..)
                .and_then(|rest| rest.get(..raw_bytes))
                .ok_or(MeasureError::Section { what, index, rule: "contents inside the file" })?;
            sections.push(Section { gpa, bytes, kind, attributes, data });
        }
        checked_sections(what, sections)
    }

    /// The records of the table that an entry of the GUID table points to.
    fn metadata(
        &self,
        what: &'static str,
        guid: [u8; 16],
        signature: [u8; 4],
        record_bytes: usize,
    ) -> Result<&'a [u8], MeasureError> {
        let distance = self.distance(what, guid)?;
        let wrong = MeasureError::Metadata { what, distance };
        let start = self.bytes.len().checked_sub(distance).ok_or(wrong)?;
        let (before, table) = self.bytes.split_at_checked(start).ok_or(wrong)?;
        let (header, rest) = table.split_at_checked(METADATA_HEADER_BYTES).ok_or(wrong)?;
        let mut fields = Fields(header);
        let (found_signature, length, version, count) =
            (fields.array(), fields.usize(), fields.u32(), fields.usize());
        let records_bytes = count.checked_mul(record_bytes).ok_or(wrong)?;
        let is_table = found_signature == signature && version == 1;
        let has_guid = guid != TDX_METADATA || before.ends_with(&TDVF);
        if !is_table || !has_guid || length.checked_sub(METADATA_HEADER_BYTES) != Some(records_bytes) {
            return Err(wrong);
        }
        rest.get(..records_bytes).ok_or(wrong)
    }

    /// The value of the one entry with this GUID.
    fn distance(&self, what: &'static str, guid: [u8; 16]) -> Result<usize, MeasureError> {
        let mut values = self.entries.iter().filter(|(found, _)| *found == guid).map(|(_, data)| *data);
        match (values.next(), values.next()) {
            // VMMs differ in which of two entries they take: there may be only one.
            (Some(data), None) if data.len() == 4 => Ok(Fields(data).usize()),
            _ => Err(MeasureError::Entry { what }),
        }
    }
}

/// Addresses of the pages of a range.
pub(crate) fn page_addresses(gpa: u64, bytes: u64) -> impl Iterator<Item = u64> {
    (gpa..gpa.saturating_add(bytes)).step_by(PAGE_BYTES)
}

/// Walks the GUID table backwards from its footer, as VMMs do.
fn guid_entries(rom: &[u8]) -> Result<Vec<Entry<'_>>, MeasureError> {
    let end = rom.len().saturating_sub(TABLE_END_DISTANCE);
    let upper = rom.get(..end).unwrap_or_default();
    let (before, length, guid) = split_trailer(upper).ok_or(MeasureError::NoGuidTable)?;
    if guid != FOOTER {
        return Err(MeasureError::NoGuidTable);
    }
    let impossible = |offset: usize, found: usize| MeasureError::GuidEntry { offset, found };
    let mut table = last_bytes(before, length).ok_or_else(|| impossible(end, length))?;
    let mut entries = Vec::new();
    while !table.is_empty() {
        let (before, length, guid) =
            split_trailer(table).ok_or_else(|| impossible(table.len(), table.len()))?;
        let data = last_bytes(before, length).ok_or_else(|| impossible(table.len(), length))?;
        entries.push((guid, data));
        table = before.get(..before.len().saturating_sub(data.len())).unwrap_or_default();
    }
    Ok(entries)
}

/// Cuts length and GUID off the end.
fn split_trailer(bytes: &[u8]) -> Option<(&[u8], usize, [u8; 16])> {
    let (rest, guid) = bytes.split_last_chunk::<16>()?;
    let (rest, length) = rest.split_last_chunk::<2>()?;
    Some((rest, u16::from_le_bytes(*length).into(), *guid))
}

/// The last bytes of an entry whose stated `length` includes the trailer that was cut off already.
fn last_bytes(bytes: &[u8], length: usize) -> Option<&[u8]> {
    let start = bytes.len().checked_sub(length.checked_sub(ENTRY_TRAILER_BYTES)?)?;
    bytes.get(start..)
}

/// Whole pages below 4 GiB, not too many of them.
fn checked_sections<'a>(
    what: &'static str,
    sections: Vec<Section<'a>>,
) -> Result<Vec<Section<'a>>, MeasureError> {
    let mut pages: u64 = 0;
    for (index, section) in sections.iter().enumerate() {
        let broken = |rule| MeasureError::Section { what, index, rule };
        let page = PAGE_BYTES as u64;
        if !section.gpa.is_multiple_of(page) || !section.bytes.is_multiple_of(page) || section.bytes == 0 {
            return Err(broken("whole pages"));
        }
        if section.gpa.checked_add(section.bytes).is_none_or(|end| end > ROM_END_GPA) {
            return Err(broken("memory below 4 GiB"));
        }
        pages = pages.saturating_add(section.bytes.div_ceil(page));
    }
    if pages > PAGES_MAX {
        return Err(MeasureError::TooManyPages { what });
    }
    Ok(sections)
}

/// Little-endian fields of a record whose length was checked; beyond its end there are only zeros.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn array<const N: usize>(&mut self) -> [u8; N] {
        let (field, rest) = self.0.split_first_chunk::<N>().unwrap_or((&[0; N], &[]));
        self.0 = rest;
        *field
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }

    /// A u32 used as offset or length; where it does not fit, nothing is that long.
    fn usize(&mut self) -> usize {
        usize::try_from(self.u32()).unwrap_or(usize::MAX)
    }
}
