//! An input on its way to a guest.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use attestation_envelope::{
    Content, Envelope, JOB_HEAD_BYTES, JobHead, KeyError, PUBLIC_KEY_BYTES, Readers, envelope_bytes,
};
use sha2::{Digest as _, Sha256};

use super::error::SubmitError;
use crate::check::FileDigest;
use crate::files::INPUT;

/// Of the input, in one record.
const PIECE_BYTES: u32 = 64 << 10;

/// A file that is to be sent.
#[derive(Debug)]
pub(super) struct Input {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl Input {
    pub(super) fn open(path: &Path) -> Result<Self, SubmitError> {
        let failed = |source| INPUT.read_error(path, source);
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(SubmitError::NotAFile { path: path.to_owned() });
        }
        Ok(Self { path: path.to_owned(), file, bytes: metadata.len() })
    }

    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How long the envelope will be.
    pub(super) fn envelope_bytes(&self) -> u64 {
        let records = self.bytes.div_ceil(PIECE_BYTES.into()).max(1);
        let head = u64::try_from(JOB_HEAD_BYTES).unwrap_or(u64::MAX);
        envelope_bytes(1, self.bytes.saturating_add(head), records)
    }

    /// Gives the envelope away, piece by piece, and says what was sealed in it.
    pub(super) fn seal(
        mut self,
        sealing: Sealing,
        mut send: impl FnMut(&[u8]) -> Result<(), SubmitError>,
    ) -> Result<FileDigest, SubmitError> {
        let Sealing { mut envelope, head, job } = sealing;
        send(&head)?;
        let mut hash = Sha256::new();
        let mut sealed = envelope.seal(&job.encode());
        let mut left = self.bytes;
        while left > 0 {
            let count = usize::try_from(left.min(PIECE_BYTES.into())).unwrap_or_default();
            let mut piece = zeroize::Zeroizing::new(vec![0; count]);
            self.file.read_exact(&mut piece).map_err(|error| self.changed(error))?;
            hash.update(&*piece);
            sealed.extend_from_slice(&envelope.seal(&piece));
            send(&sealed)?;
            sealed.clear();
            left = left.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
        }
        send(&envelope.finish())?;
        Ok(FileDigest { sha256: hash.finalize().into(), bytes: self.bytes })
    }

    fn changed(&self, error: io::Error) -> SubmitError {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return SubmitError::InputChanged { path: self.path.clone(), expected: self.bytes };
        }
        INPUT.read_error(&self.path, error).into()
    }
}

/// An envelope that is begun.
#[derive(Debug)]
pub(super) struct Sealing {
    envelope: Envelope,
    head: Vec<u8>,
    job: JobHead,
}

impl Sealing {
    /// For the guest with this key, whose results are for `reply_key`. `seeds` are random.
    pub(super) fn new(
        guest: [u8; PUBLIC_KEY_BYTES],
        reply_key: [u8; PUBLIC_KEY_BYTES],
        seeds: [[u8; 32]; 2],
    ) -> Result<Self, KeyError> {
        let [secret, salt] = seeds;
        let (envelope, head) = Readers::new(&[guest], secret)?.begin(Content::PrivateInput, salt);
        Ok(Self { envelope, head, job: JobHead { reply_key } })
    }
}

#[cfg(test)]
mod tests {
    use attestation_envelope::{ReaderKey, open};

    use super::*;

    #[test]
    fn the_length_of_an_envelope_is_known_before_it_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("input");
        let key = ReaderKey::generate([1; 32]);
        let piece = PIECE_BYTES as usize;
        for length in [0, 1, 4055, 4056, 4096, piece - 1, piece, piece + 1, 3 * piece, 3 * piece + 4096] {
            let bytes: Vec<u8> = (0..251).cycle().take(length).collect();
            std::fs::write(&path, &bytes).unwrap();
            let (input, mut sent) = (Input::open(&path).unwrap(), Vec::new());
            let announced = input.envelope_bytes();
            let sealing = Sealing::new(key.public_key(), [9; 32], [[2; 32], [3; 32]]).unwrap();
            let digest = input.seal(sealing, |part| {
                sent.extend_from_slice(part);
                Ok(())
            });
            assert_eq!(digest.unwrap(), FileDigest::of(&bytes));
            assert_eq!(sent.len() as u64, announced, "{length} bytes");
            let opened = open(sent, &key, Content::PrivateInput).unwrap();
            assert_eq!(opened[..JOB_HEAD_BYTES], JobHead { reply_key: [9; 32] }.encode());
            assert!(opened[JOB_HEAD_BYTES..] == bytes);
        }
    }

    #[test]
    fn an_input_that_becomes_shorter_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("input");
        std::fs::write(&path, b"four").unwrap();
        let input = Input::open(&path).unwrap();
        std::fs::write(&path, b"two").unwrap();
        let key = ReaderKey::generate([1; 32]).public_key();
        let sealing = Sealing::new(key, [9; 32], [[2; 32], [3; 32]]).unwrap();
        let error = input.seal(sealing, |_| Ok(())).unwrap_err();
        assert!(matches!(error, SubmitError::InputChanged { expected: 4, .. }), "{error}");
        assert!(matches!(Input::open(folder.path()), Err(SubmitError::NotAFile { .. })));
    }
}
