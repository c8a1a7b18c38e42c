//! Files that outlast a job: the next one begins with them.
//!
//! What a job begins with comes from outside, so it goes through the door as a whole, before the component starts: in
//! entries of [`Kind::FILES`], of which each has a byte that says what it is. What a job ends with follows from that, and
//! the digest of it goes through the door too: so a replay finds it again, and whoever has two transcripts can tell whether
//! the one begins with what the other ended with.

use alloc::vec::Vec;
use core::mem;
use core::task::{Poll, ready};

use attestation_transcript::Kind;
use bytes::Bytes;
use enclave_filesystem::{FileSystem, SnapshotError};

use super::{limits, new};
use crate::host::JobHost;
use crate::io::PIECE_BYTES;
use crate::learnt::Learnt;
use crate::limits::RunEnd;
use crate::outside::Outside;
use crate::state::State;

/// More of a snapshot, and more will follow.
const PIECE: u8 = 0;
/// The rest of it. A job that begins without files has this alone, and nothing in it.
const LAST_PIECE: u8 = 1;
/// SHA-256 of the snapshot of what the job ended with.
const ENDED_WITH: u8 = 2;

/// The files that a job ended with.
#[derive(Debug, Clone)]
pub struct Files {
    system: FileSystem,
    digest: [u8; 32],
}

impl Files {
    pub(crate) fn new(system: FileSystem) -> Self {
        let digest = system.digest();
        Self { system, digest }
    }

    /// Those of a snapshot, where up to `files_bytes` are permitted.
    ///
    /// # Errors
    /// It is none, or does not fit.
    pub fn read(snapshot: &[u8], files_bytes: u64) -> Result<Self, SnapshotError> {
        FileSystem::decode(snapshot, limits(files_bytes)).map(Self::new)
    }

    /// Their snapshot: at most 64 bytes longer than what they were charged for.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        self.system.encode()
    }

    /// SHA-256 of the [snapshot](Self::snapshot).
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

/// A part of what a job begins with.
struct Piece {
    is_last: bool,
    bytes: Bytes,
}

impl Learnt for Piece {
    fn write(&self, payload: &mut Vec<u8>) {
        payload.push(if self.is_last { LAST_PIECE } else { PIECE });
        payload.extend_from_slice(&self.bytes);
    }

    fn read(payload: &[u8]) -> Option<Self> {
        let (kind, bytes) = payload.split_first()?;
        let is_last = match *kind {
            PIECE => false,
            LAST_PIECE => true,
            _ => return None,
        };
        Some(Self { is_last, bytes: Bytes::copy_from_slice(bytes) })
    }
}

/// How far a snapshot has come through the door.
#[derive(Default)]
enum Passage {
    #[default]
    NotBegun,
    /// Not recorded yet.
    Recording { whole: Bytes, rest: Bytes },
    /// Taken from the record.
    Gathered(Vec<u8>),
}

impl Passage {
    fn poll(&mut self, outside: &mut Outside<dyn JobHost>) -> Poll<Result<Bytes, RunEnd>> {
        if matches!(self, Self::NotBegun) {
            *self = outside.host_files().map_or(Self::Gathered(Vec::new()), |whole| {
                let rest = whole.clone();
                Self::Recording { whole, rest }
            });
        }
        loop {
            ready!(outside.poll_room())?;
            let next = match self {
                Self::Recording { rest, .. } => {
                    let bytes = rest.split_to(rest.len().min(PIECE_BYTES));
                    Piece { is_last: rest.is_empty(), bytes }
                }
                // Not asked for: a replay has its own.
                _ => Piece { is_last: true, bytes: Bytes::new() },
            };
            let piece = outside.learn(Kind::FILES, |_| next)?;
            if let Self::Gathered(gathered) = self {
                gathered.extend_from_slice(&piece.bytes);
            }
            if piece.is_last {
                return Poll::Ready(Ok(self.take()));
            }
        }
    }

    fn take(&mut self) -> Bytes {
        match mem::take(self) {
            Self::NotBegun => Bytes::new(),
            Self::Recording { whole, .. } => whole,
            Self::Gathered(gathered) => gathered.into(),
        }
    }
}

/// The files that a job begins with.
pub(crate) fn begin(
    state: &State,
    files_bytes: u64,
) -> impl Future<Output = wasmtime::Result<FileSystem>> + Send + use<> {
    let mut passage = Passage::default();
    let arrives = state.wait(move |outside| passage.poll(outside));
    let outside = state.outside.clone();
    async move {
        let snapshot = arrives.await?;
        if snapshot.is_empty() {
            return Ok(new(files_bytes));
        }
        match FileSystem::decode(&snapshot, limits(files_bytes)) {
            Ok(files) => Ok(files),
            Err(error) => {
                outside.lock().part_here(Kind::FILES, &error)?;
                // Whoever keeps them has looked at them, so they are the machine's fault and no component's.
                Err(error.into())
            }
        }
    }
}

/// Says what a job ends with, after so much fuel.
pub(crate) fn end(outside: &mut Outside<dyn JobHost>, fuel_used: u64, files: &Files) -> Result<(), RunEnd> {
    outside.enter(fuel_used);
    let mut deed = [ENDED_WITH; 33];
    deed[1..].copy_from_slice(&files.digest);
    outside.act(Kind::FILES, &deed, || "with other files at its end".into(), |_| ())
}
