//! What one job may use.

use core::fmt;

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
    /// Time by [`JobHost::monotonic_ns`](crate::JobHost::monotonic_ns), in milliseconds.
    pub wall_ms: u64,
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
}

impl Limit {
    /// The field of the manifest.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ComponentMemory => "limits.component_memory_bytes",
            Self::Fuel => "limits.fuel",
            Self::Input => "limits.input_bytes",
            Self::Output => "limits.output_bytes",
            Self::Wall => "limits.wall_ms",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Ends a job from outside of the component; from inside a host function it travels through the component as a trap that
/// it cannot catch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JobEnd {
    /// The component called `wasi:cli/exit`.
    #[error("exit with code {0}")]
    Exit(u8),
    /// A limit is used up.
    #[error("{0} exceeded")]
    Limit(Limit),
    /// The host wants it.
    #[error("{0}")]
    Stop(Stop),
}
