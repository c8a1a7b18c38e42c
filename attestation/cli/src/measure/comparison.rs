//! Where two ROMs part, and what lies there.

use attestation_manifest::HexDigest;
use attestation_measure::{ByteDifference, Causes, Difference, MeasuredPage, RomMap, difference};
use serde::Serialize;

use super::report::file_offset;
use super::{LaunchWay, RomError, RomFile, launch};

/// Two ROMs, compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiffReport {
    /// Whether all measurements are equal.
    pub equal: bool,
    /// The first file.
    pub a: RomFile,
    /// The second.
    pub b: RomFile,
    /// One per way to launch them.
    pub comparisons: Vec<Comparison>,
}

/// Two measurements, compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// `snp` or `tdx`.
    pub tee: &'static str,
    /// The way of the launch in one word.
    pub launch: String,
    /// Measurement of the first file.
    pub a: HexDigest<48>,
    /// Measurement of the second.
    pub b: HexDigest<48>,
    /// Where they part; `None` where they are equal.
    pub first: Option<First>,
    /// Everything that differs: `contents`, `sections`, `vmsas`.
    pub differs: Vec<&'static str>,
    #[serde(skip)]
    pub(crate) way: LaunchWay,
}

/// The first page that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct First {
    /// Its number, from 0.
    pub index: usize,
    /// What the first ROM has there, in words; `None` where its pages have come to an end.
    pub a: Option<String>,
    /// The same of the second.
    pub b: Option<String>,
    /// The first byte that differs, where it is the same page with other contents.
    pub byte: Option<FirstByte>,
}

/// The first byte that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FirstByte {
    /// Guest physical address.
    pub gpa: String,
    /// Place in the first file, where it is from there.
    pub file_offset: Option<String>,
    /// What lies there according to the first file's tables.
    pub place: String,
    /// Its value in the first file.
    pub a: String,
    /// Its value in the second.
    pub b: String,
    /// How many bytes of the page differ.
    pub differing_in_page: usize,
}

/// Compares two ROMs, each a name and bytes, in every way of a plan.
///
/// # Errors
/// The first way in which one cannot be launched.
pub fn compare(
    left: (&str, &[u8]),
    right: (&str, &[u8]),
    ways: &[LaunchWay],
) -> Result<DiffReport, RomError> {
    let comparison = |way: &LaunchWay| Comparison::of(left, right, *way);
    let comparisons = ways.iter().map(comparison).collect::<Result<Vec<_>, RomError>>()?;
    Ok(DiffReport {
        equal: comparisons.iter().all(|comparison| comparison.a == comparison.b),
        a: RomFile::of(left.0, left.1),
        b: RomFile::of(right.0, right.1),
        comparisons,
    })
}

impl Comparison {
    fn of(left: (&str, &[u8]), right: (&str, &[u8]), way: LaunchWay) -> Result<Self, RomError> {
        let (left_launch, right_launch) = (launch(left.0, left.1, way)?, launch(right.0, right.1, way)?);
        let difference = difference(&left_launch, &right_launch);
        Ok(Self {
            tee: way.tee(),
            launch: way.word(),
            a: HexDigest(left_launch.measurement()),
            b: HexDigest(right_launch.measurement()),
            first: difference.as_ref().map(|difference| First::of(difference, left.1)),
            differs: difference.map(|difference| names(difference.causes)).unwrap_or_default(),
            way,
        })
    }
}

fn names(causes: Causes) -> Vec<&'static str> {
    let Causes { contents, sections, vmsas } = causes;
    let all = [(contents, "contents"), (sections, "sections"), (vmsas, "vmsas")];
    all.into_iter().filter(|(differs, _)| *differs).map(|(_, name)| name).collect()
}

impl First {
    fn of(difference: &Difference<'_>, left_rom: &[u8]) -> Self {
        let byte = difference.left.as_ref().zip(difference.byte.as_ref());
        Self {
            index: difference.index,
            a: difference.left.as_ref().map(in_words),
            b: difference.right.as_ref().map(in_words),
            byte: byte.map(|(page, byte)| FirstByte::of(page, byte, left_rom)),
        }
    }
}

fn in_words(page: &MeasuredPage<'_>) -> String {
    format!("{} at {:#x}, {}", page.operation, page.gpa, page.source)
}

impl FirstByte {
    fn of(page: &MeasuredPage<'_>, byte: &ByteDifference, rom: &[u8]) -> Self {
        let offset = file_offset(page).map(|start| start.saturating_add(byte.offset));
        let map = RomMap::parse(rom).ok();
        let place = offset.zip(map).map_or_else(
            || format!("byte {:#x} of the VMSA", byte.offset),
            |(offset, map)| map.at(offset).to_string(),
        );
        let gpa = page.gpa.saturating_add(byte.offset as u64);
        Self {
            gpa: format!("{gpa:#x}"),
            file_offset: offset.map(|offset| format!("{offset:#x}")),
            place,
            a: format!("{:#04x}", byte.left),
            b: format!("{:#04x}", byte.right),
            differing_in_page: byte.count,
        }
    }
}
