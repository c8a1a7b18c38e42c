//! The content of a claim.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use attestation_evidence::states_every_length;
use minicbor::{Decode, Encode};

use crate::{CLAIM_VERSION, ClaimError};

/// The longest name of a limit.
pub const LIMIT_NAME_MAX_BYTES: usize = 64;

/// What ran, on which input, with which output.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Claim {
    /// [`CLAIM_VERSION`].
    #[n(0)]
    pub version: u32,
    /// SHA-256 of the WebAssembly component.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub component: [u8; 32],
    /// SHA-256 of the native artefact that ran.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub artefact: [u8; 32],
    /// SHA-256 of the manifest's exact bytes.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub manifest: [u8; 32],
    /// Standard input, whole.
    #[n(4)]
    pub input: Digested,
    /// Standard output, as far as it came.
    #[n(5)]
    pub output: Digested,
    /// How the job ended.
    #[n(6)]
    pub outcome: Outcome,
    /// Number of the claim since boot, from 0.
    #[n(7)]
    pub sequence: u64,
    /// SHA-256 of the previous claim's whole COSE bytes; zero for the first.
    #[cbor(n(8), with = "minicbor::bytes")]
    pub previous: [u8; 32],
    /// Everything that the component learnt from outside.
    #[n(9)]
    pub transcript: Transcript,
    /// Root of the receipts, where there are any.
    #[cbor(n(10), with = "minicbor::bytes")]
    pub receipts_root: Option<[u8; 32]>,
    /// What the job used, as everybody finds who replays it.
    #[n(11)]
    pub usage: Usage,
    /// What the guest measured. No replay can confirm it.
    #[n(12)]
    pub measured: Measured,
}

/// A transcript by its root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Transcript {
    /// As `attestation-transcript` defines it.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub root: [u8; 32],
    /// Number of entries.
    #[n(1)]
    pub entries: u64,
    /// Length of the file.
    #[n(2)]
    pub bytes: u64,
}

/// What a job used that is the same each time it is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Usage {
    /// Instructions, as the engine counts them.
    #[n(0)]
    pub fuel: u64,
    /// The most that linear memories and tables took at once, in bytes.
    #[n(1)]
    pub component_memory_bytes: u64,
    /// Standard error and log messages, in bytes.
    #[n(2)]
    pub error_output_bytes: u64,
}

/// What a guest measured by its own, untrusted, means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Measured {
    /// Time in the component, in microseconds of the guest's clock.
    #[n(0)]
    pub run_us: u64,
    /// Peak of the guest's heap, everything included, in bytes.
    #[n(1)]
    pub heap_peak_bytes: u64,
}

/// Bytes by content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Digested {
    /// SHA-256.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub sha256: [u8; 32],
    /// Length.
    #[n(1)]
    pub bytes: u64,
}

/// How a job ended. Encoded as an array: number of the variant, then its fields.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum Outcome {
    /// The component returned or called exit.
    #[n(0)]
    Exited {
        /// 0 for success.
        #[n(0)]
        code: u8,
    },
    /// The component trapped.
    #[n(1)]
    Trapped,
    /// The component exceeded a limit of the manifest.
    #[n(2)]
    LimitExceeded {
        /// Name of the limit, as in the manifest.
        #[n(0)]
        limit: String,
    },
}

/// As a sentence about the component goes on. The name of a limit comes from outside and is quoted.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited { code } => write!(f, "exited with code {code}"),
            Self::Trapped => f.write_str("trapped"),
            Self::LimitExceeded { limit } => write!(f, "exceeded the limit {limit:?}"),
        }
    }
}

impl Claim {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Writing to a `Vec` is infallible, and the derived encoders have no failure of their own.
        let done = minicbor::encode(self, &mut bytes);
        debug_assert!(done.is_ok(), "a claim failed to encode");
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, ClaimError> {
        if !states_every_length(bytes) {
            return Err(ClaimError::NotDeterministic);
        }
        let mut decoder = minicbor::Decoder::new(bytes);
        let claim: Self = decoder.decode().map_err(|error| ClaimError::Payload {
            offset: error.position().unwrap_or_else(|| decoder.position()),
        })?;
        if claim.version != CLAIM_VERSION {
            return Err(ClaimError::Version { expected: CLAIM_VERSION, found: claim.version });
        }
        claim.check_content()?;
        // Unknown keys, repeated keys, long forms and trailing bytes all end here.
        if claim.encode() != bytes {
            return Err(ClaimError::NotDeterministic);
        }
        Ok(claim)
    }

    fn check_content(&self) -> Result<(), ClaimError> {
        if let Outcome::LimitExceeded { limit } = &self.outcome
            && limit.len() > LIMIT_NAME_MAX_BYTES
        {
            return Err(ClaimError::LimitName { limit: LIMIT_NAME_MAX_BYTES, found: limit.len() });
        }
        let is_first = self.sequence == 0;
        let has_no_previous = self.previous == [0; 32];
        if is_first != has_no_previous {
            return Err(ClaimError::Chain { sequence: self.sequence });
        }
        Ok(())
    }
}
