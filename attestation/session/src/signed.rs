//! Signing a session, and the staircase from bytes to a connection that is known to end in a guest.

use alloc::string::ToString;
use alloc::vec::Vec;

use attestation_evidence::Evidence;
use attestation_manifest::HexDigest;
use attestation_signature::{P256Signature, P256Signer, SignatureVerifier};
use sha2::{Digest, Sha256};

use crate::codec::{Envelope, named_evidence, protected_header, to_be_signed};
use crate::{Connection, SESSION_MAX_BYTES, SessionError, Statement, VALUE_BYTES};

/// What names evidence in proofs, claims and receipts: SHA-256 of its encoding.
#[must_use]
pub fn evidence_digest(encoded: &[u8]) -> [u8; 32] {
    Sha256::digest(encoded).into()
}

/// Evidence in its encoding, with its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownEvidence {
    evidence: Evidence,
    encoded: Vec<u8>,
    digest: [u8; 32],
}

impl KnownEvidence {
    /// Encodes it once, for many proofs.
    #[must_use]
    pub fn new(evidence: Evidence) -> Self {
        let encoded = evidence.encode();
        let digest = evidence_digest(&encoded);
        Self { evidence, encoded, digest }
    }

    /// What it is.
    #[must_use]
    pub const fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// [`evidence_digest`].
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

/// Signs `statement` with the instance key of `evidence`. The evidence comes along, unless the asker named it as known.
///
/// # Errors
/// [`SessionError::NoExporter`] for a value of zeros, [`SessionError::Signing`].
pub fn sign_session(
    statement: &Statement,
    evidence: &KnownEvidence,
    known: Option<&[u8; 32]>,
    key: &dyn P256Signer,
) -> Result<Vec<u8>, SessionError> {
    if statement.connection.exporter == [0; VALUE_BYTES] {
        return Err(SessionError::NoExporter);
    }
    let (protected, payload) = (protected_header(&evidence.digest), statement.encode());
    let signature = key.ecdsa_p256_sha256(&to_be_signed(&protected, &payload));
    let signature = signature.map_err(|_| SessionError::Signing)?;
    let is_known = known == Some(&evidence.digest);
    let encoded = (!is_known).then_some(evidence.encoded.as_slice());
    let envelope =
        Envelope { protected: &protected, evidence: encoded, payload: &payload, signature: &signature };
    Ok(envelope.encode())
}

/// A proof that parses. Nobody is known to have signed it, and it may be of any connection.
#[derive(Debug, Clone)]
pub struct SignedSession {
    statement: Statement,
    evidence_digest: [u8; 32],
    evidence: Option<KnownEvidence>,
    to_be_signed: Vec<u8>,
    signature: P256Signature,
}

impl SignedSession {
    /// Parses what [`sign_session`] writes and nothing else.
    ///
    /// # Errors
    /// See [`SessionError`]: the first thing that is wrong is named.
    pub fn parse(bytes: &[u8]) -> Result<Self, SessionError> {
        if bytes.len() > SESSION_MAX_BYTES {
            return Err(SessionError::TooLong { limit: SESSION_MAX_BYTES, found: bytes.len() });
        }
        let envelope = Envelope::decode(bytes)?;
        let evidence_digest = named_evidence(envelope.protected).ok_or(SessionError::ProtectedHeader)?;
        let evidence = envelope.evidence.map(Evidence::decode).transpose()?.map(KnownEvidence::new);
        if let Some(found) = evidence.as_ref().filter(|evidence| evidence.digest != evidence_digest) {
            return Err(other_evidence(&evidence_digest, Some(&found.digest)));
        }
        Ok(Self {
            statement: Statement::decode(envelope.payload)?,
            evidence_digest,
            evidence,
            to_be_signed: to_be_signed(envelope.protected, envelope.payload),
            signature: envelope.signature.try_into().map_err(|_| SessionError::Signature)?,
        })
    }

    /// What the prover drew: the asker needs it to export its own value.
    #[must_use]
    pub const fn prover_nonce(&self) -> &[u8; VALUE_BYTES] {
        &self.statement.connection.prover_nonce
    }

    /// What the evidence that belongs to it has as digest.
    #[must_use]
    pub const fn evidence_digest(&self) -> &[u8; 32] {
        &self.evidence_digest
    }

    /// Holds the proof against the connection as this end of it sees it: `seen` is what the prover should have signed, with
    /// this end's own exported value. Evidence is what came along, or `known` where that is the one that is named.
    ///
    /// # Errors
    /// The first thing that differs: [`SessionError`] says what that means.
    pub fn verify(
        self,
        seen: &Connection,
        known: Option<&KnownEvidence>,
        signatures: &dyn SignatureVerifier,
    ) -> Result<VerifiedSession, SessionError> {
        let Self { statement, evidence_digest, evidence, to_be_signed, signature } = self;
        check_connection(&statement.connection, seen)?;
        let evidence = match (evidence, known) {
            (Some(evidence), _) => evidence,
            (None, Some(known)) if known.digest == evidence_digest => known.clone(),
            (None, known) => {
                return Err(other_evidence(&evidence_digest, known.map(KnownEvidence::digest)));
            }
        };
        let key = &evidence.evidence.instance_key;
        if !signatures.ecdsa_p256_sha256(key, &to_be_signed, &signature) {
            return Err(SessionError::Signature);
        }
        let manifest: [u8; 32] = Sha256::digest(&evidence.evidence.manifest).into();
        if statement.manifest != manifest {
            return Err(SessionError::Manifest);
        }
        Ok(VerifiedSession { statement, evidence })
    }
}

/// One difference has one meaning, so the order matters: what names a cause comes before what only says "another".
fn check_connection(signed: &Connection, seen: &Connection) -> Result<(), SessionError> {
    if signed.role != seen.role {
        return Err(SessionError::Role { expected: seen.role.name(), found: signed.role.name() });
    }
    if seen.exporter == [0; VALUE_BYTES] {
        return Err(SessionError::NoExporter);
    }
    let differences = [
        (signed.asker_nonce != seen.asker_nonce, SessionError::Nonce),
        (signed.prover_spki != seen.prover_spki, SessionError::ProverKey),
        (signed.asker_spki != seen.asker_spki, SessionError::AskerKey),
        (signed != seen, SessionError::Exporter),
    ];
    match differences.into_iter().find(|(differs, _)| *differs) {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}

fn other_evidence(expected: &[u8; 32], found: Option<&[u8; 32]>) -> SessionError {
    let found = found.map_or_else(|| "none".into(), |digest| HexDigest(*digest).to_string());
    SessionError::EvidenceDigest { expected: HexDigest(*expected).to_string(), found }
}

/// The connection ends where the key is held that the evidence names. The evidence itself is still an allegation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedSession {
    statement: Statement,
    evidence: KnownEvidence,
}

impl VerifiedSession {
    /// What was signed.
    #[must_use]
    pub const fn statement(&self) -> &Statement {
        &self.statement
    }

    /// To be verified, once for each digest.
    #[must_use]
    pub const fn evidence(&self) -> &KnownEvidence {
        &self.evidence
    }
}

#[cfg(test)]
mod tests;
