//! From exact bytes to a [`Manifest`] whose every field is in range.

use sha2::{Digest, Sha256};

use crate::{MANIFEST_VERSION, Manifest};

/// A manifest that cannot be used. Its author is guilty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// Not the JSON that the format asks for.
    #[error("manifest: {0}")]
    Syntax(serde_json_core::de::Error),
    /// Bytes follow the closing brace.
    #[error("manifest: expected the end after {expected} bytes, found {found} bytes")]
    TrailingBytes {
        /// Where the object ended.
        expected: usize,
        /// How long the file is.
        found: usize,
    },
    /// Another version of the format.
    #[error("manifest field `version`: expected {MANIFEST_VERSION}, found {found}")]
    Version {
        /// The version that the file states.
        found: u32,
    },
    /// A field is out of its range.
    #[error("manifest field `{field}`: expected {expected}")]
    OutOfRange {
        /// Path of the field.
        field: &'static str,
        /// What would do.
        expected: &'static str,
    },
}

/// Parses and checks the exact bytes of `manifest.json`.
///
/// # Errors
/// See [`ManifestError`]: the first problem is named.
pub fn parse_manifest(bytes: &[u8]) -> Result<Manifest<'_>, ManifestError> {
    let (manifest, end): (Manifest<'_>, usize) =
        serde_json_core::from_slice(bytes).map_err(ManifestError::Syntax)?;
    let rest = bytes.get(end..).unwrap_or_default();
    if rest.iter().any(|byte| !byte.is_ascii_whitespace()) {
        return Err(ManifestError::TrailingBytes { expected: end, found: bytes.len() });
    }
    check_ranges(&manifest)?;
    Ok(manifest)
}

/// SHA-256 of the exact bytes: what SNP `HOST_DATA` carries.
#[must_use]
pub fn manifest_digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn check_ranges(manifest: &Manifest<'_>) -> Result<(), ManifestError> {
    if manifest.version != MANIFEST_VERSION {
        return Err(ManifestError::Version { found: manifest.version });
    }
    let name_ok = (1..=64).contains(&manifest.name.len())
        && manifest.name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    let limits = &manifest.limits;
    let memory_bytes = u64::from(manifest.memory_mib) << 20;
    let checks = [
        (name_ok, "name", "1 to 64 of a-z, 0-9 and -"),
        ((32..=2048).contains(&manifest.memory_mib), "memory_mib", "32 to 2048"),
        (manifest.memory_mib.is_multiple_of(2), "memory_mib", "a multiple of 2"),
        (
            limits.component_memory_bytes < memory_bytes,
            "limits.component_memory_bytes",
            "less than memory_mib",
        ),
        (limits.component_memory_bytes > 0, "limits.component_memory_bytes", "more than 0"),
        (limits.fuel > 0, "limits.fuel", "more than 0"),
        (limits.wall_ms > 0, "limits.wall_ms", "more than 0"),
        (manifest.launch.snp.vmpl <= 3, "launch.snp.vmpl", "0 to 3"),
    ];
    match checks.into_iter().find(|(ok, _, _)| !ok) {
        Some((_, field, expected)) => Err(ManifestError::OutOfRange { field, expected }),
        None => Ok(()),
    }
}
