//! Public keys: RSA with 4096 bits, P-256, P-384.

use alloc::string::ToString;
use core::fmt;

use der::asn1::{AnyRef, ObjectIdentifier, UintRef};
use der::{Decode, Reader, SliceReader};
use p256::ecdsa::signature::Verifier;
use rsa::BoxedUint;
use sha2::Sha384;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use crate::envelope::hex;
use crate::{SignatureAlgorithm, X509Error};

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const SECP256R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const SECP384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const MODULUS_BITS: u32 = 4096;
const MODULUS_BYTES: usize = 512;
const EXPONENT: u32 = 65537;
/// First byte of an uncompressed point in SEC1.
const UNCOMPRESSED: u8 = 4;

/// Key of 4096 bits with exponent 65537.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RsaKey(rsa::PublicKey);

/// Subject's key of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublicKey {
    /// On P-256, as Intel's.
    P256(p256::ecdsa::VerifyingKey),
    /// On P-384, as those of chips by AMD and NVIDIA.
    P384(p384::ecdsa::VerifyingKey),
    /// RSA, as those of AMD's authorities.
    Rsa(RsaKey),
}

impl PublicKey {
    /// Whether `signature`, as it stands in a certificate, is by this key over `message`. A key of another kind than
    /// `algorithm` asks for has signed nothing.
    #[must_use]
    pub fn verifies(&self, algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8]) -> bool {
        match (self, algorithm) {
            (Self::P256(key), SignatureAlgorithm::EcdsaSha256) => p256::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            (Self::P384(key), SignatureAlgorithm::EcdsaSha384) => p384::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            (Self::Rsa(key), SignatureAlgorithm::RsaPssSha384) => {
                key.0.pss_verify::<Sha384>(message, signature).is_ok()
            }
            _ => false,
        }
    }

    /// The key, when it is on P-256.
    #[must_use]
    pub const fn p256(&self) -> Option<&p256::ecdsa::VerifyingKey> {
        match self {
            Self::P256(key) => Some(key),
            _ => None,
        }
    }

    /// The key, when it is on P-384.
    #[must_use]
    pub const fn p384(&self) -> Option<&p384::ecdsa::VerifyingKey> {
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
        let is_point = bytes.first() == Some(&UNCOMPRESSED);
        let point = match curve.filter(|_| algorithm.oid == EC_PUBLIC_KEY) {
            Some(SECP256R1) => p256::ecdsa::VerifyingKey::from_sec1_bytes(bytes).ok().map(Self::P256),
            Some(SECP384R1) => p384::ecdsa::VerifyingKey::from_sec1_bytes(bytes).ok().map(Self::P384),
            _ => {
                let found = algorithm.oid.to_string();
                return Err(X509Error::field("subject key", "RSA, P-256 or P-384", found));
            }
        };
        point
            .filter(|_| is_point)
            .ok_or_else(|| X509Error::field("subject key", "a point of its curve, uncompressed", hex(bytes)))
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

fn read_rsa(bytes: &[u8]) -> Result<RsaKey, X509Error> {
    let encoding = X509Error::encoding("subject key");
    let mut reader = SliceReader::new(bytes).map_err(&encoding)?;
    let numbers =
        reader.sequence(|body| Ok::<_, der::Error>((UintRef::decode(body)?, UintRef::decode(body)?)));
    let (modulus, exponent) = numbers.map_err(&encoding)?;
    reader.finish().map_err(&encoding)?;
    let modulus = modulus.as_bytes();
    let is_whole = modulus.len() == MODULUS_BYTES && modulus.first().is_some_and(|byte| *byte >= 0x80);
    if !is_whole || exponent.as_bytes() != [1, 0, 1] {
        let found = alloc::format!("{} bytes, exponent {}", modulus.len(), hex(exponent.as_bytes()));
        return Err(X509Error::field("subject key", "RSA with 4096 bits, exponent 010001", found));
    }
    let unusable = || X509Error::field("subject key", "an RSA modulus", "another number");
    let modulus = BoxedUint::from_be_slice(modulus, MODULUS_BITS).map_err(|_| unusable())?;
    rsa::PublicKey::new(modulus, BoxedUint::from(EXPONENT)).map(RsaKey).map_err(|_| unusable())
}
