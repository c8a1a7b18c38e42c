//! What lies where in a ROM, as far as its own tables tell.

use core::fmt;
use core::ops::Range;

use crate::MeasureError;
use crate::rom::{
    AP_RESET, ENTRY_TRAILER_BYTES, Entry, FOOTER, METADATA_HEADER_BYTES, Rom, SEV_METADATA, SEV_RECORD_BYTES,
    TABLE_END_DISTANCE, TDVF_RECORD_BYTES, TDX_METADATA, Table,
};

/// Where the tables of a ROM are.
#[derive(Debug)]
pub struct RomMap<'a> {
    rom: Rom<'a>,
    sev: Option<Table<'a>>,
    tdvf: Option<Table<'a>>,
}

/// A part of a ROM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The first instruction: the last sixteen bytes.
    ResetVector,
    /// Sixteen bytes before the reset vector, which belong to nobody.
    BeforeResetVector,
    /// Length and GUID that end the GUID table.
    GuidFooter,
    /// An entry of the GUID table.
    GuidEntry {
        /// In the order of the file's bytes.
        guid: [u8; 16],
    },
    /// Signature, length, version or count of the SEV metadata.
    SevHeader,
    /// A record of the SEV metadata.
    SevRecord {
        /// From 0.
        index: usize,
        /// Which field.
        field: &'static str,
    },
    /// GUID, signature, length, version or count of the TDVF metadata.
    TdvfHeader,
    /// A record of the TDVF metadata.
    TdvfRecord {
        /// From 0.
        index: usize,
        /// Which field.
        field: &'static str,
    },
    /// No table: code, data or filler.
    Other,
}

impl<'a> RomMap<'a> {
    /// Finds the tables. Metadata that is missing or broken is left out.
    ///
    /// # Errors
    /// Not a ROM with a GUID table.
    pub fn parse(rom: &'a [u8]) -> Result<Self, MeasureError> {
        let rom = Rom::parse(rom)?;
        let (sev, tdvf) = (rom.sev_table().ok(), rom.tdvf_table().ok());
        Ok(Self { rom, sev, tdvf })
    }

    /// What lies at this offset in the file.
    #[must_use]
    pub fn at(&self, offset: usize) -> Place {
        let from_end = self.rom.bytes.len().saturating_sub(offset);
        let footer_end = TABLE_END_DISTANCE.saturating_add(ENTRY_TRAILER_BYTES);
        if from_end <= RESET_VECTOR_BYTES {
            Place::ResetVector
        } else if from_end <= TABLE_END_DISTANCE {
            Place::BeforeResetVector
        } else if from_end <= footer_end {
            Place::GuidFooter
        } else {
            let entry = self.rom.entries.iter().find(|entry| entry_range(entry).contains(&offset));
            let entry = entry.map(|entry| Place::GuidEntry { guid: entry.guid });
            entry.or_else(|| self.sev_at(offset)).or_else(|| self.tdvf_at(offset)).unwrap_or(Place::Other)
        }
    }

    fn sev_at(&self, offset: usize) -> Option<Place> {
        let inside = offset.checked_sub(self.sev?.offset)?;
        match record_at(&self.sev?, inside, SEV_RECORD_BYTES, &SEV_FIELDS)? {
            None => Some(Place::SevHeader),
            Some((index, field)) => Some(Place::SevRecord { index, field }),
        }
    }

    fn tdvf_at(&self, offset: usize) -> Option<Place> {
        let table = self.tdvf?;
        // The descriptor's GUID lies before it.
        let Some(inside) = offset.checked_sub(table.offset) else {
            return (offset.saturating_add(16) >= table.offset).then_some(Place::TdvfHeader);
        };
        match record_at(&table, inside, TDVF_RECORD_BYTES, &TDVF_FIELDS)? {
            None => Some(Place::TdvfHeader),
            Some((index, field)) => Some(Place::TdvfRecord { index, field }),
        }
    }
}

const RESET_VECTOR_BYTES: usize = 16;

/// First byte in a record, and what the field is.
type FieldNames = [(usize, &'static str)];

const SEV_FIELDS: [(usize, &str); 3] = [(0, "address"), (4, "length"), (8, "type")];
const TDVF_FIELDS: [(usize, &str); 6] = [
    (0, "offset in the file"),
    (4, "length in the file"),
    (8, "address"),
    (16, "length in memory"),
    (24, "type"),
    (28, "attributes"),
];

/// `None`: not in the table. `Some(None)`: in its header.
fn record_at(
    table: &Table<'_>,
    inside: usize,
    record_bytes: usize,
    fields: &FieldNames,
) -> Option<Option<(usize, &'static str)>> {
    let Some(inside) = inside.checked_sub(METADATA_HEADER_BYTES) else { return Some(None) };
    if inside >= table.records.len() {
        return None;
    }
    let (index, place) = (inside.checked_div(record_bytes)?, inside.checked_rem(record_bytes)?);
    let (_, field) = fields.iter().rfind(|(start, _)| *start <= place)?;
    Some(Some((index, field)))
}

fn entry_range(entry: &Entry<'_>) -> Range<usize> {
    let bytes = entry.data.len().saturating_add(ENTRY_TRAILER_BYTES);
    entry.offset..entry.offset.saturating_add(bytes)
}

/// GUIDs of entries that we do not read. Source: EDK2 `OvmfPkg/ResetVector/Ia16/ResetVectorVtf0.nasm.inc`.
const OTHER_ENTRIES: [([u8; 16], &str); 2] = [
    // 7255371f-3a3b-4b04-927b-1da6efa8d454
    (0x1f37_5572_3b3a_044b_927b_1da6_efa8_d454_u128.to_be_bytes(), "kernel hashes"),
    // 4c2eb361-7d9b-4cc3-8081-127c90d3d294
    (0x61b3_2e4c_9b7d_c34c_8081_127c_90d3_d294_u128.to_be_bytes(), "launch secret"),
];

const OWN_ENTRIES: [([u8; 16], &str); 4] = [
    (SEV_METADATA, "SEV metadata"),
    (TDX_METADATA, "TDVF metadata"),
    (AP_RESET, "AP reset address"),
    (FOOTER, "footer"),
];

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ResetVector => f.write_str("reset vector"),
            Self::BeforeResetVector => f.write_str("unused bytes before the reset vector"),
            Self::GuidFooter => f.write_str("GUID table, footer"),
            Self::GuidEntry { guid } => {
                match OWN_ENTRIES.iter().chain(&OTHER_ENTRIES).find(|(known, _)| known == guid) {
                    Some((_, name)) => write!(f, "GUID table, entry for {name}"),
                    None => write_guid(f, guid),
                }
            }
            Self::SevHeader => f.write_str("SEV metadata, header"),
            Self::SevRecord { index, field } => write!(f, "SEV metadata, record {index}, {field}"),
            Self::TdvfHeader => f.write_str("TDVF metadata, header"),
            Self::TdvfRecord { index, field } => write!(f, "TDVF metadata, record {index}, {field}"),
            Self::Other => f.write_str("code, data or filler"),
        }
    }
}

/// The first three fields are little-endian.
fn write_guid(f: &mut fmt::Formatter<'_>, guid: &[u8; 16]) -> fmt::Result {
    let [a, b, c, d, e, g, h, i, rest @ ..] = guid;
    let [j, k, node @ ..] = rest;
    let first = u32::from_le_bytes([*a, *b, *c, *d]);
    let (second, third) = (u16::from_le_bytes([*e, *g]), u16::from_le_bytes([*h, *i]));
    write!(f, "GUID table, entry {first:08x}-{second:04x}-{third:04x}-{j:02x}{k:02x}-")?;
    node.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}
