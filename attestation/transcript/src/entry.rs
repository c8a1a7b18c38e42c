//! Entries, and reading those of one segment.

use core::fmt;

use crate::error::{EntryField, HeadField, Place};
use crate::leb128::{self, Refused};
use crate::segment::Head;
use crate::{Kind, PAYLOAD_MAX_BYTES, SEGMENT_TARGET_BYTES, TranscriptError};

/// Something that the run learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its number, from 0.
    pub number: u64,
    /// The segment that it is in.
    pub segment: u64,
    /// What it is about.
    pub kind: Kind,
    /// Fuel that the component had used by then, since the run began.
    pub fuel: u64,
    /// What was learnt, as the runtime writes it.
    pub payload: &'a [u8],
}

/// One line of text about an entry. Nothing of its payload is in it.
#[must_use]
pub const fn describe<'a>(entry: &'a Entry<'a>) -> Description<'a> {
    Description(entry)
}

/// An entry as a line of text: number, kind, fuel, bytes of the payload.
#[derive(Debug, Clone, Copy)]
pub struct Description<'a>(&'a Entry<'a>);

impl fmt::Display for Description<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Entry { number, kind, fuel, payload, .. } = self.0;
        write!(f, "{number:>8}  {kind:<15}  fuel {fuel:>14}  {:>6} bytes", payload.len())
    }
}

/// Reads the entries of one segment, and checks that they are as the format wants them. Ends after the first
/// error.
#[derive(Debug, Clone)]
pub struct Entries<'a> {
    body: &'a [u8],
    /// How far it has been read.
    position: usize,
    /// Where the body begins in what errors speak of.
    base: usize,
    segment: u64,
    first: u64,
    next: u64,
    /// How many there must be.
    count: u32,
    fuel: u64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// There may be more.
    Open,
    /// The entry of kind END was read.
    Ended,
    /// The end of the body was checked, or something was wrong.
    Done { was_ended: bool },
}

impl<'a> Entries<'a> {
    /// The entries of a segment whose body begins at byte `base`, after entries that used `fuel_before`.
    pub(crate) fn new(head: &Head, body: &'a [u8], base: usize, fuel_before: u64) -> Self {
        let (first, count) = (head.first_entry, head.entries);
        let (segment, fuel) = (head.index.into(), fuel_before);
        Self { body, position: 0, base, segment, first, next: first, count, fuel, state: State::Open }
    }

    /// What the header has instead.
    pub(crate) fn none() -> Self {
        let head = Head { index: 0, first_entry: 0, entries: 0, body_bytes: 0 };
        Self { state: State::Done { was_ended: false }, ..Self::new(&head, &[], 0, 0) }
    }

    /// Whether all were read and the entry of kind END is among them.
    pub(crate) const fn was_ended(&self) -> bool {
        matches!(self.state, State::Done { was_ended: true })
    }

    /// Fuel used at the entry that was read last.
    pub(crate) const fn fuel(&self) -> u64 {
        self.fuel
    }

    /// Number of the entry after the one that was read last.
    pub(crate) const fn next_number(&self) -> u64 {
        self.next
    }

    fn step(&mut self) -> Result<Option<Entry<'a>>, TranscriptError> {
        let is_over = self.position == self.body.len();
        match self.state {
            State::Done { .. } => Ok(None),
            State::Ended if is_over => self.check_end(true),
            State::Ended => Err(TranscriptError::EntryAfterEnd { at: self.here() }),
            State::Open if is_over && self.position < SEGMENT_TARGET_BYTES => {
                let (expected, found) = (SEGMENT_TARGET_BYTES, self.position);
                Err(TranscriptError::ClosedEarly { at: self.here(), expected, found })
            }
            State::Open if is_over => self.check_end(false),
            State::Open if self.position >= SEGMENT_TARGET_BYTES => {
                Err(TranscriptError::ClosedLate { at: self.here(), limit: SEGMENT_TARGET_BYTES })
            }
            State::Open => self.entry().map(Some),
        }
    }

    fn check_end(&mut self, was_ended: bool) -> Result<Option<Entry<'a>>, TranscriptError> {
        self.state = State::Done { was_ended };
        let (expected, found) = (self.next.saturating_sub(self.first), self.count.into());
        if expected != found {
            let (at, field) = (self.whole(), HeadField::EntryCount);
            return Err(TranscriptError::Head { at, field, expected, found });
        }
        Ok(None)
    }

    fn entry(&mut self) -> Result<Entry<'a>, TranscriptError> {
        let kind = self.kind()?;
        let used = self.number(EntryField::Fuel)?;
        let fuel = self.fuel_after(used)?;
        let payload = self.payload()?;
        let entry = Entry { number: self.next, segment: self.segment, kind, fuel, payload };
        self.next = self.next.saturating_add(1);
        self.fuel = fuel;
        if kind == Kind::END {
            self.state = State::Ended;
        }
        Ok(entry)
    }

    fn kind(&mut self) -> Result<Kind, TranscriptError> {
        let at = self.here();
        let Some((number, _)) = self.rest().split_first() else {
            return Err(TranscriptError::EntryCut { at, expected: 1, found: 0 });
        };
        let kind = Kind(*number);
        if !kind.is_known() {
            return Err(TranscriptError::UnknownKind { at, found: kind });
        }
        self.position = self.position.saturating_add(1);
        Ok(kind)
    }

    fn number(&mut self, field: EntryField) -> Result<u64, TranscriptError> {
        let (at, found) = (self.here(), self.rest().len());
        let (value, taken) = leb128::read(self.rest()).map_err(|refused| match refused {
            Refused::Cut => {
                TranscriptError::EntryCut { at: at.clone(), expected: found.saturating_add(1), found }
            }
            Refused::LongForm => TranscriptError::LongForm { at: at.clone(), field },
            Refused::Overflow => TranscriptError::Overflow { at, field },
        })?;
        self.position = self.position.saturating_add(taken);
        Ok(value)
    }

    /// Only the first entry of a segment has the total.
    fn fuel_after(&self, used: u64) -> Result<u64, TranscriptError> {
        let (at, before) = (self.here(), self.fuel);
        if self.next != self.first {
            return before.checked_add(used).ok_or(TranscriptError::Overflow { at, field: EntryField::Fuel });
        }
        if used < before {
            return Err(TranscriptError::FuelBackwards { at, before, found: used });
        }
        Ok(used)
    }

    fn payload(&mut self) -> Result<&'a [u8], TranscriptError> {
        let at = self.here();
        let found = self.number(EntryField::PayloadLength)?;
        let length = usize::try_from(found).ok().filter(|length| *length <= PAYLOAD_MAX_BYTES);
        let expected =
            length.ok_or(TranscriptError::PayloadLength { at, limit: PAYLOAD_MAX_BYTES, found })?;
        let (at, found) = (self.here(), self.rest().len());
        let payload = self.rest().get(..expected);
        let payload = payload.ok_or(TranscriptError::EntryCut { at, expected, found })?;
        self.position = self.position.saturating_add(expected);
        Ok(payload)
    }

    fn rest(&self) -> &'a [u8] {
        self.body.get(self.position..).unwrap_or_default()
    }

    /// Where reading is, in the entry that is read.
    fn here(&self) -> Place {
        let offset = self.base.saturating_add(self.position);
        Place { offset, segment: self.segment, entries: self.next..self.next.saturating_add(1) }
    }

    /// All that was read of this segment.
    fn whole(&self) -> Place {
        Place { offset: self.base, segment: self.segment, entries: self.first..self.next }
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, TranscriptError>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.step().transpose();
        if let Some(Err(_)) = item {
            self.state = State::Done { was_ended: false };
        }
        item
    }
}

impl core::iter::FusedIterator for Entries<'_> {}
