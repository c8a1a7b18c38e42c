//! Signing receipts, showing parts of them, and the staircase from bytes to a receipt that somebody signed.

use alloc::vec::Vec;

use attestation_evidence::Evidence;
use attestation_signature::{P256Signature, P256Signer};
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::body::Chunk;
use crate::contents::{contents, pieces};
use crate::cose::{
    Envelope, SIGNATURE_BYTES, ShownChunk, ShownLeaf, evidence_digest, protected_header, to_be_signed,
};
use crate::disclosure::{body_of, check};
use crate::{
    Body, BodySide, ChunkDisclosure, Content, Disclosure, LeafDisclosure, Piece, Receipt, ReceiptError,
    SIGNED_RECEIPT_MAX_BYTES, Value,
};

/// Signs a receipt with the instance key of the evidence with this digest, SHA-256 of its encoding. Its digest
/// does not depend on the signature. Nothing is enclosed yet.
///
/// It need not be at once: when an exchange was is in the receipt, and what can be proven of that hangs on its digest.
///
/// # Errors
/// As [`Receipt::check`]: what nobody would read is not signed. Or the key signs nothing.
pub fn sign_receipt(
    receipt: &Receipt,
    evidence_digest: &[u8; 32],
    key: &dyn P256Signer,
) -> Result<SignedReceipt, ReceiptError> {
    receipt.check()?;
    let to_be_signed = to_be_signed(&protected_header(evidence_digest), &receipt.encode());
    let signature = key.ecdsa_p256_sha256(&to_be_signed)?;
    Ok(SignedReceipt {
        receipt: receipt.clone(),
        evidence_digest: *evidence_digest,
        evidence: None,
        disclosures: Vec::new(),
        certificates: Vec::new(),
        signature,
    })
}

/// The same file with fewer disclosures. What else is enclosed stays. Needs no key.
///
/// # Errors
/// As [`SignedReceipt::parse`].
pub fn redact(bytes: &[u8], keep: impl Fn(&Disclosure) -> bool) -> Result<Vec<u8>, ReceiptError> {
    SignedReceipt::parse(bytes).map(|signed| signed.redacted(keep).encode())
}

/// A receipt that parses: whatever it shows and encloses belongs to it. Nobody is known to have signed it.
///
/// What is enclosed can be taken out and put in without a key: the signature is over none of it, and all of it is held
/// against what the signature is over.
#[derive(Debug, Clone)]
pub struct SignedReceipt {
    receipt: Receipt,
    evidence_digest: [u8; 32],
    evidence: Option<Evidence>,
    /// In their order, each once.
    disclosures: Vec<Disclosure>,
    certificates: Vec<Vec<u8>>,
    /// With the low S, wherever it is from.
    signature: P256Signature,
}

impl SignedReceipt {
    /// Parses [`Self::encode`]'s bytes and nothing else: no byte can change without an error here or in [`Self::verify`].
    ///
    /// # Errors
    /// See [`ReceiptError`]: the first thing that is wrong is named.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReceiptError> {
        if bytes.len() > SIGNED_RECEIPT_MAX_BYTES {
            return Err(ReceiptError::TooLong { limit: SIGNED_RECEIPT_MAX_BYTES, found: bytes.len() });
        }
        let envelope = Envelope::decode(bytes)?;
        let signed = Self {
            receipt: Receipt::decode(envelope.payload)?,
            evidence_digest: evidence_digest(envelope.protected)?,
            evidence: None,
            disclosures: Vec::new(),
            certificates: Vec::new(),
            signature: parse_signature(envelope.signature)?,
        };
        let signed = match envelope.evidence {
            Some(evidence) => signed.with_evidence(Evidence::decode(evidence)?)?,
            None => signed,
        };
        let signed = match envelope.certificates {
            certificates if certificates.is_empty() => signed,
            certificates => signed.with_certificates(certificates)?,
        };
        let disclosures = read_disclosures(&envelope.leaves, &envelope.chunks)?;
        check(&disclosures, &signed.receipt.leaves)?;
        Ok(Self { disclosures, ..signed })
    }

    /// Its file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (protected, payload) = (protected_header(&self.evidence_digest), self.receipt.encode());
        let evidence = self.evidence.as_ref().map(Evidence::encode);
        let leaves = self.disclosures.iter().filter_map(Disclosure::as_leaf);
        let chunks = self.disclosures.iter().filter_map(Disclosure::as_chunk);
        let leaf = |shown: &LeafDisclosure| ShownLeaf {
            index: shown.index,
            leaf: shown.leaf(),
            path: shown.path.clone(),
        };
        let chunk = |shown: &ChunkDisclosure| ShownChunk {
            body: shown.body,
            leaf: shown.leaf(),
            path: shown.path.clone(),
        };
        Envelope {
            protected: &protected,
            evidence: evidence.as_deref(),
            leaves: leaves.map(leaf).collect(),
            chunks: chunks.map(chunk).collect(),
            certificates: self.certificates.clone(),
            payload: &payload,
            signature: &self.signature,
        }
        .encode()
    }

    /// With more disclosures, in any order.
    ///
    /// # Errors
    /// One of them is not of this receipt, is there twice, or is a chunk of a body whose leaf is hidden.
    pub fn with_disclosures(
        mut self,
        disclosures: impl IntoIterator<Item = Disclosure>,
    ) -> Result<Self, ReceiptError> {
        self.disclosures.extend(disclosures);
        self.disclosures.sort_by_key(Disclosure::place);
        check(&self.disclosures, &self.receipt.leaves)?;
        Ok(self)
    }

    /// With those disclosures only that `keep` says yes to. Chunks of a body go with its leaf.
    #[must_use]
    pub fn redacted(mut self, keep: impl Fn(&Disclosure) -> bool) -> Self {
        self.disclosures.retain(keep);
        for side in [BodySide::Request, BodySide::Response] {
            if body_of(&self.disclosures, side).is_none() {
                self.disclosures.retain(|shown| shown.as_chunk().is_none_or(|chunk| chunk.body != side));
            }
        }
        self
    }

    /// With the evidence of whose key it is signed.
    ///
    /// # Errors
    /// It is other evidence.
    pub fn with_evidence(mut self, evidence: Evidence) -> Result<Self, ReceiptError> {
        self.check_evidence(&evidence)?;
        self.evidence = Some(evidence);
        Ok(self)
    }

    /// For readers who have the evidence.
    #[must_use]
    pub fn without_evidence(mut self) -> Self {
        self.evidence = None;
        self
    }

    /// With the certificates that the server presented, in DER: all of them, its own first.
    ///
    /// # Errors
    /// They are others.
    pub fn with_certificates(mut self, certificates: Vec<Vec<u8>>) -> Result<Self, ReceiptError> {
        let chain = &self.receipt.tls.chain;
        if certificates.len() != chain.len() {
            let (expected, found) = (chain.len(), certificates.len());
            return Err(ReceiptError::CertificateCount { expected, found });
        }
        for (index, (der, expected)) in certificates.iter().zip(chain).enumerate() {
            let found: [u8; 32] = Sha256::digest(der).into();
            if found != *expected {
                return Err(ReceiptError::Certificate { index, expected: *expected, found });
            }
        }
        self.certificates = certificates;
        Ok(self)
    }

    /// Without them: nobody can check then who the server was.
    #[must_use]
    pub fn without_certificates(mut self) -> Self {
        self.certificates = Vec::new();
        self
    }

    /// What it says, for people to look at: whoever relies on it verifies first.
    #[must_use]
    pub const fn unverified_receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// What is shown of it, likewise.
    #[must_use]
    pub fn unverified_disclosures(&self) -> &[Disclosure] {
        &self.disclosures
    }

    /// The evidence that came along, for people to look at.
    #[must_use]
    pub const fn unverified_evidence(&self) -> Option<&Evidence> {
        self.evidence.as_ref()
    }

    /// Which evidence it is signed with: SHA-256 of its encoding.
    #[must_use]
    pub const fn evidence_digest(&self) -> &[u8; 32] {
        &self.evidence_digest
    }

    /// Verifies the signature with the key that the enclosed evidence names, and that receipt and evidence are of one
    /// manifest.
    ///
    /// # Errors
    /// [`ReceiptError::NoEvidence`], or as [`Self::verify_with`].
    pub fn verify(mut self) -> Result<VerifiedReceipt, ReceiptError> {
        let evidence = self.evidence.take().ok_or(ReceiptError::NoEvidence)?;
        self.verify_with(evidence)
    }

    /// The same, with evidence that came apart.
    ///
    /// # Errors
    /// [`ReceiptError::EvidenceDigest`], [`ReceiptError::InstanceKey`], [`ReceiptError::Signature`] or
    /// [`ReceiptError::Manifest`].
    pub fn verify_with(self, evidence: Evidence) -> Result<VerifiedReceipt, ReceiptError> {
        self.check_evidence(&evidence)?;
        let Self { receipt, evidence_digest, disclosures, certificates, signature, .. } = self;
        let payload = receipt.encode();
        let key =
            VerifyingKey::from_sec1_bytes(&evidence.instance_key).map_err(|_| ReceiptError::InstanceKey)?;
        let to_be_signed = to_be_signed(&protected_header(&evidence_digest), &payload);
        let signature = Signature::from_slice(&signature);
        signature
            .and_then(|signature| key.verify(&to_be_signed, &signature))
            .map_err(|_| ReceiptError::Signature)?;
        let manifest: [u8; 32] = Sha256::digest(&evidence.manifest).into();
        if receipt.run.manifest != manifest {
            return Err(ReceiptError::Manifest { expected: manifest, found: receipt.run.manifest });
        }
        let digest = Sha256::digest(&payload).into();
        Ok(VerifiedReceipt { receipt, digest, evidence, disclosures, certificates })
    }

    fn check_evidence(&self, evidence: &Evidence) -> Result<(), ReceiptError> {
        let found: [u8; 32] = Sha256::digest(evidence.encode()).into();
        if found != self.evidence_digest {
            return Err(ReceiptError::EvidenceDigest { expected: self.evidence_digest, found });
        }
        Ok(())
    }
}

/// A receipt signed by the instance key that its evidence names. The evidence itself is still an allegation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedReceipt {
    receipt: Receipt,
    digest: [u8; 32],
    evidence: Evidence,
    disclosures: Vec<Disclosure>,
    certificates: Vec<Vec<u8>>,
}

impl VerifiedReceipt {
    /// What the guest says of the exchange.
    #[must_use]
    pub const fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// [`Receipt::digest`].
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// The evidence, not yet verified.
    #[must_use]
    pub const fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// All that is shown, in its order.
    #[must_use]
    pub fn disclosures(&self) -> &[Disclosure] {
        &self.disclosures
    }

    /// The certificates that the server presented, in DER, its own first: all of them, or none if they are not enclosed.
    #[must_use]
    pub fn certificates(&self) -> &[Vec<u8>] {
        &self.certificates
    }

    /// All leaves in their order, with gaps where they are hidden.
    #[must_use]
    pub fn contents(&self) -> Vec<Content<'_>> {
        contents(&self.disclosures, &self.receipt.leaves)
    }

    /// One of the bodies by its length and root; `None` where its leaf is hidden.
    #[must_use]
    pub fn body(&self, side: BodySide) -> Option<&Body> {
        body_of(&self.disclosures, side)
    }

    /// All bytes of a body in their order, with gaps where they are hidden; `None` where its leaf is.
    #[must_use]
    pub fn pieces(&self, side: BodySide) -> Option<Vec<Piece<'_>>> {
        pieces(&self.disclosures, side)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &Value> {
        self.disclosures.iter().filter_map(Disclosure::as_leaf).map(|leaf| &leaf.value)
    }
}

fn read_disclosures(leaves: &[ShownLeaf], chunks: &[ShownChunk]) -> Result<Vec<Disclosure>, ReceiptError> {
    let leaf = |shown: &ShownLeaf| {
        let (value, salt) = Value::from_leaf(&shown.leaf).ok_or(ReceiptError::Leaf { index: shown.index })?;
        Ok(Disclosure::Leaf(LeafDisclosure { index: shown.index, salt, value, path: shown.path.clone() }))
    };
    let chunk = |(number, shown): (u64, &ShownChunk)| {
        let Chunk { salt, index, bytes } =
            Chunk::decode(&shown.leaf).ok_or(ReceiptError::Chunk { number })?;
        let (bytes, path) = (bytes.to_vec(), shown.path.clone());
        Ok(Disclosure::Chunk(ChunkDisclosure { body: shown.body, index, salt, bytes, path }))
    };
    leaves.iter().map(leaf).chain((0..).zip(chunks).map(chunk)).collect()
}

fn parse_signature(bytes: &[u8]) -> Result<P256Signature, ReceiptError> {
    let bytes: &[u8; SIGNATURE_BYTES] = bytes.try_into().map_err(|_| ReceiptError::Signature)?;
    let signature = Signature::from_slice(bytes).map_err(|_| ReceiptError::Signature)?;
    // The other S of the same signature would be a second spelling of one receipt.
    if signature.normalize_s() != signature {
        return Err(ReceiptError::Signature);
    }
    Ok(*bytes)
}

#[cfg(test)]
mod tests;
