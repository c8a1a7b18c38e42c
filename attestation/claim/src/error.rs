//! Why a claim is not believed.

use attestation_evidence::EvidenceError;

/// A claim that is malformed or not signed by whom it says. Whoever handed it out is guilty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimError {
    /// Longer than anything that a guest signs.
    #[error("claim: expected at most {limit} bytes, found {found}")]
    TooLong {
        /// Longest that is accepted.
        limit: usize,
        /// Bytes found.
        found: usize,
    },
    /// Not a COSE_Sign1 with our headers.
    #[error("claim: not the expected COSE structure at byte {offset}")]
    Structure {
        /// Where decoding stopped.
        offset: usize,
    },
    /// Algorithm, content type or the order of headers differs.
    #[error("claim: the protected header is not ES256, the claim content type and an evidence digest")]
    ProtectedHeader,
    /// The evidence is not the one that was signed along.
    #[error("claim: the evidence in it is not the evidence that its protected header names")]
    EvidenceDigest,
    /// The evidence does not decode.
    #[error("claim: {0}")]
    Evidence(#[from] EvidenceError),
    /// The payload is not the CBOR map that the format asks for.
    #[error("claim payload: not the expected CBOR at byte {offset}")]
    Payload {
        /// Where in the payload decoding stopped.
        offset: usize,
    },
    /// The same content has one deterministic encoding, and this is another.
    #[error("claim: not in deterministic encoding")]
    NotDeterministic,
    /// Another version of the format.
    #[error("claim version: expected {expected}, found {found}")]
    Version {
        /// The only version.
        expected: u32,
        /// Version found.
        found: u32,
    },
    /// The name of the exceeded limit is no name.
    #[error("claim outcome: a limit's name has at most {limit} bytes, found {found}")]
    LimitName {
        /// Longest that is accepted.
        limit: usize,
        /// Bytes found.
        found: usize,
    },
    /// Only the first batch has no predecessor.
    #[error("claim batch {number}: exactly the first batch, number 0, has an all-zero previous digest")]
    Chain {
        /// Number of the batch.
        number: u64,
    },
    /// A signature over claims without one of them.
    #[error("claim: a batch of claims was signed, but none of them is here")]
    NoOpening,
    /// The claim is not under the root that was signed.
    #[error("claim: not number {index} of the {claims} claims that were signed together")]
    Opening {
        /// Where it says to be, from 0.
        index: u64,
        /// How many there are.
        claims: u64,
    },
    /// Claims that are not those of the batch. Whoever has put them together is guilty.
    #[error("claims: expected the {expected} that were signed together, found {found} or others")]
    OtherClaims {
        /// In the batch.
        expected: u64,
        /// Found.
        found: u64,
    },
    /// The evidence's instance key is not a point of P-256.
    #[error("claim: the instance key in the evidence is not a P-256 point")]
    InstanceKey,
    /// The instance key did not sign this.
    #[error("claim: not signed by the instance key in its evidence")]
    Signature,
    /// Claim and evidence are of different manifests.
    #[error("claim: the manifest that it names is not the manifest in its evidence")]
    Manifest,
}
