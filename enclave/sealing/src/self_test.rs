//! Known answers: whether the library, as it was linked, computes what it should.
//!
//! In the guest it is put together by us from files of its authors, and chooses among its implementations by what the
//! processor has. That every one of them is there and right on this processor is seen only by computing.

use alloc::vec::Vec;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};

use crate::error::SealError;
use crate::purpose::Purpose;
use crate::sealer::Sealer;

/// The library computes something else than it should. Nothing may be sealed or opened with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelfTestError {
    /// HKDF-SHA256.
    #[error("self-test: HKDF-SHA256 does not give the known answer")]
    KeyDerivation,
    /// AES-256-GCM of a short message.
    #[error("self-test: AES-256-GCM does not give the known answer")]
    Cipher,
    /// AES-256-GCM of a message that is long enough for the code that works on many blocks at once.
    #[error("self-test: sealing does not give the known answer")]
    Sealing,
    /// The same the other way.
    #[error("self-test: opening does not give the plaintext that was sealed")]
    Opening,
    /// A blob with one bit changed was opened.
    #[error("self-test: a changed blob was opened")]
    Forgery,
}

/// Computes known answers and compares. Less than 100 µs on a processor, some milliseconds in an emulator.
///
/// # Errors
/// The first answer that is wrong.
pub fn self_test() -> Result<(), SelfTestError> {
    KNOWN.check()
}

struct KnownAnswers {
    derived: &'static [u8; 42],
    ciphertext: &'static [u8; 76],
    long_tag: &'static [u8; 16],
}

impl KnownAnswers {
    fn check(&self) -> Result<(), SelfTestError> {
        derives_keys(self.derived)?;
        encrypts(self.ciphertext)?;
        seals_and_opens(self.long_tag)
    }
}

fn require(is_right: bool, otherwise: SelfTestError) -> Result<(), SelfTestError> {
    if is_right { Ok(()) } else { Err(otherwise) }
}

/// RFC 5869, appendix A.1.
fn derives_keys(known: &[u8; 42]) -> Result<(), SelfTestError> {
    struct Bytes42;
    impl KeyType for Bytes42 {
        fn len(&self) -> usize {
            42
        }
    }
    let salt = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    let info = [0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9];
    let mut derived = [0; 42];
    let extracted = Salt::new(HKDF_SHA256, &salt).extract(&[0x0b; 22]);
    let filled = extracted.expand(&[&info], Bytes42).and_then(|okm| okm.fill(&mut derived));
    require(filled.is_ok() && &derived == known, SelfTestError::KeyDerivation)
}

/// McGrew and Viega, "The Galois/Counter Mode of Operation", test case 16.
fn encrypts(known: &[u8; 76]) -> Result<(), SelfTestError> {
    let key = UnboundKey::new(&AES_256_GCM, KEY).map_err(|_| SelfTestError::Cipher)?;
    let associated =
        Aad::from(b"\xfe\xed\xfa\xce\xde\xad\xbe\xef\xfe\xed\xfa\xce\xde\xad\xbe\xef\xab\xad\xda\xd2");
    let nonce = Nonce::assume_unique_for_key(*b"\xca\xfe\xba\xbe\xfa\xce\xdb\xad\xde\xca\xf8\x88");
    let mut message = Vec::from(*PLAINTEXT);
    let sealed = LessSafeKey::new(key).seal_in_place_append_tag(nonce, associated, &mut message);
    require(sealed.is_ok() && message == known, SelfTestError::Cipher)
}

/// The tag depends on every bit of key derivation and encryption. Computed by other libraries: see the tests.
fn seals_and_opens(known_tag: &[u8; 16]) -> Result<(), SelfTestError> {
    let sealer = Sealer::new(&core::array::from_fn(|index| index.to_le_bytes()[0]));
    let plaintext: Vec<u8> = (0..=250).cycle().take(1000).collect();
    let salt = core::array::from_fn(|index| index.wrapping_add(64).to_le_bytes()[0]);
    let sealed = sealer.seal(Purpose::Storage, 1, &plaintext, salt);
    let mut blob = sealed.map_err(|_| SelfTestError::Sealing)?;
    require(blob.ends_with(known_tag), SelfTestError::Sealing)?;
    let opened = sealer.unseal(Purpose::Storage, &blob, 1);
    require(opened.is_ok_and(|opened| *opened.plaintext == plaintext), SelfTestError::Opening)?;
    if let Some(byte) = blob.last_mut() {
        *byte ^= 1;
    }
    let forged = sealer.unseal_in_place(Purpose::Storage, blob, 1).err();
    require(forged == Some(SealError::NotOurs), SelfTestError::Forgery)
}

const KNOWN: KnownAnswers = KnownAnswers { derived: DERIVED, ciphertext: CIPHERTEXT, long_tag: LONG_TAG };

const DERIVED: &[u8; 42] =
    b"\x3c\xb2\x5f\x25\xfa\xac\xd5\x7a\x90\x43\x4f\x64\xd0\x36\x2f\x2a\x2d\x2d\x0a\x90\xcf\
    \x1a\x5a\x4c\x5d\xb0\x2d\x56\xec\xc4\xc5\xbf\x34\x00\x72\x08\xd5\xb8\x87\x18\x58\x65";

const KEY: &[u8; 32] = b"\xfe\xff\xe9\x92\x86\x65\x73\x1c\x6d\x6a\x8f\x94\x67\x30\x83\x08\
    \xfe\xff\xe9\x92\x86\x65\x73\x1c\x6d\x6a\x8f\x94\x67\x30\x83\x08";

const PLAINTEXT: &[u8; 60] =
    b"\xd9\x31\x32\x25\xf8\x84\x06\xe5\xa5\x59\x09\xc5\xaf\xf5\x26\x9a\x86\xa7\xa9\x53\
    \x15\x34\xf7\xda\x2e\x4c\x30\x3d\x8a\x31\x8a\x72\x1c\x3c\x0c\x95\x95\x68\x09\x53\
    \x2f\xcf\x0e\x24\x49\xa6\xb5\x25\xb1\x6a\xed\xf5\xaa\x0d\xe6\x57\xba\x63\x7b\x39";

const CIPHERTEXT: &[u8; 76] =
    b"\x52\x2d\xc1\xf0\x99\x56\x7d\x07\xf4\x7f\x37\xa3\x2a\x84\x42\x7d\x64\x3a\x8c\xdc\
    \xbf\xe5\xc0\xc9\x75\x98\xa2\xbd\x25\x55\xd1\xaa\x8c\xb0\x8e\x48\x59\x0d\xbb\x3d\
    \xa7\xb0\x8b\x10\x56\x82\x88\x38\xc5\xf6\x1e\x63\x93\xba\x7a\x0a\xbc\xc9\xf6\x62\
    \x76\xfc\x6e\xce\x0f\x4e\x17\x68\xcd\xdf\x88\x53\xbb\x2d\x55\x1b";

const LONG_TAG: &[u8; 16] = b"\x0c\x68\x1f\xbc\xe0\x76\x05\x80\x19\xf9\xf2\x7c\xf4\xb7\x44\x45";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_is_compared() {
        assert_eq!(self_test(), Ok(()));
        let wrong = |answers: KnownAnswers| answers.check().unwrap_err();
        assert_eq!(wrong(KnownAnswers { derived: &[0; 42], ..KNOWN }), SelfTestError::KeyDerivation);
        assert_eq!(wrong(KnownAnswers { ciphertext: &[0; 76], ..KNOWN }), SelfTestError::Cipher);
        assert_eq!(wrong(KnownAnswers { long_tag: &[0; 16], ..KNOWN }), SelfTestError::Sealing);
    }
}
