//! The jobs of one guest: one runs, the others wait in the order in which they came.

use std::collections::{BTreeMap, VecDeque};
use std::time::{SystemTime, UNIX_EPOCH};

use enclave_wire::control::{
    CREDIT_WINDOW_BYTES, Credit, JobDone, JobOutcome, JobStart, decode_body, encode_body,
};
use enclave_wire::frame::{Frame, FrameKind};

use super::outgoing::Outgoing;
use super::violation::{Violation, kind_name};
use crate::error::GuestError;

/// Jobs that may wait for one guest.
pub(super) const JOBS_WAITING_MAX: usize = 64;

/// No receipt, proof of the time or opening of a commitment is shorter: each has a digest or a signature in it.
const RECORD_MIN_BYTES: usize = 32;

/// What the owner of a job is told next.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobEvent {
    /// The guest works on the job now.
    Started,
    /// The guest takes this many more bytes of input, on top of what it was said to take before: at least 1, and in
    /// all never more than the input has.
    WantsInput {
        /// Bytes that may be sent in addition.
        bytes: u64,
    },
    /// The next bytes of standard output.
    Output(Vec<u8>),
    /// The next bytes of standard error.
    ErrorOutput(Vec<u8>),
    /// The next bytes of the transcript.
    Transcript(Vec<u8>),
    /// A receipt of what the component fetched under TLS, whole.
    Receipt(Vec<u8>),
    /// A proof of the time that receipts name, whole.
    TimeProof(Vec<u8>),
    /// That the last of these commits to a receipt, which is therefore not younger: one for each receipt, in their order.
    TimeCommitment(Vec<u8>),
    /// The job ended; nothing more comes.
    Done(JobDone),
}

/// What is wanted of a job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// Its results, in the clear.
    #[default]
    Open,
    /// Receipts with them.
    WithReceipts,
    /// The input is sealed, and so is what comes back.
    Private,
}

#[derive(Debug, Default)]
pub(super) struct Jobs {
    last_id: u32,
    waiting: VecDeque<u32>,
    active: Option<u32>,
    /// Of the one that is active, also where its owner is gone.
    active_kind: Kind,
    slots: BTreeMap<u32, Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    /// Bytes of input that the owner has not handed over yet.
    input_left_bytes: u64,
    input_credit_bytes: u64,
    /// Bytes of input that the owner has been asked for and has not handed over yet.
    asked_bytes: u64,
    /// Bytes of output that the guest may still send.
    output_credit_bytes: u64,
    /// Bytes that the owner took; the guest gets them back as credit when the owner comes for more.
    taken_bytes: u64,
    output: Vec<u8>,
    error_output: Vec<u8>,
    transcript: Vec<u8>,
    kind: Kind,
    /// Receipts and proofs of time that the owner has not heard of.
    records: VecDeque<JobEvent>,
    started_unreported: bool,
    done: Option<JobDone>,
}

impl Jobs {
    /// Queues a job, or says how many wait already.
    pub(super) fn enqueue(&mut self, input_bytes: u64, kind: Kind) -> Result<u32, usize> {
        if self.waiting.len() >= JOBS_WAITING_MAX {
            return Err(self.waiting.len());
        }
        self.last_id = self.last_id.wrapping_add(1).max(1);
        self.slots.insert(self.last_id, Slot { input_left_bytes: input_bytes, kind, ..Slot::default() });
        self.waiting.push_back(self.last_id);
        Ok(self.last_id)
    }

    /// Starts the next job when none runs.
    pub(super) fn start_next(&mut self, outgoing: &mut Outgoing) -> Result<(), Violation> {
        if self.active.is_some() {
            return Ok(());
        }
        let Some(id) = self.waiting.pop_front() else { return Ok(()) };
        let Some(slot) = self.slots.get_mut(&id) else { return Ok(()) };
        self.active = Some(id);
        self.active_kind = slot.kind;
        slot.started_unreported = true;
        slot.output_credit_bytes = CREDIT_WINDOW_BYTES;
        let start = JobStart {
            input_bytes: slot.input_left_bytes,
            wall_ns: wall_ns(),
            receipts: slot.kind == Kind::WithReceipts,
            private: slot.kind == Kind::Private,
        };
        outgoing.push_control(FrameKind::JOB_START, id, encode_body(&start))?;
        outgoing.add_credit(id, CREDIT_WINDOW_BYTES);
        Ok(())
    }

    /// What the owner of `id` should hear next, if anything.
    pub(super) fn next_event(
        &mut self,
        id: u32,
        outgoing: &mut Outgoing,
    ) -> Result<Option<JobEvent>, GuestError> {
        let running = self.active == Some(id);
        let slot = self.slots.get_mut(&id).ok_or(GuestError::Cancelled)?;
        if running && slot.taken_bytes > 0 {
            let taken = core::mem::take(&mut slot.taken_bytes);
            slot.output_credit_bytes += taken;
            outgoing.add_credit(id, taken);
        }
        let room = if running { outgoing.input_room() } else { 0 };
        Ok(slot.next_event(room))
    }

    /// Hands over input; returns false when it is more than [`JobEvent::WantsInput`] allowed.
    pub(super) fn give_input(&mut self, id: u32, bytes: &[u8], outgoing: &mut Outgoing) -> bool {
        if self.active != Some(id) {
            // The job ended meanwhile: what comes too late is dropped.
            return true;
        }
        let Some(slot) = self.slots.get_mut(&id) else { return true };
        let count = bytes.len() as u64;
        let Some(asked_bytes) = slot.asked_bytes.checked_sub(count) else { return false };
        slot.asked_bytes = asked_bytes;
        slot.input_credit_bytes -= count;
        slot.input_left_bytes -= count;
        outgoing.push_input(id, bytes);
        true
    }

    /// Forgets a job whose owner is gone; cancels it when it runs.
    pub(super) fn abandon(&mut self, id: u32, outgoing: &mut Outgoing) -> Result<(), Violation> {
        self.slots.remove(&id);
        self.waiting.retain(|waiting| *waiting != id);
        if self.active == Some(id) {
            outgoing.forget_job();
            outgoing.push_control(FrameKind::JOB_CANCEL, id, Vec::new())?;
        }
        Ok(())
    }

    /// A frame of the running job.
    pub(super) fn on_frame(&mut self, frame: Frame, outgoing: &mut Outgoing) -> Result<(), Violation> {
        let kind = kind_name(frame.kind);
        if self.active != Some(frame.job) {
            return Err(Violation::WrongJob { kind, expected: self.active, found: frame.job });
        }
        if frame.kind == FrameKind::JOB_DONE {
            let done = checked_done(&frame, self.active_kind)?;
            self.active = None;
            outgoing.forget_job();
            if let Some(slot) = self.slots.get_mut(&frame.job) {
                slot.done = Some(done);
            }
            return self.start_next(outgoing);
        }
        match self.slots.get_mut(&frame.job) {
            Some(slot) => slot.on_frame(frame),
            // Cancelled, and the guest does not know yet.
            None => Ok(()),
        }
    }

    pub(super) const fn running(&self) -> Option<u32> {
        self.active
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

impl Slot {
    fn next_event(&mut self, input_room_bytes: u64) -> Option<JobEvent> {
        if core::mem::take(&mut self.started_unreported) {
            return Some(JobEvent::Started);
        }
        if !self.output.is_empty() {
            self.taken_bytes += self.output.len() as u64;
            return Some(JobEvent::Output(core::mem::take(&mut self.output)));
        }
        if !self.error_output.is_empty() {
            self.taken_bytes += self.error_output.len() as u64;
            return Some(JobEvent::ErrorOutput(core::mem::take(&mut self.error_output)));
        }
        if !self.transcript.is_empty() {
            self.taken_bytes += self.transcript.len() as u64;
            return Some(JobEvent::Transcript(core::mem::take(&mut self.transcript)));
        }
        if let Some(record) = self.records.pop_front() {
            if let JobEvent::Receipt(bytes) | JobEvent::TimeProof(bytes) | JobEvent::TimeCommitment(bytes) =
                &record
            {
                self.taken_bytes += bytes.len() as u64;
            }
            return Some(record);
        }
        if let Some(done) = self.done.take() {
            return Some(JobEvent::Done(done));
        }
        let allowed = self.input_credit_bytes.min(self.input_left_bytes).min(input_room_bytes);
        let bytes = allowed.saturating_sub(self.asked_bytes);
        self.asked_bytes += bytes;
        (bytes > 0).then_some(JobEvent::WantsInput { bytes })
    }

    fn on_frame(&mut self, frame: Frame) -> Result<(), Violation> {
        match frame.kind {
            FrameKind::INPUT_CREDIT => self.on_input_credit(&frame),
            FrameKind::OUTPUT => {
                self.spend_output_credit(&frame)?;
                self.output.extend_from_slice(&frame.body);
                Ok(())
            }
            FrameKind::ERROR_OUTPUT => {
                self.spend_output_credit(&frame)?;
                self.error_output.extend_from_slice(&frame.body);
                Ok(())
            }
            FrameKind::TRANSCRIPT => {
                self.spend_output_credit(&frame)?;
                self.transcript.extend_from_slice(&frame.body);
                Ok(())
            }
            FrameKind::RECEIPT if self.wants_receipts() => self.on_record(frame, JobEvent::Receipt),
            FrameKind::TIME_PROOF if self.wants_receipts() => self.on_record(frame, JobEvent::TimeProof),
            FrameKind::TIME_COMMITMENT if self.wants_receipts() => {
                self.on_record(frame, JobEvent::TimeCommitment)
            }
            FrameKind(kind) => Err(Violation::UnknownKind { kind }),
        }
    }

    fn wants_receipts(&self) -> bool {
        self.kind == Kind::WithReceipts
    }

    /// Credit bounds how many of them wait, since none is next to nothing.
    fn on_record(&mut self, frame: Frame, record: fn(Vec<u8>) -> JobEvent) -> Result<(), Violation> {
        let found = frame.body.len();
        if found < RECORD_MIN_BYTES {
            let (kind, expected) = (kind_name(frame.kind), RECORD_MIN_BYTES);
            return Err(Violation::RecordTooShort { kind, expected, found });
        }
        self.spend_output_credit(&frame)?;
        self.records.push_back(record(frame.body));
        Ok(())
    }

    fn on_input_credit(&mut self, frame: &Frame) -> Result<(), Violation> {
        let credit: Credit = decode_body(&frame.body)
            .map_err(|error| Violation::Body { kind: kind_name(frame.kind), reason: error.to_string() })?;
        let outstanding = self.input_credit_bytes.saturating_add(credit.bytes);
        if outstanding > CREDIT_WINDOW_BYTES {
            return Err(Violation::InputCredit { window: CREDIT_WINDOW_BYTES, found: outstanding });
        }
        self.input_credit_bytes = outstanding;
        Ok(())
    }

    fn spend_output_credit(&mut self, frame: &Frame) -> Result<(), Violation> {
        let found = frame.body.len() as u64;
        self.output_credit_bytes = self
            .output_credit_bytes
            .checked_sub(found)
            .ok_or(Violation::OutputCredit { allowed: self.output_credit_bytes, found })?;
        Ok(())
    }
}

/// This machine's clock, as the guest may pass it on; 0 for a clock before 1970.
pub(super) fn wall_ns() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX)
}

/// A job that ran has a claim; one that did not has none. How a private one ended does not come in the clear, and how another
/// did comes.
fn checked_done(frame: &Frame, kind: Kind) -> Result<JobDone, Violation> {
    let done: JobDone = decode_body(&frame.body)
        .map_err(|error| Violation::Body { kind: kind_name(frame.kind), reason: error.to_string() })?;
    let must_have_claim =
        !matches!(done.outcome, JobOutcome::Refused | JobOutcome::Cancelled | JobOutcome::Failed);
    let has_fit_outcome = !must_have_claim || (kind == Kind::Private) == (done.outcome == JobOutcome::Sealed);
    let problem = match (must_have_claim, done.claim.is_some()) {
        (true, false) => "without a claim",
        (false, true) => "with a claim",
        _ if !has_fit_outcome => "which is not for a job of its kind",
        _ => return Ok(done),
    };
    Err(Violation::Claim { job: frame.job, outcome: format!("{:?}", done.outcome), problem })
}
