//! The tables that a VMM reads from the end of a ROM.
//!
//! Source: QEMU `hw/i386/pc_sysfw_ovmf.c`, `include/hw/i386/tdvf.h`; EDK2 `OvmfPkg/ResetVector`.

use alloc::vec::Vec;

use crate::section::{Section, check_sections};
use crate::{MeasureError, PAGE_BYTES, ROM_MAX_BYTES};

/// First address after a ROM.
pub(crate) const ROM_END_GPA: u64 = 1 << 32;
/// Distance from the end of the ROM to the end of its GUID table.
pub(crate) const TABLE_END_DISTANCE: usize = 0x20;
/// Length (u16) and GUID, which end every entry of the GUID table.
pub(crate) const ENTRY_TRAILER_BYTES: usize = 18;
/// Signature, length, version, record count: four u32, in both kinds of metadata.
pub(crate) const METADATA_HEADER_BYTES: usize = 16;
pub(crate) const SEV_RECORD_BYTES: usize = 12;
pub(crate) const TDVF_RECORD_BYTES: usize = 32;

/// `96b582de-1fb2-45f7-baea-a366c55a082d`
pub(crate) const FOOTER: [u8; 16] = 0xde82_b596_b21f_f745_baea_a366_c55a_082d_u128.to_be_bytes();
/// `dc886566-984a-4798-a75e-5585a7bf67cc`
pub(crate) const SEV_METADATA: [u8; 16] = 0x6665_88dc_4a98_9847_a75e_5585_a7bf_67cc_u128.to_be_bytes();
/// `e47a6535-984a-4798-865e-4685a7bf8ec2`
pub(crate) const TDX_METADATA: [u8; 16] = 0x3565_7ae4_4a98_9847_865e_4685_a7bf_8ec2_u128.to_be_bytes();
/// `00f771de-1a7e-4fcb-890e-68c77e2fb44e`
pub(crate) const AP_RESET: [u8; 16] = 0xde71_f700_7e1a_cb4f_890e_68c7_7e2f_b44e_u128.to_be_bytes();
/// `e9eaf9f3-168e-44d5-a8eb-7f4d8738f6ae`, directly before the TDVF descriptor.
pub(crate) const TDVF: [u8; 16] = 0xf3f9_eae9_8e16_d544_a8eb_7f4d_8738_f6ae_u128.to_be_bytes();

/// An entry of the GUID table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) guid: [u8; 16],
    /// Where its data starts in the file; length and GUID follow.
    pub(crate) offset: usize,
    pub(crate) data: &'a [u8],
}

/// A ROM with a GUID table.
#[derive(Debug)]
pub(crate) struct Rom<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) entries: Vec<Entry<'a>>,
}

/// The records of a table, and where its header starts in the file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table<'a> {
    pub(crate) offset: usize,
    pub(crate) records: &'a [u8],
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

    /// Address of the first instruction of processors but the first (`sev_es_parse_reset_block`).
    pub(crate) fn ap_reset(&self) -> Result<u32, MeasureError> {
        match self.word("AP reset address", AP_RESET)? {
            0 => Err(MeasureError::ApReset),
            address => Ok(address),
        }
    }

    pub(crate) fn sev_table(&self) -> Result<Table<'a>, MeasureError> {
        self.metadata(SEV_TABLE, SEV_METADATA, *b"ASEV", SEV_RECORD_BYTES)
    }

    pub(crate) fn tdvf_table(&self) -> Result<Table<'a>, MeasureError> {
        self.metadata(TDVF_TABLE, TDX_METADATA, *b"TDVF", TDVF_RECORD_BYTES)
    }

    /// Records of the SEV metadata, in order; not a list, which would take five times their twelve bytes.
    pub(crate) fn sev_sections(
        &self,
    ) -> Result<impl ExactSizeIterator<Item = Section<'a>> + Clone + use<'a>, MeasureError> {
        let records = self.sev_table()?.records.chunks_exact(SEV_RECORD_BYTES);
        let sections = records.map(|record| Section::of_sev(&mut Fields(record)));
        check_sections(SEV_TABLE, sections.clone())?;
        Ok(sections)
    }

    /// Sections of the TDVF descriptor, in order.
    pub(crate) fn tdvf_sections(&self) -> Result<Vec<Section<'a>>, MeasureError> {
        let mut sections = Vec::new();
        for (index, record) in self.tdvf_table()?.records.chunks_exact(TDVF_RECORD_BYTES).enumerate() {
            let section = Section::of_tdvf(&mut Fields(record), self.bytes).ok_or(MeasureError::Section {
                what: TDVF_TABLE,
                index,
                rule: "contents inside the file",
            })?;
            sections.push(section);
        }
        check_sections(TDVF_TABLE, sections.iter().copied())?;
        Ok(sections)
    }

    /// The records of the table that an entry of the GUID table points to.
    fn metadata(
        &self,
        what: &'static str,
        guid: [u8; 16],
        signature: [u8; 4],
        record_bytes: usize,
    ) -> Result<Table<'a>, MeasureError> {
        // Where it does not fit, nothing is that long.
        let distance = usize::try_from(self.word(what, guid)?).unwrap_or(usize::MAX);
        let wrong = MeasureError::Metadata { what, distance };
        let offset = self.bytes.len().checked_sub(distance).ok_or(wrong)?;
        let (before, table) = self.bytes.split_at_checked(offset).ok_or(wrong)?;
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
        Ok(Table { offset, records: rest.get(..records_bytes).ok_or(wrong)? })
    }

    /// The value of the one entry with this GUID.
    fn word(&self, what: &'static str, guid: [u8; 16]) -> Result<u32, MeasureError> {
        let mut values = self.entries.iter().filter(|entry| entry.guid == guid);
        match (values.next(), values.next()) {
            // VMMs differ in which of two entries they take: there may be only one.
            (Some(entry), None) if entry.data.len() == 4 => Ok(Fields(entry.data).u32()),
            _ => Err(MeasureError::Entry { what }),
        }
    }
}

pub(crate) const SEV_TABLE: &str = "SEV metadata";
pub(crate) const TDVF_TABLE: &str = "TDVF metadata";

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
    let start = before.len().saturating_sub(table.len());
    let mut entries = Vec::new();
    while !table.is_empty() {
        let entry_end = start.saturating_add(table.len());
        let (before, length, guid) =
            split_trailer(table).ok_or_else(|| impossible(entry_end, table.len()))?;
        let data = last_bytes(before, length).ok_or_else(|| impossible(entry_end, length))?;
        table = before.get(..before.len().saturating_sub(data.len())).unwrap_or_default();
        entries.push(Entry { guid, offset: start.saturating_add(table.len()), data });
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

/// Little-endian fields of a record whose length was checked; beyond its end there are only zeros.
pub(crate) struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn array<const N: usize>(&mut self) -> [u8; N] {
        let (field, rest) = self.0.split_first_chunk::<N>().unwrap_or((&[0; N], &[]));
        self.0 = rest;
        *field
    }

    pub(crate) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    pub(crate) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }

    /// A u32 used as offset or length; where it does not fit, nothing is that long.
    pub(crate) fn usize(&mut self) -> usize {
        usize::try_from(self.u32()).unwrap_or(usize::MAX)
    }
}
