//! Public keys: RSA with 4096 bits of authorities, P-384 of chips.

use alloc::string::ToString;

use der::asn1::{AnyRef, ObjectIdentifier, UintRef};
use der::{Decode, Reader, SliceReader};
use p384::ecdsa::VerifyingKey;
use rsa::BoxedUint;
use sha2::Sha384;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use crate::X509Error;

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const SECP384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const MODULUS_BITS: u32 = 4096;
const MODULUS_BYTES: usize = 512;
const EXPONENT: u32 = 65537;
/// SEC1, uncompressed.
const POINT_BYTES: usize = 97;

/// Key that signs certificates and revocation lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityKey(rsa::PublicKey);

impl AuthorityKey {
    /// Whether `signature` is RSASSA-PSS over `message` with SHA-384, MGF1 with SHA-384 and 48 bytes of salt.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.pss_verify::<Sha384>(message, signature).is_ok()
    }
}

/// Subject's key of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublicKey {
    /// Of an authority: ARK, ASK, ASVK.
    Authority(AuthorityKey),
    /// Of a chip or of a cloud provider: VCEK, VLEK.
    Endorsement(VerifyingKey),
}

impl PublicKey {
    /// The key of an authority, `None` when it is a chip's.
    #[must_use]
    pub const fn authority(&self) -> Option<&AuthorityKey> {
        match self {
            Self::Authority(key) => Some(key),
            Self::Endorsement(_) => None,
        }
    }

    /// The key of a chip or of a provider, `None` when it is an authority's.
    #[must_use]
    pub const fn endorsement(&self) -> Option<&VerifyingKey> {
        match self {
            Self::Authority(_) => None,
            Self::Endorsement(key) => Some(key),
        }
    }

    pub(crate) fn read(info: &SubjectPublicKeyInfoOwned) -> Result<Self, X509Error> {
        let algorithm = &info.algorithm;
        let bytes = info.subject_public_key.as_bytes().ok_or_else(|| {
            X509Error::field("subject key", "whole bytes", info.subject_public_key.bit_len().to_string())
        })?;
        let parameters = algorithm.parameters.as_ref().map(AnyRef::from);
        if algorithm.oid == RSA_ENCRYPTION && parameters == Some(AnyRef::NULL) {
            return read_rsa(bytes).map(Self::Authority);
        }
        let curve = parameters.and_then(|parameters| ObjectIdentifier::try_from(parameters).ok());
        if algorithm.oid == EC_PUBLIC_KEY && curve == Some(SECP384R1) {
            return read_p384(bytes).map(Self::Endorsement);
        }
        Err(X509Error::field("subject key", "RSA or P-384", algorithm.oid.to_string()))
    }
}

fn read_rsa(bytes: &[u8]) -> Result<AuthorityKey, X509Error> {
    let encoding = X509Error::encoding("subject key");
    let mut reader = SliceReader::new(bytes).map_err(&encoding)?;
    let numbers =
        reader.sequence(|body| Ok::<_, der::Error>((UintRef::decode(body)?, UintRef::decode(body)?)));
    let (modulus, exponent) = numbers.map_err(&encoding)?;
    reader.finish().map_err(&encoding)?;
    let modulus = modulus.as_bytes();
    let is_whole = modulus.len() == MODULUS_BYTES && modulus.first().is_some_and(|byte| *byte >= 0x80);
    if !is_whole || exponent.as_bytes() != [1, 0, 1] {
        let found =
            alloc::format!("{} bytes, exponent {}", modulus.len(), crate::envelope::hex(exponent.as_bytes()));
        return Err(X509Error::field("subject key", "RSA with 4096 bits, exponent 010001", found));
    }
    let unusable = |_| X509Error::field("subject key", "an RSA modulus", "another number");
    let modulus = BoxedUint::from_be_slice(modulus, MODULUS_BITS)
        .map_err(|_| X509Error::field("subject key", "an RSA modulus", "another number"))?;
    rsa::PublicKey::new(modulus, BoxedUint::from(EXPONENT)).map(AuthorityKey).map_err(unusable)
}

fn read_p384(bytes: &[u8]) -> Result<VerifyingKey, X509Error> {
    let is_uncompressed = bytes.len() == POINT_BYTES && bytes.first() == Some(&4);
    let key = VerifyingKey::from_sec1_bytes(bytes).ok().filter(|_| is_uncompressed);
    key.ok_or_else(|| X509Error::field("subject key", "a point of P-384, uncompressed", "other bytes"))
}
