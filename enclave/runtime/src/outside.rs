//! The one door: whatever a component learns from outside comes through here and goes into its transcript.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::task::{Poll, ready};

use attestation_transcript::Kind;
use bytes::Bytes;
use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use spin::Mutex;

use crate::host::{InputRead, JobHost, Output};
use crate::io::Pollable;
use crate::learnt::{Learnt, ReadyList};
use crate::limits::{JobLimits, Limit, RunEnd};
use crate::record::{Place, Record};

const NS_PER_MS: u64 = 1_000_000;

/// Shared because the executor looks at it while the run's future holds the state. Never contended: one task, and no lock
/// is held while it waits.
pub(crate) type SharedOutside = Arc<Mutex<Outside<dyn JobHost>>>;

/// The outside of a run and what has passed through it.
pub(crate) struct Outside<H: ?Sized> {
    limits: JobLimits,
    pace: Pace,
    /// When the run's time is up.
    ends_ns: u64,
    step_began_ns: u64,
    /// Input taken from the host that does not fill the component's wish yet.
    gathered: Vec<u8>,
    input_ended: bool,
    /// What all of the run's randomness comes from: one seed, which the transcript's header holds.
    random: ChaCha20Rng,
    pub(crate) meter: Meter,
    /// Fuel used when the component called the host function that runs now.
    call_fuel: u64,
    /// Slices of fuel used up so far.
    slices: u64,
    /// The last poll of the run ended in a host function that waits, not with a slice.
    is_waiting: bool,
    pub(crate) record: Record,
    pub(crate) host: H,
}

/// How long a run goes on before it pauses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Fuel between two pauses. Part of the transcript's format: a run that time ended is replayed to the same slice.
    pub(crate) slice_fuel: u64,
    /// How long a step lasts at most that ends in a host function. Calls that cost little fuel can take long.
    pub(crate) step_max_ns: u64,
}

impl Pace {
    /// About two milliseconds on a processor of today. Much less, and asking the devices would cost more than a percent of
    /// the time.
    pub(crate) const JOB: Self = Self { slice_fuel: 20_000_000, step_max_ns: 5_000_000 };
    /// Other requests wait for their turn.
    pub(crate) const REQUEST: Self = Self { slice_fuel: 2_000_000, step_max_ns: 1_000_000 };
}

/// Bytes that passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Meter {
    pub(crate) input_bytes: u64,
    pub(crate) stdout_bytes: u64,
    pub(crate) stderr_bytes: u64,
    pub(crate) request_bytes: u64,
}

impl<H: JobHost> Outside<H> {
    pub(crate) fn new(mut host: H, limits: JobLimits, pace: Pace, seed: [u8; 32], record: Record) -> Self {
        let now_ns = host.monotonic_ns();
        Self {
            limits,
            pace,
            ends_ns: now_ns.saturating_add(limits.wall_ms.saturating_mul(NS_PER_MS)),
            step_began_ns: now_ns,
            gathered: Vec::new(),
            input_ended: false,
            random: ChaCha20Rng::from_seed(seed),
            meter: Meter::default(),
            call_fuel: 0,
            slices: 0,
            is_waiting: false,
            record,
            host,
        }
    }
}

impl<H: JobHost + ?Sized> Outside<H> {
    /// The component calls a host function, having used so much fuel.
    pub(crate) fn enter(&mut self, fuel_used: u64) {
        self.call_fuel = fuel_used;
    }

    /// The run is polled.
    pub(crate) fn begin_step(&mut self) {
        if !self.record.is_replay() {
            self.step_began_ns = self.host.monotonic_ns();
        }
    }

    /// A host function returns: ready unless the step has lasted long, or there is no room for more transcript.
    pub(crate) fn poll_leave(&mut self) -> Poll<Result<(), RunEnd>> {
        if let Record::Replaying(replay) = &self.record {
            return Poll::Ready(replay.strike_in_call(self.call_fuel));
        }
        let goes_on = self.host.can_record()
            && self.host.monotonic_ns().saturating_sub(self.step_began_ns) < self.pace.step_max_ns;
        if goes_on { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    /// The run's future is pending: a slice of fuel is used up, or a host function waits.
    pub(crate) fn pause(&mut self) -> Result<(), RunEnd> {
        let place = if core::mem::take(&mut self.is_waiting) {
            Place::Call
        } else {
            self.slices += 1;
            Place::Slice(self.slices)
        };
        match &mut self.record {
            Record::Replaying(replay) => {
                replay.strike_at(place)?;
                self.host.pump().map_err(RunEnd::Stop)
            }
            Record::Recording(_) => self.pump(place),
        }
    }

    /// A host function will be asked again.
    pub(crate) fn note_waiting(&mut self) {
        self.is_waiting = true;
    }

    /// Lets the host move bytes, and looks at the time.
    fn pump(&mut self, place: Place) -> Result<(), RunEnd> {
        self.host.pump().map_err(RunEnd::Stop)?;
        if self.host.monotonic_ns() > self.ends_ns {
            return Err(self.record.strike(Limit::Wall, place));
        }
        Ok(())
    }

    /// What the host says, recorded; in a replay, what the record says.
    pub(crate) fn poll_learn<T: Learnt>(
        &mut self,
        kind: Kind,
        ask: impl FnOnce(&mut H) -> Poll<T>,
    ) -> Poll<Result<T, RunEnd>> {
        match &mut self.record {
            Record::Replaying(replay) => Poll::Ready(replay.take(kind, self.call_fuel)),
            Record::Recording(recorder) => {
                let learnt = ready!(ask(&mut self.host));
                recorder.append(kind, self.call_fuel, |payload| learnt.write(payload));
                recorder.drain(|piece| self.host.record(piece));
                if recorder.bytes() > self.limits.transcript_bytes {
                    return Poll::Ready(Err(self.record.strike(Limit::Transcript, Place::Call)));
                }
                Poll::Ready(Ok(learnt))
            }
        }
    }

    /// Likewise, of a host that answers at once.
    pub(crate) fn learn<T: Learnt>(
        &mut self,
        kind: Kind,
        ask: impl FnOnce(&mut H) -> T,
    ) -> Result<T, RunEnd> {
        match self.poll_learn(kind, |host| Poll::Ready(ask(host))) {
            Poll::Ready(result) => result,
            Poll::Pending => unreachable!("the host answers at once"),
        }
    }

    /// Bytes from the run's own generator.
    pub(crate) fn fill_random(&mut self, bytes: &mut [u8]) {
        self.random.fill_bytes(bytes);
    }

    /// Which of `pollables` are ready, once one is.
    pub(crate) fn poll_ready(&mut self, pollables: &[Pollable]) -> Poll<Result<Vec<u32>, RunEnd>> {
        if pollables.iter().all(|pollable| *pollable == Pollable::Always) {
            return Poll::Ready(Ok((0..).take(pollables.len()).collect()));
        }
        let list = ready!(self.poll_learn(Kind::READY, |host| {
            let mut list = Vec::new();
            for (index, pollable) in (0..).zip(pollables) {
                if is_ready(host, *pollable) {
                    list.push(index);
                }
            }
            if list.is_empty() { Poll::Pending } else { Poll::Ready(ReadyList(list)) }
        }));
        Poll::Ready(list.map(|list| list.0))
    }

    /// Whether `pollable` is ready now.
    pub(crate) fn is_ready(&mut self, pollable: Pollable) -> Result<bool, RunEnd> {
        if pollable == Pollable::Always {
            return Ok(true);
        }
        self.learn(Kind::READY, |host| is_ready(host, pollable))
    }

    /// Ready when `pollable` is; the component learns nothing by it but that it goes on.
    pub(crate) fn poll_until(&mut self, pollable: Pollable) -> Poll<Result<(), RunEnd>> {
        let goes_on = self.record.is_replay() || is_ready(&mut self.host, pollable);
        if goes_on { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    /// `wanted` bytes of standard input, fewer only before its end; `None` at its end. `wanted` is at least one.
    pub(crate) fn poll_input(&mut self, wanted: usize) -> Poll<Result<Option<Bytes>, RunEnd>> {
        while !self.input_ended && self.gathered.len() < wanted {
            match self.host.read_input(wanted - self.gathered.len()) {
                InputRead::Pending => return Poll::Pending,
                InputRead::End => self.input_ended = true,
                InputRead::Bytes(bytes) => {
                    self.meter.input_bytes = self.meter.input_bytes.saturating_add(byte_count(bytes.len()));
                    if self.meter.input_bytes > self.limits.input_bytes {
                        return Poll::Ready(Err(RunEnd::Limit(Limit::Input)));
                    }
                    if self.gathered.is_empty() && bytes.len() >= wanted {
                        return Poll::Ready(Ok(Some(bytes)));
                    }
                    self.gathered.extend_from_slice(&bytes);
                }
            }
        }
        let gathered = core::mem::take(&mut self.gathered);
        Poll::Ready(Ok((!gathered.is_empty()).then(|| Bytes::from(gathered))))
    }

    /// Counts output that the component wants to write. Beyond the limit nothing of it leaves.
    pub(crate) fn charge_output(&mut self, output: Output, bytes: usize) -> Result<(), RunEnd> {
        let added_bytes = byte_count(bytes);
        let written_bytes = self.meter.stdout_bytes.saturating_add(self.meter.stderr_bytes);
        if written_bytes.saturating_add(added_bytes) > self.limits.output_bytes {
            return Err(RunEnd::Limit(Limit::Output));
        }
        match output {
            Output::Stdout => self.meter.stdout_bytes += added_bytes,
            Output::Stderr => self.meter.stderr_bytes += added_bytes,
        }
        Ok(())
    }

    /// Passes on what was charged, as far as the host takes it; ready when nothing is left.
    pub(crate) fn poll_write(&mut self, output: Output, rest: &mut Bytes) -> Poll<Result<(), RunEnd>> {
        while !rest.is_empty() {
            let space = self.host.output_space(output);
            if space == 0 {
                return Poll::Pending;
            }
            let piece = rest.split_to(rest.len().min(space));
            self.host.write_output(output, piece);
        }
        Poll::Ready(Ok(()))
    }
}

fn is_ready<H: JobHost + ?Sized>(host: &mut H, pollable: Pollable) -> bool {
    match pollable {
        Pollable::Always => true,
        Pollable::Deadline { at_ns } => host.monotonic_ns() >= at_ns,
    }
}

fn byte_count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
