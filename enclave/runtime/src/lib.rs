//! WASI 0.2 host for one component, with limits.
//!
//! A component that exports `wasi:cli/run` is a job: it runs to its end inside [`run_job`]. One that exports
//! `wasi:http/incoming-handler` is a service: [`begin_request`] makes an instance for each request. Everything that a
//! component may reach is behind [`JobHost`]; everything it may use up is in [`JobLimits`]. A trap or an exceeded limit
//! ends the run, never the caller.
//!
//! Nothing here blocks and nothing needs interrupts: compiled code yields after a slice of fuel, host functions yield
//! while they wait, and between two steps of a [`Running`] the host is pumped. Many can be stepped in turn.
//!
//! Whatever a run learns goes through one door, into its transcript; what it sends goes there as a digest. From the
//! transcript [`replay_job`] and [`replay_request`] do the same again, or say where that parts.
//!
//! Hostile: the component, its imports, what it passes to host functions. Trusted: the artefact, because the caller has
//! compared its hash with the manifest. Panics: never on what a component does.
#![cfg_attr(not(any(test, feature = "std")), no_std)]
#![expect(
    unsafe_code,
    reason = "loading native code and the engine's two thread-local hooks have no safe form"
)]

extern crate alloc;

mod absent;
mod bindings;
mod budget;
mod cli;
mod clocks;
#[cfg(feature = "compiler")]
mod compiled;
mod enclave;
mod filesystem;
mod footprint;
mod host;
mod http;
mod imports;
mod io;
mod job;
mod keyvalue;
mod learnt;
mod limits;
mod linked;
mod outcome;
mod outside;
mod program;
mod random;
mod record;
mod replay;
mod running;
mod state;
#[cfg(not(feature = "std"))]
mod tls;
mod vault;

pub use attestation_transcript::Run as RunName;
#[cfg(feature = "compiler")]
pub use compiled::Tuning;
/// The types in which requests and responses pass between a component and its host.
pub use enclave_http;

pub use enclave::{
    EVIDENCE_MAX_BYTES, EnclaveFailure, PLAINTEXT_MAX_BYTES, RECEIPT_MAX_BYTES, SEAL_CONTEXT_MAX_BYTES,
    SEALED_MAX_BYTES, Unsealed,
};
pub use enclave_filesystem::SnapshotError;
pub use filesystem::Files;
pub use footprint::{Demands, Footprint};
pub use host::{Console, InputRead, JobHost, Output, Stop};
pub use http::{
    ExchangeId, HttpBody, HttpFailure, HttpRequest, HttpResponse, HttpTimeouts, IncomingRequest, Responded,
    ResponseHead,
};
#[cfg(feature = "compiler")]
pub use imports::{Inspected, inspect};
pub use job::{
    Job, JobReport, ReplayReport, Usage, begin_job, begin_request, replay_job, replay_request, run_job,
};
pub use keyvalue::{
    BUCKET_NAME_MAX_BYTES, KEY_MAX_BYTES, KeyPage, KeyValueFailure, PAGE_BYTES_MAX, PAGE_KEYS_MAX,
    VALUE_MAX_BYTES,
};
pub use limits::{JobLimits, Limit};
pub use outcome::Outcome;
pub use program::{Machine, Program, ProgramKind, RuntimeError};
pub use record::Recorded;
pub use replay::{Parting, Step, Transcript};
pub use running::Running;
pub use vault::VaultHost;
