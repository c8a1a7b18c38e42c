//! Measurements as a file of reference values.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use attestation_corim::{CorimError, Platform, ReferenceManifest};
use tempfile::NamedTempFile;

use super::{LaunchWay, MeasureReport};

/// Reference values that could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CorimFileError {
    /// The file or its folder.
    #[error("reference values {}: {source}\n  name a file in a folder that can be written to", path.display())]
    Write {
        /// Where they should be.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What was to be written is not what would be read.
    #[error("reference values {}: {source}", path.display())]
    Content {
        /// Where they should be.
        path: PathBuf,
        /// Why not.
        source: CorimError,
    },
}

/// Writes the measurements of a report, whole or not at all.
///
/// # Errors
/// The file cannot be written.
pub fn write_corim(path: &Path, report: &MeasureReport) -> Result<(), CorimFileError> {
    let bytes = reference_manifest(report).encode();
    // Read back as others will.
    ReferenceManifest::decode(&bytes)
        .map_err(|source| CorimFileError::Content { path: path.to_owned(), source })?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = NamedTempFile::new_in(folder).and_then(|mut file| {
        file.write_all(&bytes)?;
        file.persist(path).map(drop).map_err(|error| error.error)
    });
    written.map_err(|source| CorimFileError::Write { path: path.to_owned(), source })
}

pub(super) fn reference_manifest(report: &MeasureReport) -> ReferenceManifest {
    let values = report.measurements.iter().map(|measured| {
        let platform = match measured.way {
            LaunchWay::Snp(_) => Platform::Snp,
            LaunchWay::Tdx(_) => Platform::Tdx,
        };
        (platform, measured.launch.clone(), measured.digest.0)
    });
    ReferenceManifest::of_rom(&report.rom.sha256.0, values)
}
