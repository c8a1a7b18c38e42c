//! By RustCrypto: no C, no assembly, no operating system.

use alloc::boxed::Box;

use p256::ecdsa::signature::Verifier;
use rsa::{BoxedUint, Pkcs1v15Sign};
use sha2::{Digest, Sha256, Sha384};

use crate::{
    Ed25519Key, Ed25519Signature, P256Point, P256Signature, P384Point, P384Signature, Rsa2048Modulus,
    Rsa4096Modulus, SignatureVerifier, UNCOMPRESSED, has_ed25519_points,
};

const EXPONENT: u32 = 65537;

/// The crates `p256`, `p384`, `rsa` and `ed25519-dalek`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RustCrypto;

impl SignatureVerifier for RustCrypto {
    fn ecdsa_p256_sha256(&self, key: &P256Point, message: &[u8], signature: &P256Signature) -> bool {
        let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(key).ok().filter(|_| is_uncompressed(key));
        let signature = p256::ecdsa::Signature::from_slice(signature);
        key.zip(signature.ok()).is_some_and(|(key, signature)| key.verify(message, &signature).is_ok())
    }

    fn ecdsa_p384_sha384(&self, key: &P384Point, message: &[u8], signature: &P384Signature) -> bool {
        let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(key).ok().filter(|_| is_uncompressed(key));
        let signature = p384::ecdsa::Signature::from_slice(signature);
        key.zip(signature.ok()).is_some_and(|(key, signature)| key.verify(message, &signature).is_ok())
    }

    fn rsa4096_pss_sha384(&self, modulus: &Rsa4096Modulus, message: &[u8], signature: &[u8]) -> bool {
        rsa_key(modulus).is_some_and(|key| key.pss_verify::<Sha384>(message, signature).is_ok())
    }

    fn rsa2048_pkcs1v15_sha256(&self, modulus: &Rsa2048Modulus, message: &[u8], signature: &[u8]) -> bool {
        let digest = Sha256::digest(message);
        rsa_key(modulus).is_some_and(|key| key.verify(pkcs1v15_sha256(), &digest, signature).is_ok())
    }

    fn ed25519(&self, key: &Ed25519Key, message: &[u8], signature: &Ed25519Signature) -> bool {
        let points = has_ed25519_points(key, signature);
        let key = ed25519_dalek::VerifyingKey::from_bytes(key).ok().filter(|_| points);
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        key.is_some_and(|key| key.verify_strict(message, &signature).is_ok())
    }
}

const fn is_uncompressed(point: &[u8]) -> bool {
    matches!(point.first(), Some(&UNCOMPRESSED))
}

/// `None` when the first bit is not set: a shorter modulus is another kind of key.
fn rsa_key(modulus: &[u8]) -> Option<rsa::PublicKey> {
    let bits = u32::try_from(modulus.len()).ok()?.checked_mul(u8::BITS)?;
    modulus.first().filter(|byte| **byte >= 0x80)?;
    let modulus = BoxedUint::from_be_slice(modulus, bits).ok()?;
    rsa::PublicKey::new(modulus, BoxedUint::from(EXPONENT)).ok()
}

/// `DigestInfo` of SHA-256 (RFC 8017, section 9.2, note 1).
fn pkcs1v15_sha256() -> Pkcs1v15Sign {
    const PREFIX: [u8; 19] = *b"\x30\x31\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";
    Pkcs1v15Sign { hash_len: Some(32), prefix: Box::new(PREFIX) }
}
