//! Sealing and opening with one seal key.

use alloc::vec::Vec;
use core::fmt;
use core::mem;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::error::Unspecified;
use ring::hkdf::{HKDF_SHA256, Salt};
use zeroize::Zeroizing;

use crate::blob::{Header, TAG_BYTES};
use crate::error::SealError;
use crate::purpose::Purpose;

const LABEL: &[u8] = b"redoubt sealed blob v1";

/// What was in a blob. The plaintext is wiped when dropped.
pub struct Opened {
    /// The counter that it was sealed with.
    pub counter: u64,
    /// What was sealed.
    pub plaintext: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("counter", &self.counter).finish_non_exhaustive()
    }
}

/// Seals and opens blobs with one seal key, which is wiped when dropped.
pub struct Sealer {
    seal_key: Zeroizing<[u8; 32]>,
}

impl Sealer {
    /// `seal_key` has to be bound to the manifest already: nothing here does that.
    #[must_use]
    pub fn new(seal_key: &[u8; 32]) -> Self {
        Self { seal_key: Zeroizing::new(*seal_key) }
    }

    /// Seals `plaintext`. `salt` must be fresh from the guest's random generator: who uses one twice, with the same purpose
    /// and counter, gives away what the two plaintexts differ in.
    ///
    /// # Errors
    /// [`SealError::OutOfMemory`], [`SealError::TooLong`].
    pub fn seal(
        &self,
        purpose: Purpose<'_>,
        counter: u64,
        plaintext: &[u8],
        salt: [u8; 32],
    ) -> Result<Vec<u8>, SealError> {
        self.seal_with(purpose, counter, plaintext.len(), |room| room.copy_from_slice(plaintext), salt)
    }

    /// As [`Self::seal`], of a plaintext that is never in memory a second time: `write` writes it to where it is then
    /// encrypted, `plaintext_bytes` zeros at first.
    ///
    /// # Errors
    /// Likewise.
    pub fn seal_with(
        &self,
        purpose: Purpose<'_>,
        counter: u64,
        plaintext_bytes: usize,
        write: impl FnOnce(&mut [u8]),
        salt: [u8; 32],
    ) -> Result<Vec<u8>, SealError> {
        let too_long = SealError::TooLong { found: plaintext_bytes };
        let header_bytes = Header::bytes(purpose);
        let sealed_bytes = plaintext_bytes.checked_add(header_bytes);
        let bytes = sealed_bytes.and_then(|sealed| sealed.checked_add(TAG_BYTES)).ok_or(too_long.clone())?;
        let mut blob = Zeroizing::new(Vec::new());
        blob.try_reserve_exact(bytes).map_err(|_| SealError::OutOfMemory { bytes })?;
        Header::new(purpose, counter, salt).write(purpose, &mut blob);
        blob.resize(header_bytes.saturating_add(plaintext_bytes), 0);
        let (header, room) = blob.split_at_mut(header_bytes);
        write(room);
        let sealed = self
            .blob_key(&salt, header)
            .and_then(|key| key.seal_in_place_separate_tag(the_only_nonce(), Aad::from(&header), room));
        // Nothing but the length makes `ring` refuse.
        blob.extend_from_slice(sealed.map_err(|_| too_long)?.as_ref());
        Ok(mem::take(&mut *blob))
    }

    /// Opens a blob whose counter is at least `least_counter`.
    ///
    /// The host can give back every blob that it ever saw. Whoever keeps a counter where the host cannot turn it back says
    /// here what it stands at; with 0, any blob of the purpose opens.
    ///
    /// # Errors
    /// [`SealError`], with what was expected and found.
    pub fn unseal(&self, purpose: Purpose<'_>, blob: &[u8], least_counter: u64) -> Result<Opened, SealError> {
        let mut copy = Vec::new();
        copy.try_reserve_exact(blob.len()).map_err(|_| SealError::OutOfMemory { bytes: blob.len() })?;
        copy.extend_from_slice(blob);
        self.unseal_in_place(purpose, copy, least_counter)
    }

    /// As [`Self::unseal`], without a second copy: the plaintext takes the blob's place.
    ///
    /// # Errors
    /// Likewise.
    pub fn unseal_in_place(
        &self,
        purpose: Purpose<'_>,
        blob: Vec<u8>,
        least_counter: u64,
    ) -> Result<Opened, SealError> {
        // Whatever happens, plaintext in it is wiped.
        let mut blob = Zeroizing::new(blob);
        let header = Header::parse(&blob, purpose)?;
        let (header_bytes, counter) = (Header::bytes(purpose), header.counter.get());
        let (associated, sealed) = blob.split_at_mut_checked(header_bytes).ok_or(SealError::NotOurs)?;
        let opened = self.blob_key(&header.salt, associated).and_then(|key| {
            key.open_in_place(the_only_nonce(), Aad::from(&associated), sealed)
                .map(|plaintext| plaintext.len())
        });
        let plaintext_bytes = opened.map_err(|_| SealError::NotOurs)?;
        // Only now is it known that the counter is not made up.
        if counter < least_counter {
            return Err(SealError::RolledBack { expected_at_least: least_counter, found: counter });
        }
        blob.drain(..header_bytes);
        blob.truncate(plaintext_bytes);
        Ok(Opened { counter, plaintext: blob })
    }

    fn blob_key(&self, salt: &[u8; 32], header: &[u8]) -> Result<LessSafeKey, Unspecified> {
        let extracted = Salt::new(HKDF_SHA256, salt).extract(self.seal_key.as_slice());
        let info = [LABEL, header];
        Ok(LessSafeKey::new(UnboundKey::from(extracted.expand(&info, &AES_256_GCM)?)))
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").finish_non_exhaustive()
    }
}

/// A key seals one blob; see the crate's documentation.
fn the_only_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}
