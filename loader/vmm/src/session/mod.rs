//! The control protocol with one guest, over any pair of byte streams.
//!
//! A reader thread cuts the stream into frames and applies them to one state under a lock; a writer thread sends
//! what waits. Nobody else touches the streams, so a guest that stalls can stall only the writer, and ending the
//! guest frees everyone. Everything that the guest can make the loader keep is bounded by [`CREDIT_WINDOW_BYTES`] per
//! job and by one frame per question.
//! Panics: never on what the guest sends.
//!
//! [`CREDIT_WINDOW_BYTES`]: enclave_wire::control::CREDIT_WINDOW_BYTES

use core::time::Duration;
use std::io::{Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use enclave_wire::control::{Probe, ProbeDone, Ready, Serve, Status, encode_body};
use enclave_wire::frame::FrameKind;
use enclave_wire::psp::PspReply;

use crate::end::{GuestEnd, StreamEnd};
use crate::error::GuestError;
use crate::keeper::Keeper;
use crate::state_file::StateFile;
use crate::time_reports::TimeReports;
use desk::Desk;
use jobs::Kind;
use state::State;

mod desk;
mod job;
mod jobs;
mod outgoing;
mod state;
mod threads;
mod violation;

#[cfg(any(test, feature = "fake-guest"))]
pub mod fake_guest;
#[cfg(test)]
mod tests;

pub use job::{Job, JobInput, JobIo, JobProgress};
pub use jobs::JobEvent;
pub use violation::Violation;

/// Extra time that the loader gives the guest to answer a probe that timed out inside the guest.
const PROBE_GRACE: Duration = Duration::from_secs(10);

/// Answers guest message pages.
pub type PspHook = Box<dyn FnMut(&[u8]) -> PspReply + Send>;
/// Ends the guest if it still runs, and says why it ended.
pub type EndHook = Box<dyn FnOnce(StreamEnd) -> GuestEnd + Send>;

/// Who writes down what a guest gives out. Without one, its frames are against the rules.
#[derive(Debug, Default)]
pub struct Keepers {
    /// Keeps requests.
    pub requests: Option<Keeper>,
    /// Keeps what is stored.
    pub state: Option<StateFile>,
    /// Keeps reports of time servers.
    pub reports: Option<TimeReports>,
}

/// What a session asks its surroundings.
pub struct Hooks {
    /// The PSP of this guest.
    pub psp: PspHook,
    /// Who writes down what the guest gives out.
    pub keepers: Keepers,
    /// Called once, when the stream is over.
    pub end: EndHook,
    /// Ends the guest at once, from any thread, so that the stream closes.
    pub kill: Box<dyn Fn() + Send + Sync>,
    /// Longest time that the guest may leave a running job without any frame while it could go on.
    pub job_patience: Duration,
}

impl core::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Hooks").field("job_patience", &self.job_patience).finish_non_exhaustive()
    }
}

/// A conversation with one guest. Clones are handles on the same conversation.
#[derive(Debug, Clone)]
pub struct Session {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// For callers: there may be something new.
    changed: Condvar,
    /// For the writer: there may be something to send.
    to_send: Condvar,
    kill: Box<dyn Fn() + Send + Sync>,
    job_patience: Duration,
}

impl core::fmt::Debug for Shared {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Shared").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Session {
    /// Starts talking over `reader` and `writer`, which are the two directions of one stream.
    ///
    /// # Errors
    /// The threads cannot be started.
    pub fn start(
        reader: impl Read + Send + 'static,
        writer: impl Write + Send + 'static,
        hooks: Hooks,
    ) -> std::io::Result<Self> {
        let Hooks { psp, keepers, end, kill, job_patience } = hooks;
        let (state, changed, to_send) = (Mutex::new(State::default()), Condvar::new(), Condvar::new());
        let shared = Arc::new(Shared { state, changed, to_send, kill, job_patience });
        threads::start_writer(Arc::clone(&shared), writer)?;
        threads::start_reader(Arc::clone(&shared), reader, threads::Receivers { psp, keepers }, end)?;
        Ok(Self { shared })
    }

    /// Waits for the guest's first message.
    ///
    /// # Errors
    /// The guest ended, or said nothing for `timeout`.
    pub fn wait_ready(&self, timeout: Duration) -> Result<Ready, GuestError> {
        self.shared.wait("to become ready", Some(timeout), |state| Ok(state.ready.clone()))
    }

    /// Queues a job. The guest hears of it when the jobs before it are done.
    ///
    /// # Errors
    /// The guest ended, or too many jobs wait already.
    pub fn enqueue(&self, input_bytes: u64) -> Result<Job, GuestError> {
        self.enqueue_as(input_bytes, Kind::Open)
    }

    /// Queues a job whose input is an envelope for the guest. What comes of it is sealed as well, its claim too, and how it
    /// ended: [`JobOutcome::Sealed`](enclave_wire::control::JobOutcome::Sealed).
    ///
    /// # Errors
    /// As [`Self::enqueue`].
    pub fn enqueue_private(&self, envelope_bytes: u64) -> Result<Job, GuestError> {
        self.enqueue_as(envelope_bytes, Kind::Private)
    }

    /// Queues a job whose receipts are wanted: [`JobEvent::Receipt`], [`JobEvent::TimeProof`] and
    /// [`JobEvent::TimeCommitment`] come for it.
    ///
    /// # Errors
    /// As [`Self::enqueue`].
    pub fn enqueue_with_receipts(&self, input_bytes: u64) -> Result<Job, GuestError> {
        self.enqueue_as(input_bytes, Kind::WithReceipts)
    }

    fn enqueue_as(&self, input_bytes: u64, kind: Kind) -> Result<Job, GuestError> {
        let id = self.shared.update(|state| {
            let id =
                state.jobs.enqueue(input_bytes, kind).map_err(|waiting| GuestError::QueueFull { waiting })?;
            state.start_next_job()?;
            Ok(id)
        })?;
        Ok(Job::new(Arc::clone(&self.shared), id, input_bytes))
    }

    /// Asks the guest about itself.
    ///
    /// # Errors
    /// The guest ended, or did not answer within `timeout`.
    pub fn status(&self, timeout: Duration) -> Result<Status, GuestError> {
        self.ask("to tell its status", FrameKind::STATUS_REQUEST, Vec::new(), timeout, |state| {
            &mut state.status
        })
    }

    /// Lets the guest open a TCP connection and report the echo.
    ///
    /// # Errors
    /// The guest ended, or did not answer within the probe's own timeout and a little more.
    pub fn probe(&self, probe: &Probe) -> Result<ProbeDone, GuestError> {
        let timeout = Duration::from_millis(probe.timeout_ms.into()) + PROBE_GRACE;
        self.ask("to finish its probe", FrameKind::PROBE, encode_body(probe), timeout, |state| {
            &mut state.probe
        })
    }

    /// Lets clients come to a service, and tells it the time of day, and whether somebody keeps their requests.
    ///
    /// # Errors
    /// The guest ended.
    pub fn open_service(&self, keep: bool) -> Result<(), GuestError> {
        let body = encode_body(&Serve { wall_ns: jobs::wall_ns(), keep });
        self.shared.update(|state| Ok(state.outgoing.push_control(FrameKind::SERVE, 0, body)?))
    }

    /// Asks the guest to end. Returns at once; [`Self::wait_end`] tells when it did.
    ///
    /// # Errors
    /// The guest ended already.
    pub fn request_shutdown(&self) -> Result<(), GuestError> {
        self.shared.update(|state| Ok(state.outgoing.push_control(FrameKind::SHUTDOWN, 0, Vec::new())?))
    }

    /// Waits until the guest ended; `None` when it still runs after `timeout`.
    #[must_use]
    pub fn wait_end(&self, timeout: Duration) -> Option<Arc<GuestEnd>> {
        let state = self.shared.lock();
        let (state, _) = self
            .shared
            .changed
            .wait_timeout_while(state, timeout, |state| state.end.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        state.end.clone()
    }

    /// Why the guest ended, if it did.
    #[must_use]
    pub fn end(&self) -> Option<Arc<GuestEnd>> {
        self.shared.lock().end.clone()
    }

    /// The running job and how many wait.
    #[must_use]
    pub fn queue(&self) -> (Option<u32>, usize) {
        let state = self.shared.lock();
        (state.jobs.running(), state.jobs.waiting())
    }

    fn ask<T>(
        &self,
        what: &'static str,
        kind: FrameKind,
        body: Vec<u8>,
        timeout: Duration,
        desk: impl Fn(&mut State) -> &mut Desk<T>,
    ) -> Result<T, GuestError> {
        self.shared.wait("to answer an earlier question", Some(timeout), |state| {
            if !desk(state).is_idle() {
                return Ok(None);
            }
            *desk(state) = Desk::Asked;
            state.outgoing.push_control(kind, 0, body.clone())?;
            Ok(Some(()))
        })?;
        let answer = self.shared.wait(what, Some(timeout), |state| Ok(desk(state).take_answer()));
        if answer.is_err() {
            desk(&mut self.shared.lock()).abandon();
        }
        answer
    }
}

impl Shared {
    /// A poisoned lock only says that some thread panicked; the state is changed in single steps and stays usable.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state of a living guest and wakes everyone.
    fn update<T>(&self, change: impl FnOnce(&mut State) -> Result<T, GuestError>) -> Result<T, GuestError> {
        let mut state = self.lock();
        if let Some(end) = &state.end {
            return Err(GuestError::Ended(Arc::clone(end)));
        }
        let result = change(&mut state);
        self.changed.notify_all();
        self.to_send.notify_one();
        result
    }

    /// Ends a guest that is of no use any more.
    fn condemn(&self, violation: Violation) {
        self.lock().condemned.get_or_insert(violation);
        (self.kill)();
    }

    /// Waits until `look` finds something, for ever without a `timeout`.
    fn wait<T>(
        &self,
        what: &'static str,
        timeout: Option<Duration>,
        mut look: impl FnMut(&mut State) -> Result<Option<T>, GuestError>,
    ) -> Result<T, GuestError> {
        let started = Instant::now();
        let mut state = self.lock();
        loop {
            let found = look(&mut state);
            // Looking may have given credit.
            self.to_send.notify_one();
            if let Some(found) = found? {
                self.changed.notify_all();
                return Ok(found);
            }
            if let Some(end) = &state.end {
                return Err(GuestError::Ended(Arc::clone(end)));
            }
            let left = timeout.map_or(Duration::MAX, |timeout| timeout.saturating_sub(started.elapsed()));
            if left.is_zero() {
                return Err(GuestError::Timeout { what, waited_ms: started.elapsed().as_millis() });
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
