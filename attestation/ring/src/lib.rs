//! Signatures at full speed: `ring` behind the traits of `attestation-signature`. On a bare target whoever links this puts
//! `ring` together (docs/adr/0018), and whoever makes or uses a [`P256Key`] defines the source of its randomness.
//!
//! Panics: never on input.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

// For its feature, which promises `ring` a source of randomness on the bare target: the one that the binary defines.
#[cfg(target_os = "none")]
use getrandom02 as _;

mod signer;

use attestation_signature::{
    Ed25519Key, Ed25519Signature, P256Point, P256Signature, P384Point, P384Signature, Rsa2048Modulus,
    Rsa4096Modulus, SignatureVerifier, has_ed25519_points,
};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
};

pub use signer::{KeyError, P256Key};

/// 65537, big-endian.
const EXPONENT: [u8; 3] = [1, 0, 1];

/// The crate `ring`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ring;

impl SignatureVerifier for Ring {
    fn ecdsa_p256_sha256(&self, key: &P256Point, message: &[u8], signature: &P256Signature) -> bool {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key).verify(message, signature).is_ok()
    }

    fn ecdsa_p384_sha384(&self, key: &P384Point, message: &[u8], signature: &P384Signature) -> bool {
        UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, key).verify(message, signature).is_ok()
    }

    fn rsa4096_pss_sha384(&self, modulus: &Rsa4096Modulus, message: &[u8], signature: &[u8]) -> bool {
        verify_rsa(&RSA_PSS_2048_8192_SHA384, modulus, message, signature)
    }

    fn rsa2048_pkcs1v15_sha256(&self, modulus: &Rsa2048Modulus, message: &[u8], signature: &[u8]) -> bool {
        verify_rsa(&RSA_PKCS1_2048_8192_SHA256, modulus, message, signature)
    }

    /// `ring` itself takes points of small order, and keys in more than one spelling.
    fn ed25519(&self, key: &Ed25519Key, message: &[u8], signature: &Ed25519Signature) -> bool {
        has_ed25519_points(key, signature)
            && UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok()
    }
}

/// `ring` itself refuses a modulus that begins with a zero byte; one whose first bit is not set is shorter than its kind
/// as well.
fn verify_rsa(parameters: &'static RsaParameters, modulus: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let is_whole = modulus.first().is_some_and(|byte| *byte >= 0x80);
    let key = RsaPublicKeyComponents::<&[u8]> { n: modulus, e: &EXPONENT };
    is_whole && key.verify(parameters, message, signature).is_ok()
}
