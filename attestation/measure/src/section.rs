//! Memory that the tables of a ROM ask a VMM to add at launch.

use core::fmt;

use crate::rom::{Fields, ROM_END_GPA};
use crate::{MeasureError, PAGE_BYTES, PAGES_MAX};

/// A record of the SEV or the TDVF metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Section<'a> {
    pub(crate) gpa: u64,
    pub(crate) bytes: u64,
    pub(crate) kind: u32,
    /// TDVF only; bit 0: contents are measured.
    pub(crate) attributes: u32,
    /// TDVF only: contents in the file, and where they start there.
    pub(crate) data: &'a [u8],
    pub(crate) file_offset: usize,
}

impl<'a> Section<'a> {
    pub(crate) fn of_sev(fields: &mut Fields<'_>) -> Self {
        let (gpa, bytes, kind) = (fields.u32(), fields.u32(), fields.u32());
        Self { gpa: gpa.into(), bytes: bytes.into(), kind, attributes: 0, data: &[], file_offset: 0 }
    }

    /// `None`: its contents are not inside the file.
    pub(crate) fn of_tdvf(fields: &mut Fields<'_>, file: &'a [u8]) -> Option<Self> {
        let (file_offset, raw_bytes) = (fields.usize(), fields.usize());
        let (gpa, bytes, kind, attributes) = (fields.u64(), fields.u64(), fields.u32(), fields.u32());
        let data = file.get(file_offset..)?.get(..raw_bytes)?;
        Some(Self { gpa, bytes, kind, attributes, data, file_offset })
    }
}

/// Type of a record of the SEV metadata. Source: EDK2 `OvmfPkg/ResetVector/X64/OvmfSevMetadata.asm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SevSectionKind(pub u32);

impl SevSectionKind {
    /// Memory that is usable before the guest can validate any.
    pub const MEMORY: Self = Self(1);
    /// The secrets page.
    pub const SECRETS: Self = Self(2);
    /// The CPUID page.
    pub const CPUID: Self = Self(3);
    /// Calling area of an SVSM.
    pub const SVSM_CALLING_AREA: Self = Self(4);
    /// Hashes of kernel, initial RAM disk and command line.
    pub const KERNEL_HASHES: Self = Self(0x10);
}

impl fmt::Display for SevSectionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::MEMORY => f.write_str("memory"),
            Self::SECRETS => f.write_str("secrets"),
            Self::CPUID => f.write_str("CPUID"),
            Self::SVSM_CALLING_AREA => f.write_str("SVSM calling area"),
            Self::KERNEL_HASHES => f.write_str("kernel hashes"),
            Self(other) => write!(f, "type {other:#x}"),
        }
    }
}

/// Type of a TDVF section. Source: Intel TDVF design guide §11, table 11-1; QEMU `include/hw/i386/tdvf.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TdvfSectionKind(pub u32);

impl TdvfSectionKind {
    /// Boot firmware volume.
    pub const FIRMWARE: Self = Self(0);
    /// Configuration firmware volume.
    pub const VARIABLES: Self = Self(1);
    /// Hand-off block list.
    pub const TD_HOB: Self = Self(2);
    /// Temporary memory.
    pub const TEMPORARY_MEMORY: Self = Self(3);
}

impl fmt::Display for TdvfSectionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::FIRMWARE => f.write_str("firmware"),
            Self::VARIABLES => f.write_str("variables"),
            Self::TD_HOB => f.write_str("TD HOB"),
            Self::TEMPORARY_MEMORY => f.write_str("temporary memory"),
            Self(other) => write!(f, "type {other:#x}"),
        }
    }
}

/// Whole pages below 4 GiB, not too many of them.
pub(crate) fn check_sections<'a>(
    what: &'static str,
    sections: impl Iterator<Item = Section<'a>>,
) -> Result<(), MeasureError> {
    let mut pages: u64 = 0;
    for (index, section) in sections.enumerate() {
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
    Ok(())
}
