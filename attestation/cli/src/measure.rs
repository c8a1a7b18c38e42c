//! What a ROM measures to, why, and where two ROMs part.
//!
//! [`measure`] and [`compare`] take bytes and give values that [`table`] prints for people; programs get the same values as
//! JSON.

pub mod arguments;
mod command;
mod comparison;
mod corim;
mod plan;
mod report;
pub mod table;
#[cfg(test)]
mod tests;

use attestation_measure::{Launch, MeasureError};
use serde::Serialize;

pub use command::{CommandError, run_diff, run_measure};
pub use comparison::{Comparison, DiffReport, First, FirstByte, compare};
pub use corim::{CorimFileError, write_corim};
pub use plan::{LaunchWay, UsageError, plan};
pub use report::{Detail, Line, MeasureReport, Measured, PageCounts, RomFile, measure};

/// A file that cannot be measured. Whoever made it is guilty, or whoever named it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {tee}: {source}\n  {next}")]
pub struct RomError {
    file: String,
    tee: &'static str,
    source: MeasureError,
    next: &'static str,
}

/// The launch of a ROM in one way.
fn launch<'a>(file: &str, rom: &'a [u8], way: LaunchWay) -> Result<Launch<'a>, RomError> {
    let launch = match way {
        LaunchWay::Snp(profile) => Launch::snp(rom, profile),
        LaunchWay::Tdx(order) => Launch::tdx(rom, order),
    };
    launch.map_err(|source| RomError {
        file: file.to_owned(),
        tee: way.title(),
        source,
        next: next(source, way),
    })
}

/// What to do about it.
const fn next(error: MeasureError, way: LaunchWay) -> &'static str {
    match (error, way) {
        (MeasureError::RomSize { .. } | MeasureError::NoGuidTable, _) => {
            "name firmware that a VMM maps below 4 GiB, such as the redoubt.rom of an image"
        }
        (MeasureError::ApReset, _) => "ask for --vcpus 1: such a guest has one processor",
        (_, LaunchWay::Snp(_)) => "leave SEV-SNP out with --tee tdx, or correct the ROM",
        (_, LaunchWay::Tdx(_)) => "leave TDX out with --tee snp, or correct the ROM",
    }
}

/// A value as JSON, for programs.
#[must_use]
pub fn json(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}
