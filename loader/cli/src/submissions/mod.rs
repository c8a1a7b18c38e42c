//! Where strangers submit private jobs: HTTP/1.1, as `attestation-submission` describes it.
//!
//! What passes here is public or sealed, so anybody may come who can reach the address. A client is given its turn when its
//! envelope is here as a whole, in a file without a name: a slow one keeps nobody from the guest. How many are here, how long
//! what they send may be and how long they may take for it is bounded.
//! Panics: never on what a client sends.

use core::net::SocketAddr;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use attestation_envelope::{JOB_HEAD_BYTES, envelope_bytes_max};
use attestation_submission::EVIDENCE_TYPE;
use loader_vmm::session::Session;

mod head;
mod pace;
mod reply;
mod serve;

#[cfg(test)]
mod tests;

use head::{Ask, Head};
use pace::Paced;
use reply::Refusal;

/// Connections at the same time.
const CONNECTIONS_MAX: usize = 128;
/// Jobs at the same time whose envelope comes, waits or is being worked on.
const SUBMISSIONS_MAX: usize = 32;
/// After a moment without connections to take, when the system has none to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What connections need.
#[derive(Debug)]
pub(crate) struct Submissions {
    session: Session,
    evidence: Vec<u8>,
    envelope_bytes_max: u64,
    connections: Arc<AtomicUsize>,
    jobs: Arc<AtomicUsize>,
}

/// One of as many as there may be; gives its place back when dropped.
#[derive(Debug)]
struct Seat(Arc<AtomicUsize>);

impl Seat {
    fn take(taken: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let seat = Self(Arc::clone(taken));
        (taken.fetch_add(1, Ordering::AcqRel) < most).then_some(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Submissions {
    /// For a guest that shows this evidence, and takes so many bytes of input.
    pub(crate) fn new(session: Session, evidence: Vec<u8>, input_limit_bytes: u64) -> Self {
        let plaintext = input_limit_bytes.saturating_add(JOB_HEAD_BYTES as u64);
        Self {
            session,
            evidence,
            envelope_bytes_max: envelope_bytes_max(plaintext),
            connections: Arc::default(),
            jobs: Arc::default(),
        }
    }

    /// Listens until the process ends.
    pub(crate) fn start(self, listener: TcpListener) -> io::Result<SocketAddr> {
        let address = listener.local_addr()?;
        let submissions = Arc::new(self);
        thread::Builder::new().name("submissions".to_owned()).spawn(move || {
            for stream in listener.incoming() {
                match stream {
                    Ok(stream) => submissions.accept(stream),
                    Err(_) => thread::sleep(ACCEPT_PAUSE),
                }
            }
        })?;
        Ok(address)
    }

    fn accept(self: &Arc<Self>, stream: TcpStream) {
        let Some(seat) = Seat::take(&self.connections, CONNECTIONS_MAX) else {
            // A client that is gone needs no answer, and this one none that takes long.
            let _ = Paced::new(&stream).and_then(|mut paced| Refusal::busy().write(&mut paced));
            return;
        };
        let submissions = Arc::clone(self);
        // Where there is no thread the client finds its connection closed.
        let _ = thread::Builder::new().name("submission".to_owned()).spawn(move || {
            // Errors are the client's: it is gone or breaks the rules, and the guest lives on.
            let _ = submissions.serve(&stream);
            drop(seat);
        });
    }

    fn serve(&self, stream: &TcpStream) -> io::Result<()> {
        let mut paced = Paced::new(stream)?;
        match Head::read(&mut paced)?.and_then(|head| self.answer(head, stream, &mut paced)) {
            Ok(served) => served,
            Err(refusal) => {
                refusal.write(&mut paced)?;
                paced.linger()
            }
        }
    }

    fn answer(
        &self,
        head: Head,
        stream: &TcpStream,
        paced: &mut Paced<'_>,
    ) -> Result<io::Result<()>, Refusal> {
        match head.ask {
            Ask::Evidence => Ok(reply::whole(paced, EVIDENCE_TYPE, &self.evidence)),
            Ask::Job { bytes, .. } if bytes > self.envelope_bytes_max => {
                Err(Refusal::too_long(self.envelope_bytes_max))
            }
            Ask::Job { bytes, awaits_continue } => {
                let seat = Seat::take(&self.jobs, SUBMISSIONS_MAX).ok_or_else(Refusal::busy)?;
                if awaits_continue && let Err(error) = reply::go_on(paced) {
                    return Ok(Err(error));
                }
                let envelope = match serve::spool(paced, &head.rest, bytes) {
                    Ok(envelope) => envelope,
                    Err(error) => return Ok(Err(error)),
                };
                let job = self.session.enqueue_private(bytes).map_err(|error| Refusal::of(&error))?;
                let served = serve::serve_job(stream, paced, job, envelope);
                drop(seat);
                Ok(served)
            }
        }
    }
}
