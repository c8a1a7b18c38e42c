//! Opening envelopes.

use alloc::vec::Vec;

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable as _, Kem, OpModeR, single_shot_open};
use zeroize::Zeroizing;

use crate::error::EnvelopeError;
use crate::head::{Content, Head, MAGIC, SECRET_BYTES};
use crate::key::ReaderKey;
use crate::record::{Cipher, LENGTH_BYTES, TAG_BYTES};

/// What binds a wrapped secret to its use.
pub(crate) const READER_INFO: &[u8] = b"redoubt envelope reader 1";

/// Whether a file begins as an envelope does.
#[must_use]
pub fn is_envelope(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// What is in an envelope, in the memory that it was in.
///
/// # Errors
/// The first thing that is wrong with it, and where; nothing of it is given out then.
pub fn open(mut envelope: Vec<u8>, key: &ReaderKey, expected: Content) -> Result<Vec<u8>, EnvelopeError> {
    let head = Head::parse(&envelope)?;
    let secret = open_secret(&head, key, expected)?;
    let (begin, limit) = (head.bytes.len(), head.content.record_max_bytes());
    let cipher = Cipher::new(&secret, head.salt, head.bytes);
    let mut in_place = InPlace { cipher, limit, read: begin, written: 0 };
    while !in_place.record(&mut envelope)? {}
    envelope.truncate(in_place.written);
    Ok(envelope)
}

/// The secret of an envelope that has to have `expected` in it.
pub(crate) fn open_secret(
    head: &Head<'_>,
    key: &ReaderKey,
    expected: Content,
) -> Result<Zeroizing<[u8; SECRET_BYTES]>, EnvelopeError> {
    if head.content != expected {
        return Err(EnvelopeError::OtherContent { expected, found: head.content });
    }
    let secret = head.stanzas().find_map(|(encapsulated, wrapped)| unwrap(key, encapsulated, wrapped));
    secret.ok_or(EnvelopeError::NotAReader { readers: head.readers() })
}

fn unwrap(key: &ReaderKey, encapsulated: &[u8], wrapped: &[u8]) -> Option<Zeroizing<[u8; SECRET_BYTES]>> {
    let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(encapsulated).ok()?;
    let opened = single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &key.0,
        &encapsulated,
        READER_INFO,
        wrapped,
        &[],
    );
    let opened = Zeroizing::new(opened.ok()?);
    opened.as_slice().try_into().ok().map(Zeroizing::new)
}

/// Puts plaintexts one behind the other, at the beginning of the memory that they are read from.
struct InPlace {
    cipher: Cipher,
    /// Of a record.
    limit: usize,
    read: usize,
    written: usize,
}

impl InPlace {
    /// Opens the next record, and says whether it was the last.
    fn record(&mut self, bytes: &mut [u8]) -> Result<bool, EnvelopeError> {
        let (record, offset) = (self.cipher.next(), self.read);
        let cut_off = EnvelopeError::CutOff { record, offset };
        let rest = bytes.get_mut(offset..).ok_or(cut_off)?;
        let (length, rest) = rest.split_first_chunk_mut::<LENGTH_BYTES>().ok_or(cut_off)?;
        let found = u32::from_le_bytes(*length);
        let length = usize::try_from(found).unwrap_or(usize::MAX);
        if length > self.limit {
            return Err(EnvelopeError::RecordTooLong { record, offset, limit: self.limit, found });
        }
        let sealed_bytes = length.saturating_add(TAG_BYTES);
        let (sealed, after) = rest.split_at_mut_checked(sealed_bytes).ok_or(cut_off)?;
        let is_last = length == 0;
        if !self.cipher.open(sealed, is_last) {
            return Err(EnvelopeError::Record { record, offset });
        }
        let begin = offset.saturating_add(LENGTH_BYTES);
        let (end, next) = (begin.saturating_add(length), begin.saturating_add(sealed_bytes));
        if is_last && !after.is_empty() {
            return Err(EnvelopeError::Trailing { offset: next });
        }
        // Records are read from behind where they are written to.
        bytes.copy_within(begin..end, self.written);
        self.written = self.written.saturating_add(length);
        self.read = next;
        Ok(is_last)
    }
}
