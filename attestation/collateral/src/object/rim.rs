//! Objects of NVIDIA's RIM service.

use attestation_bundle::Kind;
use base64ct::{Base64, Encoding};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Holds, ObjectError, RIM_KEPT, expect};
use crate::RimId;

#[derive(Deserialize)]
struct Answer {
    id: String,
    rim: String,
    sha256: String,
}

/// The manifest of this name: XML that has the digest which the answer states, and the one that was asked for.
pub(super) fn read(
    body: &[u8],
    id: &RimId,
    wanted: Option<&[u8; 32]>,
) -> Result<(Vec<u8>, Holds), ObjectError> {
    let answer: Answer = serde_json::from_slice(body).map_err(ObjectError::json("RIM"))?;
    expect("RIM id", id.as_str(), &answer.id)?;
    let manifest = Base64::decode_vec(&answer.rim)
        .map_err(|error| ObjectError::field("RIM contents", "base64", error.to_string()))?;
    let digest = hex::encode(Sha256::digest(&manifest));
    expect("SHA-256 of the RIM", &answer.sha256.to_ascii_lowercase(), &digest)?;
    if let Some(wanted) = wanted {
        expect("SHA-256 of the RIM", &hex::encode(wanted), &digest)?;
    }
    if manifest.len() > Kind::Rim.max_bytes() || !manifest.trim_ascii_start().starts_with(b"<") {
        let expected = format!("XML of at most {} bytes", Kind::Rim.max_bytes());
        let start = manifest.get(..16).unwrap_or(&manifest);
        let found = format!("{} bytes, {:?}", manifest.len(), String::from_utf8_lossy(start));
        return Err(ObjectError::field("RIM contents", expected, found));
    }
    Ok((manifest, if wanted.is_some() { Holds::Always } else { Holds::For(RIM_KEPT) }))
}
