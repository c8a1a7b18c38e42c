//! A key on P-256 that signs.

use core::fmt;

use attestation_signature::{P256Point, P256Signature, P256Signer, SigningError, lower_s};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};

/// There is no key: there was no randomness for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyError;

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no key could be made")
    }
}

impl core::error::Error for KeyError {}

/// A key that `ring` signs with, and that cannot be read out. A nonce is the digest of a secret of the key, fresh
/// randomness and the message's digest: no two messages share one even where the randomness is bad.
///
/// What is printed of it is its public key.
#[derive(Debug)]
pub struct P256Key {
    pair: EcdsaKeyPair,
    public_key: P256Point,
}

impl P256Key {
    /// A fresh key, from [`SystemRandom`].
    ///
    /// `ring` hands a fresh key out in one form only, a PKCS#8 document. That lies in this function's frame, as an array,
    /// and never on the heap; nobody wipes it, nor what `ring` itself leaves on the stack. A caller that minds scrubs the
    /// stack below its own frame afterwards, as the guest's boot does.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn generate() -> Result<Self, KeyError> {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(|_| KeyError)?;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).map_err(|_| KeyError)?;
        let public_key = pair.public_key().as_ref().try_into().map_err(|_| KeyError)?;
        Ok(Self { pair, public_key })
    }
}

impl P256Signer for P256Key {
    fn public_key(&self) -> P256Point {
        self.public_key
    }

    fn ecdsa_p256_sha256(&self, message: &[u8]) -> Result<P256Signature, SigningError> {
        let signature = self.pair.sign(&SystemRandom::new(), message).map_err(|_| SigningError)?;
        // `ring` takes either S.
        signature.as_ref().try_into().map(lower_s).map_err(|_| SigningError)
    }
}
