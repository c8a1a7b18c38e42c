//! Records: the cipher and its nonces.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};

use crate::head::{SALT_BYTES, SECRET_BYTES};

pub(crate) const LENGTH_BYTES: usize = 4;
pub(crate) const TAG_BYTES: usize = 16;

/// How many bytes of a file's key are derived.
struct KeyBytes;

impl KeyType for KeyBytes {
    fn len(&self) -> usize {
        AES_256_GCM.key_len()
    }
}

/// The cipher of one file, and the number of its next record.
pub(crate) struct Cipher {
    key: LessSafeKey,
    next: u64,
}

impl Cipher {
    /// `head` is all of it, salt included.
    pub(crate) fn new(secret: &[u8; SECRET_BYTES], salt: &[u8; SALT_BYTES], head: &[u8]) -> Self {
        let extracted = Salt::new(HKDF_SHA256, salt).extract(secret);
        let mut key = zeroize::Zeroizing::new([0; 32]);
        // Errors are about other lengths than these: a key of 32 bytes, which is that of the cipher.
        let filled = extracted
            .expand(&[b"redoubt envelope 1", head], KeyBytes)
            .and_then(|okm| okm.fill(&mut *key))
            .and_then(|()| UnboundKey::new(&AES_256_GCM, &*key));
        match filled {
            Ok(key) => Self { key: LessSafeKey::new(key), next: 0 },
            Err(_) => unreachable!("the lengths are constants"),
        }
    }

    pub(crate) const fn next(&self) -> u64 {
        self.next
    }

    fn nonce(&mut self, is_last: bool) -> Nonce {
        let mut nonce = [0; NONCE_LEN];
        // 2^64 records are more than anybody makes: the number does not come round.
        nonce[3..NONCE_LEN - 1].copy_from_slice(&self.next.to_be_bytes());
        nonce[NONCE_LEN - 1] = u8::from(is_last);
        self.next = self.next.saturating_add(1);
        Nonce::assume_unique_for_key(nonce)
    }

    /// Encrypts in place and gives the tag.
    pub(crate) fn seal(&mut self, plaintext: &mut [u8], is_last: bool) -> [u8; TAG_BYTES] {
        let nonce = self.nonce(is_last);
        let sealed = self.key.seal_in_place_separate_tag(nonce, Aad::empty(), plaintext);
        let mut tag = [0; TAG_BYTES];
        match sealed {
            Ok(sealed) => tag.copy_from_slice(sealed.as_ref()),
            Err(_) => unreachable!("records are far shorter than what the cipher takes"),
        }
        tag
    }

    /// Decrypts ciphertext and tag in place; the plaintext is at the beginning. `false`: they are not what was sealed.
    pub(crate) fn open(&mut self, ciphertext: &mut [u8], is_last: bool) -> bool {
        let nonce = self.nonce(is_last);
        self.key.open_in_place(nonce, Aad::empty(), ciphertext).is_ok()
    }
}
