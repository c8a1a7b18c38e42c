//! What SNP and TDX hosts must add at launch, in the formats that upstream QEMU reads.
//!
//! Sources: edk2 `OvmfPkg/ResetVector/X64/OvmfSevMetadata.asm`; "TDX Virtual Firmware Design Guide", section "TDVF
//! descriptor". The order of a table is the order of measurement.

use alloc::vec::Vec;
use core::fmt;

use enclave_wire::layout::{
    BOOT_DATA_BYTES, BOOT_DATA_GPA, BOOT_RAM_BYTES, BOOT_RAM_GPA, CPUID_PAGE_GPA, PAGE_BYTES, ROM_BYTES,
    ROM_GPA, SECRETS_PAGE_GPA, TD_HOB_BYTES, TD_HOB_GPA,
};

use crate::guid::Guid;

/// First four bytes of SEV metadata.
pub(crate) const SEV_SIGNATURE: [u8; 4] = *b"ASEV";
/// First four bytes of a TDVF descriptor.
pub(crate) const TDVF_SIGNATURE: [u8; 4] = *b"TDVF";
/// The only version of both.
pub(crate) const METADATA_VERSION: u32 = 1;
/// Bytes of both headers: signature, length, version, number of sections.
pub(crate) const HEADER_BYTES: usize = 16;
/// Bytes of an SEV section record.
pub(crate) const SEV_RECORD_BYTES: usize = 12;
/// Bytes of a TDVF section record.
pub(crate) const TDVF_RECORD_BYTES: usize = 32;
/// TDVF attribute: the contents are measured, not only the address.
pub(crate) const EXTEND_MR: u32 = 1;

/// What an SNP host does with a range. Values from a file are open: unknown ones survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SevKind(pub u32);

impl SevKind {
    /// RAM that is validated before the first instruction; its contents are the host's choice.
    pub const MEMORY: Self = Self(1);
    /// The secrets page: VM platform communication keys.
    pub const SECRETS: Self = Self(2);
    /// The CPUID page, filtered by the PSP.
    pub const CPUID: Self = Self(3);
}

impl fmt::Display for SevKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::MEMORY => f.write_str("memory"),
            Self::SECRETS => f.write_str("secrets"),
            Self::CPUID => f.write_str("cpuid"),
            Self(other) => write!(f, "type {other:#x}"),
        }
    }
}

/// One record of the SEV metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SevSection {
    /// First address.
    pub gpa: u32,
    /// Size.
    pub bytes: u32,
    /// What it is.
    pub kind: SevKind,
}

/// What a TDX host does with a range. Values from a file are open: unknown ones survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TdvfKind(pub u32);

impl TdvfKind {
    /// Boot firmware volume: code in the file.
    pub const FIRMWARE: Self = Self(0);
    /// Where the host writes the TD hand-off block.
    pub const TD_HOB: Self = Self(2);
    /// RAM that is accepted before the first instruction; its contents are the host's choice.
    pub const TEMP_MEMORY: Self = Self(3);
}

impl fmt::Display for TdvfKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::FIRMWARE => f.write_str("firmware"),
            Self::TD_HOB => f.write_str("td-hob"),
            Self::TEMP_MEMORY => f.write_str("temp-memory"),
            Self(other) => write!(f, "type {other:#x}"),
        }
    }
}

/// One record of the TDVF descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TdvfSection {
    /// Where the contents lie in the file.
    pub data_offset: u32,
    /// Bytes in the file; 0 when the range has no contents there.
    pub raw_bytes: u32,
    /// First address.
    pub gpa: u64,
    /// Size in memory.
    pub bytes: u64,
    /// What it is.
    pub kind: TdvfKind,
    /// Bit 0: contents are measured.
    pub attributes: u32,
}

/// Every page of boot RAM once, ascending. Nothing else of an SNP guest is usable before the guest validates it.
pub(crate) const SEV_SECTIONS: [SevSection; 3] = [
    SevSection { gpa: narrow(SECRETS_PAGE_GPA), bytes: narrow(PAGE_BYTES), kind: SevKind::SECRETS },
    SevSection { gpa: narrow(CPUID_PAGE_GPA), bytes: narrow(PAGE_BYTES), kind: SevKind::CPUID },
    SevSection {
        gpa: narrow(TD_HOB_GPA),
        bytes: narrow(TD_HOB_BYTES + BOOT_DATA_BYTES),
        kind: SevKind::MEMORY,
    },
];

/// The ROM, measured, and every page of boot RAM once. All RAM lies above 1 MiB: QEMU refuses a section that crosses a
/// hole of its memory map.
pub(crate) const TDVF_SECTIONS: [TdvfSection; 4] = [
    TdvfSection {
        data_offset: 0,
        raw_bytes: narrow(ROM_BYTES),
        gpa: ROM_GPA,
        bytes: ROM_BYTES,
        kind: TdvfKind::FIRMWARE,
        attributes: EXTEND_MR,
    },
    ram(SECRETS_PAGE_GPA, 2 * PAGE_BYTES, TdvfKind::TEMP_MEMORY),
    ram(TD_HOB_GPA, TD_HOB_BYTES, TdvfKind::TD_HOB),
    ram(BOOT_DATA_GPA, BOOT_DATA_BYTES, TdvfKind::TEMP_MEMORY),
];

/// Bytes of the encoded SEV metadata.
pub(crate) const SEV_METADATA_BYTES: usize = HEADER_BYTES + SEV_RECORD_BYTES * SEV_SECTIONS.len();
/// Bytes of the encoded TDVF metadata, GUID included.
pub(crate) const TDVF_METADATA_BYTES: usize = 16 + HEADER_BYTES + TDVF_RECORD_BYTES * TDVF_SECTIONS.len();

const _: () = assert!(BOOT_RAM_GPA >= 0x10_0000, "below 1 MiB the memory map of a PC has holes");
const _: () = assert!(
    CPUID_PAGE_GPA == SECRETS_PAGE_GPA + PAGE_BYTES
        && TD_HOB_GPA == CPUID_PAGE_GPA + PAGE_BYTES
        && BOOT_DATA_GPA == TD_HOB_GPA + TD_HOB_BYTES
        && SECRETS_PAGE_GPA == BOOT_RAM_GPA
        && BOOT_DATA_GPA + BOOT_DATA_BYTES == BOOT_RAM_GPA + BOOT_RAM_BYTES,
    "the sections must cover boot RAM without gap or overlap"
);

/// SEV metadata as it lies in the ROM.
pub(crate) fn sev_metadata() -> Vec<u8> {
    let mut bytes = header(SEV_SIGNATURE, SEV_METADATA_BYTES, SEV_SECTIONS.len());
    for section in SEV_SECTIONS {
        for word in [section.gpa, section.bytes, section.kind.0] {
            bytes.extend(word.to_le_bytes());
        }
    }
    bytes
}

/// TDVF metadata as it lies in the ROM: GUID, descriptor, sections.
pub(crate) fn tdvf_metadata() -> Vec<u8> {
    let mut bytes = Guid::TDVF.as_bytes().to_vec();
    bytes.extend(header(TDVF_SIGNATURE, TDVF_METADATA_BYTES - 16, TDVF_SECTIONS.len()));
    for section in TDVF_SECTIONS {
        bytes.extend(section.data_offset.to_le_bytes());
        bytes.extend(section.raw_bytes.to_le_bytes());
        bytes.extend(section.gpa.to_le_bytes());
        bytes.extend(section.bytes.to_le_bytes());
        bytes.extend(section.kind.0.to_le_bytes());
        bytes.extend(section.attributes.to_le_bytes());
    }
    bytes
}

/// Both formats have the same header; lengths are constants of this file and small.
fn header(signature: [u8; 4], length: usize, sections: usize) -> Vec<u8> {
    let mut bytes = signature.to_vec();
    for word in [length as u64, u64::from(METADATA_VERSION), sections as u64] {
        bytes.extend(narrow(word).to_le_bytes());
    }
    bytes
}

const fn ram(gpa: u64, bytes: u64, kind: TdvfKind) -> TdvfSection {
    TdvfSection { data_offset: 0, raw_bytes: 0, gpa, bytes, kind, attributes: 0 }
}

/// For numbers of the memory map, which ends at 4 GiB.
#[expect(
    clippy::cast_possible_truncation,
    reason = "asserted to fit; every caller passes constants of the layout"
)]
const fn narrow(value: u64) -> u32 {
    assert!(value <= u32::MAX as u64, "the layout lies below 4 GiB");
    value as u32
}
