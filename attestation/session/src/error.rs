//! Why a session is not believed.

use alloc::string::String;

use attestation_evidence::EvidenceError;

/// A request or a proof that is malformed, or not of this connection. Whoever is at the other end, or in between, is guilty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// Not what a request looks like.
    #[error("session request: not the expected CBOR")]
    Request,
    /// Another version of the protocol. There is no way down: who offers one is not talked to.
    #[error("session version: expected {expected}, found {found}")]
    Version {
        /// The only version.
        expected: u32,
        /// Version found.
        found: u32,
    },
    /// Longer than anything that a guest signs.
    #[error("session proof: expected at most {limit} bytes, found {found}")]
    TooLong {
        /// Longest that is accepted.
        limit: usize,
        /// Bytes found.
        found: usize,
    },
    /// Not a COSE_Sign1 with our headers.
    #[error("session proof: not the expected COSE structure at byte {offset}")]
    Structure {
        /// Where decoding stopped.
        offset: usize,
    },
    /// Algorithm, content type or the order of headers differs.
    #[error(
        "session proof: the protected header is not ES256, the session content type and an evidence digest"
    )]
    ProtectedHeader,
    /// The payload is not the CBOR map that the format asks for.
    #[error("session payload: not the expected CBOR at byte {offset}")]
    Payload {
        /// Where in the payload decoding stopped.
        offset: usize,
    },
    /// The same content has one deterministic encoding, and this is another.
    #[error("session proof: not in deterministic encoding")]
    NotDeterministic,
    /// The evidence does not decode.
    #[error("session proof: {0}")]
    Evidence(#[from] EvidenceError),
    /// The evidence is not the one that was signed along, or there is none, and none that the asker has.
    #[error("session proof: expected evidence with digest {expected}, found {found}")]
    EvidenceDigest {
        /// Named by the protected header, hexadecimal.
        expected: String,
        /// What came along or is at hand: a digest or `none`.
        found: String,
    },
    /// The wrong end of the connection signed: the asker's own proof, sent back.
    #[error("session proof: expected one by the {expected}, found one by the {found}: reflected?")]
    Role {
        /// Who was asked.
        expected: &'static str,
        /// Who signed.
        found: &'static str,
    },
    /// The proof answers another request.
    #[error("session proof: it does not answer the nonce of this request: replayed?")]
    Nonce,
    /// The prover knows another certificate of its own than the one that was seen.
    #[error("session proof: it is for another certificate of the prover than this connection showed")]
    ProverKey,
    /// The prover saw another certificate of the asker than was shown, or one where none was.
    #[error("session proof: it is for another certificate of the asker than this connection showed")]
    AskerKey,
    /// The prover's connection is not this one.
    #[error("session proof: it is of another connection: somebody stands in the middle")]
    Exporter,
    /// This end of the connection has no value: the library underneath failed.
    #[error("session proof: this connection exports nothing")]
    NoExporter,
    /// Not signed by the instance key that the evidence names.
    #[error("session proof: not signed by the instance key of its evidence")]
    Signature,
    /// The proof names another manifest than its evidence.
    #[error("session proof: it is of another manifest than its evidence")]
    Manifest,
    /// There was no signature to be had; the guest is guilty.
    #[error("session proof: it could not be signed")]
    Signing,
}
