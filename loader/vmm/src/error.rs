//! Errors of callers who talk to a running guest.

use std::io;
use std::sync::Arc;

use crate::end::GuestEnd;
use crate::session::Violation;

/// Something asked of a guest did not work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GuestError {
    /// The guest is gone.
    #[error("the guest ended: {0}")]
    Ended(Arc<GuestEnd>),
    /// The guest is broken; it is about to be gone.
    #[error("the guest broke a rule: {0}")]
    Violation(#[from] Violation),
    /// The guest did not do something in time.
    #[error("the guest had {waited_ms} ms {what} and did not")]
    Timeout {
        /// What it should have done.
        what: &'static str,
        /// How long it had, in milliseconds.
        waited_ms: u128,
    },
    /// Too many jobs wait.
    #[error("{waiting} jobs wait for this guest already: try again later")]
    QueueFull {
        /// How many.
        waiting: usize,
    },
    /// The input ends early. The caller is guilty; the job was cancelled.
    #[error("the input was said to have {expected} bytes and ended after {found}")]
    InputShort {
        /// Bytes stated when the job was queued.
        expected: u64,
        /// Bytes that there were.
        found: u64,
    },
    /// More input than the guest took. The caller is guilty.
    #[error("{found} bytes of input were sent without the guest's permission")]
    InputExcess {
        /// Bytes sent.
        found: usize,
    },
    /// The input cannot be read; the job was cancelled.
    #[error("the input cannot be read: {source}")]
    Input {
        /// Why.
        source: io::Error,
    },
    /// The output cannot be written; the job was cancelled.
    #[error("the output cannot be written: {source}")]
    Output {
        /// Why.
        source: io::Error,
    },
}
