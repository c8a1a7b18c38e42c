//! Who computes signatures: one trait, so that the same verification runs on a bare target and at full speed on a server;
//! and one for whoever signs, so that what is signed does not depend on who computes.
//!
//! [`RustCrypto`] needs no compiler but Rust's, and runs in the guest. `attestation-ring` is several times as fast where
//! there is an operating system. Keys are bytes here, as certificates have them: what is no key at all has signed nothing,
//! and nobody else has to know how an implementation represents one.
//!
//! Panics: never on input.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;

mod ed25519;
mod rust_crypto;
mod signer;

use core::fmt;

pub use ed25519::has_ed25519_points;
pub use rust_crypto::RustCrypto;
pub use signer::{P256Signer, SigningError, lower_s};

/// Point on P-256, uncompressed: `04`, X and Y of 32 big-endian bytes each (SEC 1, section 2.3.3).
pub type P256Point = [u8; 65];
/// Point on P-384, uncompressed: `04`, X and Y of 48 big-endian bytes each.
pub type P384Point = [u8; 97];
/// R and S of 32 big-endian bytes each.
pub type P256Signature = [u8; 64];
/// R and S of 48 big-endian bytes each.
pub type P384Signature = [u8; 96];
/// A, a point: its Y of 32 little-endian bytes, the sign of X in the last bit (RFC 8032, section 5.1.2).
pub type Ed25519Key = [u8; 32];
/// R, a point as in a key, and S of 32 little-endian bytes.
pub type Ed25519Signature = [u8; 64];
/// Modulus of 4096 bits, big-endian. The exponent is 65537 with all keys here.
pub type Rsa4096Modulus = [u8; 512];
/// Modulus of 2048 bits, big-endian.
pub type Rsa2048Modulus = [u8; 256];

/// First byte of an uncompressed point.
pub const UNCOMPRESSED: u8 = 4;

/// Verifies signatures, in the algorithms that vendors of hardware and servers of time use.
///
/// Each method answers whether `signature` is by `key` over `message`. A key that is none, such as a point beside its
/// curve, has signed nothing; neither have R or S of ECDSA that are zero, or R or S that are not below the order of the
/// group. Implementations agree on every input: whether evidence is accepted must not depend on who computes.
pub trait SignatureVerifier: fmt::Debug + Sync {
    /// ECDSA on P-256 with SHA-256 (FIPS 186-5): Intel.
    fn ecdsa_p256_sha256(&self, key: &P256Point, message: &[u8], signature: &P256Signature) -> bool;

    /// ECDSA on P-384 with SHA-384: reports of AMD, all of NVIDIA.
    fn ecdsa_p384_sha384(&self, key: &P384Point, message: &[u8], signature: &P384Signature) -> bool;

    /// RSASSA-PSS with SHA-384, MGF1 with SHA-384 and 48 bytes of salt (RFC 8017, section 8.1): AMD's authorities.
    fn rsa4096_pss_sha384(&self, modulus: &Rsa4096Modulus, message: &[u8], signature: &[u8]) -> bool;

    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, section 8.2): virtual TPMs.
    fn rsa2048_pkcs1v15_sha256(&self, modulus: &Rsa2048Modulus, message: &[u8], signature: &[u8]) -> bool;

    /// Ed25519 (RFC 8032, section 5.1.7), by the equation without the cofactor and for the points of
    /// [`has_ed25519_points`] only: Roughtime.
    fn ed25519(&self, key: &Ed25519Key, message: &[u8], signature: &Ed25519Signature) -> bool;
}
