//! What claims say, and what is signed.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use attestation_evidence::states_every_length;
use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};

use crate::{CLAIM_VERSION, ClaimError};

/// The longest name of a limit.
pub const LIMIT_NAME_MAX_BYTES: usize = 64;

/// What ran, on which input, with which output.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Claim {
    /// SHA-256 of the WebAssembly component.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub component: [u8; 32],
    /// SHA-256 of the native artefact that ran.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub artefact: [u8; 32],
    /// SHA-256 of the manifest's exact bytes.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub manifest: [u8; 32],
    /// A job's standard input, whole; a service's request, as `message` writes it.
    #[n(3)]
    pub input: Digested,
    /// A job's standard output, as far as it came; a service's response.
    #[n(4)]
    pub output: Digested,
    /// How the run ended.
    #[n(5)]
    pub outcome: Outcome,
    /// Number of the run since boot, from 0.
    #[n(6)]
    pub sequence: u64,
    /// Everything that the component learnt from outside.
    #[n(7)]
    pub transcript: Transcript,
    /// Root of the receipts, where there are any.
    #[cbor(n(8), with = "minicbor::bytes")]
    pub receipts_root: Option<[u8; 32]>,
    /// What the run used, as everybody finds who replays it.
    #[n(9)]
    pub usage: Usage,
    /// What the guest measured. No replay can confirm it.
    #[n(10)]
    pub measured: Measured,
}

/// What is signed: a number of claims by the root over them, and the place of this signature in the guest's chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Batch {
    /// [`CLAIM_VERSION`].
    #[n(0)]
    pub version: u32,
    /// Number of the batch since boot, from 0.
    #[n(1)]
    pub number: u64,
    /// Digest of the batch before; zero for the first.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub previous: [u8; 32],
    /// Number of claims.
    #[n(3)]
    pub claims: u64,
    /// Root of the Merkle tree (RFC 9162 §2.1) whose leaves are the claims.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub root: [u8; 32],
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

/// What a run used that is the same each time.
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

/// A hash that counts, on the way to a [`Digested`].
#[derive(Debug, Clone, Default)]
pub struct RunningDigest {
    hash: Sha256,
    bytes: u64,
}

impl RunningDigest {
    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    }

    /// How many there were.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Of all of them so far.
    #[must_use]
    pub fn digested(&self) -> Digested {
        Digested { sha256: self.hash.clone().finalize().into(), bytes: self.bytes }
    }
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
    /// The one encoding of a claim: a leaf of its batch.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, ClaimError> {
        let claim: Self = decode(bytes)?;
        match &claim.outcome {
            Outcome::LimitExceeded { limit } if limit.len() > LIMIT_NAME_MAX_BYTES => {
                Err(ClaimError::LimitName { limit: LIMIT_NAME_MAX_BYTES, found: limit.len() })
            }
            _ => Ok(claim),
        }
    }
}

impl Batch {
    pub(crate) fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, ClaimError> {
        let batch: Self = decode(bytes)?;
        if batch.version != CLAIM_VERSION {
            return Err(ClaimError::Version { expected: CLAIM_VERSION, found: batch.version });
        }
        let (is_first, has_no_previous) = (batch.number == 0, batch.previous == [0; 32]);
        if is_first != has_no_previous {
            return Err(ClaimError::Chain { number: batch.number });
        }
        Ok(batch)
    }
}

fn encode<T: Encode<()>>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to a `Vec` is infallible, and the derived encoders have no failure of their own.
    let done = minicbor::encode(value, &mut bytes);
    debug_assert!(done.is_ok(), "a claim failed to encode");
    bytes
}

fn decode<'b, T: Encode<()> + Decode<'b, ()>>(bytes: &'b [u8]) -> Result<T, ClaimError> {
    if !states_every_length(bytes) {
        return Err(ClaimError::NotDeterministic);
    }
    let mut decoder = minicbor::Decoder::new(bytes);
    let value: T = decoder.decode().map_err(|error| ClaimError::Payload {
        offset: error.position().unwrap_or_else(|| decoder.position()),
    })?;
    // Unknown keys, repeated keys, long forms and trailing bytes all end here.
    if encode(&value) != bytes {
        return Err(ClaimError::NotDeterministic);
    }
    Ok(value)
}
