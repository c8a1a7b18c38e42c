//! What a platform can do wrong.

use alloc::string::String;

use attestation_ring::KeyError;
use enclave_wire::psp::{ExitInfo2, MessageError, ResponseStatus};

use crate::link::LinkError;

/// A platform that did not give what it must. All are fatal: the guest ends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlatformError {
    /// The way to the platform broke.
    #[error("platform: {0}")]
    Link(#[from] LinkError),
    /// A guest message did not open. The host or the platform is guilty.
    #[error("platform: {0}")]
    Message(#[from] MessageError),
    /// The hypercall failed. The (key, sequence) pair may have been used, so the key is destroyed.
    #[error("platform: guest request failed: exit information {found:#x?}")]
    Refused {
        /// `SW_EXITINFO2`.
        found: ExitInfo2,
    },
    /// The host kept saying "busy".
    #[error("platform: the host was busy {attempts} times in a row")]
    Busy {
        /// How often the request was sent.
        attempts: u32,
    },
    /// The platform processed the message and refused what it asks.
    #[error("platform: {request} refused with status {found:#x?}")]
    Status {
        /// Which request.
        request: &'static str,
        /// Its status.
        found: ResponseStatus,
    },
    /// The key that talks to the platform was destroyed earlier.
    #[error("platform: its communication key was destroyed")]
    KeyDestroyed,
    /// The report is not about this guest.
    #[error("platform report, {field}: expected {expected}, found {found}")]
    Report {
        /// Field.
        field: &'static str,
        /// Value that the guest insists on.
        expected: String,
        /// Value in the report.
        found: String,
    },
    /// The manifest is not the one that was bound at launch.
    #[error("manifest: launch bound SHA-256 {expected}, but the manifest's is {found}")]
    ManifestMismatch {
        /// `HOST_DATA`.
        expected: String,
        /// Digest of the manifest at hand.
        found: String,
    },
    /// The secrets page is missing or malformed.
    #[error("secrets page: {problem}")]
    SecretsPage {
        /// What was wrong.
        problem: &'static str,
    },
    /// Randomness failed.
    #[error("randomness: {0}")]
    Entropy(#[from] enclave_x86::entropy::EntropyError),
    /// No instance key, for want of randomness.
    #[error("instance key: {0}")]
    InstanceKey(#[from] KeyError),
}
