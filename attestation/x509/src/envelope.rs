//! What certificates and revocation lists share: the bytes that are signed, the algorithm, the signature.

use alloc::vec::Vec;

use attestation_signature::SignatureVerifier;
use der::asn1::BitStringRef;

use crate::elements::{Elements, SEQUENCE};
use crate::{PublicKey, SignatureAlgorithm, X509Error};

/// Content as it was read, and the signature over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Envelope {
    signed_bytes: Vec<u8>,
    algorithm: SignatureAlgorithm,
    signature: Vec<u8>,
}

/// `SIGNED{…}`, taken apart and borrowed.
pub(crate) struct Parts<'a> {
    /// With its header.
    pub(crate) signed_bytes: &'a [u8],
    /// `AlgorithmIdentifier`, with its header.
    identifier: &'a [u8],
    algorithm: SignatureAlgorithm,
    signature: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Takes apart exactly one envelope.
    pub(crate) fn parse(bytes: &'a [u8], field: &'static str) -> Result<Self, X509Error> {
        if bytes.starts_with(b"-----BEGIN") {
            return Err(X509Error::field(field, "DER", "PEM, in which DER is text"));
        }
        let mut parts = Elements::of(bytes, SEQUENCE, field)?;
        let (signed_bytes, identifier) = (parts.element()?.whole, parts.element()?.whole);
        let signature: BitStringRef<'_> = parts.decode()?;
        parts.finish()?;
        let whole = signature.as_bytes().ok_or_else(|| {
            X509Error::field("signature value", "whole bytes", alloc::format!("{} bits", signature.bit_len()))
        })?;
        let algorithm = SignatureAlgorithm::read(identifier)?;
        Ok(Self { signed_bytes, identifier, algorithm, signature: whole })
    }

    /// Refuses another algorithm inside the signed bytes than outside.
    pub(crate) fn check_inner_algorithm(&self, inner: &[u8]) -> Result<(), X509Error> {
        if inner == self.identifier {
            return Ok(());
        }
        Err(X509Error::field(
            "signature algorithm, signed copy",
            hex::encode(self.identifier),
            hex::encode(inner),
        ))
    }

    pub(crate) fn to_envelope(&self) -> Envelope {
        Envelope {
            signed_bytes: self.signed_bytes.to_vec(),
            algorithm: self.algorithm,
            signature: self.signature.to_vec(),
        }
    }
}

impl Envelope {
    /// Whether `key` signed, as `by` computes it.
    pub(crate) fn is_signed_by(&self, key: &PublicKey, by: &dyn SignatureVerifier) -> bool {
        key.verifies(self.algorithm, &self.signed_bytes, &self.signature, by)
    }

    pub(crate) const fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }
}
