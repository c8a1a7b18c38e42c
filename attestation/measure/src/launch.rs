//! What a launch measures, page by page.
//!
//! The order of pages is made in one place, `Run`s of pages that are treated alike; measurement, transcript and
//! comparison all walk the same pages.

use alloc::vec::Vec;

use crate::chain::{Chain, sha384};
use crate::page::{Contents, MeasuredPage, Operation, Source};
use crate::rom::Rom;
use crate::snp::{self, SnpProfile};
use crate::tdx::{self, PageOrder};
use crate::{MEASUREMENT_BYTES, MeasureError, PAGE_BYTES};

/// A launch from a ROM: the pages that enter its measurement, in order.
#[derive(Debug, Clone)]
pub struct Launch<'a> {
    start: Chain,
    runs: Vec<Run<'a>>,
}

impl<'a> Launch<'a> {
    /// SEV-SNP: the pages of the ROM in ascending order, the sections of its SEV metadata, one VMSA per processor.
    ///
    /// # Errors
    /// The ROM is not one that the VMM would launch; see [`MeasureError`].
    pub fn snp(rom: &'a [u8], profile: SnpProfile) -> Result<Self, MeasureError> {
        Ok(Self { start: Chain::SNP, runs: snp::runs(&Rom::parse(rom)?, profile)? })
    }

    /// TDX: the sections of the TDVF metadata in table order.
    ///
    /// # Errors
    /// The ROM is not one that the VMM would launch; see [`MeasureError`].
    pub fn tdx(rom: &'a [u8], order: PageOrder) -> Result<Self, MeasureError> {
        Ok(Self { start: Chain::tdx(), runs: tdx::runs(&Rom::parse(rom)?, order)? })
    }

    /// Pages in the order in which they are measured. Nothing is hashed.
    pub fn pages(&self) -> impl Iterator<Item = MeasuredPage<'a>> {
        self.runs.iter().flat_map(Run::pages)
    }

    /// The same pages with digests. Hashes the contents of a page twice; where only the last value is wanted,
    /// [`Self::measurement`] is faster.
    pub fn transcript(&self) -> impl Iterator<Item = TranscriptLine<'a>> {
        let mut chain = self.start.clone();
        self.pages().map(move |page| {
            chain.extend(&page);
            let contents_sha384 = page.contents.bytes().map(|bytes| sha384(&*bytes));
            TranscriptLine { page, contents_sha384, running: chain.value() }
        })
    }

    /// SNP launch digest or MRTD.
    #[must_use]
    pub fn measurement(&self) -> [u8; MEASUREMENT_BYTES] {
        let mut chain = self.start.clone();
        self.pages().for_each(|page| chain.extend(&page));
        chain.value()
    }
}

/// A page and what the measurement is after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TranscriptLine<'a> {
    /// The page.
    pub page: MeasuredPage<'a>,
    /// SHA-384 of its contents, where they are measured. `PAGE_INFO` holds it on SNP; on TDX it is for people only.
    pub contents_sha384: Option<[u8; MEASUREMENT_BYTES]>,
    /// SNP: the launch digest so far. TDX: what MRTD would be if the launch ended here.
    pub running: [u8; MEASUREMENT_BYTES],
}

/// Pages in a row that are treated alike.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run<'a> {
    pub(crate) operations: Operations,
    pub(crate) source: Source,
    pub(crate) gpa: u64,
    pub(crate) bytes: u64,
    pub(crate) contents: RunContents<'a>,
}

/// What is done with each page of a run before the next one's turn.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Operations {
    One(Operation),
    /// On the same page.
    Two(Operation, Operation),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum RunContents<'a> {
    Unmeasured,
    /// A part of the file, from this offset on.
    File(usize, &'a [u8]),
    Vmsa(crate::vmsa::Vmsa),
}

impl<'a> Run<'a> {
    fn pages(&self) -> impl Iterator<Item = MeasuredPage<'a>> + use<'a> {
        let Self { operations, source, gpa, bytes, contents } = *self;
        let (first, second) = match operations {
            Operations::One(operation) => (operation, None),
            Operations::Two(first, second) => (first, Some(second)),
        };
        (0..bytes).step_by(PAGE_BYTES).flat_map(move |offset| {
            let page = move |operation: Operation| MeasuredPage {
                operation,
                source,
                gpa: gpa.saturating_add(offset),
                contents: if operation.covers_contents() {
                    contents.page(offset)
                } else {
                    Contents::Unmeasured
                },
            };
            core::iter::once(page(first)).chain(second.map(page))
        })
    }
}

impl<'a> RunContents<'a> {
    /// The page that starts `offset` bytes after the run's first.
    fn page(self, offset: u64) -> Contents<'a> {
        match self {
            Self::Unmeasured => Contents::Unmeasured,
            Self::Vmsa(vmsa) => Contents::Vmsa(vmsa),
            Self::File(start, data) => {
                // A run of the file is as long as its contents, so the page is there.
                let offset = usize::try_from(offset).unwrap_or(usize::MAX);
                let page = data.get(offset..).and_then(|rest| rest.first_chunk::<PAGE_BYTES>());
                page.map_or(Contents::Unmeasured, |bytes| Contents::File {
                    offset: start.saturating_add(offset),
                    bytes,
                })
            }
        }
    }
}
