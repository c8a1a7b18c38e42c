//! How a private job is submitted to the host of a guest, and what comes back.
//!
//! HTTP/1.1, one request for each connection. `redoubt run --submissions` is the server, `redoubt-verify submit` a client. All
//! that passes is public or sealed (`attestation-envelope`), so nothing depends on who is in between: TLS may be put before it,
//! and what an attacker gets without is lengths and times.
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /evidence` | 200, [`EVIDENCE_TYPE`]: evidence as `attestation-evidence` writes it, with the key to seal for |
//! | `POST /jobs`, `Content-Length`, [`JOB_TYPE`]: an envelope with a private input | 200, [`ANSWER_TYPE`]: an answer, until the connection is closed |
//! | | 503 with `Retry-After`: too many jobs wait |
//!
//! A client that closes its side, or sends anything behind the envelope, takes its job back.
//!
//! ```text
//! answer = part* end                                  numbers are little-endian
//! part   = kind u8 ‖ length u32 ‖ bytes               at most 192 KiB of them
//! end    = 05 ‖ length u32 ‖ ending u8 ‖ text         UTF-8, for people: the host's, or the guest's by its mouth
//! ```
//! | kind | bytes |
//! | --- | --- |
//! | 1 | the next of the output, which is an envelope |
//! | 2 | the next of the log: an envelope, or as it is where the manifest says `logs = "public"` |
//! | 3 | the next of the transcript, which is an envelope |
//! | 4 | the claim, whole, once: an envelope |
//!
//! An ending is 0 (the job ran, and how it ended is in the claim), 1 (the guest refused it), 2 (it was cancelled), 3 (the machine
//! could not run it) or 4 (the guest is gone). There is a claim where it is 0, and only there.
//! The answer proves nothing: whoever gets it opens the envelopes and verifies the claim.
//! Panics: never on input.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;

mod answer;
mod error;

pub use answer::{AnswerReader, End, Ending, Part, Stream, encode_claim, encode_end, encode_stream};
pub use error::AnswerError;

/// Where evidence is had.
pub const EVIDENCE_PATH: &str = "/evidence";
/// Where jobs are submitted.
pub const JOBS_PATH: &str = "/jobs";
/// What evidence is sent as.
pub const EVIDENCE_TYPE: &str = "application/redoubt-evidence+cbor";
/// What a private input is sent as.
pub const JOB_TYPE: &str = "application/redoubt-envelope";
/// What an answer is sent as.
pub const ANSWER_TYPE: &str = "application/redoubt-answer";

/// The longest part.
pub const PART_MAX_BYTES: usize = 192 << 10;
/// The longest text of an end.
pub const TEXT_MAX_BYTES: usize = 4096;
