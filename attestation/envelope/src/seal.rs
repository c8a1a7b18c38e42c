//! Making envelopes.

use alloc::vec::Vec;
use core::fmt;
use core::mem;

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng as _, SeedableRng as _};
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable as _, Kem, OpModeS, Serializable as _, single_shot_seal_with_rng};
use zeroize::Zeroizing;

use crate::error::KeyError;
use crate::head::{Content, HEAD_MAX_BYTES, MAGIC, SALT_BYTES, SECRET_BYTES};
use crate::open::READER_INFO;
use crate::record::Cipher;
use crate::{PUBLIC_KEY_BYTES, READERS_MAX, RECORD_LEAST_BYTES, RECORD_OVERHEAD_BYTES};

/// For whom a guest seals: for as long as it runs, or for one private job.
pub struct Readers {
    /// Their number and their stanzas.
    stanzas: Vec<u8>,
    secret: Zeroizing<[u8; SECRET_BYTES]>,
}

impl Readers {
    /// `seed` is random, and used for nothing else: the secret comes from it.
    ///
    /// # Errors
    /// [`KeyError::Count`], or [`KeyError::Public`] with the first key that nothing can be sealed for.
    pub fn new(keys: &[[u8; PUBLIC_KEY_BYTES]], seed: [u8; 32]) -> Result<Self, KeyError> {
        let count = u8::try_from(keys.len()).unwrap_or(u8::MAX);
        if !(1..=READERS_MAX).contains(&keys.len()) {
            return Err(KeyError::Count { found: keys.len() });
        }
        let mut random = ChaCha20Rng::from_seed(seed);
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        random.fill_bytes(&mut *secret);
        let mut stanzas = alloc::vec![count];
        for (index, key) in keys.iter().enumerate() {
            let stanza = wrap(key, &secret, &mut random).ok_or(KeyError::Public { index })?;
            stanzas.extend_from_slice(&stanza);
        }
        Ok(Self { stanzas, secret })
    }

    /// An envelope, and what it begins with. `salt` is random and used for nothing else.
    #[must_use]
    pub fn begin(&self, content: Content, salt: [u8; SALT_BYTES]) -> (Envelope, Vec<u8>) {
        let mut head = Vec::with_capacity(HEAD_MAX_BYTES);
        head.extend_from_slice(&MAGIC);
        head.push(content.number());
        head.extend_from_slice(&self.stanzas);
        head.extend_from_slice(&salt);
        let cipher = Cipher::new(&self.secret, &salt, &head);
        (Envelope { cipher, record_max_bytes: content.record_max_bytes(), waiting: Vec::new() }, head)
    }

    /// An envelope with all that is in it. `salt` as in [`Self::begin`].
    #[must_use]
    pub fn seal(&self, content: Content, salt: [u8; SALT_BYTES], plaintext: &[u8]) -> Vec<u8> {
        let (mut envelope, mut sealed) = self.begin(content, salt);
        sealed.extend_from_slice(&envelope.seal(plaintext));
        sealed.extend_from_slice(&envelope.finish());
        sealed
    }
}

fn wrap(
    key: &[u8; PUBLIC_KEY_BYTES],
    secret: &[u8; SECRET_BYTES],
    random: &mut ChaCha20Rng,
) -> Option<Vec<u8>> {
    let key = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(key).ok()?;
    // Points of small order are refused here: what both sides would share is known to everybody.
    let sealed = single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &key,
        READER_INFO,
        secret,
        &[],
        random,
    );
    let (encapsulated, wrapped) = sealed.ok()?;
    let mut stanza = encapsulated.to_bytes().to_vec();
    stanza.extend_from_slice(&wrapped);
    Some(stanza)
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").finish_non_exhaustive()
    }
}

/// An envelope that is being filled.
pub struct Envelope {
    cipher: Cipher,
    record_max_bytes: usize,
    /// Shorter than [`RECORD_LEAST_BYTES`].
    waiting: Vec<u8>,
}

impl Envelope {
    /// What comes next; gives what is sealed of all that came, which can be nothing.
    #[must_use]
    pub fn seal(&mut self, piece: &[u8]) -> Vec<u8> {
        self.waiting.extend_from_slice(piece);
        if self.waiting.len() < RECORD_LEAST_BYTES { Vec::new() } else { self.seal_waiting() }
    }

    /// Nothing comes any more: the rest, and the last record.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        let mut sealed = self.seal_waiting();
        self.append(&mut sealed, &[], true);
        sealed
    }

    fn seal_waiting(&mut self) -> Vec<u8> {
        let waiting = mem::take(&mut self.waiting);
        let records = waiting.len().div_ceil(self.record_max_bytes).saturating_add(1);
        let overhead = records.saturating_mul(RECORD_OVERHEAD_BYTES);
        let mut sealed = Vec::with_capacity(waiting.len().saturating_add(overhead));
        let longest = self.record_max_bytes;
        waiting.chunks(longest).for_each(|plaintext| self.append(&mut sealed, plaintext, false));
        sealed
    }

    fn append(&mut self, sealed: &mut Vec<u8>, plaintext: &[u8], is_last: bool) {
        // At most a mebibyte, which is far less than 4 GiB.
        sealed.extend_from_slice(&u32::try_from(plaintext.len()).unwrap_or(u32::MAX).to_le_bytes());
        let begin = sealed.len();
        sealed.extend_from_slice(plaintext);
        let tag = self.cipher.seal(sealed.get_mut(begin..).unwrap_or_default(), is_last);
        sealed.extend_from_slice(&tag);
    }
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope").finish_non_exhaustive()
    }
}
