//! From a command line to what is printed.

use std::path::Path;

use super::arguments::{DiffArguments, MeasureArguments};
use super::{
    CorimFileError, Detail, DiffReport, MeasureReport, RomError, UsageError, compare, measure, plan,
    write_corim,
};
use crate::files::{FileError, read_rom};

/// Why there is nothing to print.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
#[non_exhaustive]
pub enum CommandError {
    /// Options.
    Usage(#[from] UsageError),
    /// A file that cannot be read.
    File(#[from] FileError),
    /// A file that cannot be measured.
    Rom(#[from] RomError),
    /// A file that cannot be written.
    Corim(#[from] CorimFileError),
}

/// Measures, and writes reference values where they are asked for.
///
/// # Errors
/// The first option or file that is wrong. Nothing is written then.
pub fn run_measure(arguments: &MeasureArguments) -> Result<MeasureReport, CommandError> {
    let ways = plan(&arguments.launch)?;
    let rom = read_rom(&arguments.rom)?;
    let detail = if arguments.explain { Detail::Transcript } else { Detail::Summary };
    let report = measure(&name(&arguments.rom), &rom, &ways, detail)?;
    if let Some(path) = &arguments.corim {
        write_corim(path, &report)?;
    }
    Ok(report)
}

/// Compares.
///
/// # Errors
/// The first option or file that is wrong.
pub fn run_diff(arguments: &DiffArguments) -> Result<DiffReport, CommandError> {
    let ways = plan(&arguments.launch)?;
    let (left, right) = (read_rom(&arguments.left)?, read_rom(&arguments.right)?);
    Ok(compare((&name(&arguments.left), &left), (&name(&arguments.right), &right), &ways)?)
}

fn name(path: &Path) -> String {
    path.display().to_string()
}
