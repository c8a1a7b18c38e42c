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
mod egress;
mod field;
mod hex;
mod parse;
pub mod reference;
mod time;
mod tls;

pub use diagnose::Quoted;
pub use egress::{
    ANY_METHOD, EGRESS_MAX, EgressPolicy, EgressRule, EgressScheme, METHOD_MAX_BYTES, METHODS_MAX, is_host,
    is_host_name, is_host_pattern,
};
pub use hex::{HexDigest, HexU64};
pub use parse::{ManifestError, manifest_digest, parse_manifest};
pub use time::{TIME_SERVERS_MAX, TIME_SERVERS_MIN, TimeServer};
pub use tls::{
    AUTHORITIES_MAX, AUTHORITY_MAX_BYTES, SPKI_MAX, TLS_HOSTS_MAX, Tls, TlsHost, TlsRoots, authority_der,
};

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
/// The smallest call stack of compiled code.
pub const CALL_STACK_MIN_BYTES: u32 = 16 * 1024;
/// The largest.
pub const CALL_STACK_MAX_BYTES: u32 = 8 * 1024 * 1024;
/// What an author who says nothing gets.
pub const CALL_STACK_DEFAULT_BYTES: u32 = 512 * 1024;
/// Call stacks are multiples of this.
pub const CALL_STACK_STEP_BYTES: u32 = 1024;
/// Most readers of transcripts.
pub const READERS_MAX: usize = 8;
/// Most requests that a service answers at once.
pub const OPEN_REQUESTS_MAX: u32 = 1024;

/// What runs, under which limits, on which launch policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest<'a> {
    /// [`MANIFEST_VERSION`].
    pub version: u32,
    /// Name for people: 1 to 64 of `a-z 0-9 -`.
    pub name: &'a str,
    /// What the guest is.
    #[serde(deserialize_with = "field::word")]
    pub role: Role,
    /// How the job wants to be believed.
    #[serde(deserialize_with = "field::word")]
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
    /// Whether the component may ask for the time of day.
    #[serde(deserialize_with = "field::word")]
    pub wall_clock: WallClock,
    /// Arguments after the program's name.
    #[serde(borrow)]
    pub args: Vec<&'a str, LIST_MAX>,
    /// Environment variables.
    #[serde(borrow)]
    pub env: Vec<EnvVar<'a>, LIST_MAX>,
    /// Where the guest may open connections to, and which requests it may send there.
    #[serde(borrow)]
    pub egress: Vec<EgressRule<'a>, EGRESS_MAX>,
    /// Whose certificates are believed.
    #[serde(borrow)]
    pub tls: Tls<'a>,
    /// Who says what time it is: none, or [`TIME_SERVERS_MIN`] and more.
    #[serde(borrow)]
    pub time: Vec<TimeServer<'a>, TIME_SERVERS_MAX>,
    /// A component that answers requests; `None`, written `null`: one that runs jobs.
    #[serde(deserialize_with = "field::nullable")]
    pub service: Option<Service>,
    /// What the component may store.
    pub storage: Storage,
    /// Who reads what the component logs.
    #[serde(deserialize_with = "field::word")]
    pub logs: Logs,
    /// Public keys of X25519: for these readers transcripts are sealed, and requests that are kept. Without any both are
    /// in the clear for whoever runs the guest.
    pub readers: Vec<HexDigest<32>, READERS_MAX>,
}

/// The guest reads its manifest on the boot stack, which has 256 KiB.
const _: () =
    assert!(size_of::<Manifest<'_>>() <= 12 * 1024, "reading a manifest takes ten times its size of stack");

impl Manifest<'_> {
    /// Whether the guest may send a request with `method` to this host and port. See [`EgressRule::permits`].
    #[must_use]
    pub fn permits(&self, scheme: EgressScheme, host: &str, port: u16, method: &str) -> bool {
        self.egress.iter().any(|rule| rule.permits(scheme, host, port, method))
    }

    /// Whether the guest may open a connection to this host and port, whatever it then says.
    #[must_use]
    pub fn permits_connection(&self, host: &str, port: u16) -> bool {
        self.egress.iter().any(|rule| rule.permits_connection(host, port))
    }

    /// Whether a job begins with the files that the one before ended with. Then they are in its transcript.
    #[must_use]
    pub const fn keeps_files(&self) -> bool {
        self.storage.persist && self.storage.files_bytes > 0 && self.service.is_none()
    }

    /// The most that outlasts the guest, in bytes as charged; 0 when nothing does.
    #[must_use]
    pub const fn persistent_bytes(&self) -> u64 {
        let Storage { key_value_bytes, files_bytes, persist } = self.storage;
        let files_bytes = if self.keeps_files() { files_bytes } else { 0 };
        if persist { key_value_bytes.saturating_add(files_bytes) } else { 0 }
    }

    /// Whether the guest needs a network device: to open connections or to take them, or to ask for the time.
    #[must_use]
    pub fn needs_network(&self) -> bool {
        !self.egress.is_empty() || self.service.is_some() || !self.time.is_empty()
    }

    /// Whether the component may send requests under TLS.
    #[must_use]
    pub fn speaks_tls(&self) -> bool {
        self.egress.iter().any(|rule| rule.scheme == EgressScheme::Https)
    }
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
    /// Record of everything that the component learns from outside.
    pub transcript_bytes: u64,
    /// Stack of compiled code, as the artefact accounts for it: [`CALL_STACK_MIN_BYTES`] to [`CALL_STACK_MAX_BYTES`], a
    /// multiple of [`CALL_STACK_STEP_BYTES`]. Part of what the component is compiled to.
    pub call_stack_bytes: u32,
}

/// Who says what time of day it is. Time since the start is the guest's own and needs nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum WallClock {
    /// Nobody: the component cannot ask.
    None,
    /// The host, whom nobody has to believe.
    Host,
    /// The time servers of the manifest.
    Roughtime,
}

/// Who reads what the component writes to standard error and to its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Logs {
    /// Nobody: it never leaves the guest.
    None,
    /// The manifest's readers, and who gave a private job: it leaves the guest in an envelope for them. Nobody where there is
    /// neither, and nobody of what a service logs.
    Sealed,
    /// Whoever runs the guest, of private jobs too.
    Public,
}

/// A component that answers HTTP requests: it exports `wasi:http/incoming-handler`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// TCP port on which the guest listens, not 0.
    pub port: u16,
    /// How clients reach it. Under TLS, which ends in the guest, each connection can be proven to end there; in the clear
    /// whoever carries the bytes reads and writes them.
    #[serde(deserialize_with = "field::word")]
    pub scheme: EgressScheme,
    /// Requests that are answered at once, 1 to [`OPEN_REQUESTS_MAX`]; others wait.
    pub open_requests_max: u32,
    /// Time of one request by the guest's own clock, from its head to the end of its answer.
    pub request_wall_ms: u64,
    /// Body of one request.
    pub request_body_bytes: u64,
    /// Body of the answer to it.
    pub response_body_bytes: u64,
    /// Instructions of one request, as the engine counts them.
    pub request_fuel: u64,
    /// Linear memory of the instance that answers one request.
    pub request_memory_bytes: u64,
}

/// What a component may store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    /// Key-value store; 0: not offered.
    pub key_value_bytes: u64,
    /// File system in memory, of one run; 0: not offered.
    pub files_bytes: u64,
    /// Whether the key-value store and the files of jobs are sealed and given to the loader to be kept for the next boot.
    /// The files of a service are those of one request, and end with it.
    pub persist: bool,
}

impl Storage {
    /// Both together.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.key_value_bytes.saturating_add(self.files_bytes)
    }
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
