//! The parts of an answer, written and read.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use crate::error::AnswerError;
use crate::{PART_MAX_BYTES, TEXT_MAX_BYTES};

const CLAIM: u8 = 4;
const END: u8 = 5;
/// Kind and length.
const HEADER_BYTES: usize = 5;
/// Streams are cut into parts of this length.
const PIECE_BYTES: usize = 64 << 10;

/// What comes in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Stream {
    /// Standard output.
    Output = 1,
    /// Standard error and the log.
    Log = 2,
    /// Everything that the component learnt from outside.
    Transcript = 3,
}

/// A part of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The next bytes.
    Bytes(Stream, Vec<u8>),
    /// The claim, sealed.
    Claim(Vec<u8>),
    /// Nothing comes any more.
    End(End),
}

/// How a job ended, by the word of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// How.
    pub ending: Ending,
    /// For people; written by strangers.
    pub text: String,
}

/// How a job ended, as far as its host knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Ending {
    /// It ran, and its claim says the rest.
    Claimed = 0,
    /// The guest refused it.
    Refused = 1,
    /// It was taken back.
    Cancelled = 2,
    /// The machine could not run it.
    Failed = 3,
    /// There is no guest any more.
    Gone = 4,
}

impl Ending {
    const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Claimed),
            1 => Some(Self::Refused),
            2 => Some(Self::Cancelled),
            3 => Some(Self::Failed),
            4 => Some(Self::Gone),
            _ => None,
        }
    }
}

/// The next bytes of a stream, in as many parts as it takes.
#[must_use]
pub fn encode_stream(stream: Stream, bytes: &[u8]) -> Vec<u8> {
    let parts = bytes.len().div_ceil(PIECE_BYTES);
    let mut out = Vec::with_capacity(bytes.len().saturating_add(parts.saturating_mul(HEADER_BYTES)));
    bytes.chunks(PIECE_BYTES).for_each(|piece| encode(stream as u8, &[piece], &mut out));
    out
}

/// A claim. One that is too long for a part is cut, and will not open: guests make none.
#[must_use]
pub fn encode_claim(claim: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode(CLAIM, &[claim.get(..PART_MAX_BYTES).unwrap_or(claim)], &mut out);
    out
}

/// The end; of a text as much as fits.
#[must_use]
pub fn encode_end(ending: Ending, text: &str) -> Vec<u8> {
    let text = text.get(..text.floor_char_boundary(TEXT_MAX_BYTES)).unwrap_or_default();
    let mut out = Vec::new();
    encode(END, &[&[ending as u8], text.as_bytes()], &mut out);
    out
}

fn encode(kind: u8, pieces: &[&[u8]], out: &mut Vec<u8>) {
    let length = pieces.iter().fold(0_usize, |sum, piece| sum.saturating_add(piece.len()));
    out.push(kind);
    // At most `PART_MAX_BYTES`, as those who call this see to.
    out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    pieces.iter().for_each(|piece| out.extend_from_slice(piece));
}

/// Cuts an answer into parts. Holds at most one part more than it was given; nothing is allocated that a length asks for.
#[derive(Debug, Default)]
pub struct AnswerReader {
    waiting: Vec<u8>,
    taken: usize,
    /// Where `waiting` begins in the answer.
    offset: u64,
    has_claim: bool,
    is_over: bool,
}

impl AnswerReader {
    /// Nothing has come.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what came. Call [`Self::next_part`] until it gives nothing before adding more.
    pub fn push(&mut self, bytes: &[u8]) {
        self.waiting.drain(..self.taken.min(self.waiting.len()));
        self.offset = self.offset.saturating_add(u64::try_from(self.taken).unwrap_or(u64::MAX));
        self.taken = 0;
        self.waiting.extend_from_slice(bytes);
    }

    /// The next part that has come whole.
    ///
    /// # Errors
    /// A rule is broken.
    pub fn next_part(&mut self) -> Result<Option<Part>, AnswerError> {
        let offset = self.position();
        let rest = self.waiting.get(self.taken..).unwrap_or_default();
        if self.is_over && !rest.is_empty() {
            return Err(AnswerError::Trailing { offset });
        }
        let Some((&[kind, length @ ..], rest)) = rest.split_first_chunk::<HEADER_BYTES>() else {
            return Ok(None);
        };
        let found = u32::from_le_bytes(length);
        let length = usize::try_from(found).unwrap_or(usize::MAX);
        if !(Stream::Output as u8..=END).contains(&kind) {
            return Err(AnswerError::Kind { offset, found: kind });
        }
        if length > PART_MAX_BYTES {
            return Err(AnswerError::PartTooLong { offset, found });
        }
        let Some(bytes) = rest.get(..length) else { return Ok(None) };
        let part = part(kind, bytes, offset)?;
        self.check_order(&part, offset)?;
        self.taken = self.taken.saturating_add(HEADER_BYTES).saturating_add(length);
        Ok(Some(part))
    }

    /// Nothing comes any more.
    ///
    /// # Errors
    /// The end has not come.
    pub fn finish(&self) -> Result<(), AnswerError> {
        if self.is_over { Ok(()) } else { Err(AnswerError::CutOff { offset: self.position() }) }
    }

    fn position(&self) -> u64 {
        self.offset.saturating_add(u64::try_from(self.taken).unwrap_or(u64::MAX))
    }

    fn check_order(&mut self, part: &Part, offset: u64) -> Result<(), AnswerError> {
        match part {
            Part::Bytes(..) => {}
            Part::Claim(_) if self.has_claim => return Err(AnswerError::SecondClaim { offset }),
            Part::Claim(_) => self.has_claim = true,
            Part::End(End { ending, .. }) => {
                if self.has_claim != (*ending == Ending::Claimed) {
                    return Err(AnswerError::Claim { offset });
                }
                self.is_over = true;
            }
        }
        Ok(())
    }
}

fn part(kind: u8, bytes: &[u8], offset: u64) -> Result<Part, AnswerError> {
    let stream = |stream| Ok(Part::Bytes(stream, bytes.to_vec()));
    match kind {
        1 => stream(Stream::Output),
        2 => stream(Stream::Log),
        3 => stream(Stream::Transcript),
        CLAIM => Ok(Part::Claim(bytes.to_vec())),
        END => end(bytes).map(Part::End).ok_or(AnswerError::End { offset }),
        found => Err(AnswerError::Kind { offset, found }),
    }
}

fn end(bytes: &[u8]) -> Option<End> {
    let (ending, text) = bytes.split_first()?;
    let ending = Ending::from_number(*ending)?;
    let text = str::from_utf8(text).ok().filter(|text| text.len() <= TEXT_MAX_BYTES)?;
    Some(End { ending, text: text.to_owned() })
}

#[cfg(test)]
mod tests;
