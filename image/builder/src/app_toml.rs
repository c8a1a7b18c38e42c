//! `app.toml`: what the author of a program decides; the rest of a manifest is computed.
//!
//! ```toml
//! name = "ledger-audit"            # 1 to 64 of a-z 0-9 -
//! role = "workload"                # optional, like everything below
//! trust = "tee"
//! memory_mib = 128
//! args = ["--strict"]
//! egress = ["192.0.2.7:443"]
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
use core::net::SocketAddrV4;

use attestation_manifest::{EGRESS_MAX, HexU64, LIST_MAX, Limits, Role, TrustMode};
use serde::Deserialize;

use crate::error::AppTomlError;

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
    /// Arguments after the program's name.
    #[serde(default)]
    pub args: Vec<String>,
    /// Environment variables. The manifest lists them by name.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// TCP destinations, `a.b.c.d:port`. Default: none, so the program cannot open connections.
    #[serde(default)]
    pub egress: Vec<String>,
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
        match app.egress.iter().find(|destination| destination.parse::<SocketAddrV4>().is_err()) {
            Some(found) => Err(AppTomlError::Egress { found: found.clone() }),
            None => Ok(app),
        }
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
        }
    }

    fn check_counts(&self) -> Result<(), AppTomlError> {
        let counts = [
            ("args", self.args.len(), LIST_MAX),
            ("env", self.env.len(), LIST_MAX),
            ("egress", self.egress.len(), EGRESS_MAX),
        ];
        match counts.into_iter().find(|(_, found, max)| found > max) {
            Some((field, found, expected)) => Err(AppTomlError::TooMany { field, expected, found }),
            None => Ok(()),
        }
    }

    /// The guest borrows strings from the manifest's bytes, so it cannot undo JSON escapes.
    fn check_texts(&self) -> Result<(), AppTomlError> {
        let needs_escape = |text: &&String| text.chars().any(|c| c.is_control() || matches!(c, '"' | '\\'));
        let texts = core::iter::once(("name", &self.name)).chain(self.args.iter().map(|text| ("args", text)));
        let texts = texts.chain(self.env.iter().flat_map(|(name, value)| [("env", name), ("env", value)]));
        if let Some((field, found)) = texts.into_iter().find(|(_, text)| needs_escape(text)) {
            return Err(AppTomlError::Text { field, found: found.clone() });
        }
        match self.env.keys().find(|name| name.is_empty() || name.contains('=')) {
            Some(found) => Err(AppTomlError::EnvName { found: found.clone() }),
            None => Ok(()),
        }
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

const fn default_memory_mib() -> u32 {
    128
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;

    use proptest::prelude::*;

    use super::*;

    fn refusal(text: &str) -> String {
        AppToml::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn a_name_is_enough() {
        let app = AppToml::parse("name = \"audit\"").unwrap();
        assert_eq!((app.memory_mib, app.role, app.trust), (128, Role::Workload, TrustMode::Tee));
        assert_eq!(app.limits().component_memory_bytes, 64 << 20);
        assert_eq!(app.launch.snp, AppSnp { policy: HexU64(0x3_0000), vmpl: 0 });
        assert_eq!(app.launch.tdx, AppTdx { attributes: HexU64(0x1000_0000), xfam: HexU64(0xE7) });
    }

    #[test]
    fn one_limit_leaves_the_others() {
        let app =
            AppToml::parse("name = \"a\"\n[limits]\nfuel = 5\n[launch.snp]\npolicy = \"0x130000\"").unwrap();
        assert_eq!((app.limits().fuel, app.limits().wall_ms), (5, 600_000));
        assert_eq!((app.launch.snp.policy, app.launch.snp.vmpl), (HexU64(0x13_0000), 0));
    }

    #[test]
    fn the_example_in_the_documentation_is_read() {
        let source = include_str!("app_toml.rs");
        let lines = source.lines().skip_while(|line| *line != "//! ```toml").skip(1);
        let lines = lines.take_while(|line| *line != "//! ```").map(|line| line.trim_start_matches("//!"));
        let app = AppToml::parse(&lines.collect::<Vec<_>>().join("\n")).unwrap();
        let defaults = AppToml::parse("name = \"a\"").unwrap();
        assert_eq!((app.limits(), app.launch), (defaults.limits(), defaults.launch), "it shows the defaults");
    }

    #[test]
    fn unknown_fields_are_named_with_their_line() {
        let error = refusal("name = \"a\"\n\n[limits]\nfuell = 5\n");
        assert!(error.contains("line 4") && error.contains("unknown field `fuell`"), "{error}");
        assert!(refusal("nam = \"a\"").contains("unknown field `nam`"));
        assert!(refusal("").contains("missing field `name`"));
        assert!(refusal("name = \"a\"\ntrust = \"hope\"").contains("unknown variant `hope`"));
        assert!(refusal("name = \"a\"\n[launch.snp]\npolicy = 5").contains("hexadecimal"));
    }

    #[test]
    fn texts_that_the_guest_cannot_read_are_refused() {
        assert!(refusal("name = 'say \"hi\"'").contains("`name`"));
        assert!(refusal("name = \"a\"\nargs = ['say \"hi\"']").contains("`args`"));
        assert!(refusal("name = \"a\"\n[env]\nA = \"line\\nbreak\"").contains("`env`"));
        assert!(refusal("name = \"a\"\n[env]\n\"A=B\" = \"\"").contains("A=B"));
    }

    #[test]
    fn lists_are_bounded() {
        let many = "'x', ".repeat(LIST_MAX + 1);
        let error = refusal(&format!("name = \"a\"\nargs = [{many}]"));
        assert_eq!(error, "app.toml field `args`: expected at most 32 entries, found 33");
    }

    /// As many of everything as a manifest takes.
    #[test]
    fn structure_is_bounded_far_from_what_files_have() {
        let args = "    'argument', # what it is for\n".repeat(LIST_MAX);
        let egress = "'192.0.2.7:443',\n".repeat(EGRESS_MAX);
        let env = (0..LIST_MAX).map(|number| format!("VARIABLE_{number} = 'value'\n"));
        let [limits, launch] =
            ["[limits]\nfuel = 5\nwall_ms = 5\n", "[launch.snp]\nvmpl = 0\n[launch.tdx]\nxfam = '0xe7'\n"];
        let env = env.collect::<String>();
        let full = format!("name = 'a'\nargs = [{args}]\negress = [{egress}]\n[env]\n{env}{limits}{launch}");
        AppToml::parse(&full).unwrap();
        let error = refusal(&full.repeat(4));
        assert!(error.contains("duplicate key"), "{error}");
        assert_eq!(
            refusal(&"[env.a]\n".repeat(1000)),
            "app.toml: expected at most 384 tables, lists and dots, found 2000; line 193 goes beyond"
        );
    }

    #[test]
    fn destinations_are_addresses() {
        AppToml::parse("name = \"a\"\negress = ['192.0.2.7:443']").unwrap();
        for bad in ["example.org:443", "192.0.2.7", "[::1]:443", "192.0.2.7:99999"] {
            assert!(refusal(&format!("name = \"a\"\negress = ['{bad}']")).contains(bad));
        }
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text: String) {
            let _ = AppToml::parse(&text);
        }
    }
}
