//! A run once more, from its transcript: the same, or where the two part.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::task::Poll;

use attestation_transcript::{Header, Kind, Reader, Root, Run, TranscriptError, verify_run};
use bytes::Bytes;
use enclave_http::Fields;

use crate::host::{Console, InputRead, JobHost, Output, Stop};
use crate::http::ResponseHead;
use crate::learnt::Learnt;
use crate::limits::RunEnd;
use crate::outcome::Outcome;
use crate::record::{Place, Strike};

/// The place where a run parts from its transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parting {
    /// Number of the entry, from 0.
    pub entry: u64,
    /// What the transcript has there; `None` where it has no more.
    pub recorded: Option<Step>,
    /// What the run did.
    pub found: Step,
    /// Where in the component, innermost function first; empty when it was not inside.
    pub backtrace: String,
}

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What the component asked for.
    pub kind: Kind,
    /// Fuel used by then.
    pub fuel_used: u64,
    /// What else matters; empty when nothing does.
    pub detail: String,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} after {} fuel", self.kind, self.fuel_used)?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, " ({})", self.detail) }
    }
}

impl fmt::Display for Parting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {}: the transcript has ", self.entry)?;
        match &self.recorded {
            Some(step) => write!(f, "{step}")?,
            None => f.write_str("nothing more")?,
        }
        write!(f, ", the run {}", self.found)?;
        if self.backtrace.is_empty() { Ok(()) } else { write!(f, "\n{}", self.backtrace) }
    }
}

/// A transcript that was verified against its root.
pub struct Transcript {
    header: Header,
    entries: Vec<Entry>,
}

/// An entry that shares the transcript's bytes.
struct Entry {
    kind: Kind,
    fuel_used: u64,
    payload: Bytes,
}

impl Transcript {
    /// Reads the transcript of `run` that `root` stands for.
    ///
    /// # Errors
    /// The first thing that is wrong with it, and where.
    pub fn read(bytes: Vec<u8>, root: &Root, run: &Run) -> Result<Self, TranscriptError> {
        let header = verify_run(&bytes, root, run)?.header;
        let bytes = Bytes::from(bytes);
        let mut entries = Vec::new();
        for entry in Reader::new(&bytes)? {
            let entry = entry?;
            let payload = bytes.slice_ref(entry.payload);
            entries.push(Entry { kind: entry.kind, fuel_used: entry.fuel, payload });
        }
        Ok(Self { header, entries })
    }

    pub(crate) const fn header(&self) -> &Header {
        &self.header
    }

    /// How many entries it has.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.entries.len()
    }
}

/// Without what was learnt: it may be of a private job.
impl fmt::Debug for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transcript").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

/// Follows a transcript.
pub(crate) struct Replay {
    entries: alloc::vec::IntoIter<Entry>,
    next: Option<Entry>,
    number: u64,
    parting: Option<Box<Parting>>,
}

impl Replay {
    pub(crate) fn new(transcript: Transcript) -> Self {
        let mut entries = transcript.entries.into_iter();
        let next = entries.next();
        Self { entries, next, number: 0, parting: None }
    }

    /// What the component learns next.
    pub(crate) fn take<T: Learnt>(&mut self, kind: Kind, fuel_used: u64) -> Result<T, RunEnd> {
        self.take_after(kind, fuel_used, &[], String::new)
    }

    /// What the component learns next, where the entry begins with what it does; `other` says what else it does.
    pub(crate) fn take_after<T: Learnt>(
        &mut self,
        kind: Kind,
        fuel_used: u64,
        deed: &[u8],
        other: impl FnOnce() -> String,
    ) -> Result<T, RunEnd> {
        if let Some((end, _)) = self.strike_in_wait(fuel_used) {
            return Err(end);
        }
        let is_next = |entry: &&Entry| entry.kind == kind && entry.fuel_used == fuel_used;
        let detail = match self.next.as_ref().filter(is_next).map(|entry| entry.payload.strip_prefix(deed)) {
            None => String::new(),
            Some(None) => other(),
            Some(Some(answer)) => match T::read(answer) {
                Some(value) => {
                    self.advance();
                    return Ok(value);
                }
                None => "whose content makes no sense".into(),
            },
        };
        Err(self.part(Step { kind, fuel_used, detail }))
    }

    /// How the first run was ended in the host function that was called at this fuel, and how many bytes of its output had
    /// been passed on, if it was.
    pub(crate) fn strike_in_wait(&self, fuel_used: u64) -> Option<(RunEnd, u64)> {
        match self.next_strike()? {
            (Strike { limit, place: Place::Wait(passed_bytes) }, struck_fuel) if struck_fuel == fuel_used => {
                Some((RunEnd::Limit(limit), passed_bytes))
            }
            _ => None,
        }
    }

    /// Ends the run on the way out of the host function that returns at this fuel, if the first run was ended there.
    pub(crate) fn strike_at_leave(&self, fuel_used: u64) -> Result<(), RunEnd> {
        match self.next_strike() {
            Some((Strike { limit, place: Place::Leave }, struck_fuel)) if struck_fuel == fuel_used => {
                Err(RunEnd::Limit(limit))
            }
            _ => Ok(()),
        }
    }

    /// Ends the run after the slice of fuel after which the first run was ended.
    pub(crate) fn strike_at(&mut self, place: Place) -> Result<(), RunEnd> {
        let (Some((strike, fuel_used)), Place::Slice(now)) = (self.next_strike(), place) else {
            return Ok(());
        };
        match strike.place {
            Place::Slice(then) if then == now => Err(RunEnd::Limit(strike.limit)),
            Place::Slice(then) if then < now => {
                let detail = alloc::format!("slice {now}");
                Err(self.part(Step { kind: Kind::STRUCK, fuel_used, detail }))
            }
            _ => Ok(()),
        }
    }

    fn next_strike(&self) -> Option<(Strike, u64)> {
        let entry = self.next.as_ref().filter(|entry| entry.kind == Kind::STRUCK)?;
        Some((Strike::read(&entry.payload)?, entry.fuel_used))
    }

    fn advance(&mut self) {
        self.next = self.entries.next();
        self.number += 1;
    }

    fn part(&mut self, found: Step) -> RunEnd {
        let recorded = self.next.as_ref().map(|entry| Step {
            kind: entry.kind,
            fuel_used: entry.fuel_used,
            detail: String::new(),
        });
        let parting = Parting { entry: self.number, recorded, found, backtrace: String::new() };
        self.parting.get_or_insert(Box::new(parting));
        RunEnd::Parted
    }

    /// What was taken last has the form of an entry, and a content that the first run cannot have learnt.
    pub(crate) fn part_before(&mut self, kind: Kind, fuel_used: u64, problem: &dyn fmt::Display) -> RunEnd {
        let detail = alloc::format!("whose content makes no sense: {problem}");
        let end = self.part(Step { kind, fuel_used, detail });
        if let Some(parting) = &mut self.parting {
            parting.entry = parting.entry.saturating_sub(1);
            parting.recorded = Some(Step { kind, fuel_used, detail: String::new() });
        }
        end
    }

    /// Where the run parted, now that it is over.
    pub(crate) fn finish(mut self, outcome: &Outcome, fuel_used: u64, backtrace: String) -> Option<Parting> {
        if self.parting.is_none() {
            self.follow_to_the_end(outcome, fuel_used);
        }
        let mut parting = *self.parting?;
        parting.backtrace = backtrace;
        Some(parting)
    }

    fn follow_to_the_end(&mut self, outcome: &Outcome, fuel_used: u64) {
        if self.next_strike().is_some_and(|(_, struck_fuel)| struck_fuel == fuel_used) {
            self.advance();
        }
        let recorded = self.next.as_ref().filter(|entry| entry.kind == Kind::END);
        let recorded_outcome = recorded.and_then(|entry| Outcome::read(&entry.payload));
        let is_equal = recorded_outcome.is_some_and(|recorded| recorded.is_like(outcome))
            && recorded.is_some_and(|entry| entry.fuel_used == fuel_used);
        if !is_equal {
            let detail = alloc::format!("{outcome:?}");
            self.part(Step { kind: Kind::END, fuel_used, detail });
            return;
        }
        self.advance();
        if self.next.is_some() {
            self.part(Step { kind: Kind::END, fuel_used, detail: "with entries after it".into() });
        }
    }
}

/// A console in the place of a whole host: a replay asks the host for nothing that its transcript holds.
pub(crate) struct Replayed<C>(pub(crate) C);

impl<C: Console> Console for Replayed<C> {
    fn pump(&mut self) -> Result<(), Stop> {
        self.0.pump()
    }

    fn read_input(&mut self, max_bytes: usize) -> InputRead {
        self.0.read_input(max_bytes)
    }

    fn output_space(&mut self, output: Output) -> usize {
        self.0.output_space(output)
    }

    fn write_output(&mut self, output: Output, bytes: Bytes) {
        self.0.write_output(output, bytes);
    }

    fn input_trailers(&mut self) -> Fields {
        self.0.input_trailers()
    }

    fn respond(&mut self, head: &ResponseHead) {
        self.0.respond(head);
    }

    fn finish_response(&mut self, trailers: Fields) {
        self.0.finish_response(trailers);
    }
}

impl<C: Console> JobHost for Replayed<C> {
    fn monotonic_ns(&mut self) -> u64 {
        0
    }

    fn wall_ns(&mut self) -> Poll<Option<u64>> {
        Poll::Ready(None)
    }

    fn fill_random(&mut self, _buffer: &mut [u8]) {}

    fn can_record(&mut self) -> bool {
        true
    }

    fn record(&mut self, _piece: &[u8]) {}
}
