//! What a transcript says of files that jobs leave to one another.

use attestation_transcript::{Kind, Reader, TranscriptError};
use sha2::{Digest, Sha256};

/// The files that a job began and ended with, by SHA-256 of their snapshots. Where every job ends with what the next begins
/// with, nobody has exchanged them in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptFiles {
    /// `None` when there were none yet.
    pub began_with: Option<[u8; 32]>,
    /// `None` when the job left nothing, because it did not end by itself.
    pub ended_with: Option<[u8; 32]>,
}

impl KeptFiles {
    /// Of a transcript; `None` when its job kept no files. Whether it is the claim's, and makes sense, is for the replay to
    /// find.
    pub(crate) fn of(transcript: &[u8]) -> Result<Option<Self>, TranscriptError> {
        let (mut snapshot, mut snapshot_bytes, mut is_whole) = (Sha256::new(), 0, false);
        let (mut has_files, mut ended_with) = (false, None);
        for entry in Reader::new(transcript)? {
            let entry = entry?;
            if entry.kind != Kind::FILES {
                continue;
            }
            has_files = true;
            match entry.payload {
                [kind @ (0 | 1), piece @ ..] if !is_whole => {
                    snapshot.update(piece);
                    snapshot_bytes += piece.len();
                    is_whole = *kind == 1;
                }
                [2, digest @ ..] => ended_with = digest.try_into().ok(),
                _ => {}
            }
        }
        let began_with = (snapshot_bytes > 0).then(|| snapshot.finalize().into());
        Ok(has_files.then_some(Self { began_with, ended_with }))
    }
}

#[cfg(test)]
mod tests {
    use attestation_transcript::{Header, MAGIC, Run, Writer};

    use super::*;

    fn transcript(entries: &[(Kind, &[u8])]) -> Vec<u8> {
        let run = Run { component: [1; 32], manifest: [2; 32], sequence: 0 };
        let mut writer = Writer::new(&Header { run, seed: [3; 32] });
        for (kind, payload) in entries.iter().chain([&(Kind::END, &[0, 0][..])]) {
            writer.append(*kind, 0, payload).unwrap();
        }
        let mut bytes = MAGIC.to_vec();
        writer.finish().unwrap().segments.iter().for_each(|segment| bytes.extend_from_slice(segment));
        bytes
    }

    fn files(entries: &[&[u8]]) -> Option<KeptFiles> {
        let entries: Vec<_> = entries.iter().map(|payload| (Kind::FILES, *payload)).collect();
        KeptFiles::of(&transcript(&entries)).unwrap()
    }

    #[test]
    fn pieces_are_one_snapshot() {
        let digest: [u8; 32] = Sha256::digest(b"a snapshot").into();
        let end = [&[2][..], &[7; 32]].concat();
        let kept = files(&[b"\x00a snap", b"\x01shot", &end]).unwrap();
        assert_eq!(kept, KeptFiles { began_with: Some(digest), ended_with: Some([7; 32]) });
        assert_eq!(files(&[b"\x01a snapshot"]).unwrap().began_with, Some(digest));
        // The first job has none, and one that traps leaves none.
        assert_eq!(files(&[b"\x01"]), Some(KeptFiles { began_with: None, ended_with: None }));
    }

    #[test]
    fn what_keeps_no_files_has_none_and_nonsense_is_not_believed() {
        assert_eq!(files(&[]), None);
        assert_eq!(KeptFiles::of(&transcript(&[(Kind::MONOTONIC_NOW, &[1])])).unwrap(), None);
        let nothing = Some(KeptFiles { began_with: None, ended_with: None });
        assert_eq!(files(&[b"", b"\x09", b"\x02short"]), nothing);
        // What comes after the last piece is no part of it.
        assert_eq!(files(&[b"\x01", b"\x00more"]), nothing);
        assert!(KeptFiles::of(b"no transcript").is_err());
    }
}
