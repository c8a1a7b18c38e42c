//! The workload manifest: exact bytes, strict parser, launch policy.
//!
//! `manifest.json` is bound at launch by the SHA-256 of its exact bytes (SNP `HOST_DATA`) or their SHA-384 (TDX
//! `MRCONFIGID`), so there is no canonical form: whoever reads a manifest hashes what it read. Parsing is bounded,
//! allocates nothing, and refuses unknown fields, duplicate fields, escape sequences and bytes after the end.
//! Panics: never on input.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;

use heapless::Vec;
use serde::{Deserialize, Serialize};

mod diagnose;
mod hex;
mod parse;
pub mod reference;

pub use hex::{HexDigest, HexU64};
pub use parse::{ManifestError, manifest_digest, parse_manifest};

/// The only version of the format.
pub const MANIFEST_VERSION: u32 = 1;
/// The longest manifest that is parsed.
pub const MANIFEST_MAX_BYTES: usize = 64 * 1024;
/// The least RAM of a guest.
pub const MEMORY_MIN_MIB: u32 = 32;
/// The most: room for the largest linear memory that a component can have, 4 GiB, several times over.
pub const MEMORY_MAX_MIB: u32 = 16 * 1024;
/// The largest component of an image.
pub const COMPONENT_MAX_BYTES: usize = 256 * 1024 * 1024;
/// The largest artefact of an image, whatever the manifest's memory allows.
pub const ARTEFACT_MAX_BYTES: usize = 256 * 1024 * 1024;
/// Most arguments and environment variables.
pub const LIST_MAX: usize = 32;
/// Most egress destinations.
pub const EGRESS_MAX: usize = 64;

/// What runs, under which limits, on which launch policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest<'a> {
    /// [`MANIFEST_VERSION`].
    pub version: u32,
    /// Name for people: 1 to 64 of `a-z 0-9 -`.
    pub name: &'a str,
    /// What the guest is.
    pub role: Role,
    /// How the job wants to be believed.
    pub trust: TrustMode,
    /// The WebAssembly component.
    pub component: ComponentRef,
    /// The native artefact compiled from it.
    #[serde(borrow)]
    pub artefact: ArtefactRef<'a>,
    /// What the platform must report about the launch.
    pub launch: LaunchPolicy,
    /// RAM of the guest: [`MEMORY_MIN_MIB`] to [`MEMORY_MAX_MIB`], even. Above 1024 the processor must have 1 GiB pages.
    pub memory_mib: u32,
    /// What one job may use.
    pub limits: Limits,
    /// Arguments after the program's name.
    #[serde(borrow)]
    pub args: Vec<&'a str, LIST_MAX>,
    /// Environment variables.
    #[serde(borrow)]
    pub env: Vec<EnvVar<'a>, LIST_MAX>,
    /// TCP destinations that the guest may open connections to, `a.b.c.d:port`.
    #[serde(borrow)]
    pub egress: Vec<&'a str, EGRESS_MAX>,
}

/// Role of a guest. Part of every derived key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Role {
    /// Runs a component.
    Workload,
}

impl Role {
    /// The spelling in the manifest and in key derivation.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Workload => "workload",
        }
    }
}

/// How a job wants to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum TrustMode {
    /// Hardware vendor and measured image.
    Tee,
}

/// The component by content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComponentRef {
    /// SHA-256 of the `.wasm` file.
    pub sha256: HexDigest<32>,
}

/// The artefact by content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArtefactRef<'a> {
    /// SHA-256 of the `.cwasm` file.
    pub sha256: HexDigest<32>,
    /// Engine and version that compiled it, as `attestation-artefact` names itself.
    pub engine: &'a str,
}

/// Launch policy; guest and verifier both check it against the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaunchPolicy {
    /// Under SEV-SNP, and under the simulated platform, which speaks its protocol.
    pub snp: SnpLaunch,
    /// Under TDX.
    pub tdx: TdxLaunch,
}

/// SEV-SNP launch policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnpLaunch {
    /// Guest policy (56860 table "Guest Policy"), exactly.
    pub policy: HexU64,
    /// VMPL of the guest, exactly.
    pub vmpl: u32,
}

/// TDX launch policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TdxLaunch {
    /// TD attributes, exactly.
    pub attributes: HexU64,
    /// Extended features available mask, exactly.
    pub xfam: HexU64,
}

/// What one job may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Linear memory of the component.
    pub component_memory_bytes: u64,
    /// Instructions, as the engine counts them.
    pub fuel: u64,
    /// Standard input.
    pub input_bytes: u64,
    /// Standard output and standard error together.
    pub output_bytes: u64,
    /// Time by the guest's own clock.
    pub wall_ms: u64,
}

/// One environment variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvVar<'a> {
    /// Name.
    pub name: &'a str,
    /// Value.
    pub value: &'a str,
}
