//! Public keys: RSA with 4096 bits, P-256, P-384.

use alloc::boxed::Box;
use alloc::string::ToString;
use core::fmt;

use attestation_signature::{P256Point, P384Point, Rsa4096Modulus, SignatureVerifier, UNCOMPRESSED};
use der::asn1::{AnyRef, ObjectIdentifier, UintRef};
use der::{Decode, Reader, SliceReader};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use crate::envelope::hex;
use crate::{SignatureAlgorithm, X509Error};

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const SECP256R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const SECP384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");

/// Subject's key of a certificate, as bytes: whether they are a key at all turns out when one verifies with it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublicKey {
    /// On P-256, as Intel's.
    P256(P256Point),
    /// On P-384, as those of chips by AMD and NVIDIA.
    P384(P384Point),
    /// RSA with 4096 bits and exponent 65537, as those of AMD's authorities.
    Rsa(Box<Rsa4096Modulus>),
}

impl PublicKey {
    /// Whether `signature`, as it stands in a certificate, is by this key over `message`. A key of another kind than
    /// `algorithm` asks for has signed nothing.
    #[must_use]
    pub fn verifies(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
        by: &dyn SignatureVerifier,
    ) -> bool {
        match (self, algorithm) {
            (Self::P256(key), SignatureAlgorithm::EcdsaSha256) => {
                read_ecdsa(signature).is_some_and(|signature| by.ecdsa_p256_sha256(key, message, &signature))
            }
            (Self::P384(key), SignatureAlgorithm::EcdsaSha384) => {
                read_ecdsa(signature).is_some_and(|signature| by.ecdsa_p384_sha384(key, message, &signature))
            }
            (Self::Rsa(modulus), SignatureAlgorithm::RsaPssSha384) => {
                by.rsa4096_pss_sha384(modulus, message, signature)
            }
            _ => false,
        }
    }

    /// The key, when it is on P-256.
    #[must_use]
    pub const fn p256(&self) -> Option<&P256Point> {
        match self {
            Self::P256(key) => Some(key),
            _ => None,
        }
    }

    /// The key, when it is on P-384.
    #[must_use]
    pub const fn p384(&self) -> Option<&P384Point> {
        match self {
            Self::P384(key) => Some(key),
            _ => None,
        }
    }

    pub(crate) fn read(info: &SubjectPublicKeyInfoOwned) -> Result<Self, X509Error> {
        let algorithm = &info.algorithm;
        let bytes = info.subject_public_key.as_bytes().ok_or_else(|| {
            X509Error::field("subject key", "whole bytes", info.subject_public_key.bit_len().to_string())
        })?;
        let parameters = algorithm.parameters.as_ref().map(AnyRef::from);
        if algorithm.oid == RSA_ENCRYPTION && parameters == Some(AnyRef::NULL) {
            return read_rsa(bytes).map(Self::Rsa);
        }
        let curve = parameters.and_then(|parameters| ObjectIdentifier::try_from(parameters).ok());
        match curve.filter(|_| algorithm.oid == EC_PUBLIC_KEY) {
            Some(SECP256R1) => read_point(bytes).map(Self::P256),
            Some(SECP384R1) => read_point(bytes).map(Self::P384),
            _ => {
                let found = algorithm.oid.to_string();
                Err(X509Error::field("subject key", "RSA, P-256 or P-384", found))
            }
        }
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P256(_) => "P-256",
            Self::P384(_) => "P-384",
            Self::Rsa(_) => "RSA 4096",
        })
    }
}

fn read_point<const N: usize>(bytes: &[u8]) -> Result<[u8; N], X509Error> {
    let point = bytes.try_into().ok().filter(|_| bytes.first() == Some(&UNCOMPRESSED));
    point.ok_or_else(|| X509Error::field("subject key", "a point of its curve, uncompressed", hex(bytes)))
}

fn read_rsa(bytes: &[u8]) -> Result<Box<Rsa4096Modulus>, X509Error> {
    let encoding = X509Error::encoding("subject key");
    let mut reader = SliceReader::new(bytes).map_err(&encoding)?;
    let numbers =
        reader.sequence(|body| Ok::<_, der::Error>((UintRef::decode(body)?, UintRef::decode(body)?)));
    let (modulus, exponent) = numbers.map_err(&encoding)?;
    reader.finish().map_err(&encoding)?;
    let (modulus, exponent) = (modulus.as_bytes(), exponent.as_bytes());
    let is_whole = modulus.first().is_some_and(|byte| *byte >= 0x80) && exponent == [1, 0, 1];
    modulus.try_into().ok().filter(|_| is_whole).map(Box::new).ok_or_else(|| {
        let found = alloc::format!("{} bytes, exponent {}", modulus.len(), hex(exponent));
        X509Error::field("subject key", "RSA with 4096 bits, exponent 010001", found)
    })
}

/// `ECDSA-Sig-Value` (RFC 5480, appendix A) to R and S of half of `N` big-endian bytes each. `None` when it is not the one
/// DER encoding of two numbers of at most that length.
fn read_ecdsa<const N: usize>(signature: &[u8]) -> Option<[u8; N]> {
    let mut reader = SliceReader::new(signature).ok()?;
    let numbers =
        reader.sequence(|body| Ok::<_, der::Error>((UintRef::decode(body)?, UintRef::decode(body)?)));
    let (r, s) = numbers.ok()?;
    reader.finish().ok()?;
    let mut fixed = [0; N];
    let (left, right) = fixed.split_at_mut(N.div_euclid(2));
    for (place, number) in [(left, r), (right, s)] {
        let number = number.as_bytes();
        let start = place.len().checked_sub(number.len())?;
        place.get_mut(start..)?.copy_from_slice(number);
    }
    Some(fixed)
}
