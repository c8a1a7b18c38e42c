//! From exact bytes to a [`Manifest`] whose every field is in range.

use core::fmt;

use serde_json_core::de::Error as SyntaxError;
use sha2::{Digest, Sha256};

use crate::diagnose::{Quoted, diagnose, quoted};
use crate::egress::check_egress;
use crate::time::check_time;
use crate::tls::check_tls;
use crate::{
    CALL_STACK_MAX_BYTES, CALL_STACK_MIN_BYTES, CALL_STACK_STEP_BYTES, LaunchPolicy, Limits,
    MANIFEST_MAX_BYTES, MANIFEST_VERSION, MEMORY_MAX_MIB, MEMORY_MIN_MIB, Manifest, OPEN_REQUESTS_MAX,
    Service, Storage,
};

/// How much longer than the files that it holds a transcript is at most, as a share of them: files are cut into entries of
/// 64 KiB, of which each has some 80 bytes around it.
const FILES_SHARE: u64 = 256;
/// And beside: its header and end, and what else a job learns before it has begun.
const FILES_MARGIN_BYTES: u64 = 64 * 1024;

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
    Syntax(SyntaxError),
    /// A field that the format does not have.
    #[error("manifest: {object} has no field `{field}`")]
    UnknownField {
        /// Where it was found.
        object: &'static str,
        /// Its name, cut to a sane length.
        field: Quoted,
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
    /// A field that holds something else than it should.
    #[error("manifest field `{field}` of {object}: expected {expected}, found {found}")]
    Malformed {
        /// Where it was found.
        object: &'static str,
        /// Its name.
        field: &'static str,
        /// What would do.
        expected: &'static str,
        /// What stands there, cut to a sane length.
        found: Quoted,
    },
    /// A list is longer than guests read.
    #[error("manifest field `{field}` of {object}: expected at most {expected} entries, found {found}")]
    TooMany {
        /// Where it was found.
        object: &'static str,
        /// Its name.
        field: &'static str,
        /// Most entries.
        expected: usize,
        /// Entries in the file.
        found: usize,
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
        found: Quoted,
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
    if has_leading_comma(object) {
        return Err(ManifestError::Syntax(SyntaxError::ExpectedSomeValue));
    }
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

/// The parser reads `[,1]` as `[1]`, which no other reader does.
fn has_leading_comma(bytes: &[u8]) -> bool {
    let mut in_string = false;
    let mut last = b' ';
    for byte in bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()) {
        in_string ^= byte == b'"';
        if !in_string && byte == b',' && last == b'[' {
            return true;
        }
        last = if in_string { b'"' } else { byte };
    }
    false
}

fn check_ranges(manifest: &Manifest<'_>) -> Result<(), ManifestError> {
    if manifest.version != MANIFEST_VERSION {
        return Err(ManifestError::Version { found: manifest.version });
    }
    let name_ok = (1..=64).contains(&manifest.name.len())
        && manifest.name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    check(name_ok, "name", "1 to 64 of a-z, 0-9 and -", manifest.name)?;
    check_memory(manifest)?;
    check_limits(&manifest.limits)?;
    check_launch(&manifest.launch)?;
    check_texts(manifest)?;
    check_egress(&manifest.egress)?;
    check_tls(&manifest.tls)?;
    check_time(manifest)?;
    manifest.service.iter().try_for_each(check_service)?;
    check_storage(&manifest.storage, manifest.memory_mib)?;
    check_persistence(manifest)?;
    let is_first = |(index, reader)| !manifest.readers.iter().take(index).any(|earlier| earlier == reader);
    check(manifest.readers.iter().enumerate().all(is_first), "readers", "keys that differ", "one twice")
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

fn check_limits(limits: &Limits) -> Result<(), ManifestError> {
    check_positive("limits.fuel", limits.fuel)?;
    check_positive("limits.wall_ms", limits.wall_ms)?;
    check_positive("limits.transcript_bytes", limits.transcript_bytes)?;
    let stack_bytes = limits.call_stack_bytes;
    let in_range = (CALL_STACK_MIN_BYTES..=CALL_STACK_MAX_BYTES).contains(&stack_bytes);
    check(in_range, "limits.call_stack_bytes", "16384 to 8388608", stack_bytes)?;
    let is_whole = stack_bytes.is_multiple_of(CALL_STACK_STEP_BYTES);
    check(is_whole, "limits.call_stack_bytes", "a multiple of 1024", stack_bytes)
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
    Ok(())
}

fn check_service(service: &Service) -> Result<(), ManifestError> {
    check(service.port != 0, "service.port", "1 to 65535", service.port)?;
    let in_range = (1..=OPEN_REQUESTS_MAX).contains(&service.open_requests_max);
    check(in_range, "service.open_requests_max", "1 to 1024", service.open_requests_max)?;
    check_positive("service.request_wall_ms", service.request_wall_ms)?;
    check_positive("service.request_body_bytes", service.request_body_bytes)?;
    check_positive("service.response_body_bytes", service.response_body_bytes)?;
    check_positive("service.request_fuel", service.request_fuel)?;
    check_positive("service.request_memory_bytes", service.request_memory_bytes)
}

fn check_storage(storage: &Storage, memory_mib: u32) -> Result<(), ManifestError> {
    let memory_bytes = u64::from(memory_mib) << 20;
    for (field, bytes) in
        [("storage.key_value_bytes", storage.key_value_bytes), ("storage.files_bytes", storage.files_bytes)]
    {
        check(bytes < memory_bytes, field, "less than memory_mib", bytes)?;
    }
    Ok(())
}

fn check_persistence(manifest: &Manifest<'_>) -> Result<(), ManifestError> {
    let Manifest { storage, limits, .. } = manifest;
    let is_vain = storage.persist && manifest.persistent_bytes() == 0;
    let instead = "false, or something to keep: keys and values, or the files of a job";
    check(!is_vain, "storage.persist", instead, storage.persist)?;
    // A tree that has become longer than a transcript would be one that no job can begin with.
    let files_bytes = storage.files_bytes;
    let least = files_bytes.saturating_add(files_bytes / FILES_SHARE).saturating_add(FILES_MARGIN_BYTES);
    let has_room = !manifest.keeps_files() || limits.transcript_bytes >= least;
    let instead = "a 256th and 64 KiB more than storage.files_bytes: the files that a job begins with are in its transcript";
    check(has_room, "limits.transcript_bytes", instead, limits.transcript_bytes)
}

fn check_positive(field: &'static str, found: u64) -> Result<(), ManifestError> {
    check(found > 0, field, "more than 0", found)
}

pub(crate) fn check(
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

#[cfg(test)]
pub(crate) mod tests;
