//! Reference values of an image: what a relying party compares evidence and files with.
//!
//! `reference-values.json` is written by the image builder, next to the files that it describes, and read by the
//! loader (before it launches) and by the verifier. Parsing refuses unknown fields and other versions. All digests are
//! over exact file bytes, in lower-case hexadecimal.

use alloc::string::String;

use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};

use crate::hex::HexDigest;

/// The only version of the format.
pub const REFERENCE_VERSION: u32 = 1;

/// What an image consists of and what it measures to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReferenceValues {
    /// [`REFERENCE_VERSION`].
    #[serde(deserialize_with = "only_version")]
    pub version: u32,
    /// The manifest's name, for people.
    pub name: String,
    /// `redoubt.rom`.
    pub rom: FileReference,
    /// `component.wasm`.
    pub component: FileReference,
    /// `artefact.cwasm`.
    pub artefact: ArtefactReference,
    /// `manifest.json`.
    pub manifest: ManifestReference,
    /// What platforms report about a guest that was launched from the ROM.
    pub measurement: MeasurementReference,
}

/// A file by content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileReference {
    /// SHA-256 of the file.
    pub sha256: HexDigest<32>,
    /// Size of the file.
    pub bytes: u64,
}

/// The native artefact by content and origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArtefactReference {
    /// SHA-256 of the file.
    pub sha256: HexDigest<32>,
    /// Size of the file.
    pub bytes: u64,
    /// Engine and version that compiled it: the same engine makes the same bytes of the same component.
    pub engine: String,
}

/// The manifest by content, with both digests that platforms bind at launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestReference {
    /// SHA-256 of the file: SNP `HOST_DATA`.
    pub sha256: HexDigest<32>,
    /// SHA-384 of the file: TDX `MRCONFIGID`.
    pub sha384: HexDigest<48>,
    /// Size of the file.
    pub bytes: u64,
}

/// Launch measurements, one per platform and VMM that we launch with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasurementReference {
    /// SNP launch digest: upstream QEMU 9.1 or later, one EPYC-v4 vCPU.
    pub snp_qemu: HexDigest<48>,
    /// MRTD: upstream QEMU 10.1 or later.
    pub tdx_qemu: HexDigest<48>,
}

fn only_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        REFERENCE_VERSION => Ok(REFERENCE_VERSION),
        found => Err(D::Error::invalid_value(
            Unexpected::Unsigned(u64::from(found)),
            &"reference values of version 1",
        )),
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;

    use super::*;

    fn example() -> ReferenceValues {
        let file = FileReference { sha256: HexDigest([0xAB; 32]), bytes: 7 };
        ReferenceValues {
            version: REFERENCE_VERSION,
            name: "audit".to_string(),
            rom: file,
            component: file,
            artefact: ArtefactReference {
                sha256: HexDigest([1; 32]),
                bytes: 9,
                engine: "wasmtime".to_string(),
            },
            manifest: ManifestReference { sha256: HexDigest([2; 32]), sha384: HexDigest([3; 48]), bytes: 11 },
            measurement: MeasurementReference { snp_qemu: HexDigest([4; 48]), tdx_qemu: HexDigest([5; 48]) },
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let json = serde_json::to_string(&example()).unwrap();
        assert_eq!(serde_json::from_str::<ReferenceValues>(&json).unwrap(), example());
        assert!(json.starts_with(&format!(
            r#"{{"version":1,"name":"audit","rom":{{"sha256":"{}","#,
            "ab".repeat(32)
        )));
    }

    #[test]
    fn other_versions_are_refused() {
        let json = serde_json::to_string(&example()).unwrap().replacen("\"version\":1", "\"version\":2", 1);
        let error = serde_json::from_str::<ReferenceValues>(&json).unwrap_err().to_string();
        assert!(error.contains("expected reference values of version 1"), "{error}");
    }

    #[test]
    fn unknown_fields_are_refused_everywhere() {
        let json = serde_json::to_string(&example()).unwrap();
        for place in ["{\"version\"", "{\"sha256\"", "{\"snp_qemu\""] {
            let widened = json.replacen(place, &place.replacen('{', "{\"more\":0,", 1), 1);
            let error = serde_json::from_str::<ReferenceValues>(&widened).unwrap_err().to_string();
            assert!(error.contains("unknown field `more`"), "{error}");
        }
    }

    /// Whoever checks a guest on TDX never has values that say nothing of it.
    #[test]
    fn both_platforms_are_there() {
        let json = serde_json::to_string(&example()).unwrap();
        for (name, byte) in [("snp_qemu", "04"), ("tdx_qemu", "05")] {
            let field = format!("\"{name}\":\"{}\"", byte.repeat(48));
            let lacking = json.replace(&format!("{field},"), "").replace(&format!(",{field}"), "");
            assert_ne!(lacking, json);
            let error = serde_json::from_str::<ReferenceValues>(&lacking).unwrap_err().to_string();
            assert!(error.contains(&format!("missing field `{name}`")), "{error}");
        }
    }

    #[test]
    fn digests_have_one_spelling() {
        let json = serde_json::to_string(&example()).unwrap();
        for (good, bad) in [("abab", "ABab"), ("abab", "ab"), ("0404", "040g")] {
            assert!(serde_json::from_str::<ReferenceValues>(&json.replacen(good, bad, 1)).is_err());
        }
    }
}
