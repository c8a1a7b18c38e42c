//! Public keys: RSA with 4096 bits, P-256, P-384.

use alloc::boxed::Box;
use core::fmt;

use attestation_signature::{P256Point, P384Point, Rsa4096Modulus, SignatureVerifier, UNCOMPRESSED};
use der::asn1::{BitStringRef, UintRef};

use crate::elements::{Elements, SEQUENCE};
use crate::{SignatureAlgorithm, X509Error};

/// `AlgorithmIdentifier` of `rsaEncryption` (RFC 3279, section 2.3.1).
const RSA_ENCRYPTION: &[u8] = b"\x30\x0D\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01\x05\x00";
/// `AlgorithmIdentifier` of `id-ecPublicKey` on `secp256r1` (RFC 5480, section 2.1).
const SECP256R1: &[u8] =
    b"\x30\x13\x06\x07\x2A\x86\x48\xCE\x3D\x02\x01\x06\x08\x2A\x86\x48\xCE\x3D\x03\x01\x07";
/// The same on `secp384r1`.
const SECP384R1: &[u8] = b"\x30\x10\x06\x07\x2A\x86\x48\xCE\x3D\x02\x01\x06\x05\x2B\x81\x04\x00\x22";
const FIELD: &str = "subject key";

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

    /// Reads `SubjectPublicKeyInfo`, with its header.
    pub(crate) fn read(info: &[u8]) -> Result<Self, X509Error> {
        let mut parts = Elements::of(info, SEQUENCE, FIELD)?;
        let algorithm = parts.element()?.whole;
        let bits: BitStringRef<'_> = parts.decode()?;
        parts.finish()?;
        let bytes = bits.as_bytes().ok_or_else(|| {
            X509Error::field(FIELD, "whole bytes", alloc::format!("{} bits", bits.bit_len()))
        })?;
        match algorithm {
            RSA_ENCRYPTION => read_rsa(bytes).map(Self::Rsa),
            SECP256R1 => read_point(bytes).map(Self::P256),
            SECP384R1 => read_point(bytes).map(Self::P384),
            found => Err(X509Error::field(FIELD, "RSA, P-256 or P-384", hex::encode(found))),
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
    point.ok_or_else(|| X509Error::field(FIELD, "a point of its curve, uncompressed", hex::encode(bytes)))
}

fn read_rsa(bytes: &[u8]) -> Result<Box<Rsa4096Modulus>, X509Error> {
    let mut numbers = Elements::of(bytes, SEQUENCE, FIELD)?;
    let (modulus, exponent): (UintRef<'_>, UintRef<'_>) = (numbers.decode()?, numbers.decode()?);
    numbers.finish()?;
    let (modulus, exponent) = (modulus.as_bytes(), exponent.as_bytes());
    let is_whole = modulus.first().is_some_and(|byte| *byte >= 0x80) && exponent == [1, 0, 1];
    modulus.try_into().ok().filter(|_| is_whole).map(Box::new).ok_or_else(|| {
        let found = alloc::format!("{} bytes, exponent {}", modulus.len(), hex::encode(exponent));
        X509Error::field(FIELD, "RSA with 4096 bits, exponent 010001", found)
    })
}

/// `ECDSA-Sig-Value` (RFC 5480, appendix A) to R and S of half of `N` big-endian bytes each. `None` when it is not the one
/// DER encoding of two numbers of at most that length.
fn read_ecdsa<const N: usize>(signature: &[u8]) -> Option<[u8; N]> {
    let mut numbers = Elements::of(signature, SEQUENCE, "signature value").ok()?;
    let (r, s): (UintRef<'_>, UintRef<'_>) = (numbers.decode().ok()?, numbers.decode().ok()?);
    numbers.finish().ok()?;
    let mut fixed = [0; N];
    let (left, right) = fixed.split_at_mut(N.div_euclid(2));
    for (place, number) in [(left, r), (right, s)] {
        let number = number.as_bytes();
        let start = place.len().checked_sub(number.len())?;
        place.get_mut(start..)?.copy_from_slice(number);
    }
    Some(fixed)
}
