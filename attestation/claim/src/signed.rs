//! Signing claims, and the staircase from bytes to a claim that somebody signed.

use alloc::vec::Vec;

use attestation_evidence::Evidence;
use attestation_merkle::{Levels, Tree, leaf_hash, root_of_path};
use attestation_signature::{P256Signer, SigningError};
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::cose::{Envelope, Opening, SIGNATURE_BYTES, protected_header, to_be_signed};
use crate::{Batch, CLAIM_MAX_BYTES, CLAIM_VERSION, Claim, ClaimError};

/// The place of a batch in the chain of its guest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChainPlace {
    /// Number since boot, from 0.
    pub number: u64,
    /// Digest of the batch before; zero for the first.
    pub previous: [u8; 32],
}

/// A signature over claims. Each of them becomes a file of its own by [`open_claims`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedBatch {
    /// COSE_Sign1 without a claim.
    pub bytes: Vec<u8>,
    /// What the next batch has as `previous`.
    pub digest: [u8; 32],
}

/// Signs claims, in [`Claim::encode`]'s form, with the instance key of `evidence`, and puts the evidence in. The same
/// claims give the same bytes where the key gives the same signature, and the same digest always.
///
/// # Errors
/// The key signs nothing.
pub fn sign_claims(
    claims: &[Vec<u8>],
    place: ChainPlace,
    evidence: &Evidence,
    key: &dyn P256Signer,
) -> Result<SignedBatch, SigningError> {
    let evidence = evidence.encode();
    let mut tree = Tree::default();
    claims.iter().for_each(|claim| tree.push(leaf_hash(claim)));
    let ChainPlace { number, previous } = place;
    let batch = Batch { version: CLAIM_VERSION, number, previous, claims: tree.leaves(), root: tree.root() };
    let payload = batch.encode();
    let protected = protected_header(&Sha256::digest(&evidence).into());
    let to_be_signed = to_be_signed(&protected, &payload);
    let signature = key.ecdsa_p256_sha256(&to_be_signed)?;
    let envelope = Envelope {
        protected: &protected,
        evidence: &evidence,
        opening: None,
        payload: &payload,
        signature: &signature,
    };
    Ok(SignedBatch { bytes: envelope.encode(), digest: Sha256::digest(&to_be_signed).into() })
}

/// Signs one claim alone, and gives its file with the digest for the next.
///
/// # Errors
/// The key signs nothing.
pub fn sign_claim(
    claim: &Claim,
    place: ChainPlace,
    evidence: &Evidence,
    key: &dyn P256Signer,
) -> Result<(Vec<u8>, [u8; 32]), SigningError> {
    let claims = [claim.encode()];
    let batch = sign_claims(&claims, place, evidence, key)?;
    let opened = open_claims(&batch.bytes, &claims).ok().and_then(|mut files| files.next());
    debug_assert!(opened.is_some(), "a batch of one opens");
    Ok((opened.unwrap_or_default(), batch.digest))
}

/// The files of the claims that [`sign_claims`] has signed together, in their order: each is what
/// [`SignedClaim::parse`] takes. Nothing of it is secret, and no key is needed. Each is made when it is asked for: all have
/// the evidence in them, so together they can be thousands of times as long as the batch.
///
/// # Errors
/// The bytes are no batch, or the claims are not those that were signed.
pub fn open_claims(batch: &[u8], claims: &[Vec<u8>]) -> Result<impl Iterator<Item = Vec<u8>>, ClaimError> {
    check_length(batch)?;
    let envelope = Envelope::decode(batch)?;
    let signed = Batch::decode(envelope.payload)?;
    let levels = Levels::new(claims.iter().map(|claim| leaf_hash(claim)).collect());
    let found = u64::try_from(claims.len()).unwrap_or(u64::MAX);
    if envelope.opening.is_some() || signed.claims != found || signed.root != levels.root() {
        return Err(ClaimError::OtherClaims { expected: signed.claims, found });
    }
    let open = move |(index, claim): (usize, &Vec<u8>)| {
        let opening = Opening {
            claim,
            index: u64::try_from(index).unwrap_or(u64::MAX),
            path: levels.path(index).unwrap_or_default(),
        };
        Envelope { opening: Some(opening), ..envelope }.encode()
    };
    Ok(claims.iter().enumerate().map(open))
}

/// A claim that parses. Nobody is known to have signed it.
#[derive(Debug, Clone)]
pub struct SignedClaim {
    claim: Claim,
    batch: Batch,
    evidence: Evidence,
    to_be_signed: Vec<u8>,
    signature: Signature,
}

impl SignedClaim {
    /// Parses a file of [`open_claims`] and nothing else: no byte can change without an error here or in
    /// [`Self::verify`].
    ///
    /// # Errors
    /// See [`ClaimError`]: the first thing that is wrong is named.
    pub fn parse(bytes: &[u8]) -> Result<Self, ClaimError> {
        check_length(bytes)?;
        let envelope = Envelope::decode(bytes)?;
        check_protected(&envelope)?;
        let (evidence, batch) = (Evidence::decode(envelope.evidence)?, Batch::decode(envelope.payload)?);
        let opening = envelope.opening.as_ref().ok_or(ClaimError::NoOpening)?;
        let Opening { claim, index, path } = opening;
        let root = root_of_path(leaf_hash(claim), *index, batch.claims, path);
        if root != Some(batch.root) {
            return Err(ClaimError::Opening { index: *index, claims: batch.claims });
        }
        Ok(Self {
            claim: Claim::decode(claim)?,
            batch,
            evidence,
            to_be_signed: to_be_signed(envelope.protected, envelope.payload),
            signature: parse_signature(envelope.signature)?,
        })
    }

    /// What it says, for people to look at: whoever relies on it verifies first.
    #[must_use]
    pub const fn unverified_claim(&self) -> &Claim {
        &self.claim
    }

    /// What was signed, likewise.
    #[must_use]
    pub const fn unverified_batch(&self) -> &Batch {
        &self.batch
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
        let Self { claim, batch, evidence, to_be_signed, signature } = self;
        let key =
            VerifyingKey::from_sec1_bytes(&evidence.instance_key).map_err(|_| ClaimError::InstanceKey)?;
        key.verify(&to_be_signed, &signature).map_err(|_| ClaimError::Signature)?;
        let manifest: [u8; 32] = Sha256::digest(&evidence.manifest).into();
        if claim.manifest != manifest {
            return Err(ClaimError::Manifest);
        }
        Ok(VerifiedClaim { claim, batch, evidence, digest: Sha256::digest(&to_be_signed).into() })
    }
}

/// A claim signed by the instance key that its evidence names. The evidence itself is still an allegation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedClaim {
    claim: Claim,
    batch: Batch,
    evidence: Evidence,
    digest: [u8; 32],
}

impl VerifiedClaim {
    /// What ran.
    #[must_use]
    pub const fn claim(&self) -> &Claim {
        &self.claim
    }

    /// What was signed.
    #[must_use]
    pub const fn batch(&self) -> &Batch {
        &self.batch
    }

    /// The evidence that came along, not yet verified.
    #[must_use]
    pub const fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// What the next batch must have as `previous`: SHA-256 of what was signed, `Sig_structure` of RFC 9052 §4.4.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

const fn check_length(bytes: &[u8]) -> Result<(), ClaimError> {
    if bytes.len() > CLAIM_MAX_BYTES {
        return Err(ClaimError::TooLong { limit: CLAIM_MAX_BYTES, found: bytes.len() });
    }
    Ok(())
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
