//! The transcript of a run, as it is written or as it is followed.

use alloc::string::String;
use alloc::vec::Vec;

use attestation_transcript::{Kind, Root, Writer};

use crate::learnt::Learnt;
use crate::limits::{Limit, RunEnd};
use crate::outcome::Outcome;
use crate::replay::Replay;

/// What the door does with what a component learns.
pub(crate) enum Record {
    /// Asks the host and writes down what it says.
    Recording(Recorder),
    /// Says what was written down.
    Replaying(Replay),
}

impl Record {
    pub(crate) const fn is_replay(&self) -> bool {
        matches!(self, Self::Replaying(_))
    }

    /// A limit that no replay would find by itself ends the run here.
    pub(crate) fn strike(&mut self, limit: Limit, place: Place) -> RunEnd {
        if let Self::Recording(recorder) = self {
            recorder.struck = Some(Strike { limit, place });
        }
        RunEnd::Limit(limit)
    }
}

/// Where a run was when time or the transcript's length ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a host function that waited, when so many bytes of its output had been passed on.
    Wait(u64),
    /// On the way out of a host function.
    Leave,
    /// After so many slices of fuel.
    Slice(u64),
}

/// The end of a run by what is not part of the computation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Strike {
    pub(crate) limit: Limit,
    pub(crate) place: Place,
}

/// The limit as one byte, and the place: 0 and a number of bytes, 1 and a number of slices, or 2.
impl Learnt for Strike {
    fn write(&self, payload: &mut Vec<u8>) {
        payload.push(self.limit.number());
        match self.place {
            Place::Wait(passed_bytes) => {
                payload.push(0);
                passed_bytes.write(payload);
            }
            Place::Slice(slices) => {
                payload.push(1);
                slices.write(payload);
            }
            Place::Leave => payload.push(2),
        }
    }

    fn read(payload: &[u8]) -> Option<Self> {
        let (limit, place) = payload.split_first()?;
        let place = match place {
            [0, passed_bytes @ ..] => Place::Wait(u64::read(passed_bytes)?),
            [1, slices @ ..] => Place::Slice(u64::read(slices)?),
            [2] => Place::Leave,
            _ => return None,
        };
        Some(Self { limit: Limit::from_number(*limit)?, place })
    }
}

/// How a run ended, as the last entry says it: 0 and the exit code, 1 for a trap, or 2 and the limit.
impl Learnt for Outcome {
    fn write(&self, payload: &mut Vec<u8>) {
        match self {
            Self::Exited { code } => payload.extend([0, *code]),
            Self::Trapped { .. } => payload.push(1),
            Self::LimitExceeded { limit } => payload.extend([2, limit.number()]),
            // Runs that end so have no transcript that could be replayed, and so no last entry.
            Self::Stopped { .. } | Self::Failed { .. } => {}
        }
    }

    fn read(payload: &[u8]) -> Option<Self> {
        match payload {
            [0, code] => Some(Self::Exited { code: *code }),
            [1] => Some(Self::Trapped { message: String::new() }),
            [2, limit] => Some(Self::LimitExceeded { limit: Limit::from_number(*limit)? }),
            _ => None,
        }
    }
}

/// Writes a transcript.
pub(crate) struct Recorder {
    writer: Writer,
    /// For one payload at a time.
    payload: Vec<u8>,
    struck: Option<Strike>,
}

/// A finished transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// What the claim signs.
    pub root: Root,
    /// How many entries it has.
    pub entries: u64,
    /// How long it is, in bytes.
    pub bytes: u64,
}

impl Recorder {
    pub(crate) const fn new(writer: Writer) -> Self {
        Self { writer, payload: Vec::new(), struck: None }
    }

    pub(crate) fn append(&mut self, kind: Kind, fuel_used: u64, write: impl FnOnce(&mut Vec<u8>)) {
        self.payload.clear();
        write(&mut self.payload);
        // Refused are unknown kinds, payloads beyond the format's maximum, fuel that runs backwards and entries after the
        // end; none of it happens here, and a transcript that lacked an entry would have another root than its replay.
        let done = self.writer.append(kind, fuel_used, &self.payload);
        debug_assert!(done.is_ok(), "an entry was refused: {done:?}");
    }

    /// Hands over what is complete.
    pub(crate) fn drain(&mut self, mut take: impl FnMut(&[u8])) {
        while let Some(segment) = self.writer.take_segment() {
            take(&segment);
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.writer.bytes()
    }

    /// The last entries and the rest of the transcript; `None` for a run that nobody could replay.
    pub(crate) fn finish(
        mut self,
        outcome: &Outcome,
        fuel_used: u64,
        mut take: impl FnMut(&[u8]),
    ) -> Option<Recorded> {
        if matches!(outcome, Outcome::Stopped { .. } | Outcome::Failed { .. }) {
            return None;
        }
        if let Some(strike) = self.struck {
            self.append(Kind::STRUCK, fuel_used, |payload| strike.write(payload));
        }
        self.append(Kind::END, fuel_used, |payload| outcome.write(payload));
        let finished = self.writer.finish().ok()?;
        finished.segments.iter().for_each(|segment| take(segment));
        Some(Recorded { root: finished.root, entries: finished.entries, bytes: finished.bytes })
    }
}
