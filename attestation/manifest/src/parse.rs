//! From exact bytes to a [`Manifest`] whose every field is in range.

use core::fmt;
use core::net::SocketAddrV4;

use sha2::{Digest, Sha256};

use crate::diagnose::{QUOTED_MAX_BYTES, diagnose, quoted};
use crate::{LaunchPolicy, MANIFEST_MAX_BYTES, MANIFEST_VERSION, MEMORY_MAX_MIB, MEMORY_MIN_MIB, Manifest};

/// A manifest that cannot be used. Its author is guilty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// Longer than guests read.
    #[error("manifest: expected at most {MANIFEST_MAX_BYTES} bytes, found {found}")]
    TooLong {
        /// Bytes found.
        found: usize,
    },
    /// A backslash. Strings are taken as they are written, so that all readers see the same.
    #[error("manifest byte {offset}: escape sequences are not part of the format")]
    Escape {
        /// Where it is.
        offset: usize,
    },
    /// Not the JSON that the format asks for.
    #[error("manifest: {0}")]
    Syntax(serde_json_core::de::Error),
    /// A field that the format does not have.
    #[error("manifest: {object} has no field `{field}`")]
    UnknownField {
        /// Where it was found.
        object: &'static str,
        /// Its name, cut to a sane length.
        field: heapless::String<QUOTED_MAX_BYTES>,
    },
    /// A field that is there twice.
    #[error("manifest: {object} has the field `{field}` twice")]
    DuplicateField {
        /// Where it was found.
        object: &'static str,
        /// Its name.
        field: &'static str,
    },
    /// A field that is not there.
    #[error("manifest: {object} lacks the field `{field}`")]
    MissingField {
        /// Where it should be.
        object: &'static str,
        /// Its name.
        field: &'static str,
    },
    /// A field whose text has another form.
    #[error("manifest field `{field}` of {object}: expected {expected}")]
    Malformed {
        /// Where it was found.
        object: &'static str,
        /// Its name.
        field: &'static str,
        /// What would do.
        expected: &'static str,
    },
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
    #[error("manifest field `{field}`: expected {expected}, found {found}")]
    OutOfRange {
        /// Path of the field.
        field: &'static str,
        /// What would do.
        expected: &'static str,
        /// What stands there, cut to a sane length.
        found: heapless::String<QUOTED_MAX_BYTES>,
    },
}

/// Parses and checks the exact bytes of `manifest.json`.
///
/// # Errors
/// See [`ManifestError`]: the first problem is named.
pub fn parse_manifest(bytes: &[u8]) -> Result<Manifest<'_>, ManifestError> {
    if bytes.len() > MANIFEST_MAX_BYTES {
        return Err(ManifestError::TooLong { found: bytes.len() });
    }
    // The parser would hand escape sequences through unread, and other readers of the file would see other strings.
    if let Some(offset) = bytes.iter().position(|byte| *byte == b'\\') {
        return Err(ManifestError::Escape { offset });
    }
    let object = bytes.get(..object_end(bytes)).unwrap_or_default();
    let (manifest, _): (Manifest<'_>, usize) = serde_json_core::from_slice(object)
        .map_err(|error| diagnose(object).unwrap_or(ManifestError::Syntax(error)))?;
    let rest = bytes.get(object.len()..).unwrap_or_default();
    if !rest.trim_ascii().is_empty() {
        return Err(ManifestError::TrailingBytes { expected: object.len(), found: bytes.len() });
    }
    check_ranges(&manifest)?;
    Ok(manifest)
}

/// SHA-256 of the exact bytes: what SNP `HOST_DATA` carries.
#[must_use]
pub fn manifest_digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Where the first object ends, or everything does. Braces in strings do not count; there are no escapes.
fn object_end(bytes: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut in_string = false;
    for (index, byte) in bytes.iter().enumerate() {
        match byte {
            b'"' => in_string = !in_string,
            b'{' if !in_string => depth = depth.saturating_add(1),
            b'}' if !in_string => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return index.saturating_add(1);
                }
            }
            _ => {}
        }
    }
    bytes.len()
}

fn check_ranges(manifest: &Manifest<'_>) -> Result<(), ManifestError> {
    if manifest.version != MANIFEST_VERSION {
        return Err(ManifestError::Version { found: manifest.version });
    }
    let name_ok = (1..=64).contains(&manifest.name.len())
        && manifest.name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    check(name_ok, "name", "1 to 64 of a-z, 0-9 and -", manifest.name)?;
    check_memory(manifest)?;
    let limits = &manifest.limits;
    check(limits.fuel > 0, "limits.fuel", "more than 0", limits.fuel)?;
    check(limits.wall_ms > 0, "limits.wall_ms", "more than 0", limits.wall_ms)?;
    check_launch(&manifest.launch)?;
    check_texts(manifest)
}

fn check_memory(manifest: &Manifest<'_>) -> Result<(), ManifestError> {
    let memory_mib = manifest.memory_mib;
    let in_range = (MEMORY_MIN_MIB..=MEMORY_MAX_MIB).contains(&memory_mib);
    check(in_range, "memory_mib", "32 to 16384", memory_mib)?;
    check(memory_mib.is_multiple_of(2), "memory_mib", "a multiple of 2", memory_mib)?;
    let limit_bytes = manifest.limits.component_memory_bytes;
    let fits = limit_bytes > 0 && limit_bytes < u64::from(memory_mib) << 20;
    check(fits, "limits.component_memory_bytes", "more than 0 and less than memory_mib", limit_bytes)
}

/// Bits that no honest launch sets or leaves out: debugging shows the guest's memory to the host, migration hands it to
/// an agent. AMD 56860, table "Guest Policy"; Intel TDX module base specification, "ATTRIBUTES".
fn check_launch(launch: &LaunchPolicy) -> Result<(), ManifestError> {
    let (policy, attributes) = (launch.snp.policy, launch.tdx.attributes);
    let is_honest = policy.0 & (1 << 17) != 0 && policy.0 & (1 << 18 | 1 << 19) == 0;
    let bits = "bit 17 set; migration agent (bit 18) and debugging (bit 19) off";
    check(is_honest, "launch.snp.policy", bits, policy)?;
    check(launch.snp.vmpl <= 3, "launch.snp.vmpl", "0 to 3", launch.snp.vmpl)?;
    let is_honest = attributes.0 & (1 | 1 << 29 | 1 << 63) == 0;
    let bits = "debugging (bit 0), migration (bit 29) and PERFMON (bit 63) off";
    check(is_honest, "launch.tdx.attributes", bits, attributes)
}

fn check_texts(manifest: &Manifest<'_>) -> Result<(), ManifestError> {
    let text = |field, text: &str| check(is_text(text), field, "text without control characters", text);
    text("artefact.engine", manifest.artefact.engine)?;
    manifest.args.iter().try_for_each(|arg| text("args", arg))?;
    for (index, variable) in manifest.env.iter().enumerate() {
        let is_first = manifest.env.iter().take(index).all(|earlier| earlier.name != variable.name);
        let is_name = !variable.name.is_empty() && !variable.name.contains('=') && is_text(variable.name);
        check(is_first && is_name, "env", "names that differ, without =", variable.name)?;
        text("env", variable.value)?;
    }
    let destination = |text: &&str| check(is_destination(text), "egress", "a.b.c.d:port, port not 0", text);
    manifest.egress.iter().try_for_each(destination)
}

fn check(
    is_right: bool,
    field: &'static str,
    expected: &'static str,
    found: impl fmt::Display,
) -> Result<(), ManifestError> {
    if is_right { Ok(()) } else { Err(ManifestError::OutOfRange { field, expected, found: quoted(found) }) }
}

/// JSON wants control characters escaped, and readers differ in what they do when they are not.
fn is_text(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

fn is_destination(text: &str) -> bool {
    text.parse::<SocketAddrV4>().is_ok_and(|address| address.port() != 0)
}

#[cfg(test)]
mod tests;
