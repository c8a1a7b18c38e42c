//! What one job may use.

use core::fmt;

use attestation_manifest::{Manifest, Service};

use crate::host::Stop;

/// Limits of one job, named as in the manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobLimits {
    /// Linear memories and tables of the component together, in bytes.
    pub component_memory_bytes: u64,
    /// Instructions, as the engine counts them.
    pub fuel: u64,
    /// Standard input, in bytes.
    pub input_bytes: u64,
    /// Standard output and standard error together, in bytes.
    pub output_bytes: u64,
    /// The transcript, in bytes.
    pub transcript_bytes: u64,
    /// Time by [`JobHost::monotonic_ns`](crate::JobHost::monotonic_ns), in milliseconds.
    pub wall_ms: u64,
    /// The files in memory, in bytes; 0 where there are none. More is an error to the component, not the end of the job.
    pub files_bytes: u64,
}

impl JobLimits {
    /// Those of this manifest.
    #[must_use]
    pub const fn of(manifest: &Manifest<'_>) -> Self {
        let limits = &manifest.limits;
        Self {
            component_memory_bytes: limits.component_memory_bytes,
            fuel: limits.fuel,
            input_bytes: limits.input_bytes,
            output_bytes: limits.output_bytes,
            transcript_bytes: limits.transcript_bytes,
            wall_ms: limits.wall_ms,
            files_bytes: manifest.storage.files_bytes,
        }
    }

    /// Those of one request to this service: its body is the input, the response's body the output.
    #[must_use]
    pub const fn of_request(manifest: &Manifest<'_>, service: &Service) -> Self {
        Self {
            component_memory_bytes: service.request_memory_bytes,
            fuel: service.request_fuel,
            input_bytes: service.request_body_bytes,
            output_bytes: service.response_body_bytes,
            wall_ms: service.request_wall_ms,
            ..Self::of(manifest)
        }
    }
}

/// A limit that ended a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// [`JobLimits::component_memory_bytes`].
    ComponentMemory,
    /// [`JobLimits::fuel`].
    Fuel,
    /// [`JobLimits::input_bytes`].
    Input,
    /// [`JobLimits::output_bytes`].
    Output,
    /// [`JobLimits::wall_ms`].
    Wall,
    /// [`JobLimits::transcript_bytes`].
    Transcript,
    /// The stack that the artefact was compiled for, see `attestation-artefact`.
    CallStack,
}

impl Limit {
    /// All of them; the place is the number in a transcript.
    const ALL: [Self; 7] = [
        Self::ComponentMemory,
        Self::Fuel,
        Self::Input,
        Self::Output,
        Self::Wall,
        Self::Transcript,
        Self::CallStack,
    ];

    pub(crate) fn number(self) -> u8 {
        let number = Self::ALL.iter().position(|limit| *limit == self);
        number.and_then(|number| u8::try_from(number).ok()).unwrap_or(u8::MAX)
    }

    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The field of the manifest.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ComponentMemory => "limits.component_memory_bytes",
            Self::Fuel => "limits.fuel",
            Self::Input => "limits.input_bytes",
            Self::Output => "limits.output_bytes",
            Self::Wall => "limits.wall_ms",
            Self::Transcript => "limits.transcript_bytes",
            Self::CallStack => "limits.call_stack_bytes",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Ends a run from outside of the component; from inside a host function it travels through the component as a trap that
/// it cannot catch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RunEnd {
    /// The component called `wasi:cli/exit`.
    #[error("exit with code {0}")]
    Exit(u8),
    /// A limit is used up.
    #[error("{0} exceeded")]
    Limit(Limit),
    /// The host wants it.
    #[error("{0}")]
    Stop(Stop),
    /// A replay is not what was recorded; the door knows more.
    #[error("the run parts from its transcript")]
    Parted,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_has_a_number() {
        for limit in Limit::ALL {
            assert_eq!(Limit::from_number(limit.number()), Some(limit));
        }
        assert_eq!(Limit::from_number(7), None);
    }
}
