//! `redoubt job`: an input in, an output and a claim out.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::io::{self, IsTerminal, Write};
use std::net::Shutdown;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use attestation_cli::progress::{Audience, Progress};
use attestation_envelope::is_envelope;
use loader_vmm::text::printable;
use serde::Serialize;

use crate::arguments::JobArguments;
use crate::client::{Client, unexpected};
use crate::failure::{COMPONENT_FAILED, Failure, INTERRUPTED, JOB_FAILED, Outcome};
use crate::input::Input;
use crate::output::Output;
use crate::place::Place;
use crate::protocol::{INPUT_PIECE_BYTES, JobReply, OutcomeReply, Reply, Request, VERSION};
use crate::receipts::Receipts;
use crate::results::{Files, Vouchers, Written};

pub(crate) fn job(arguments: &JobArguments, run_dir: Option<&Path>) -> Outcome {
    let place = Place::find(run_dir, &arguments.guest.name)?;
    carry_out(arguments, &place, hang_up_when_interrupted)
}

/// Everything but the signals: `on_connected` gets the connection and the flag that says that it was cut by us.
pub(crate) fn carry_out(
    arguments: &JobArguments,
    place: &Place,
    on_connected: impl FnOnce(&Client, &Arc<AtomicBool>) -> Result<()>,
) -> Outcome {
    let files = Files::plan(arguments)?;
    let limit_bytes = ask_input_limit(place)?;
    let audience = Audience::of_json(arguments.json);
    let input = Input::open(&arguments.input, limit_bytes, audience)?;
    let evidence = arguments.evidence.as_ref().map(|_| ask_evidence(place)).transpose()?;
    let client = Client::connect(place)?;
    let interrupted = Arc::new(AtomicBool::new(false));
    on_connected(&client, &interrupted)?;

    let (output, transcript) = (Output::create(&arguments.output)?, files.begin_transcript()?);
    let log = files.begin_log()?.map_or(Log::Shown, Log::Kept);
    let receipts = arguments.receipts.as_deref().map(Receipts::in_folder).transpose()?;
    let ended = Run { client, input, output, transcript, log, receipts }.finish(audience);
    // Hanging up makes every step fail: what counts is why.
    if interrupted.load(Ordering::Relaxed) {
        return Err(Failure::new(
            INTERRUPTED,
            anyhow!("interrupted: the job was cancelled, nothing was written"),
        ));
    }
    let Ended { reply, claim, output, transcript, log, sent_bytes, elapsed } = ended?;
    let (is_draft, has_claim) = (output.is_draft(), !claim.is_empty());
    let vouchers = Vouchers { claim, transcript, log, evidence };
    let written = if matches!(reply.outcome, OutcomeReply::Exited { .. }) {
        files.write(output, vouchers)
    } else {
        drop(output);
        files.write_vouchers(vouchers)
    };
    // What became of the job is the news, also where the claim of it cannot be kept.
    let written = written.with_context(|| headline(&reply))?;
    let summary =
        Summary { job: &reply, input_bytes: sent_bytes, elapsed_ms: elapsed.as_millis(), files: &written };
    summary.print(arguments)?;
    let output = match (is_draft, arguments.output.exists()) {
        (false, _) => "the output is incomplete".to_owned(),
        (true, false) => "no output was written".to_owned(),
        (true, true) => format!("no output was written, {} is an earlier one", arguments.output.display()),
    };
    verdict(&reply, &format!("{output}{}", where_claim_is(has_claim, &written)))
}

/// The same about the claim of a failed job.
fn where_claim_is(has_claim: bool, written: &Written) -> String {
    match &written.claim {
        Some(path) => format!("; the signed claim is in {path}"),
        None if !has_claim => String::new(),
        None => "; --claim would have kept the signed claim".to_owned(),
    }
}

/// The exit code and message of a job.
fn verdict(job: &JobReply, remains: &str) -> Outcome {
    let detail = printable(&job.detail);
    let detail = detail.trim_end();
    match &job.outcome {
        OutcomeReply::Exited { code: 0 } => Ok(()),
        OutcomeReply::Exited { .. } => Err(Failure::new(COMPONENT_FAILED, anyhow!(headline(job)))),
        _ => Err(Failure::new(JOB_FAILED, anyhow!("{}; {remains}\n{detail}", headline(job)))),
    }
}

fn headline(job: &JobReply) -> String {
    match &job.outcome {
        OutcomeReply::Exited { code } => format!("the component ended with code {code}"),
        OutcomeReply::Trapped => "the component trapped".to_owned(),
        OutcomeReply::LimitExceeded { limit } => format!("the job exceeded {}", printable(limit)),
        OutcomeReply::Refused => "the guest refused the job".to_owned(),
        OutcomeReply::Cancelled => "the job was cancelled by the guest".to_owned(),
        OutcomeReply::Failed => "the guest could not run the job".to_owned(),
        OutcomeReply::Unknown => "the job ended in a way that this build does not know".to_owned(),
    }
}

/// A job under way.
struct Run {
    client: Client,
    input: Input,
    output: Output,
    transcript: Option<Output>,
    log: Log,
    receipts: Option<Receipts>,
}

/// What becomes of standard error and the log.
#[derive(Debug)]
enum Log {
    Shown,
    Kept(Output),
    /// It is sealed, and nobody named a file for it.
    Hidden,
}

/// A job that ended, one way or the other.
struct Ended {
    reply: JobReply,
    claim: Vec<u8>,
    output: Output,
    transcript: Option<Output>,
    log: Option<Output>,
    sent_bytes: u64,
    elapsed: Duration,
}

impl Run {
    fn finish(mut self, audience: Audience) -> Result<Ended, Failure> {
        let started = Instant::now();
        let progress = Progress::of_bytes(self.input.bytes(), "of input", audience);
        let (input_bytes, receipts) = (self.input.bytes(), self.receipts.is_some());
        self.client.send(&Request::Job { version: VERSION, input_bytes, receipts }, &[])?;
        loop {
            let (reply, data) = self.client.receive()?;
            match reply {
                Reply::Queued { .. } | Reply::Started => {}
                Reply::WantsInput { bytes } => self.send_input(bytes)?,
                Reply::Output => self.output.write(&data)?,
                Reply::ErrorOutput => self.log.take(&data, &progress)?,
                Reply::Transcript => self.keep_transcript(&data)?,
                Reply::Receipt => self.keep(|kept| kept.receipt(&data))?,
                Reply::TimeProof => self.keep(|kept| kept.time_proof(&data))?,
                Reply::TimeCommitment => self.keep(|kept| kept.commitment(&data))?,
                Reply::Done(reply) => {
                    let (sent_bytes, elapsed) = (self.input.sent_bytes(), started.elapsed());
                    let Self { output, transcript, log, .. } = self;
                    let log = if let Log::Kept(log) = log { Some(log) } else { None };
                    return Ok(Ended { reply, claim: data, output, transcript, log, sent_bytes, elapsed });
                }
                other => return Err(unexpected(&other)),
            }
            progress.set(self.input.sent_bytes());
        }
    }

    fn keep(&mut self, write: impl FnOnce(&mut Receipts) -> Result<()>) -> Result<()> {
        self.receipts.as_mut().map_or(Ok(()), write)
    }

    fn keep_transcript(&mut self, data: &[u8]) -> Result<()> {
        self.transcript.as_mut().map_or(Ok(()), |transcript| transcript.write(data))
    }

    fn send_input(&mut self, bytes: u64) -> Result<(), Failure> {
        let mut left = bytes;
        while left > 0 {
            let piece = self.input.next(left.min(INPUT_PIECE_BYTES))?;
            left -= piece.len() as u64;
            self.client.send(&Request::Input, &piece)?;
        }
        Ok(())
    }
}

impl Log {
    fn take(&mut self, bytes: &[u8], progress: &Progress) -> Result<()> {
        match self {
            Self::Kept(log) => log.write(bytes),
            Self::Hidden => Ok(()),
            Self::Shown if is_envelope(bytes) => {
                *self = Self::Hidden;
                let said = "redoubt: the job's log is sealed for the image's readers: --log FILE keeps it";
                Ok(progress.aside(|| writeln!(io::stderr(), "{said}"))?)
            }
            Self::Shown => show_errors(bytes, progress),
        }
    }
}

fn show_errors(bytes: &[u8], progress: &Progress) -> Result<()> {
    let mut out = io::stderr();
    progress.aside(|| {
        if out.is_terminal() {
            out.write_all(printable(&String::from_utf8_lossy(bytes)).as_bytes())
        } else {
            out.write_all(bytes)
        }
    })?;
    Ok(())
}

/// What a job did, for people and scripts.
#[derive(Debug, Serialize)]
struct Summary<'a> {
    #[serde(flatten)]
    job: &'a JobReply,
    input_bytes: u64,
    elapsed_ms: u128,
    files: &'a Written,
}

impl Summary<'_> {
    fn print(&self, arguments: &JobArguments) -> Result<()> {
        let output_is_taken = arguments.output == Path::new("-");
        if arguments.json {
            let text = serde_json::to_string_pretty(self)?;
            return Ok(if output_is_taken {
                writeln!(io::stderr(), "{text}")
            } else {
                writeln!(io::stdout(), "{text}")
            }?);
        }
        let Written { output: Some(output), claim, .. } = self.files else { return Ok(()) };
        let claim = claim.as_deref().map_or_else(String::new, |claim| format!(", claim in {claim}"));
        let run_ms = self.job.run_us / 1000;
        writeln!(
            io::stderr(),
            "job done in {} ms ({run_ms} ms in the component, {} fuel): output in {output}{claim}",
            self.elapsed_ms,
            self.job.fuel
        )?;
        Ok(())
    }
}

fn ask_input_limit(place: &Place) -> Result<u64, Failure> {
    match Client::connect(place)?.ask(&Request::Status { version: VERSION })? {
        (Reply::Status(status), _) => match status.service_url {
            None => Ok(status.input_limit_bytes),
            Some(url) => {
                let what = anyhow!("guest {} takes no jobs: it answers requests at {url}", status.name);
                Err(Failure::new(JOB_FAILED, what))
            }
        },
        (reply, _) => Err(unexpected(&reply)),
    }
}

fn ask_evidence(place: &Place) -> Result<Vec<u8>, Failure> {
    match Client::connect(place)?.ask(&Request::Evidence { version: VERSION })? {
        (Reply::Evidence, evidence) => Ok(evidence),
        (reply, _) => Err(unexpected(&reply)),
    }
}

/// Ctrl-C hangs up, which cancels the job, and lets the drafts be removed.
fn hang_up_when_interrupted(client: &Client, interrupted: &Arc<AtomicBool>) -> Result<()> {
    let (stream, interrupted) = (client.stream()?, Arc::clone(interrupted));
    ctrlc::set_handler(move || {
        interrupted.store(true, Ordering::Relaxed);
        let _ = stream.shutdown(Shutdown::Both);
    })
    .context("cannot listen to signals")
}
