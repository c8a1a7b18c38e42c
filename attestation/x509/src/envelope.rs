//! What certificates and revocation lists share: the bytes that are signed, the algorithm, the signature.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use der::asn1::BitStringRef;
use der::{Decode, Reader, SliceReader};

use crate::{AuthorityKey, X509Error};

/// `AlgorithmIdentifier` of RSASSA-PSS with SHA-384, MGF1 with SHA-384 and 48 bytes of salt (RFC 4055, section 3.1), the
/// trailer field left to its default.
const PSS_SHA384: &[u8] = b"\x30\x41\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0A\x30\x34\
    \xA0\x0F\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\
    \xA1\x1C\x30\x1A\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x08\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\
    \xA2\x03\x02\x01\x30";
/// The same with the default trailer field spelled out, which DER forbids and AMD's older certificates do.
const PSS_SHA384_TRAILER: &[u8] = b"\x30\x46\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0A\x30\x39\
    \xA0\x0F\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\
    \xA1\x1C\x30\x1A\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x08\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\
    \xA2\x03\x02\x01\x30\xA3\x03\x02\x01\x01";

/// Bytes of a signature by RSA with 4096 bits.
const SIGNATURE_BYTES: usize = 512;

/// `SIGNED{…}`: content as it was read, and the signature over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Envelope {
    signed_bytes: Vec<u8>,
    algorithm: Vec<u8>,
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
        let (signed_bytes, algorithm, signature) = parts.map_err(&encoding)?;
        reader.finish().map_err(&encoding)?;
        check_algorithm(algorithm)?;
        let found = signature.as_bytes().unwrap_or_default();
        if found.len() != SIGNATURE_BYTES {
            let found = alloc::format!("{} bits", signature.bit_len());
            return Err(X509Error::field("signature value", "4096 bits", found));
        }
        Ok(Self {
            signed_bytes: signed_bytes.to_vec(),
            algorithm: algorithm.to_vec(),
            signature: found.to_vec(),
        })
    }

    /// Refuses another algorithm inside the signed bytes than outside.
    pub(crate) fn check_inner_algorithm(&self, inner: &[u8]) -> Result<(), X509Error> {
        if inner == self.algorithm {
            return Ok(());
        }
        Err(X509Error::field("signature algorithm, signed copy", hex(&self.algorithm), hex(inner)))
    }

    /// Whether `key` signed.
    pub(crate) fn is_signed_by(&self, key: &AuthorityKey) -> bool {
        key.verifies(&self.signed_bytes, &self.signature)
    }
}

fn check_algorithm(found: &[u8]) -> Result<(), X509Error> {
    if found == PSS_SHA384 || found == PSS_SHA384_TRAILER {
        return Ok(());
    }
    let expected = "RSASSA-PSS, SHA-384, MGF1 with SHA-384, salt of 48 bytes";
    Err(X509Error::field("signature algorithm", expected, hex(found)))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        // Writing to a `String` is infallible.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
