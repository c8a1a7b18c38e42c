//! Signing claims, and the staircase from bytes to a claim that somebody signed.

use alloc::vec::Vec;

use attestation_evidence::Evidence;
use p256::ecdsa::signature::{Signer, Verifier};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::cose::{Envelope, SIGNATURE_BYTES, protected_header, to_be_signed};
use crate::{CLAIM_MAX_BYTES, Claim, ClaimError};

/// Signs a claim with the instance key of `evidence`, and puts the evidence in. The same claim gives the same bytes.
#[must_use]
pub fn sign_claim(claim: &Claim, evidence: &Evidence, key: &SigningKey) -> Vec<u8> {
    let evidence = evidence.encode();
    let payload = claim.encode();
    let protected = protected_header(&Sha256::digest(&evidence).into());
    let signature: Signature = key.sign(&to_be_signed(&protected, &payload));
    let signature = signature.normalize_s().to_bytes();
    Envelope { protected: &protected, evidence: &evidence, payload: &payload, signature: &signature }.encode()
}

/// What the next claim carries as `previous`: SHA-256 of a claim's whole bytes.
#[must_use]
pub fn claim_digest(claim: &[u8]) -> [u8; 32] {
    Sha256::digest(claim).into()
}

/// A claim that parses. Nobody is known to have signed it.
#[derive(Debug, Clone)]
pub struct SignedClaim {
    claim: Claim,
    evidence: Evidence,
    to_be_signed: Vec<u8>,
    signature: Signature,
    digest: [u8; 32],
}

impl SignedClaim {
    /// Parses [`sign_claim`]'s bytes and nothing else: no byte can change without an error here or in
    /// [`Self::verify`].
    ///
    /// # Errors
    /// See [`ClaimError`]: the first thing that is wrong is named.
    pub fn parse(bytes: &[u8]) -> Result<Self, ClaimError> {
        if bytes.len() > CLAIM_MAX_BYTES {
            return Err(ClaimError::TooLong { limit: CLAIM_MAX_BYTES, found: bytes.len() });
        }
        let envelope = Envelope::decode(bytes)?;
        check_protected(&envelope)?;
        Ok(Self {
            evidence: Evidence::decode(envelope.evidence)?,
            claim: Claim::decode(envelope.payload)?,
            to_be_signed: to_be_signed(envelope.protected, envelope.payload),
            signature: parse_signature(envelope.signature)?,
            digest: claim_digest(bytes),
        })
    }

    /// What it says, for people to look at: whoever relies on it verifies first.
    #[must_use]
    pub const fn unverified_claim(&self) -> &Claim {
        &self.claim
    }

    /// The evidence that came along, for people to look at.
    #[must_use]
    pub const fn unverified_evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// Verifies the signature with the key that the evidence names, and that claim and evidence are of one manifest.
    ///
    /// # Errors
    /// [`ClaimError::InstanceKey`], [`ClaimError::Signature`] or [`ClaimError::Manifest`].
    pub fn verify(self) -> Result<VerifiedClaim, ClaimError> {
        let key = VerifyingKey::from_sec1_bytes(&self.evidence.instance_key)
            .map_err(|_| ClaimError::InstanceKey)?;
        key.verify(&self.to_be_signed, &self.signature).map_err(|_| ClaimError::Signature)?;
        let manifest: [u8; 32] = Sha256::digest(&self.evidence.manifest).into();
        if self.claim.manifest != manifest {
            return Err(ClaimError::Manifest);
        }
        Ok(VerifiedClaim { claim: self.claim, evidence: self.evidence, digest: self.digest })
    }
}

/// A claim signed by the instance key that its evidence names. The evidence itself is still an allegation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedClaim {
    claim: Claim,
    evidence: Evidence,
    digest: [u8; 32],
}

impl VerifiedClaim {
    /// What was signed.
    #[must_use]
    pub const fn claim(&self) -> &Claim {
        &self.claim
    }

    /// The evidence that came along, not yet verified.
    #[must_use]
    pub const fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// What the next claim must carry as `previous`.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

fn check_protected(envelope: &Envelope<'_>) -> Result<(), ClaimError> {
    let expected = protected_header(&Sha256::digest(envelope.evidence).into());
    if envelope.protected == expected {
        return Ok(());
    }
    // The digest comes last: equal heads mean that only the evidence is another.
    let head = expected.len().saturating_sub(32);
    if envelope.protected.len() == expected.len() && envelope.protected.get(..head) == expected.get(..head) {
        Err(ClaimError::EvidenceDigest)
    } else {
        Err(ClaimError::ProtectedHeader)
    }
}

fn parse_signature(bytes: &[u8]) -> Result<Signature, ClaimError> {
    let bytes: &[u8; SIGNATURE_BYTES] = bytes.try_into().map_err(|_| ClaimError::Signature)?;
    let signature = Signature::from_slice(bytes).map_err(|_| ClaimError::Signature)?;
    // The other S of the same signature would be a second spelling of one claim, with another digest.
    if signature.normalize_s() != signature {
        return Err(ClaimError::Signature);
    }
    Ok(signature)
}

#[cfg(test)]
mod tests;
