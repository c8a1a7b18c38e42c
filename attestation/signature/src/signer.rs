//! Whoever holds a key on P-256.

use core::fmt;

use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::Signer;

use crate::{P256Point, P256Signature};

/// Order of the group of P-256, big-endian (FIPS 186-5; SP 800-186, section 3.2.1.3).
const ORDER: [u8; 32] = [
    0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xBC,
    0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
];

/// Half of it, rounded down: the largest low S.
const HALF_ORDER: [u8; 32] = [
    0x7F, 0xFF, 0xFF, 0xFF, 0x80, 0x00, 0x00, 0x00, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xDE,
    0x73, 0x7D, 0x56, 0xD3, 0x8B, 0xCF, 0x42, 0x79, 0xDC, 0xE5, 0x61, 0x7E, 0x31, 0x92, 0xA8,
];

/// There is no signature: there was no randomness for it, or the key is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SigningError;

impl fmt::Display for SigningError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no signature could be made")
    }
}

impl core::error::Error for SigningError {}

/// Signs with one key on P-256.
pub trait P256Signer: fmt::Debug + Send + Sync {
    /// Whose signatures these are.
    fn public_key(&self) -> P256Point;

    /// ECDSA with SHA-256. S is the lower one of its two values, so that a signature has one spelling. Two signatures of
    /// one message may differ.
    ///
    /// # Errors
    /// See [`SigningError`].
    fn ecdsa_p256_sha256(&self, message: &[u8]) -> Result<P256Signature, SigningError>;
}

/// Deterministic, by RFC 6979.
impl P256Signer for SigningKey {
    fn public_key(&self) -> P256Point {
        let point = self.verifying_key().to_sec1_point(false);
        let mut bytes = [0; 65];
        bytes.iter_mut().zip(point.as_bytes()).for_each(|(to, from)| *to = *from);
        bytes
    }

    fn ecdsa_p256_sha256(&self, message: &[u8]) -> Result<P256Signature, SigningError> {
        let signature: p256::ecdsa::Signature = self.try_sign(message).map_err(|_| SigningError)?;
        Ok(signature.normalize_s().to_bytes().into())
    }
}

/// The same signature with the lower one of the two values that S may have: those add up to the order of the group.
/// Nothing here is secret.
#[must_use]
pub fn lower_s(mut signature: P256Signature) -> P256Signature {
    let Some((_, s)) = signature.split_first_chunk_mut::<32>() else { return signature };
    if *s > HALF_ORDER[..] {
        let mut borrow = false;
        for (digit, order) in s.iter_mut().zip(ORDER).rev() {
            let (difference, first) = order.overflowing_sub(*digit);
            let (difference, second) = difference.overflowing_sub(u8::from(borrow));
            (*digit, borrow) = (difference, first || second);
        }
    }
    signature
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_s_is_the_one_that_another_library_takes() {
        let key = SigningKey::from_slice(&[7; 32]).unwrap();
        let mut changed = 0;
        for message in 0..64_u8 {
            let signature: p256::ecdsa::Signature = key.sign(&[message]);
            let (raw, expected) = (signature.to_bytes(), signature.normalize_s().to_bytes());
            assert_eq!(lower_s(raw.into()), <[u8; 64]>::from(expected), "{message}");
            assert_eq!(key.ecdsa_p256_sha256(&[message]).unwrap(), <[u8; 64]>::from(expected));
            changed += usize::from(raw != expected);
        }
        assert!((1..64).contains(&changed), "{changed}");
    }

    #[test]
    fn the_bounds_are_those_of_the_group() {
        let with_s = |s: [u8; 32]| <[u8; 64]>::try_from([[1; 32], s].concat()).unwrap();
        let mut above = HALF_ORDER;
        above[31] += 1;
        assert_eq!(lower_s(with_s(HALF_ORDER)), with_s(HALF_ORDER));
        assert_eq!(lower_s(with_s(above)), with_s(HALF_ORDER));
        let mut largest = ORDER;
        largest[31] -= 1;
        let mut one = [0; 32];
        one[31] = 1;
        assert_eq!(lower_s(with_s(largest)), with_s(one));
    }
}
