//! Jobs, and what came of them.

use std::io::{Read, Write};

use attestation_claim::{SignedClaim, VerifiedClaim};
use enclave_wire::control::{JobDone, JobOutcome};
use loader_vmm::session::{JobEvent, JobIo, Session};

/// A job that ended.
#[derive(Debug)]
pub(crate) struct JobResult {
    pub(crate) done: JobDone,
    pub(crate) output: Vec<u8>,
    /// What the component and the guest had to say of it, as text.
    pub(crate) error_output: String,
    pub(crate) transcript: Vec<u8>,
    /// How many bytes of input the guest took.
    pub(crate) sent_bytes: u64,
    /// Receipts and proofs of the time.
    pub(crate) records: Vec<JobEvent>,
}

impl JobResult {
    /// The claim's bytes.
    #[track_caller]
    pub(crate) fn claim_bytes(&self) -> &[u8] {
        self.done.claim.as_deref().expect("the job has a claim")
    }

    /// The claim, as its own signature vouches for it.
    #[track_caller]
    pub(crate) fn claim(&self) -> VerifiedClaim {
        let claim = SignedClaim::parse(self.claim_bytes()).expect("the claim parses");
        claim.verify().expect("the claim is signed by its instance key")
    }

    #[track_caller]
    pub(crate) fn assert_success(&self) {
        assert_eq!(self.done.outcome, JobOutcome::Exited { code: 0 }, "{}", self.done.detail);
    }

    #[track_caller]
    pub(crate) fn assert_trapped(&self, words: &[&str]) {
        assert_eq!(self.done.outcome, JobOutcome::Trapped, "{}", self.done.detail);
        for word in words {
            assert!(self.done.detail.contains(word), "expected {word:?}: {}", self.done.detail);
        }
    }

    #[track_caller]
    pub(crate) fn assert_exceeded(&self, limit: &str) {
        assert_eq!(self.done.outcome, JobOutcome::LimitExceeded { limit: limit.to_owned() });
        assert!(self.done.detail.contains(limit), "{}", self.done.detail);
    }
}

/// Runs one job to its end.
#[track_caller]
pub(crate) fn run_job(guest: &Session, input: &[u8]) -> JobResult {
    run_job_stating(guest, &mut &*input, input.len() as u64)
}

/// Runs one job with input of a stated length.
#[track_caller]
pub(crate) fn run_job_stating(guest: &Session, input: &mut dyn Read, input_bytes: u64) -> JobResult {
    let mut output = Vec::new();
    let job = run_job_to(guest, input, input_bytes, &mut output);
    JobResult { output, ..job }
}

/// Runs one job whose output goes elsewhere than into the result.
#[track_caller]
pub(crate) fn run_job_to(
    guest: &Session,
    input: &mut dyn Read,
    input_bytes: u64,
    output: &mut dyn Write,
) -> JobResult {
    let mut sent_bytes = 0;
    let (mut transcript, mut error_output, mut records) = (Vec::new(), Vec::new(), Vec::new());
    let io = JobIo {
        input,
        input_bytes,
        output,
        error_output: &mut error_output,
        transcript: &mut transcript,
        receipts: Some(&mut |record| records.push(record)),
        progress: &mut |so_far| sent_bytes = so_far.input_bytes,
    };
    let done = guest.run_job(io).unwrap_or_else(|error| panic!("{error}"));
    let error_output = String::from_utf8_lossy(&error_output).into_owned();
    JobResult { done, output: Vec::new(), error_output, transcript, sent_bytes, records }
}
