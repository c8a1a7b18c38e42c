//! What a ROM measures to, and page by page why.

use attestation_manifest::HexDigest;
use attestation_measure::{Contents, Launch, MeasuredPage, TranscriptLine};
use serde::Serialize;

use super::{LaunchWay, RomError, launch};
use crate::check::FileDigest;

/// Measurements of one ROM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MeasureReport {
    /// The file.
    pub rom: RomFile,
    /// One per way to launch it.
    pub measurements: Vec<Measured>,
}

/// A ROM by name and content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RomFile {
    /// As it was named.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of it.
    pub sha256: HexDigest<32>,
}

/// A measurement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Measured {
    /// `snp` or `tdx`.
    pub tee: &'static str,
    /// The way of the launch in one word.
    pub launch: String,
    /// What the platform reports.
    pub digest: HexDigest<48>,
    /// What was measured.
    pub pages: PageCounts,
    /// Every page, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transcript: Option<Vec<Line>>,
    #[serde(skip)]
    pub(crate) way: LaunchWay,
}

/// Operations on pages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PageCounts {
    /// Those that measure contents from the file.
    pub contents: usize,
    /// Those that measure an address only.
    pub addresses: usize,
    /// Those that measure register states.
    pub vmsas: usize,
}

/// One operation on one page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Its number, from 0.
    pub index: usize,
    /// What the VMM asks the platform to do.
    pub operation: String,
    /// Guest physical address.
    pub gpa: String,
    /// Why there is such a page.
    pub source: String,
    /// Where its contents start in the file, where they are measured.
    pub file_offset: Option<String>,
    /// SHA-384 of its contents, where they are measured.
    pub contents_sha384: Option<HexDigest<48>>,
    /// The measurement so far.
    pub running: HexDigest<48>,
}

/// Whether every page is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Measurements only.
    Summary,
    /// Every page.
    Transcript,
}

/// Measures a ROM in every way of a plan.
///
/// # Errors
/// The first way in which it cannot be launched.
pub fn measure(
    file: &str,
    rom: &[u8],
    ways: &[LaunchWay],
    detail: Detail,
) -> Result<MeasureReport, RomError> {
    let measured = |way: &LaunchWay| Ok(Measured::of(*way, &launch(file, rom, *way)?, detail));
    let measurements = ways.iter().map(measured).collect::<Result<_, RomError>>()?;
    Ok(MeasureReport { rom: RomFile::of(file, rom), measurements })
}

impl RomFile {
    pub(super) fn of(file: &str, rom: &[u8]) -> Self {
        let FileDigest { sha256, bytes } = FileDigest::of(rom);
        Self { file: file.to_owned(), bytes, sha256: HexDigest(sha256) }
    }
}

impl Measured {
    fn of(way: LaunchWay, launch: &Launch<'_>, detail: Detail) -> Self {
        let transcript = match detail {
            Detail::Summary => None,
            Detail::Transcript => Some(launch.transcript().enumerate().map(Line::of).collect::<Vec<_>>()),
        };
        let last = transcript.as_ref().and_then(|lines| lines.last());
        Self {
            tee: way.tee(),
            launch: way.word(),
            digest: last.map_or_else(|| HexDigest(launch.measurement()), |line| line.running),
            pages: PageCounts::of(launch.pages()),
            transcript,
            way,
        }
    }
}

impl PageCounts {
    fn of<'a>(pages: impl Iterator<Item = MeasuredPage<'a>>) -> Self {
        pages.fold(Self::default(), |mut counts, page| {
            let count = match page.contents {
                Contents::File { .. } => &mut counts.contents,
                Contents::Unmeasured => &mut counts.addresses,
                Contents::Vmsa(_) => &mut counts.vmsas,
            };
            *count = count.saturating_add(1);
            counts
        })
    }
}

impl Line {
    fn of((index, line): (usize, TranscriptLine<'_>)) -> Self {
        let TranscriptLine { page, contents_sha384, running } = line;
        Self {
            index,
            operation: page.operation.to_string(),
            gpa: format!("{:#x}", page.gpa),
            source: page.source.to_string(),
            file_offset: file_offset(&page).map(|offset| format!("{offset:#x}")),
            contents_sha384: contents_sha384.map(HexDigest),
            running: HexDigest(running),
        }
    }
}

/// Where a page's contents start in the file.
pub(super) const fn file_offset(page: &MeasuredPage<'_>) -> Option<usize> {
    match page.contents {
        Contents::File { offset, .. } => Some(offset),
        Contents::Unmeasured | Contents::Vmsa(_) => None,
    }
}
