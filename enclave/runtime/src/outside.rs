//! The one door: whatever a component learns from outside comes through here and goes into its transcript.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::mem;
use core::task::{Poll, ready};

use attestation_transcript::Kind;
use bytes::Bytes;
use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use enclave_http::Fields;
use spin::Mutex;

use crate::host::{InputRead, JobHost, Output};
use crate::http::Traffic;
use crate::io::{PIECE_BYTES, Pollable};
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
    /// Fuel used when the component called the host function that runs now, or when that returned.
    call_fuel: u64,
    /// The host function is done, and its results are with the component.
    is_leaving: bool,
    /// Output that the host function has passed on.
    passed_bytes: u64,
    /// The transcript is longer than it may be: the run ends as soon as its last entry is with the component.
    is_transcript_full: bool,
    /// Slices of fuel used up so far.
    slices: u64,
    /// The last poll of the run ended in a host function that waits, not with a slice.
    is_waiting: bool,
    pub(crate) traffic: Traffic,
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
            is_leaving: false,
            passed_bytes: 0,
            is_transcript_full: false,
            slices: 0,
            is_waiting: false,
            traffic: Traffic::default(),
            record,
            host,
        }
    }
}

impl<H: JobHost + ?Sized> Outside<H> {
    /// The component calls a host function, having used so much fuel.
    pub(crate) fn enter(&mut self, fuel_used: u64) {
        self.call_fuel = fuel_used;
        self.is_leaving = false;
        self.passed_bytes = 0;
    }

    /// The host function is done. Where its results are lists, the component used fuel to take them.
    pub(crate) fn leave(&mut self, fuel_used: u64) {
        self.call_fuel = fuel_used;
        self.is_leaving = true;
    }

    /// The run is polled.
    pub(crate) fn begin_step(&mut self) {
        if !self.record.is_replay() {
            self.step_began_ns = self.host.monotonic_ns();
        }
    }

    /// In a replay, ends a run that trapped as the first run was ended. A trap of native code is a call of the engine's and
    /// comes through the door, where time can be up; one of the interpreter does not.
    pub(crate) fn end_in_trap(&self, fuel_used: u64) -> Result<(), RunEnd> {
        match &self.record {
            Record::Replaying(replay) => replay.strike_at_leave(fuel_used),
            Record::Recording(_) => Ok(()),
        }
    }

    /// A host function returns: ready unless the step has lasted long, or there is no room for more transcript.
    pub(crate) fn poll_leave(&mut self) -> Poll<Result<(), RunEnd>> {
        if let Record::Replaying(replay) = &self.record {
            return Poll::Ready(replay.strike_at_leave(self.call_fuel));
        }
        if self.is_transcript_full {
            return Poll::Ready(Err(self.record.strike(Limit::Transcript, Place::Leave)));
        }
        let goes_on = self.host.can_record()
            && self.host.monotonic_ns().saturating_sub(self.step_began_ns) < self.pace.step_max_ns;
        if goes_on { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    /// The run's future is pending: a slice of fuel is used up, or a host function waits.
    pub(crate) fn pause(&mut self) -> Result<(), RunEnd> {
        let place = if mem::take(&mut self.is_waiting) {
            if self.is_leaving { Place::Leave } else { Place::Wait(self.passed_bytes) }
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
        if let Record::Replaying(replay) = &mut self.record {
            return Poll::Ready(replay.take(kind, self.call_fuel));
        }
        let learnt = ready!(ask(&mut self.host));
        self.take_down(kind, |payload| learnt.write(payload));
        Poll::Ready(Ok(learnt))
    }

    fn take_down(&mut self, kind: Kind, write: impl FnOnce(&mut Vec<u8>)) {
        let Record::Recording(recorder) = &mut self.record else { return };
        recorder.append(kind, self.call_fuel, write);
        recorder.drain(|piece| self.host.record(piece));
        self.is_transcript_full = recorder.bytes() > self.limits.transcript_bytes;
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

    /// Whether there is room for another entry of what the run begins with: nobody asks [`Self::poll_leave`] before the
    /// component has called something.
    pub(crate) fn poll_room(&mut self) -> Poll<Result<(), RunEnd>> {
        if let Record::Recording(_) = self.record {
            if self.is_transcript_full {
                return Poll::Ready(Err(self.record.strike(Limit::Transcript, Place::Wait(0))));
            }
            return if self.host.can_record() { Poll::Ready(Ok(())) } else { Poll::Pending };
        }
        Poll::Ready(self.strike_in_wait())
    }

    /// A snapshot of the files that the run begins with; `None` in a replay.
    pub(crate) fn host_files(&mut self) -> Option<Bytes> {
        if self.record.is_replay() { None } else { Some(self.host.files()) }
    }

    /// In a replay, parts: what was learnt last makes no sense.
    pub(crate) fn part_here(&mut self, kind: Kind, problem: &dyn fmt::Display) -> Result<(), RunEnd> {
        match &mut self.record {
            Record::Replaying(replay) => Err(replay.part_before(kind, self.call_fuel, problem)),
            Record::Recording(_) => Ok(()),
        }
    }

    /// Something that the component does outside, and what the host says to it. A replay that does something else parts
    /// here; `other` says what it does.
    pub(crate) fn act<T: Learnt>(
        &mut self,
        kind: Kind,
        deed: &[u8],
        other: impl FnOnce() -> String,
        ask: impl FnOnce(&mut H) -> T,
    ) -> Result<T, RunEnd> {
        if let Record::Replaying(replay) = &mut self.record {
            return replay.take_after(kind, self.call_fuel, deed, other);
        }
        let answer = ask(&mut self.host);
        self.take_down(kind, |payload| {
            payload.extend_from_slice(deed);
            answer.write(payload);
        });
        Ok(answer)
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
        let mut traffic = mem::take(&mut self.traffic);
        let list = self.poll_learn(Kind::READY, |host| {
            let mut list = Vec::new();
            for (index, pollable) in (0..).zip(pollables) {
                if is_ready(host, &mut traffic, *pollable) {
                    list.push(index);
                }
            }
            if list.is_empty() { Poll::Pending } else { Poll::Ready(ReadyList(list)) }
        });
        self.traffic = traffic;
        list.map(|list| list.map(|list| list.0))
    }

    /// Whether `pollable` is ready now.
    pub(crate) fn is_ready(&mut self, pollable: Pollable) -> Result<bool, RunEnd> {
        if pollable == Pollable::Always {
            return Ok(true);
        }
        let mut traffic = mem::take(&mut self.traffic);
        let answer = self.learn(Kind::READY, |host| is_ready(host, &mut traffic, pollable));
        self.traffic = traffic;
        answer
    }

    /// Ready when `pollable` is; the component learns nothing by it but that it goes on.
    pub(crate) fn poll_until(&mut self, pollable: Pollable) -> Poll<Result<(), RunEnd>> {
        self.strike_in_wait()?;
        let goes_on = self.record.is_replay() || is_ready(&mut self.host, &mut self.traffic, pollable);
        if goes_on { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    /// `wanted` bytes of standard input, fewer only before its end; `None` at its end. `wanted` is at least one.
    pub(crate) fn poll_input(&mut self, wanted: usize) -> Poll<Result<Option<Bytes>, RunEnd>> {
        self.strike_in_wait()?;
        while !self.input_ended && self.gathered.len() < wanted {
            match self.host.read_input(wanted - self.gathered.len()) {
                InputRead::Pending => return Poll::Pending,
                InputRead::End => self.input_ended = true,
                InputRead::Bytes(bytes) if self.gathered.is_empty() && bytes.len() >= wanted => {
                    return Poll::Ready(self.charge_input(bytes).map(Some));
                }
                InputRead::Bytes(bytes) => self.gathered.extend_from_slice(&bytes),
            }
        }
        if self.gathered.is_empty() {
            return Poll::Ready(Ok(None));
        }
        let gathered = mem::take(&mut self.gathered).into();
        Poll::Ready(self.charge_input(gathered).map(Some))
    }

    /// Counts input that the component gets. What was gathered when time ended the run is not: that depends on the host.
    fn charge_input(&mut self, bytes: Bytes) -> Result<Bytes, RunEnd> {
        self.meter.input_bytes = self.meter.input_bytes.saturating_add(byte_count(bytes.len()));
        if self.meter.input_bytes > self.limits.input_bytes {
            return Err(RunEnd::Limit(Limit::Input));
        }
        Ok(bytes)
    }

    /// In a replay, ends the run in a host function where the first run was ended while it waited.
    pub(crate) fn strike_in_wait(&self) -> Result<(), RunEnd> {
        match &self.record {
            Record::Replaying(replay) => {
                replay.strike_in_wait(self.call_fuel).map_or(Ok(()), |(end, _)| Err(end))
            }
            Record::Recording(_) => Ok(()),
        }
    }

    /// Counts output that the component wants to write. Beyond the limit nothing of it leaves.
    pub(crate) fn charge_output(&mut self, output: Output, bytes: usize) -> Result<(), RunEnd> {
        let added_bytes = self.check_output(bytes)?;
        match output {
            Output::Stdout => self.meter.stdout_bytes += added_bytes,
            Output::Stderr => self.meter.stderr_bytes += added_bytes,
        }
        Ok(())
    }

    /// Likewise, of what it sends to others.
    pub(crate) fn charge_request(&mut self, bytes: usize) -> Result<(), RunEnd> {
        self.meter.request_bytes += self.check_output(bytes)?;
        Ok(())
    }

    fn check_output(&self, bytes: usize) -> Result<u64, RunEnd> {
        let added_bytes = byte_count(bytes);
        let Meter { stdout_bytes, stderr_bytes, request_bytes, .. } = self.meter;
        let all_bytes =
            [stdout_bytes, stderr_bytes, request_bytes, added_bytes].into_iter().fold(0, u64::saturating_add);
        if all_bytes > self.limits.output_bytes { Err(RunEnd::Limit(Limit::Output)) } else { Ok(added_bytes) }
    }

    /// The trailers of the request that a service answers. What is left of its body is read over.
    pub(crate) fn poll_input_trailers(&mut self) -> Poll<Result<Fields, RunEnd>> {
        while ready!(self.poll_input(PIECE_BYTES))?.is_some() {}
        Poll::Ready(Ok(self.host.input_trailers()))
    }

    /// Passes on what was charged, as far as the host takes it; ready when nothing is left.
    pub(crate) fn poll_write(&mut self, output: Output, rest: &mut Bytes) -> Poll<Result<(), RunEnd>> {
        let strike = match &self.record {
            Record::Replaying(replay) => replay.strike_in_wait(self.call_fuel),
            Record::Recording(_) => None,
        };
        while !rest.is_empty() {
            let mut space = self.host.output_space(output);
            if let Some((end, passed_bytes)) = strike {
                let left = passed_bytes.saturating_sub(self.passed_bytes);
                if left == 0 {
                    return Poll::Ready(Err(end));
                }
                space = space.min(usize::try_from(left).unwrap_or(usize::MAX));
            }
            if space == 0 {
                return Poll::Pending;
            }
            let piece = rest.split_to(rest.len().min(space));
            self.passed_bytes += byte_count(piece.len());
            self.host.write_output(output, piece);
        }
        Poll::Ready(Ok(()))
    }
}

fn is_ready<H: JobHost + ?Sized>(host: &mut H, traffic: &mut Traffic, pollable: Pollable) -> bool {
    match pollable {
        Pollable::Deadline { at_ns } => host.monotonic_ns() >= at_ns,
        _ => traffic.is_ready(host, pollable),
    }
}

fn byte_count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
