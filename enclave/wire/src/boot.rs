//! Boot configuration: fw_cfg files, exit codes, log levels.

/// fw_cfg file with the exact bytes of `manifest.json`.
pub const FW_CFG_MANIFEST: &str = "opt/redoubt/manifest";
/// fw_cfg file with the WebAssembly component; the guest only hashes it.
pub const FW_CFG_COMPONENT: &str = "opt/redoubt/component";
/// fw_cfg file with the precompiled artefact.
pub const FW_CFG_ARTEFACT: &str = "opt/redoubt/artefact";
/// fw_cfg file with what the guest before this one stored, as it sealed it. Absent: nothing was stored.
pub const FW_CFG_STATE: &str = "opt/redoubt/state";
/// fw_cfg file with one [`LogLevel`] as an ASCII digit. Absent: [`LogLevel::Info`].
pub const FW_CFG_LOG_LEVEL: &str = "opt/redoubt/log-level";

/// The largest manifest that the guest reads.
pub const MANIFEST_MAX_BYTES: usize = attestation_manifest::MANIFEST_MAX_BYTES;
/// The largest artefact that the guest reads.
pub const ARTEFACT_MAX_BYTES: usize = attestation_manifest::ARTEFACT_MAX_BYTES;
/// What a sealed state may be longer than what the manifest lets outlast the guest.
pub const STATE_MARGIN_BYTES: u64 = 4096;
/// The largest component that the guest hashes.
pub const COMPONENT_MAX_BYTES: usize = attestation_manifest::COMPONENT_MAX_BYTES;

/// Port of QEMU's isa-debug-exit device. A guest that writes `v` ends QEMU with status `2v + 1`, never 0.
pub const DEBUG_EXIT_PORT: u16 = 0xF4;
/// First serial port: the log.
pub const SERIAL_PORT: u16 = 0x3F8;

/// What the log shows. Chosen by the host: nothing secret may be logged at any level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum LogLevel {
    /// Failures only.
    Error = 1,
    /// And what looks wrong.
    Warn = 2,
    /// And the milestones of boot and jobs.
    Info = 3,
    /// And their details.
    Debug = 4,
    /// And every frame.
    Trace = 5,
}

impl LogLevel {
    /// Reads the ASCII digit of [`FW_CFG_LOG_LEVEL`].
    #[must_use]
    pub fn from_digit(digit: u8) -> Option<Self> {
        Some(match digit {
            b'1' => Self::Error,
            b'2' => Self::Warn,
            b'3' => Self::Info,
            b'4' => Self::Debug,
            b'5' => Self::Trace,
            _ => return None,
        })
    }

    /// The ASCII digit that [`Self::from_digit`] reads.
    #[must_use]
    pub const fn digit(self) -> u8 {
        b'0'.saturating_add(self as u8)
    }
}

/// Why the guest ended, as written to [`DEBUG_EXIT_PORT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// The loader asked for it.
    Shutdown = 0x10,
    /// The processor lacks something; the log names it.
    MissingCpuFeature = 0x20,
    /// An exception that nothing handles; the log has the registers.
    Exception = 0x21,
    /// A panic; the log says where.
    Panic = 0x22,
    /// No memory left outside a job.
    OutOfMemory = 0x23,
    /// The boot configuration is missing, malformed or does not match; the log says which.
    Refused = 0x24,
    /// The platform answered wrongly (report, key, page state); the log says how.
    PlatformFault = 0x25,
    /// A device broke the rules of its transport.
    DeviceFault = 0x26,
    /// No usable randomness.
    NoEntropy = 0x27,
}

impl ExitCode {
    /// Every code, for tables and tests.
    pub const ALL: [Self; 9] = [
        Self::Shutdown,
        Self::MissingCpuFeature,
        Self::Exception,
        Self::Panic,
        Self::OutOfMemory,
        Self::Refused,
        Self::PlatformFault,
        Self::DeviceFault,
        Self::NoEntropy,
    ];

    /// The exit status of the QEMU process when the guest ends with this code.
    #[must_use]
    pub const fn qemu_status(self) -> i32 {
        (self as i32).saturating_mul(2).saturating_add(1)
    }

    /// The code behind a QEMU exit status, if the guest chose it.
    #[must_use]
    pub fn from_qemu_status(status: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.qemu_status() == status)
    }

    /// One line for an operator.
    #[must_use]
    pub const fn explain(self) -> &'static str {
        match self {
            Self::Shutdown => "the guest shut down as asked",
            Self::MissingCpuFeature => "the processor lacks a feature that the guest needs",
            Self::Exception => "the guest hit an unexpected processor exception",
            Self::Panic => "the guest panicked",
            Self::OutOfMemory => "the guest ran out of memory outside a job",
            Self::Refused => "the guest refused its boot configuration",
            Self::PlatformFault => "the platform (PSP, TDX module or hypervisor) answered wrongly",
            Self::DeviceFault => "a virtual device broke the rules of its transport",
            Self::NoEntropy => "the guest found no usable randomness",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_distinct_and_never_success() {
        for code in ExitCode::ALL {
            assert_eq!(ExitCode::from_qemu_status(code.qemu_status()), Some(code));
            assert_ne!(code.qemu_status(), 0);
            // 1 is what QEMU itself exits with when its command line is wrong.
            assert_ne!(code.qemu_status(), 1);
        }
        assert_eq!(ExitCode::from_qemu_status(0), None);
    }

    #[test]
    fn log_levels_round_trip() {
        for digit in b'0'..=b'9' {
            if let Some(level) = LogLevel::from_digit(digit) {
                assert_eq!(level.digit(), digit);
            }
        }
        assert_eq!(LogLevel::from_digit(b'0'), None);
        assert_eq!(LogLevel::from_digit(b'6'), None);
    }
}
