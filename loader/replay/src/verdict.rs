//! What a replay found.

use core::fmt;

use attestation_claim::{Claim, Digested, Outcome};
use enclave_runtime::{Outcome as RunOutcome, Parting, Usage};

use crate::files::KeptFiles;

/// Whether a claim is what its replay finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Where the run parted from the transcript; `None` when it did not.
    pub parting: Option<Parting>,
    /// Fields of the claim that the replay finds otherwise.
    pub differences: Vec<Difference>,
    /// How the replay ended, in the claim's words.
    pub outcome: String,
    /// Of a run that trapped: why, and a backtrace with places in the component as its author has it.
    pub trap: Option<String>,
    /// What it used.
    pub usage: Usage,
    /// Entries of the transcript.
    pub entries: usize,
    /// What the transcript says of files, where jobs keep them. As good as the replay is.
    pub files: Option<KeptFiles>,
}

/// A field of a claim with another value than its replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The field.
    pub field: &'static str,
    /// What the claim says.
    pub claimed: String,
    /// What the replay found.
    pub found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: the claim says {}, the replay found {}", self.field, self.claimed, self.found)
    }
}

impl Verdict {
    /// Whether the claim holds in every field that a replay can confirm.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.parting.is_none() && self.differences.is_empty()
    }
}

/// Every replayable field of `claim` against what was found.
pub(crate) fn differences(
    claim: &Claim,
    outcome: &Outcome,
    usage: &Usage,
    output: &Digested,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut compare = |field, claimed: String, replayed: String| {
        if claimed != replayed {
            found.push(Difference { field, claimed, found: replayed });
        }
    };
    compare("outcome", claim.outcome.to_string(), outcome.to_string());
    compare("output, bytes", claim.output.bytes.to_string(), output.bytes.to_string());
    compare("output, SHA-256", hex::encode(claim.output.sha256), hex::encode(output.sha256));
    compare("fuel", claim.usage.fuel.to_string(), usage.fuel.to_string());
    let claimed_memory = claim.usage.component_memory_bytes;
    compare("component memory, peak bytes", claimed_memory.to_string(), usage.peak_memory_bytes.to_string());
    let claimed_errors = claim.usage.error_output_bytes;
    compare("error output, bytes", claimed_errors.to_string(), usage.stderr_bytes.to_string());
    found
}

/// The claim's word for how a run ended; `None` for an end that no claim speaks of.
pub(crate) fn claimed_outcome(outcome: &RunOutcome) -> Option<Outcome> {
    match outcome {
        RunOutcome::Exited { code } => Some(Outcome::Exited { code: *code }),
        RunOutcome::Trapped { .. } => Some(Outcome::Trapped),
        RunOutcome::LimitExceeded { limit } => Some(Outcome::LimitExceeded { limit: limit.as_str().into() }),
        RunOutcome::Stopped { .. } | RunOutcome::Failed { .. } => None,
    }
}
