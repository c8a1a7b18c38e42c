//! What TDX measures of the initial contents of a guest (MRTD).
//!
//! Source: QEMU `target/i386/kvm/tdx.c`, `hw/i386/tdvf.c`.

use alloc::vec::Vec;
use core::fmt;

use crate::launch::{Launch, Operations, Run, RunContents};
use crate::page::{Operation, Source};
use crate::rom::{Rom, TDVF_TABLE};
use crate::section::{Section, TdvfSectionKind};
use crate::{MEASUREMENT_BYTES, MeasureError};

/// MRTD of a guest that starts from this ROM under QEMU 10.1 or later; [`Launch::tdx`] has the other order too.
///
/// # Errors
/// The ROM is not one that QEMU would launch; see [`MeasureError`].
pub fn tdx_mrtd(rom: &[u8]) -> Result<[u8; MEASUREMENT_BYTES], MeasureError> {
    Launch::tdx(rom, PageOrder::Interleaved).map(|launch| launch.measurement())
}

/// In which order a VMM adds and measures the pages of a section. The TDX module takes any, and MRTD tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageOrder {
    /// Each page is measured when it is added. Linux `KVM_TDX_INIT_MEM_REGION`, so QEMU 10.1 or later.
    Interleaved,
    /// All pages of a section are added, then all are measured. Google's VMM (project-oak/oak `tdx_measurement`) and
    /// QEMU forks from before TDX was upstream.
    TwoPass,
}

impl fmt::Display for PageOrder {
    /// One word for names of reference values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interleaved => "tdx:interleaved",
            Self::TwoPass => "tdx:two-pass",
        })
    }
}

const ATTRIBUTE_EXTEND_MR: u32 = 1;

/// The sections in table order.
pub(crate) fn runs<'a>(rom: &Rom<'a>, order: PageOrder) -> Result<Vec<Run<'a>>, MeasureError> {
    let sections = rom.tdvf_sections()?;
    let broken = |index: usize, rule| MeasureError::Section { what: TDVF_TABLE, index, rule };
    for (index, section) in sections.iter().enumerate() {
        check_section(section).map_err(|rule| broken(index, rule))?;
    }
    if sections.iter().filter(|section| section.kind == TdvfSectionKind::TD_HOB.0).count() != 1 {
        return Err(broken(sections.len(), "one TD hand-off block in all"));
    }
    let mut runs = Vec::with_capacity(sections.len().saturating_mul(2));
    for (index, section) in sections.iter().enumerate() {
        let is_measured = section.attributes == ATTRIBUTE_EXTEND_MR;
        let (add, extend) = (Operation::TdhMemPageAdd, Operation::TdhMrExtend);
        match order {
            _ if !is_measured => runs.push(section_run(index, section, Operations::One(add))),
            PageOrder::Interleaved => runs.push(section_run(index, section, Operations::Two(add, extend))),
            PageOrder::TwoPass => {
                runs.push(section_run(index, section, Operations::One(add)));
                runs.push(section_run(index, section, Operations::One(extend)));
            }
        }
    }
    Ok(runs)
}

fn section_run<'a>(index: usize, section: &Section<'a>, operations: Operations) -> Run<'a> {
    Run {
        operations,
        source: Source::TdvfSection { index, kind: TdvfSectionKind(section.kind) },
        gpa: section.gpa,
        bytes: section.bytes,
        contents: RunContents::File(section.file_offset, section.data),
    }
}

/// QEMU's rules (`tdvf_parse_section_entry`), and one more: where a section is longer in memory than in the file, VMMs
/// disagree about the rest.
fn check_section(section: &Section<'_>) -> Result<(), &'static str> {
    let has_contents = match TdvfSectionKind(section.kind) {
        TdvfSectionKind::FIRMWARE | TdvfSectionKind::VARIABLES => true,
        TdvfSectionKind::TD_HOB | TdvfSectionKind::TEMPORARY_MEMORY => false,
        _ => return Err("type 0 (firmware), 1 (variables), 2 (TD HOB) or 3 (temporary memory)"),
    };
    if has_contents && section.data.len() as u64 != section.bytes {
        return Err("as many bytes in the file as in memory");
    }
    if !has_contents && !section.data.is_empty() {
        return Err("no contents for memory");
    }
    match section.attributes {
        ATTRIBUTE_EXTEND_MR if section.data.is_empty() => Err("measured contents to be in the file"),
        0 | ATTRIBUTE_EXTEND_MR => Ok(()),
        _ => Err("no attribute but EXTENDMR"),
    }
}
