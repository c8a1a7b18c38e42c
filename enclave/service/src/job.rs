//! One job: its streams, its hashes, its claim.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::task::Poll;

use attestation_claim::{Measured, RunningDigest};
use attestation_envelope::Content;
use attestation_manifest::{Manifest, WallClock};
use attestation_receipt::CommitmentOpening;
use attestation_roughtime::Proof;
use bytes::Bytes;
use enclave_platform::ByteStream;
use enclave_runtime::{Files, Job, JobHost as _, JobLimits, JobReport, Outcome, Program, RunName, run_job};
use enclave_wire::control::{CREDIT_WINDOW_BYTES, Credit, JobDone, JobStart, Usage, encode_body};
use enclave_wire::frame::{BULK_BODY_BYTES, FRAME_BODY_MAX_BYTES, Frame, FrameKind};

use crate::claims::{ClaimChain, JobFacts};
use crate::error::ServiceError;
use crate::exchanges::Exchanges;
use crate::intake::{Intake, Refusal};
use crate::outlet::Outlet;
use crate::parcel::Audience;
use crate::serve::{Guest, decode};
use crate::surroundings::Surroundings;
use crate::time::Committed;

mod ending;
mod host;

pub(crate) use ending::claim_outcome;

/// Shorter input frames share a buffer: a loader decides how many frames a window of credit is cut into.
const SHORT_INPUT_BYTES: usize = 4096;

/// A component goes on while no more of its transcript than this waits for the loader.
const TRANSCRIPT_WAITING_MAX_BYTES: usize = 128 * 1024;

/// How long a job that is over waits for servers of time. The loader, which gives a job a minute more than the manifest does,
/// must not take it for stuck.
const CLOSING_MAX_NS: u64 = 20_000_000_000;

/// Runs one job to its end and signs its claim. A failure of the loader or of a device comes back as an error;
/// whatever the component does comes back in [`JobDone`].
pub(crate) fn run<S, E>(
    guest: Guest<S, E>,
    job: u32,
    start: JobStart,
    program: &Program,
    manifest: &Manifest<'_>,
    chain: &mut ClaimChain,
) -> Result<(JobDone, Guest<S, E>), ServiceError>
where
    S: ByteStream + Send + 'static,
    E: Surroundings,
{
    let mut args: Vec<&str> = alloc::vec![manifest.name];
    args.extend(manifest.args.iter());
    let env: Vec<(&str, &str)> = manifest.env.iter().map(|var| (var.name, var.value)).collect();
    let limits = JobLimits::of(manifest);
    let to_run =
        Job { limits, args: &args, env: &env, keeps_files: manifest.keeps_files(), run: chain.next_run() };
    let mut streams = JobStreams::new(guest, job, start, manifest, to_run.run);
    streams.give_credit()?;
    streams.begin_outlets(manifest)?;
    if streams.is_cancelled {
        return Ok((streams.not_run(), streams.guest));
    }
    let started_ns = streams.monotonic_ns();
    let (report, mut streams) = run_job(program, &to_run, streams);
    let run_us = streams.monotonic_ns().saturating_sub(started_ns) / 1_000;
    let is_abandoned = streams.settle(&report)?;
    let mut usage = Usage {
        fuel: report.usage.fuel,
        component_memory_bytes: report.usage.peak_memory_bytes,
        heap_peak_bytes: streams.guest.surroundings.heap().peak_bytes,
        instantiate_us: streams.first_call_ns.unwrap_or(started_ns).saturating_sub(started_ns) / 1_000,
        run_us,
    };
    let signable = claim_outcome(&report.outcome).zip(report.transcript).filter(|_| !is_abandoned);
    if let Some(files) = streams.files.take().filter(|_| !is_abandoned) {
        streams.guest.vault.keep_files(&files);
    }
    let claim = signable.map(|(outcome, transcript)| {
        chain.sign(JobFacts {
            input: streams.input.digested(),
            output: streams.output.digested(),
            outcome,
            transcript,
            receipts_root: streams.exchanges.receipts_root(),
            usage: report.usage,
            measured: Measured { run_us, heap_peak_bytes: usage.heap_peak_bytes },
        })
    });
    let claim = claim.transpose()?;
    if streams.start.private {
        let Usage { instantiate_us, run_us, .. } = usage;
        usage = Usage { instantiate_us, run_us, ..Usage::default() };
    }
    let (outcome, detail) = streams.describe(&report, is_abandoned);
    let claim = claim.map(|claim| streams.pack_claim(claim));
    Ok((JobDone { claim, outcome, detail, usage }, streams.guest))
}

/// The job's side of the control stream, and the component's outside.
#[derive(Debug)]
struct JobStreams<S, E> {
    guest: Guest<S, E>,
    job: u32,
    /// How long the loader said the input is, and when it began.
    start: JobStart,
    started_ns: u64,
    wall_clock: WallClock,
    /// For whom everything is that leaves; of a private job not before it is known.
    audience: Audience,
    intake: Intake,
    refusal: Option<Refusal>,
    /// What the component is given.
    input: RunningDigest,
    /// Received and not yet read by the component.
    queue: VecDeque<Bytes>,
    /// Received after what is in the queue, in frames so short that each in a place of its own would cost more than it holds.
    queue_tail: Vec<u8>,
    queued_bytes: u64,
    /// Allowed and not yet received.
    credit: u64,
    is_discarding: bool,
    output: RunningDigest,
    stdout: Outlet,
    stderr: Outlet,
    transcript: Outlet,
    exchanges: Exchanges,
    /// Receipts and proofs of the time, not yet sent.
    records: VecDeque<(FrameKind, Vec<u8>)>,
    closing: Closing,
    /// The proof that was sent last.
    proof_sent: Option<Arc<Proof>>,
    /// What it ended with, where files are kept.
    files: Option<Files>,
    /// How much more output the loader takes.
    output_credit: u64,
    is_cancelled: bool,
    first_call_ns: Option<u64>,
    failure: Option<ServiceError>,
}

/// The last that a job with receipts does: it shows that they are not younger than its end.
enum Closing {
    No,
    Measuring {
        until_ns: u64,
    },
    /// What is left to send.
    Opening(Box<dyn Iterator<Item = CommitmentOpening> + Send>),
}

impl fmt::Debug for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::No => "No",
            Self::Measuring { .. } => "Measuring",
            Self::Opening(_) => "Opening",
        })
    }
}

impl<S: ByteStream, E: Surroundings> JobStreams<S, E> {
    fn new(mut guest: Guest<S, E>, job: u32, start: JobStart, manifest: &Manifest<'_>, run: RunName) -> Self {
        let started_ns = guest.surroundings.now_ns();
        let security = guest.security.clone();
        let mut exchanges = Exchanges::new(run, security);
        // They would leave in the clear: with readers, and of a private job, the component alone has receipts.
        if start.receipts && !start.private && manifest.readers.is_empty() {
            exchanges.keep_receipts();
        }
        let audience = guest.audience.clone();
        let key = guest.job_key.clone().filter(|_| start.private);
        let intake = match key {
            Some(key) => Intake::sealed(start.input_bytes, key, manifest.limits.input_bytes),
            None => Intake::open(start.input_bytes),
        };
        Self {
            guest,
            job,
            start,
            started_ns,
            wall_clock: manifest.wall_clock,
            audience,
            intake,
            refusal: None,
            input: RunningDigest::default(),
            queue: VecDeque::new(),
            queue_tail: Vec::new(),
            queued_bytes: 0,
            credit: 0,
            is_discarding: false,
            output: RunningDigest::default(),
            stdout: Outlet::new(FrameKind::OUTPUT),
            stderr: Outlet::new(FrameKind::ERROR_OUTPUT),
            transcript: Outlet::new(FrameKind::TRANSCRIPT),
            exchanges,
            records: VecDeque::new(),
            closing: Closing::No,
            proof_sent: None,
            files: None,
            output_credit: 0,
            is_cancelled: false,
            first_call_ns: None,
            failure: None,
        }
    }

    /// Settles for whom the job's results are before it can have any. Whose a private job is, its input says.
    fn begin_outlets(&mut self, manifest: &Manifest<'_>) -> Result<(), ServiceError> {
        if self.start.private && !self.find_audience(manifest)? {
            return Ok(());
        }
        let [output, log, transcript] = core::array::from_fn(|_| self.guest.surroundings.random());
        if let Some(begun) = self.audience.begin_log(manifest.logs, log) {
            self.stderr.begin(begun);
        }
        self.transcript.begin(self.audience.begin(Content::Transcript, transcript));
        let output_audience = if self.start.private { &self.audience } else { &Audience::All };
        self.stdout.begin(output_audience.begin(Content::PrivateOutput, output));
        Ok(())
    }

    /// Waits for the beginning of a private job's input; `false` if the job is over before.
    fn find_audience(&mut self, manifest: &Manifest<'_>) -> Result<bool, ServiceError> {
        // An input of no bytes never comes, and is no envelope.
        if self.start.input_bytes == 0 {
            self.accept_input(Vec::new())?;
        }
        let reply_key = loop {
            if self.is_cancelled {
                return Ok(false);
            }
            if let Some(key) = self.intake.reply_key() {
                break key;
            }
            core::hint::spin_loop();
            self.step()?;
        };
        let readers: Vec<[u8; 32]> = manifest.readers.iter().map(|key| key.0).collect();
        match Audience::of_private(reply_key, &readers, self.guest.surroundings.random()) {
            Ok(audience) => self.audience = audience,
            Err(error) => self.refuse(error.into()),
        }
        Ok(!self.is_cancelled)
    }

    /// Lets the loader send so much that at most a window is under way or waiting.
    fn give_credit(&mut self) -> Result<(), ServiceError> {
        let owed = self.intake.owed() - self.credit;
        let room = CREDIT_WINDOW_BYTES.saturating_sub(self.credit + self.queued_bytes);
        let bytes = room.min(owed);
        // Few large grants instead of many small ones, and the last bytes whatever their number.
        if bytes == 0 || (bytes < CREDIT_WINDOW_BYTES / 4 && bytes < owed) {
            return Ok(());
        }
        self.credit += bytes;
        Ok(self.guest.link.send(FrameKind::INPUT_CREDIT, self.job, &encode_body(&Credit { bytes }))?)
    }

    /// Takes every frame that has arrived, sends what waits.
    fn step(&mut self) -> Result<(), ServiceError> {
        while let Some(frame) = self.guest.next_frame()? {
            self.handle(frame)?;
        }
        self.step_exchanges();
        self.give_credit()?;
        self.send_written()?;
        self.send_records()?;
        self.send_transcript()
    }

    /// Receipts as they are issued, each after the proof of the time that it names.
    fn send_records(&mut self) -> Result<(), ServiceError> {
        for (proof, receipt) in self.exchanges.take_unsent(FRAME_BODY_MAX_BYTES) {
            if let Some(proof) = proof.filter(|proof| self.proof_sent.as_ref() != Some(proof)) {
                self.records.push_back((FrameKind::TIME_PROOF, proof.encode()));
                self.proof_sent = Some(proof);
            }
            self.records.push_back((FrameKind::RECEIPT, receipt));
        }
        self.close_time();
        while let Some((kind, record)) = self.records.front() {
            let bytes = record.len() as u64;
            let Some(credit) = self.output_credit.checked_sub(bytes) else { break };
            self.guest.link.send(*kind, self.job, record)?;
            self.output_credit = credit;
            self.records.pop_front();
            if self.records.is_empty() {
                self.close_time();
            }
        }
        Ok(())
    }

    /// Has servers of time vouch that what the loader got is not younger than this.
    fn begin_closing(&mut self) {
        if let Some(root) = self.exchanges.root_to_commit_to() {
            self.guest.security.time.commit(root);
            let until_ns = self.guest.surroundings.now_ns().saturating_add(CLOSING_MAX_NS);
            self.closing = Closing::Measuring { until_ns };
        }
    }

    /// Goes on with that: the proof when it comes, and one after the other how it is about each receipt.
    fn close_time(&mut self) {
        if let Closing::Measuring { until_ns } = self.closing {
            let committed = match self.guest.security.time.take_committed() {
                Poll::Ready(committed) => committed,
                Poll::Pending if self.guest.surroundings.now_ns() < until_ns => return,
                Poll::Pending => None,
            };
            let Some(Committed { salt, proof }) = committed else {
                log::warn!("job {}: no server says that its receipts are not younger", self.job);
                self.closing = Closing::No;
                return;
            };
            self.records.push_back((FrameKind::TIME_PROOF, proof.encode()));
            self.closing = Closing::Opening(Box::new(self.exchanges.commitment_openings(salt)));
        }
        if let Closing::Opening(openings) = &mut self.closing
            && self.records.is_empty()
        {
            match openings.next() {
                Some(opening) => self.records.push_back((FrameKind::TIME_COMMITMENT, opening.encode())),
                None => self.closing = Closing::No,
            }
        }
    }

    fn handle(&mut self, frame: Frame) -> Result<(), ServiceError> {
        let is_ours = frame.job == self.job;
        match frame.kind {
            FrameKind::INPUT if is_ours => self.accept_input(frame.body),
            FrameKind::OUTPUT_CREDIT if is_ours => {
                let credit: Credit = decode(&frame)?;
                let sum = self.output_credit.checked_add(credit.bytes);
                self.output_credit = sum.ok_or(ServiceError::CreditOverflow { job: self.job })?;
                Ok(())
            }
            FrameKind::JOB_CANCEL if is_ours => {
                self.is_cancelled = true;
                Ok(())
            }
            // Frames of earlier jobs that crossed their end on the way.
            FrameKind::INPUT | FrameKind::OUTPUT_CREDIT | FrameKind::JOB_CANCEL
                if (1..self.job).contains(&frame.job) =>
            {
                Ok(())
            }
            _ => {
                self.guest.handle_anytime(&frame)?;
                self.is_cancelled |= self.guest.is_shutdown_asked;
                Ok(())
            }
        }
    }

    fn accept_input(&mut self, body: Vec<u8>) -> Result<(), ServiceError> {
        let found = body.len() as u64;
        let rest = self.credit.checked_sub(found);
        self.credit =
            rest.ok_or(ServiceError::InputOverrun { job: self.job, allowed: self.credit, found })?;
        if self.refusal.is_some() {
            return Ok(());
        }
        match self.intake.accept(body) {
            Ok(input) => self.take_input(input),
            Err(refusal) => self.refuse(refusal),
        }
        Ok(())
    }

    fn take_input(&mut self, input: Vec<u8>) {
        self.input.update(&input);
        if !self.is_discarding {
            self.queued_bytes += input.len() as u64;
            self.enqueue(input);
        }
    }

    /// Ends a job whose input is not what was sealed for it. The component may have had the beginning.
    fn refuse(&mut self, refusal: Refusal) {
        self.refusal = Some(refusal);
        self.is_cancelled = true;
    }

    fn enqueue(&mut self, body: Vec<u8>) {
        if body.is_empty() {
            return;
        }
        if body.len() < SHORT_INPUT_BYTES {
            self.queue_tail.extend_from_slice(&body);
            if self.queue_tail.len() < BULK_BODY_BYTES {
                return;
            }
            return self.flush_tail();
        }
        self.flush_tail();
        self.queue.push_back(Bytes::from(body));
    }

    fn flush_tail(&mut self) {
        if !self.queue_tail.is_empty() {
            self.queue.push_back(Bytes::from(core::mem::take(&mut self.queue_tail)));
        }
    }

    /// As much of both outputs as the loader takes.
    fn send_written(&mut self) -> Result<(), ServiceError> {
        for outlet in [&mut self.stdout, &mut self.stderr] {
            while let Some(piece) = outlet.take(self.output_credit) {
                self.output_credit -= piece.len() as u64;
                self.guest.link.send(outlet.kind, self.job, &piece)?;
            }
        }
        Ok(())
    }

    fn step_exchanges(&mut self) {
        if self.exchanges.is_empty() {
            return;
        }
        let now_ns = self.guest.surroundings.now_ns();
        if let Some(sockets) = self.guest.surroundings.sockets() {
            self.exchanges.step(sockets, now_ns);
        }
    }

    /// As much of the transcript as the loader takes. A receipt goes whole or not at all: what waits for credit has it first.
    fn send_transcript(&mut self) -> Result<(), ServiceError> {
        while self.records.is_empty()
            && let Some(piece) = self.transcript.take(self.output_credit)
        {
            self.output_credit -= piece.len() as u64;
            self.guest.link.send(self.transcript.kind, self.job, &piece)?;
        }
        Ok(())
    }

    fn is_everything_sent(&self) -> bool {
        let outlets = [&self.stdout, &self.stderr, &self.transcript];
        outlets.iter().all(|outlet| outlet.waiting() == 0)
            && self.records.is_empty()
            && matches!(self.closing, Closing::No)
    }

    fn is_input_complete(&self) -> bool {
        self.intake.owed() == 0
    }

    /// Ends the streams after the component: what it did not read still belongs to the claim's input, so it is received
    /// and hashed, and the loader gets the rest of the transcript. Returns whether the job was abandoned.
    fn settle(&mut self, report: &JobReport) -> Result<bool, ServiceError> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        self.is_cancelled |= matches!(report.outcome, Outcome::Stopped { .. });
        self.is_discarding = true;
        if let Some(sockets) = self.guest.surroundings.sockets() {
            self.exchanges.close_all(sockets);
        }
        self.send_records()?;
        self.begin_closing();
        for outlet in [&mut self.stdout, &mut self.stderr, &mut self.transcript] {
            outlet.finish();
        }
        self.queue.clear();
        self.queue_tail.clear();
        self.queued_bytes = 0;
        self.step()?;
        while !(self.is_cancelled || self.is_input_complete() && self.is_everything_sent()) {
            core::hint::spin_loop();
            self.step()?;
        }
        self.guest.security.time.forget_commitment();
        Ok(self.is_cancelled)
    }

    fn note_first_call(&mut self) {
        if self.first_call_ns.is_none() {
            self.first_call_ns = Some(self.guest.surroundings.now_ns());
        }
    }
}
