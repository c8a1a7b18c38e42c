//! What certificates and revocation lists share: the bytes that are signed, the algorithm, the signature.

use alloc::vec::Vec;
use core::ops::Range;

use attestation_signature::SignatureVerifier;
use der::asn1::BitStringRef;

use crate::elements::{Elements, SEQUENCE};
use crate::{PublicKey, SignatureAlgorithm, X509Error};

/// `SIGNED{…}` as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Envelope {
    bytes: Vec<u8>,
    algorithm: SignatureAlgorithm,
    /// Where the signed bytes are.
    signed: Range<usize>,
    /// The signature is the rest, from here.
    signature_start: usize,
}

/// `SIGNED{…}`, taken apart and borrowed.
pub(crate) struct Parts<'a> {
    whole: &'a [u8],
    /// With its header.
    pub(crate) signed_bytes: &'a [u8],
    /// How many bytes follow them.
    behind_signed_bytes: usize,
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
        let signed_bytes = parts.element()?.whole;
        let behind_signed_bytes = parts.rest().len();
        let identifier = parts.element()?.whole;
        let bits: BitStringRef<'_> = parts.decode()?;
        parts.finish()?;
        let signature = bits.as_bytes().ok_or_else(|| {
            X509Error::field("signature value", "whole bytes", alloc::format!("{} bits", bits.bit_len()))
        })?;
        let algorithm = SignatureAlgorithm::read(identifier)?;
        Ok(Self { whole: bytes, signed_bytes, behind_signed_bytes, identifier, algorithm, signature })
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

    /// The header is before the signed bytes, and the signature is what everything ends in.
    pub(crate) fn to_envelope(&self) -> Envelope {
        let behind = self.behind_signed_bytes;
        let end = self.whole.len().saturating_sub(behind);
        let start = end.saturating_sub(self.signed_bytes.len());
        Envelope {
            bytes: self.whole.to_vec(),
            algorithm: self.algorithm,
            signed: start..end,
            signature_start: self.whole.len().saturating_sub(self.signature.len()),
        }
    }
}

impl Envelope {
    /// Whether `key` signed, as `by` computes it.
    pub(crate) fn is_signed_by(&self, key: &PublicKey, by: &dyn SignatureVerifier) -> bool {
        let signed = self.bytes.get(self.signed.clone()).unwrap_or_default();
        let signature = self.bytes.get(self.signature_start..).unwrap_or_default();
        key.verifies(self.algorithm, signed, signature, by)
    }

    /// All of it.
    pub(crate) fn der(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) const fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }
}
