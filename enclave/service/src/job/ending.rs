//! How a job ended, as the loader is told.

use alloc::string::String;
use alloc::vec::Vec;

use attestation_claim::Outcome as ClaimOutcome;
use attestation_envelope::Content;
use enclave_platform::ByteStream;
use enclave_runtime::{JobReport, Outcome};
use enclave_wire::control::{JobDone, JobOutcome, Usage};

use super::JobStreams;
use crate::surroundings::Surroundings;

impl<S: ByteStream, E: Surroundings> JobStreams<S, E> {
    /// How the loader is told of the end.
    pub(super) fn describe(&self, report: &JobReport, is_abandoned: bool) -> (JobOutcome, String) {
        if let Some(refusal) = &self.refusal {
            return (JobOutcome::Refused, alloc::format!("{refusal}"));
        }
        let (outcome, detail) =
            if self.start.private { describe_private(&report.outcome) } else { describe(report) };
        (if is_abandoned { JobOutcome::Cancelled } else { outcome }, detail)
    }

    /// Of a job that was over before its component began.
    pub(super) fn not_run(&self) -> JobDone {
        let (outcome, detail) = match &self.refusal {
            Some(refusal) => (JobOutcome::Refused, alloc::format!("{refusal}")),
            None => (JobOutcome::Cancelled, String::new()),
        };
        JobDone { claim: None, outcome, detail, usage: Usage::default() }
    }

    /// A claim has digests of what may be short enough to be guessed.
    pub(super) fn pack_claim(&mut self, claim: Vec<u8>) -> Vec<u8> {
        if !self.start.private {
            return claim;
        }
        let salt = self.guest.surroundings.random();
        self.audience.pack(Content::PrivateClaim, salt, claim)
    }
}

fn describe(report: &JobReport) -> (JobOutcome, String) {
    match &report.outcome {
        Outcome::Exited { code } => (JobOutcome::Exited { code: *code }, String::new()),
        Outcome::Trapped { message } => (JobOutcome::Trapped, message.clone()),
        Outcome::LimitExceeded { limit } => {
            (JobOutcome::LimitExceeded { limit: limit.as_str().into() }, alloc::format!("{limit} exceeded"))
        }
        Outcome::Stopped { reason } => (JobOutcome::Cancelled, alloc::format!("{reason}")),
        Outcome::Failed { message } => (JobOutcome::Failed, message.clone()),
    }
}

/// Nothing of what the component did: not even how it ended, which its sealed claim says.
fn describe_private(outcome: &Outcome) -> (JobOutcome, String) {
    match outcome {
        Outcome::Exited { .. } | Outcome::Trapped { .. } | Outcome::LimitExceeded { .. } => {
            (JobOutcome::Sealed, String::new())
        }
        Outcome::Stopped { reason } => (JobOutcome::Cancelled, alloc::format!("{reason}")),
        Outcome::Failed { .. } => (JobOutcome::Failed, "the machine could not run it".into()),
    }
}

pub(crate) fn claim_outcome(outcome: &Outcome) -> Option<ClaimOutcome> {
    match outcome {
        Outcome::Exited { code } => Some(ClaimOutcome::Exited { code: *code }),
        Outcome::Trapped { .. } => Some(ClaimOutcome::Trapped),
        Outcome::LimitExceeded { limit } => {
            Some(ClaimOutcome::LimitExceeded { limit: limit.as_str().into() })
        }
        Outcome::Stopped { .. } | Outcome::Failed { .. } => None,
    }
}
