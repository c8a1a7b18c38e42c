//! What a guest can do wrong on the control stream. Each ends the guest.

use enclave_wire::frame::{FrameError, FrameKind};

/// The guest broke a rule of the control protocol.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// The bytes are not frames.
    #[error("its control stream is broken: {0}")]
    Framing(#[from] FrameError),
    /// A frame of a kind that guests do not send.
    #[error("it sent a frame of unknown kind {kind:#06x}")]
    UnknownKind {
        /// The kind.
        kind: u16,
    },
    /// A body does not decode.
    #[error("it sent a {kind} frame whose body does not decode: {reason}")]
    Body {
        /// Name of the frame's kind.
        kind: &'static str,
        /// What the decoder said.
        reason: String,
    },
    /// The guest was built from another commit.
    #[error(
        "it speaks control protocol {found}, this loader speaks {expected}: rebuild the image or the loader"
    )]
    Protocol {
        /// Our version.
        expected: u16,
        /// The guest's.
        found: u16,
    },
    /// The evidence in `Ready` is not evidence.
    #[error("it showed evidence that does not decode: {reason}")]
    Evidence {
        /// What the decoder said.
        reason: String,
    },
    /// A frame that makes no sense now.
    #[error("it sent a {kind} frame {when}")]
    Unexpected {
        /// Name of the frame's kind.
        kind: &'static str,
        /// What was going on.
        when: &'static str,
    },
    /// A frame for a job that does not run.
    #[error("it sent a {kind} frame for job {found}, expected {}", display_job(*.expected))]
    WrongJob {
        /// Name of the frame's kind.
        kind: &'static str,
        /// The job that runs.
        expected: Option<u32>,
        /// The job in the frame.
        found: u32,
    },
    /// More output than allowed.
    #[error("it sent {found} bytes of output where at most {allowed} were allowed")]
    OutputCredit {
        /// Credit left, in bytes.
        allowed: u64,
        /// Bytes in the frame.
        found: u64,
    },
    /// More input asked for than the window.
    #[error("it gave credit for {found} bytes of input, the window is {window}")]
    InputCredit {
        /// The window, in bytes.
        window: u64,
        /// Bytes of credit that it would have outstanding.
        found: u64,
    },
    /// Too short to be what it is sent as.
    #[error("it sent a {kind} of {found} bytes, expected at least {expected}")]
    RecordTooShort {
        /// Name of the frame's kind.
        kind: &'static str,
        /// The shortest that there is, in bytes.
        expected: usize,
        /// Bytes of it.
        found: usize,
    },
    /// A job ended without a claim, or with one that it cannot have.
    #[error("it ended job {job} as {outcome}, {problem}")]
    Claim {
        /// The job.
        job: u32,
        /// Its outcome.
        outcome: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// The guest had something to do and did nothing.
    #[error("it had {waited_ms} ms {what} and did not")]
    Stalled {
        /// What it should have done.
        what: &'static str,
        /// How long it had, in milliseconds.
        waited_ms: u128,
    },
    /// What it gave out of a request to be kept breaks a rule, or the files cannot be written.
    #[error("a request could not be kept: {reason}")]
    Unkept {
        /// Which rule, or which file.
        reason: String,
    },
    /// The guest sends but does not receive.
    #[error("it does not read what it is sent ({pending} frames wait)")]
    NotReading {
        /// Frames that wait.
        pending: usize,
    },
}

/// The name of a frame kind that guests send.
pub(super) const fn kind_name(kind: FrameKind) -> &'static str {
    match kind {
        FrameKind::READY => "ready",
        FrameKind::PSP_REQUEST => "PSP request",
        FrameKind::INPUT_CREDIT => "input credit",
        FrameKind::OUTPUT => "output",
        FrameKind::ERROR_OUTPUT => "error output",
        FrameKind::JOB_DONE => "job done",
        FrameKind::STATUS => "status",
        FrameKind::PROBE_DONE => "probe done",
        FrameKind::STOPPING => "stopping",
        FrameKind::TRANSCRIPT => "transcript",
        FrameKind::REQUEST => "request",
        FrameKind::REQUEST_CLAIM => "request claim",
        FrameKind::REQUEST_DROPPED => "dropped request",
        FrameKind::BATCH => "batch",
        FrameKind::STATE => "state",
        FrameKind::STATE_END => "end of state",
        FrameKind::TIME_REPORT => "time report",
        FrameKind::RECEIPT => "receipt",
        FrameKind::TIME_PROOF => "proof of time",
        FrameKind::TIME_COMMITMENT => "commitment of a proof of time",
        _ => "unknown",
    }
}

fn display_job(job: Option<u32>) -> String {
    job.map_or_else(|| "no job frame: none runs".to_owned(), |job| format!("job {job}"))
}
