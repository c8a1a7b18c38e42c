//! What the program in the Linux guest and the tool on the host agree on.

use wasmtime::{Config, Result};

/// Where the guest's initramfs holds the component's standard input. Absent: empty input.
pub const INPUT_FILE: &str = "/input";

/// Before every line that the benchmark reads from the serial console.
pub const MARK: &str = "linux-guest:";

/// Which settings the engine runs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tuning {
    /// The settings of our guest.
    Same,
    /// What wasmtime does when nobody says anything.
    Default,
}

impl Tuning {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Same, Self::Default];

    /// The word in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Default => "default",
        }
    }

    /// Where the initramfs holds the artefact. Absent: not run.
    #[must_use]
    pub const fn artefact_file(self) -> &'static str {
        match self {
            Self::Same => "/same.cwasm",
            Self::Default => "/default.cwasm",
        }
    }

    /// The engine's settings, compiler flags aside.
    ///
    /// # Errors
    /// The engine does not know our target.
    pub fn config(self) -> Result<Config> {
        match self {
            Self::Same => Ok(attestation_artefact::base_config()),
            Self::Default => Ok(Config::new()),
        }
    }
}
