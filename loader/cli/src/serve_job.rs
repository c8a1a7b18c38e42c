//! One client's job: its bytes pass through, credit by credit, so nothing piles up in the loader.

use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::thread;

use enclave_wire::control::{JobDone, JobOutcome};
use loader_vmm::error::GuestError;
use loader_vmm::session::{Job, JobEvent, JobInput, Session};

use crate::protocol::{FailureKind, JobReply, OutcomeReply, Reply, Request, receive, send};
use crate::server::failed;
use crate::trap::Component;

/// Serves a job to its end. A client that hangs up cancels it.
pub(crate) fn serve_job(
    mut stream: &UnixStream,
    session: &Session,
    component: &Component,
    (input_bytes, receipts): (u64, bool),
) -> io::Result<()> {
    let queued =
        if receipts { session.enqueue_with_receipts(input_bytes) } else { session.enqueue(input_bytes) };
    let mut job = match queued {
        Ok(job) => job,
        Err(error) => return send(&mut stream, &failed(&error), &[]),
    };
    send(&mut stream, &Reply::Queued { job: job.id() }, &[])?;
    let (input, from) = (job.input(), stream.try_clone()?);
    // Reads all the time, so that a client never waits for us while we wait for it.
    let feeder = thread::Builder::new().name("job-input".to_owned()).spawn(move || feed(&from, &input))?;
    let served = pass_events(stream, &mut job, component);
    drop(job);
    stream.shutdown(Shutdown::Both)?;
    // It has nothing to read any more.
    let _ = feeder.join();
    served
}

fn pass_events(mut stream: &UnixStream, job: &mut Job, component: &Component) -> io::Result<()> {
    loop {
        let (reply, data) = match job.next_event() {
            Ok(JobEvent::Started) => (Reply::Started, Vec::new()),
            Ok(JobEvent::WantsInput { bytes }) => (Reply::WantsInput { bytes }, Vec::new()),
            Ok(JobEvent::Output(bytes)) => (Reply::Output, bytes),
            Ok(JobEvent::ErrorOutput(bytes)) => (Reply::ErrorOutput, bytes),
            Ok(JobEvent::Transcript(bytes)) => (Reply::Transcript, bytes),
            Ok(JobEvent::Receipt(bytes)) => (Reply::Receipt, bytes),
            Ok(JobEvent::TimeProof(bytes)) => (Reply::TimeProof, bytes),
            Ok(JobEvent::TimeCommitment(bytes)) => (Reply::TimeCommitment, bytes),
            Ok(JobEvent::Done(done)) => {
                let (reply, claim) = job_reply(done, component);
                return send(&mut stream, &Reply::Done(reply), &claim);
            }
            // `JobEvent` may grow.
            Ok(event) => {
                (Reply::Failed { kind: FailureKind::Other, message: format!("{event:?}") }, Vec::new())
            }
            Err(error) => return send(&mut stream, &failed(&error), &[]),
        };
        send(&mut stream, &reply, &data)?;
    }
}

/// Hands input over until the client hangs up or breaks a rule, which cancels the job if it still runs.
fn feed(mut from: &UnixStream, input: &JobInput) {
    while let Ok(Some((Request::Input, bytes))) = receive::<Request>(&mut from) {
        match input.send(&bytes) {
            Ok(()) => {}
            Err(GuestError::Ended(_)) => return,
            Err(_) => break,
        }
    }
    input.cancel();
}

fn job_reply(done: JobDone, component: &Component) -> (JobReply, Vec<u8>) {
    let outcome = match done.outcome {
        JobOutcome::Exited { code } => OutcomeReply::Exited { code },
        JobOutcome::Trapped => OutcomeReply::Trapped,
        JobOutcome::LimitExceeded { limit } => OutcomeReply::LimitExceeded { limit },
        JobOutcome::Refused => OutcomeReply::Refused,
        JobOutcome::Cancelled => OutcomeReply::Cancelled,
        JobOutcome::Failed => OutcomeReply::Failed,
        // `Sealed` among them: of a job in the clear the session lets none pass.
        _ => OutcomeReply::Unknown,
    };
    let is_trap = outcome == OutcomeReply::Trapped;
    let detail = if is_trap { component.places(done.detail) } else { done.detail };
    let usage = done.usage;
    let reply = JobReply {
        outcome,
        detail,
        fuel: usage.fuel,
        component_memory_bytes: usage.component_memory_bytes,
        heap_peak_bytes: usage.heap_peak_bytes,
        instantiate_us: usage.instantiate_us,
        run_us: usage.run_us,
    };
    (reply, done.claim.unwrap_or_default())
}
