//! The key of a reader.

use alloc::string::String;
use core::fmt;

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng as _;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, Serializable as _};
use pem_rfc7468::{LineEnding, decode_vec, encode_string};
use zeroize::Zeroizing;

use crate::error::KeyError;

/// Of X25519.
pub const PUBLIC_KEY_BYTES: usize = 32;

/// Before the key in PKCS #8 (RFC 8410, section 7): a sequence of version 0, id-X25519, and an octet string in another.
const PKCS8_PREFIX: [u8; 16] = *b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x6e\x04\x22\x04\x20";
const PEM_LABEL: &str = "PRIVATE KEY";

/// What a reader opens envelopes with.
pub struct ReaderKey(pub(crate) <X25519HkdfSha256 as Kem>::PrivateKey);

impl ReaderKey {
    /// A new one. `seed` is random, and used for nothing else.
    #[must_use]
    pub fn generate(seed: [u8; 32]) -> Self {
        Self(X25519HkdfSha256::gen_keypair_with_rng(&mut ChaCha20Rng::from_seed(seed)).0)
    }

    /// Reads [`to_pem`](Self::to_pem)'s text, or what `openssl genpkey -algorithm X25519` writes.
    ///
    /// # Errors
    /// [`KeyError::Private`].
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let (label, der) = decode_vec(text.as_bytes()).map_err(|_| KeyError::Private)?;
        let der = Zeroizing::new(der);
        let key = der.strip_prefix(&PKCS8_PREFIX).filter(|_| label == PEM_LABEL);
        key.and_then(|key| Deserializable::from_bytes(key).ok()).map(Self).ok_or(KeyError::Private)
    }

    /// As PEM of PKCS #8.
    #[must_use]
    pub fn to_pem(&self) -> Zeroizing<String> {
        let mut der = Zeroizing::new([0; PKCS8_PREFIX.len() + PUBLIC_KEY_BYTES]);
        let (prefix, key) = der.split_at_mut(PKCS8_PREFIX.len());
        prefix.copy_from_slice(&PKCS8_PREFIX);
        self.0.write_exact(key);
        Zeroizing::new(encode_string(PEM_LABEL, LineEnding::LF, &*der).unwrap_or_default())
    }

    /// What goes into manifests.
    #[must_use]
    pub fn public_key(&self) -> [u8; PUBLIC_KEY_BYTES] {
        X25519HkdfSha256::sk_to_pk(&self.0).to_bytes().into()
    }
}

/// Without the key.
impl fmt::Debug for ReaderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReaderKey").finish_non_exhaustive()
    }
}
