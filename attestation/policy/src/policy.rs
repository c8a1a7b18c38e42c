//! The policy: one table per platform.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use attestation_verify::Verified;
use attestation_verify::nvidia::MachineEvidence;
use attestation_verify::snp::SnpEvidence;
use attestation_verify::tdx::TdxEvidence;
use toml::{Table, Value};

use crate::decision::Rulings;
use crate::nvidia::{Binding, NvidiaPolicy};
use crate::rules::{Section, Term};
use crate::snp::SnpPolicy;
use crate::tdx::TdxPolicy;
use crate::terms::Text;
use crate::{Decision, Described, PolicyError};

/// The longest policy that is read: a list of a thousand chips takes half of it, a preset 6 kB. How many tables and
/// words it may have is for `attestation_toml`.
pub const POLICY_MAX_BYTES: usize = 256 * 1024;
/// The version of the fields that this is about.
pub const POLICY_VERSION: u32 = 1;

/// What a policy says of a platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Platform<T> {
    /// No evidence of it is wanted.
    Refused,
    /// Evidence of it is wanted under these rules.
    Rules(T),
}

/// Which genuine evidence is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What people call it.
    pub name: String,
    /// AMD SEV-SNP.
    pub snp: Platform<SnpPolicy>,
    /// Intel TDX.
    pub tdx: Platform<TdxPolicy>,
    /// GPUs and switches of NVIDIA.
    pub nvidia: Platform<NvidiaPolicy>,
}

/// A policy to start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// Every mitigation that hardware can show today. Refuses Milan, and most of what runs in clouds.
    Strict,
    /// What clouds offer, patched.
    Production,
    /// Genuine hardware, whatever its state. For experiments.
    Development,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Strict, Self::Production, Self::Development];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Production => "production",
            Self::Development => "development",
        }
    }

    /// The policy as a file, with a comment for each decision.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Strict => include_str!("../presets/strict.toml"),
            Self::Production => include_str!("../presets/production.toml"),
            Self::Development => include_str!("../presets/development.toml"),
        }
    }
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// Not TOML, or a field is missing, unknown, or has a value that it does not take.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        if text.len() > POLICY_MAX_BYTES {
            return Err(PolicyError::TooLong { limit: POLICY_MAX_BYTES, found: text.len() });
        }
        let mut table: Table = attestation_toml::read(text).map_err(PolicyError::Toml)?;
        let mut root = Section::root(&mut table);
        root.stated::<FormatVersion>("version")?;
        let Text(name) = root.stated("name")?;
        let snp = read_platform(&mut root, "snp", SnpPolicy::read)?;
        let tdx = read_platform(&mut root, "tdx", TdxPolicy::read)?;
        let nvidia = read_platform(&mut root, "nvidia", NvidiaPolicy::read)?;
        root.finish()?;
        Ok(Self { name, snp, tdx, nvidia })
    }

    /// Decides on evidence of SEV-SNP.
    #[must_use]
    pub fn decide_snp(&self, evidence: &Verified<SnpEvidence>) -> Decision {
        match &self.snp {
            Platform::Refused => Rulings::refuse("snp", "no evidence of SEV-SNP", "some"),
            Platform::Rules(rules) => rules.decide(evidence),
        }
    }

    /// Decides on evidence of TDX.
    #[must_use]
    pub fn decide_tdx(&self, evidence: &Verified<TdxEvidence>) -> Decision {
        match &self.tdx {
            Platform::Refused => Rulings::refuse("tdx", "no evidence of TDX", "some"),
            Platform::Rules(rules) => rules.decide(evidence),
        }
    }

    /// Decides on evidence of GPUs and switches: each of a machine has to be wanted.
    #[must_use]
    pub fn decide_nvidia(&self, evidence: &Verified<MachineEvidence<'_>>) -> Decision {
        match &self.nvidia {
            Platform::Refused => Rulings::refuse("nvidia", "no evidence of NVIDIA", "some"),
            Platform::Rules(rules) => rules.decide(evidence),
        }
    }

    /// Decides on how evidence of devices is tied to evidence of a CPU.
    #[must_use]
    pub fn decide_binding(&self, binding: Binding) -> Decision {
        match &self.nvidia {
            Platform::Refused => Rulings::refuse("nvidia", "no evidence of NVIDIA", "some"),
            Platform::Rules(rules) => rules.decide_binding(binding),
        }
    }

    /// Every field, with what it demands and what it is about.
    #[must_use]
    pub fn describe(&self) -> Vec<Described> {
        let mut fields = Vec::new();
        if let Platform::Rules(rules) = &self.snp {
            rules.describe(&mut fields);
        }
        if let Platform::Rules(rules) = &self.tdx {
            rules.describe(&mut fields);
        }
        if let Platform::Rules(rules) = &self.nvidia {
            rules.describe(&mut fields);
        }
        fields
    }
}

fn read_platform<T>(
    root: &mut Section<'_>,
    key: &str,
    read: impl FnOnce(&mut Section<'_>) -> Result<T, PolicyError>,
) -> Result<Platform<T>, PolicyError> {
    if root.take_refused(key) {
        return Ok(Platform::Refused);
    }
    root.section(key, read).map(Platform::Rules)
}

/// The only version there is.
struct FormatVersion;

impl Term for FormatVersion {
    const EXPECTED: &'static str = "1, the only version of policies there is";

    fn read(value: &Value) -> Option<Self> {
        (value.as_integer() == Some(POLICY_VERSION.into())).then_some(Self)
    }

    fn show(&self) -> String {
        POLICY_VERSION.to_string()
    }
}
