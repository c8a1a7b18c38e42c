//! One private job: an envelope to the guest, and what comes of it back.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::net::{Shutdown, TcpStream};
use std::thread;

use attestation_submission::{Ending, Stream, encode_claim, encode_end, encode_stream};
use enclave_wire::control::{JobDone, JobOutcome};
use loader_vmm::error::GuestError;
use loader_vmm::session::{Job, JobEvent};

use super::pace::{PIECE_BYTES, Paced};
use super::reply;

/// Puts an envelope of so many bytes, which begins with `begun`, into a file that nobody else sees.
pub(super) fn spool(paced: &mut Paced<'_>, begun: &[u8], bytes: u64) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    let mut left = bytes.checked_sub(begun.len() as u64).ok_or(io::ErrorKind::InvalidData)?;
    file.write_all(begun)?;
    let mut piece = vec![0; PIECE_BYTES];
    while left > 0 {
        let count = usize::try_from(left).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
        let part = piece.get_mut(..count).unwrap_or_default();
        paced.read_piece(part)?;
        file.write_all(part)?;
        left -= count as u64;
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

/// Serves a job to its end. A client that hangs up takes it back.
pub(super) fn serve_job(
    stream: &TcpStream,
    paced: &mut Paced<'_>,
    mut job: Job,
    mut envelope: File,
) -> io::Result<()> {
    reply::begin_answer(paced)?;
    let (mut listened, input) = (stream.try_clone()?, job.input());
    listened.set_read_timeout(None)?;
    let listener = thread::Builder::new().name("submission-end".to_owned()).spawn(move || {
        // There is nothing more to say than that.
        let _ = listened.read(&mut [0]);
        input.cancel();
    })?;
    let served = pass_events(paced, &mut job, &mut envelope);
    drop(job);
    stream.shutdown(Shutdown::Both)?;
    let _ = listener.join();
    served
}

fn pass_events(paced: &mut Paced<'_>, job: &mut Job, envelope: &mut File) -> io::Result<()> {
    loop {
        match job.next_event() {
            Ok(JobEvent::Started) => {}
            Ok(JobEvent::WantsInput { bytes }) => feed(job, envelope, bytes)?,
            Ok(JobEvent::Output(bytes)) => paced.write(&encode_stream(Stream::Output, &bytes))?,
            Ok(JobEvent::ErrorOutput(bytes)) => paced.write(&encode_stream(Stream::Log, &bytes))?,
            Ok(JobEvent::Transcript(bytes)) => paced.write(&encode_stream(Stream::Transcript, &bytes))?,
            Ok(JobEvent::Done(done)) => return paced.write(&ended(&done)),
            // Nobody asked for receipts.
            Ok(_) => {}
            Err(error) => return paced.write(&failed(&error)),
        }
    }
}

fn feed(job: &Job, envelope: &mut File, bytes: u64) -> io::Result<()> {
    let mut left = usize::try_from(bytes).unwrap_or(usize::MAX);
    let mut piece = vec![0; left.min(PIECE_BYTES)];
    while left > 0 {
        let part = piece.get_mut(..left.min(PIECE_BYTES)).unwrap_or_default();
        envelope.read_exact(part)?;
        // A guest that is gone is the next event's news.
        let _ = job.input().send(part);
        left -= part.len();
    }
    Ok(())
}

fn ended(done: &JobDone) -> Vec<u8> {
    let ending = match done.outcome {
        JobOutcome::Sealed => Ending::Claimed,
        JobOutcome::Refused => Ending::Refused,
        JobOutcome::Cancelled => Ending::Cancelled,
        _ => Ending::Failed,
    };
    let claim = done.claim.as_deref().map(encode_claim).unwrap_or_default();
    [claim, encode_end(ending, &done.detail)].concat()
}

/// Why, the operator reads in the guest's log: what is in there is not for strangers.
fn failed(error: &GuestError) -> Vec<u8> {
    match error {
        GuestError::Cancelled => encode_end(Ending::Cancelled, ""),
        GuestError::Ended(_) | GuestError::Violation(_) => encode_end(Ending::Gone, ""),
        _ => encode_end(Ending::Failed, ""),
    }
}
