//! What certificates and revocation lists share: the bytes that are signed, the algorithm, the signature.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use attestation_signature::SignatureVerifier;
use der::asn1::BitStringRef;
use der::{Decode, Reader, SliceReader};

use crate::{PublicKey, SignatureAlgorithm, X509Error};

/// `SIGNED{…}`: content as it was read, and the signature over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Envelope {
    signed_bytes: Vec<u8>,
    identifier: Vec<u8>,
    algorithm: SignatureAlgorithm,
    signature: Vec<u8>,
}

impl Envelope {
    /// Takes apart exactly one envelope.
    pub(crate) fn parse(bytes: &[u8], field: &'static str) -> Result<Self, X509Error> {
        let encoding = X509Error::encoding(field);
        let mut reader = SliceReader::new(bytes).map_err(&encoding)?;
        let parts = reader.sequence(|body| {
            Ok::<_, der::Error>((body.tlv_bytes()?, body.tlv_bytes()?, BitStringRef::decode(body)?))
        });
        let (signed_bytes, identifier, signature) = parts.map_err(&encoding)?;
        reader.finish().map_err(&encoding)?;
        let signature = signature.as_bytes().ok_or_else(|| {
            X509Error::field("signature value", "whole bytes", alloc::format!("{} bits", signature.bit_len()))
        })?;
        Ok(Self {
            signed_bytes: signed_bytes.to_vec(),
            identifier: identifier.to_vec(),
            algorithm: SignatureAlgorithm::read(identifier)?,
            signature: signature.to_vec(),
        })
    }

    /// Refuses another algorithm inside the signed bytes than outside.
    pub(crate) fn check_inner_algorithm(&self, inner: &[u8]) -> Result<(), X509Error> {
        if inner == self.identifier {
            return Ok(());
        }
        Err(X509Error::field("signature algorithm, signed copy", hex(&self.identifier), hex(inner)))
    }

    /// Whether `key` signed, as `by` computes it.
    pub(crate) fn is_signed_by(&self, key: &PublicKey, by: &dyn SignatureVerifier) -> bool {
        key.verifies(self.algorithm, &self.signed_bytes, &self.signature, by)
    }

    pub(crate) const fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        // Writing to a `String` is infallible.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
