//! A page that enters a measurement.

use alloc::borrow::Cow;
use core::fmt;

use crate::PAGE_BYTES;
use crate::section::{SevSectionKind, TdvfSectionKind};
use crate::vmsa::Vmsa;

/// One operation on one page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeasuredPage<'a> {
    /// What the VMM asks the platform to do.
    pub operation: Operation,
    /// Why there is such a page.
    pub source: Source,
    /// Guest physical address that is measured with it.
    pub gpa: u64,
    /// What is measured of its contents by this operation.
    pub contents: Contents<'a>,
}

/// What a VMM asks the platform to do with a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// `SNP_LAUNCH_UPDATE` (AMD 56860 §8.17).
    SnpLaunchUpdate(PageType),
    /// `TDH.MEM.PAGE.ADD`: measures the address.
    TdhMemPageAdd,
    /// `TDH.MR.EXTEND` over all sixteen chunks of 256 bytes of the page.
    TdhMrExtend,
}

impl Operation {
    pub(crate) const fn covers_contents(self) -> bool {
        match self {
            Self::SnpLaunchUpdate(page_type) => matches!(page_type, PageType::Normal | PageType::Vmsa),
            Self::TdhMemPageAdd => false,
            Self::TdhMrExtend => true,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SnpLaunchUpdate(page_type) => write!(f, "{page_type}"),
            Self::TdhMemPageAdd => f.write_str("MEM.PAGE.ADD"),
            Self::TdhMrExtend => f.write_str("MR.EXTEND"),
        }
    }
}

/// `PAGE_TYPE` of `PAGE_INFO` (AMD 56860 §8.17.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum PageType {
    /// Contents from the VMM, measured.
    Normal = 1,
    /// Register state of a processor, measured.
    Vmsa = 2,
    /// Filled with zeros by the platform.
    Zero = 3,
    /// Contents from the VMM, not measured.
    Unmeasured = 4,
    /// Filled with keys by the platform.
    Secrets = 5,
    /// CPUID values, checked by the platform.
    Cpuid = 6,
}

impl fmt::Display for PageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Normal => "NORMAL",
            Self::Vmsa => "VMSA",
            Self::Zero => "ZERO",
            Self::Unmeasured => "UNMEASURED",
            Self::Secrets => "SECRETS",
            Self::Cpuid => "CPUID",
        })
    }
}

/// Why a page is launched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// It is a page of the ROM.
    Rom,
    /// A record of the SEV metadata asks for it.
    SevSection {
        /// Record, from 0.
        index: usize,
        /// Its type.
        kind: SevSectionKind,
    },
    /// A record of the TDVF metadata asks for it.
    TdvfSection {
        /// Record, from 0.
        index: usize,
        /// Its type.
        kind: TdvfSectionKind,
    },
    /// Each processor has one.
    Vmsa {
        /// Processor, from 0.
        vcpu: u16,
    },
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rom => f.write_str("ROM"),
            Self::SevSection { index, kind } => write!(f, "SEV section {index}: {kind}"),
            Self::TdvfSection { index, kind } => write!(f, "TDVF section {index}: {kind}"),
            Self::Vmsa { vcpu } => write!(f, "vCPU {vcpu}"),
        }
    }
}

/// What is measured of a page's contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contents<'a> {
    /// Nothing: the address only.
    Unmeasured,
    /// A page of the file.
    File {
        /// Where it starts in the file.
        offset: usize,
        /// The page.
        bytes: &'a [u8; PAGE_BYTES],
    },
    /// Register state.
    Vmsa(Vmsa),
}

impl<'a> Contents<'a> {
    /// The page, where it is measured.
    #[must_use]
    pub fn bytes(self) -> Option<Cow<'a, [u8; PAGE_BYTES]>> {
        match self {
            Self::Unmeasured => None,
            Self::File { bytes, .. } => Some(Cow::Borrowed(bytes)),
            Self::Vmsa(vmsa) => Some(Cow::Owned(vmsa.page())),
        }
    }
}
