//! One job, seen by its owner.

use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;

use enclave_wire::control::JobDone;
use enclave_wire::frame::BULK_BODY_BYTES;

use super::jobs::Kind;
use super::{JobEvent, Session, Shared, Violation};
use crate::error::GuestError;

/// A job that is queued, runs, or ended. Dropping it before [`JobEvent::Done`] takes it out of the queue, or cancels
/// it in the guest; the guest lives on.
#[derive(Debug)]
pub struct Job {
    shared: Arc<Shared>,
    id: u32,
    input_bytes: u64,
    has_started: bool,
}

/// Where a job's bytes come from and go to.
pub struct JobIo<'a> {
    /// Standard input; must yield at least `input_bytes`.
    pub input: &'a mut dyn Read,
    /// Length of the input, in bytes.
    pub input_bytes: u64,
    /// Standard output.
    pub output: &'a mut dyn Write,
    /// Standard error.
    pub error_output: &'a mut dyn Write,
    /// Everything that the component learnt from outside.
    pub transcript: &'a mut dyn Write,
    /// Takes receipts and proofs of the time, where they are wanted; nothing else.
    pub receipts: Option<&'a mut dyn FnMut(JobEvent)>,
    /// Called after each step.
    pub progress: &'a mut dyn FnMut(JobProgress),
}

impl core::fmt::Debug for JobIo<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("JobIo").field("input_bytes", &self.input_bytes).finish_non_exhaustive()
    }
}

/// How far a job is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobProgress {
    /// The guest works on it.
    pub has_started: bool,
    /// Bytes of input handed to the guest.
    pub input_bytes: u64,
    /// Bytes of standard output received.
    pub output_bytes: u64,
}

impl Session {
    /// Runs one job to its end. Reads and writes on the caller's thread.
    ///
    /// # Errors
    /// The guest ended, the queue is full, the input is too short, or reading or writing on our side failed; in the
    /// last two cases the job is cancelled and the guest lives on.
    pub fn run_job(&self, io: JobIo<'_>) -> Result<JobDone, GuestError> {
        let JobIo { input, input_bytes, output, error_output, transcript, mut receipts, progress } = io;
        let kind = if receipts.is_some() { Kind::WithReceipts } else { Kind::Open };
        let mut job = self.enqueue_as(input_bytes, kind)?;
        let mut so_far = JobProgress::default();
        loop {
            match job.next_event()? {
                JobEvent::Started => so_far.has_started = true,
                JobEvent::WantsInput { bytes } => {
                    job.send_from(input, bytes, so_far.input_bytes)?;
                    so_far.input_bytes += bytes;
                }
                JobEvent::Output(bytes) => {
                    output.write_all(&bytes).map_err(|source| GuestError::Output { source })?;
                    so_far.output_bytes += bytes.len() as u64;
                }
                JobEvent::ErrorOutput(bytes) => {
                    error_output.write_all(&bytes).map_err(|source| GuestError::Output { source })?;
                }
                JobEvent::Transcript(bytes) => {
                    transcript.write_all(&bytes).map_err(|source| GuestError::Output { source })?;
                }
                record @ (JobEvent::Receipt(_) | JobEvent::TimeProof(_) | JobEvent::TimeCommitment(_)) => {
                    if let Some(keep) = &mut receipts {
                        keep(record);
                    }
                }
                JobEvent::Done(done) => return Ok(done),
            }
            progress(so_far);
        }
    }
}

impl Job {
    pub(super) const fn new(shared: Arc<Shared>, id: u32, input_bytes: u64) -> Self {
        Self { shared, id, input_bytes, has_started: false }
    }

    /// The number by which guest and loader know the job.
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// Waits for the next event. Coming for it means that the bytes of the event before have been dealt with.
    ///
    /// # Errors
    /// The guest ended; or it runs the job and said nothing for longer than the session's patience, which ends it.
    pub fn next_event(&mut self) -> Result<JobEvent, GuestError> {
        let patience = self.has_started.then_some(self.shared.job_patience);
        let event = self.shared.wait("to go on with a job", patience, |state| {
            state.jobs.next_event(self.id, &mut state.outgoing)
        });
        if let Err(GuestError::Timeout { what, waited_ms }) = event {
            // The guest enforces the time limit of jobs; one that does not even do that is of no use to later jobs.
            self.shared.condemn(Violation::Stalled { what, waited_ms });
        }
        let event = event?;
        self.has_started |= event == JobEvent::Started;
        Ok(event)
    }

    /// A handle that feeds or cancels the job from another thread.
    #[must_use]
    pub fn input(&self) -> JobInput {
        JobInput { shared: Arc::clone(&self.shared), id: self.id }
    }

    /// Sends `bytes` from `input`, of which `sent` bytes are gone already.
    fn send_from(&self, input: &mut dyn Read, bytes: u64, sent: u64) -> Result<(), GuestError> {
        let mut left = usize::try_from(bytes).unwrap_or(usize::MAX);
        let mut piece = vec![0; left.min(BULK_BODY_BYTES)];
        while left > 0 {
            let room = piece.len().min(left);
            let count = match input.read(piece.get_mut(..room).unwrap_or_default()) {
                Ok(0) => {
                    let found = sent + bytes - left as u64;
                    return Err(GuestError::InputShort { expected: self.input_bytes, found });
                }
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(source) => return Err(GuestError::Input { source }),
            };
            self.input().send(piece.get(..count).unwrap_or_default())?;
            left -= count;
        }
        Ok(())
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.shared.cancel(self.id);
    }
}

impl Shared {
    /// Takes a job out of the queue or cancels it in the guest.
    fn cancel(&self, job: u32) {
        // A guest that ended has nothing to cancel; one that does not read its cancellations is useless.
        let abandoned = self.update(|state| Ok(state.jobs.abandon(job, &mut state.outgoing)?));
        if let Err(GuestError::Violation(violation)) = abandoned {
            self.condemn(violation);
        }
    }
}

/// Feeds one job, or cancels it.
#[derive(Debug, Clone)]
pub struct JobInput {
    shared: Arc<Shared>,
    id: u32,
}

impl JobInput {
    /// Cancels the job: its owner hears [`GuestError::Cancelled`]. The guest lives on.
    pub fn cancel(&self) {
        self.shared.cancel(self.id);
    }

    /// Sends the next bytes of input. Bytes for a job that ended meanwhile are dropped.
    ///
    /// # Errors
    /// More bytes than [`JobEvent::WantsInput`] allowed, or the guest ended.
    pub fn send(&self, bytes: &[u8]) -> Result<(), GuestError> {
        self.shared.update(|state| {
            if state.jobs.give_input(self.id, bytes, &mut state.outgoing) {
                Ok(())
            } else {
                Err(GuestError::InputExcess { found: bytes.len() })
            }
        })
    }
}
