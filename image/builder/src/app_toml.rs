//! `app.toml`: what the author of a program decides; the rest of a manifest is computed.
//!
//! ```toml
//! name = "ledger-audit"            # 1 to 64 of a-z 0-9 -
//! role = "workload"                # optional, like everything below
//! trust = "tee"
//! memory_mib = 128
//! args = ["--strict"]
//! wall_clock = "none"              # or "roughtime", or "host", whose word it then is
//! logs = "public"                  # or "sealed" for the readers and who gave a private job, or "none"
//! readers = []                     # everybody; or keys, as `redoubt-verify reader-key new` prints them
//! egress = [
//!     { host = "api.example.org", port = 443, methods = ["GET", "POST"] },
//!     { host = "*.example.net", port = 443, methods = ["*"] },
//!     { host = "192.0.2.7", port = 8080, scheme = "http", methods = ["GET"] },
//! ]
//! time = [                         # servers of Roughtime, at least three, where there is https or such a clock
//!     { host = "time.example.org", public_key = "GX9rI+FshTLGq8g4+s1ep4m+DHaykgM0A5v6iz02jWE=" },
//!     { host = "time.example.net", port = 2003, public_key = "AW5uAoTSTDfG5NfY1bTh08GUnOqlRb+HVhbJ3ODJvsE=" },
//!     { host = "192.0.2.8", public_key = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff" },
//! ]
//!
//! [tls]
//! roots = "mozilla"                # or "none"
//! hosts = [                        # keys that a host may have, PEM of authorities that alone vouch for it, or both
//!     { host = "api.example.org", spki_sha256 = ["00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"] },
//! ]
//!
//! [env]
//! CURRENCY = "EUR"
//!
//! [limits]
//! component_memory_bytes = 67108864
//! fuel = 1000000000000
//! input_bytes = 1073741824
//! output_bytes = 67108864
//! wall_ms = 600000
//! transcript_bytes = 268435456
//! call_stack_bytes = 524288
//!
//! [service]                        # only of a component that answers HTTP requests
//! port = 8080
//! scheme = "https"                 # or "http": in the clear, readable and writable for the host
//! open_requests_max = 256
//! request_wall_ms = 30000
//! request_body_bytes = 1048576
//! response_body_bytes = 16777216
//! request_fuel = 10000000000
//! request_memory_bytes = 16777216
//!
//! [storage]
//! key_value_bytes = 0
//! files_bytes = 0
//! persist = false
//!
//! [launch.snp]
//! policy = "0x30000"
//! vmpl = 0
//!
//! [launch.tdx]
//! attributes = "0x10000000"
//! xfam = "0xe7"
//! ```

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use attestation_manifest::{
    CALL_STACK_DEFAULT_BYTES, EGRESS_MAX, EgressScheme, HexDigest, HexU64, LIST_MAX, Limits, Logs,
    METHODS_MAX, READERS_MAX, Role, Service, Storage, TrustMode, WallClock,
};
use serde::Deserialize;

use crate::error::AppTomlError;

mod tls;

pub use tls::{AppTimeServer, AppTls, AppTlsHost};

/// The author's part of a manifest. See the module's example for the file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppToml {
    /// Name for people: 1 to 64 of `a-z 0-9 -`.
    pub name: String,
    /// What the guest is. Default: `workload`, which runs a component.
    #[serde(default = "workload")]
    pub role: Role,
    /// How the job wants to be believed. Default: `tee`, hardware vendor and measured image.
    #[serde(default = "tee")]
    pub trust: TrustMode,
    /// RAM of the guest. Default: 128, which is ample for a program that streams its input.
    #[serde(default = "default_memory_mib")]
    pub memory_mib: u32,
    /// What one job may use.
    #[serde(default)]
    pub limits: AppLimits,
    /// Who says what time of day it is. Default: `none`, nobody.
    #[serde(default = "no_wall_clock")]
    pub wall_clock: WallClock,
    /// Arguments after the program's name.
    #[serde(default)]
    pub args: Vec<String>,
    /// Environment variables. The manifest lists them by name.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Where the program may send requests. Default: nowhere, so it cannot open connections.
    #[serde(default)]
    pub egress: Vec<AppEgressRule>,
    /// Whose certificates are believed.
    #[serde(default)]
    pub tls: AppTls,
    /// Who says what time it is. Default: nobody, which will do without https.
    #[serde(default)]
    pub time: Vec<AppTimeServer>,
    /// How a component that answers requests does it. Default: it runs jobs.
    pub service: Option<AppService>,
    /// What the program may store. Default: nothing.
    #[serde(default)]
    pub storage: AppStorage,
    /// Who reads standard error and the log. Default: `public`, whoever runs the guest, of private jobs too. `sealed`: the
    /// readers, and who gave a private job; nobody of a service.
    #[serde(default = "public_logs")]
    pub logs: Logs,
    /// For whom transcripts are sealed, and requests that are kept: public keys of X25519, 64 hexadecimal digits each, as
    /// `redoubt-verify reader-key` prints them. Default: nobody, so that both are in the clear for whoever runs the guest.
    #[serde(default)]
    pub readers: Vec<HexDigest<32>>,
    /// What platforms must report about the launch.
    #[serde(default)]
    pub launch: AppLaunch,
}

/// What one job may use. Exceeding a limit ends the job, not the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AppLimits {
    /// Linear memory. Default: half of `memory_mib`; the artefact, stacks and buffers take from the other half.
    pub component_memory_bytes: Option<u64>,
    /// Instructions, as the engine counts them. Default: 10^12, minutes to hours of computing.
    pub fuel: u64,
    /// Standard input. Default: 1 GiB; it is streamed and need not fit the memory.
    pub input_bytes: u64,
    /// Standard output and standard error together. Default: 64 MiB.
    pub output_bytes: u64,
    /// Time by the guest's own clock. Default: 10 minutes.
    pub wall_ms: u64,
    /// Record of everything that the program learns from outside. Default: 256 MiB.
    pub transcript_bytes: u64,
    /// Stack of compiled code, a multiple of 1024. Default: 512 KiB.
    pub call_stack_bytes: u32,
}

/// Requests that the program may send.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppEgressRule {
    /// A lower-case DNS name, `*.` and one, which stands for all names that end in it and are longer, or an IPv4 address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// What is spoken there. Default: `https`.
    #[serde(default = "https")]
    pub scheme: EgressScheme,
    /// Methods of HTTP, or only `*` for all.
    pub methods: Vec<String>,
}

/// How a component answers HTTP requests. Exceeding a limit ends the request, not the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AppService {
    /// TCP port on which the guest listens. Default: 8080.
    pub port: u16,
    /// How clients reach it: `https`, under TLS that ends in the guest, or `http`, in the clear. Default: `https`.
    pub scheme: EgressScheme,
    /// Requests that are answered at once. Default: 256.
    pub open_requests_max: u32,
    /// Time of one request by the guest's own clock. Default: 30 seconds.
    pub request_wall_ms: u64,
    /// Body of one request. Default: 1 MiB.
    pub request_body_bytes: u64,
    /// Body of the answer to it. Default: 16 MiB; it is streamed and need not fit the memory.
    pub response_body_bytes: u64,
    /// Instructions of one request. Default: 10^10, seconds to minutes of computing.
    pub request_fuel: u64,
    /// Linear memory for one request. Default: 16 MiB. The guest has it for every open request.
    pub request_memory_bytes: u64,
}

/// What a program may store. All of it is in the guest's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AppStorage {
    /// Key-value store. Default: 0, none.
    pub key_value_bytes: u64,
    /// File system, of each job or request its own. Default: 0, none.
    pub files_bytes: u64,
    /// Whether what is stored is sealed and kept by the loader for the next boot: the key-value store, and the files of
    /// jobs, of which each begins with those that the one before ended with, and has them in its transcript. The files of
    /// a service end with their request all the same. Default: no, it is gone with the guest.
    pub persist: bool,
}

/// Launch policy of every platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AppLaunch {
    /// Under SEV-SNP, and under the simulated platform.
    pub snp: AppSnp,
    /// Under TDX.
    pub tdx: AppTdx,
}

/// SEV-SNP launch policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AppSnp {
    /// Guest policy. Default: `0x30000`: bit 17, which must be one, and bit 16, because most hosts run with SMT. No
    /// debugging (19), no migration agent (18), any ABI version.
    pub policy: HexU64,
    /// VMPL of the guest. Default: 0, the most privileged: nothing of the host's choice runs above the guest.
    pub vmpl: u32,
}

/// TDX launch policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AppTdx {
    /// TD attributes. Default: `0x10000000`: SEPT_VE_DISABLE (bit 28), so that a host which takes a page away stops
    /// the guest instead of steering it through exceptions. No debugging (0), no performance counters (63).
    pub attributes: HexU64,
    /// Extended features. Default: `0xe7`: x87 and SSE, which must be on, AVX, and the three parts of AVX-512, which
    /// QEMU with `-cpu host` turns on where the processor has them.
    pub xfam: HexU64,
}

impl AppToml {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`AppTomlError::Toml`] shows line and column; the others name the field.
    pub fn parse(text: &str) -> Result<Self, AppTomlError> {
        let app: Self = attestation_toml::read(text).map_err(AppTomlError::Toml)?;
        app.check_counts()?;
        app.check_texts()?;
        app.tls.check()?;
        Ok(app)
    }

    /// The limits of the manifest.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let half_of_memory = (u64::from(self.memory_mib) << 20) / 2;
        Limits {
            component_memory_bytes: self.limits.component_memory_bytes.unwrap_or(half_of_memory),
            fuel: self.limits.fuel,
            input_bytes: self.limits.input_bytes,
            output_bytes: self.limits.output_bytes,
            wall_ms: self.limits.wall_ms,
            transcript_bytes: self.limits.transcript_bytes,
            call_stack_bytes: self.limits.call_stack_bytes,
        }
    }

    fn check_counts(&self) -> Result<(), AppTomlError> {
        let lists = [
            ("args", self.args.len(), LIST_MAX),
            ("env", self.env.len(), LIST_MAX),
            ("egress", self.egress.len(), EGRESS_MAX),
            ("readers", self.readers.len(), READERS_MAX),
        ];
        let methods = self.egress.iter().map(|rule| ("egress.methods", rule.methods.len(), METHODS_MAX));
        let others = self.tls.counts().chain([tls::time_count(&self.time)]);
        match lists.into_iter().chain(methods).chain(others).find(|(_, found, max)| found > max) {
            Some((field, found, expected)) => Err(AppTomlError::TooMany { field, expected, found }),
            None => Ok(()),
        }
    }

    /// The guest borrows strings from the manifest's bytes, so it cannot undo JSON escapes.
    fn check_texts(&self) -> Result<(), AppTomlError> {
        let needs_escape = |text: &&String| text.chars().any(|c| c.is_control() || matches!(c, '"' | '\\'));
        let texts = core::iter::once(("name", &self.name)).chain(self.args.iter().map(|text| ("args", text)));
        let texts = texts.chain(self.env.iter().flat_map(|(name, value)| [("env", name), ("env", value)]));
        let texts = texts.chain(self.egress.iter().flat_map(AppEgressRule::texts)).chain(self.tls.texts());
        let texts = texts.chain(self.time.iter().map(|server| ("time.host", &server.host)));
        if let Some((field, found)) = texts.into_iter().find(|(_, text)| needs_escape(text)) {
            return Err(AppTomlError::Text { field, found: found.clone() });
        }
        match self.env.keys().find(|name| name.is_empty() || name.contains('=')) {
            Some(found) => Err(AppTomlError::EnvName { found: found.clone() }),
            None => Ok(()),
        }
    }
}

impl AppEgressRule {
    fn texts(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let methods = self.methods.iter().map(|method| ("egress.methods", method));
        core::iter::once(("egress.host", &self.host)).chain(methods)
    }
}

impl From<AppService> for Service {
    fn from(app: AppService) -> Self {
        Self {
            port: app.port,
            scheme: app.scheme,
            open_requests_max: app.open_requests_max,
            request_wall_ms: app.request_wall_ms,
            request_body_bytes: app.request_body_bytes,
            response_body_bytes: app.response_body_bytes,
            request_fuel: app.request_fuel,
            request_memory_bytes: app.request_memory_bytes,
        }
    }
}

impl From<AppStorage> for Storage {
    fn from(app: AppStorage) -> Self {
        Self { key_value_bytes: app.key_value_bytes, files_bytes: app.files_bytes, persist: app.persist }
    }
}

impl Default for AppLimits {
    fn default() -> Self {
        Self {
            component_memory_bytes: None,
            fuel: 1_000_000_000_000,
            input_bytes: 1 << 30,
            output_bytes: 64 << 20,
            wall_ms: 600_000,
            transcript_bytes: 256 << 20,
            call_stack_bytes: CALL_STACK_DEFAULT_BYTES,
        }
    }
}

impl Default for AppService {
    fn default() -> Self {
        Self {
            port: 8080,
            scheme: https(),
            open_requests_max: 256,
            request_wall_ms: 30_000,
            request_body_bytes: 1 << 20,
            response_body_bytes: 16 << 20,
            request_fuel: 10_000_000_000,
            request_memory_bytes: 16 << 20,
        }
    }
}

impl Default for AppSnp {
    fn default() -> Self {
        Self { policy: HexU64(0x3_0000), vmpl: 0 }
    }
}

impl Default for AppTdx {
    fn default() -> Self {
        Self { attributes: HexU64(0x1000_0000), xfam: HexU64(0xE7) }
    }
}

const fn workload() -> Role {
    Role::Workload
}

const fn tee() -> TrustMode {
    TrustMode::Tee
}

const fn https() -> EgressScheme {
    EgressScheme::Https
}

const fn no_wall_clock() -> WallClock {
    WallClock::None
}

const fn public_logs() -> Logs {
    Logs::Public
}

const fn default_memory_mib() -> u32 {
    128
}

#[cfg(test)]
mod tests;
