//! What the program in the Linux guest and the tool on the host agree on.

use wasmtime::Config;

/// Where the guest's initramfs holds the component's standard input. Absent: empty input.
pub const INPUT_FILE: &str = "/input";

/// Where the initramfs of the guest that answers requests holds its component.
pub const COMPONENT_FILE: &str = "/component.wasm";

/// The port that it answers on.
pub const SERVICE_PORT: u16 = 80;

/// Before every line that the benchmark reads from the serial console.
pub const MARK: &str = "linux-guest:";

/// Room for growth of the linear memory: the auditor's limit in `examples/ledger-audit/app.toml`, as in our guest.
const LINEAR_MEMORY_BYTES: u64 = 32 << 20;

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
    #[must_use]
    pub fn config(self) -> Config {
        match self {
            Self::Same => {
                let mut config =
                    attestation_artefact::base_config(attestation_artefact::CALL_STACK_DEFAULT_BYTES);
                config.memory_reservation_for_growth(LINEAR_MEMORY_BYTES);
                config
            }
            Self::Default => Config::new(),
        }
    }
}
