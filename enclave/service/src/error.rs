//! Why a guest stops serving.

use alloc::string::String;

use attestation_envelope::KeyError;
use attestation_signature::SigningError;
use enclave_platform::LinkError;
use enclave_sealing::SealError;
use enclave_tls::{TlsError, TrustError};

/// A failure that ends the guest. The loader, and so the host, is guilty unless it says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The control stream broke.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// A device broke its rules.
    #[error("{0}")]
    Device(String),
    /// No fresh randomness for a job. The hardware is guilty.
    #[error("{0}")]
    Randomness(String),
    /// The instance key signed no claim, for want of randomness. The hardware is guilty.
    #[error("claim: {0}")]
    Signing(#[from] SigningError),
    /// Input beyond what the guest allowed.
    #[error("job {job}: loader sent {found} input bytes where {allowed} were allowed")]
    InputOverrun {
        /// The job.
        job: u32,
        /// How many it may have sent.
        allowed: u64,
        /// How many it sent.
        found: u64,
    },
    /// More output credit than numbers can hold.
    #[error("job {job}: output credit overflows")]
    CreditOverflow {
        /// The job.
        job: u32,
    },
    /// The service's port cannot be opened: there is no network device. The host is guilty.
    #[error("port {port} cannot be opened: the guest has no network device")]
    Port {
        /// The manifest's.
        port: u16,
    },
    /// What is stored cannot be sealed: there is no memory for it. The manifest is guilty, or this guest's arithmetic.
    #[error("state: {0}")]
    State(#[from] SealError),
    /// Nothing can be sealed for one of the manifest's readers. The manifest is guilty.
    #[error("readers: {0}")]
    Readers(#[from] KeyError),
    /// An authority of the manifest is no certificate. The manifest is guilty.
    #[error("tls: {0}")]
    Trust(#[from] TrustError),
    /// This guest has no certificate to show to its clients. Its hardware is guilty: there is no randomness.
    #[error("certificate: {0}")]
    Certificate(#[from] TlsError),
    /// A job number that was used before, or zero.
    #[error("job number: expected more than {previous}, found {found}")]
    JobNumber {
        /// The last job's.
        previous: u32,
        /// The loader's choice.
        found: u32,
    },
}
