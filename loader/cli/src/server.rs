//! The socket of `redoubt run`: one thread per connection, one request per connection.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::io;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Instant;

use enclave_wire::control::{Probe, RequestFigures, Status};
use loader_vmm::error::GuestError;
use loader_vmm::session::Session;

use crate::protocol::{
    FailureKind, GuestReply, Reply, Request, RequestsReply, StatusReply, VERSION, receive, send,
};
use crate::serve_job::serve_job;
use crate::trap::Component;

/// Connections at the same time.
const CONNECTIONS_MAX: usize = 128;
/// How long a client may take to say what it wants.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the guest may take to tell its status.
const STATUS_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a guest may take to end, asking and killing included.
const END_TIMEOUT: Duration = Duration::from_secs(60);
/// What a probe sends.
pub(crate) const PROBE_PAYLOAD: &[u8] = b"redoubt probe\r\n";

/// What the process that owns the guest is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// From the terminal or a signal.
    Interrupt,
    /// From a client.
    Stop { kill: bool },
    /// The guest is gone.
    Ended,
}

/// What connections need.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) session: Session,
    /// Everything but what changes.
    pub(crate) status: StatusReply,
    pub(crate) evidence: Vec<u8>,
    pub(crate) component: Component,
    pub(crate) wishes: mpsc::Sender<Wish>,
    pub(crate) connections: AtomicUsize,
}

impl Server {
    /// Listens until the process ends.
    pub(crate) fn start(self: &Arc<Self>, socket: &Path) -> io::Result<()> {
        let listener = UnixListener::bind(socket)?;
        let server = Arc::clone(self);
        thread::Builder::new().name("listener".to_owned()).spawn(move || {
            for stream in listener.incoming().flatten() {
                server.accept(stream);
            }
        })?;
        Ok(())
    }

    /// Gives the last replies a moment to leave.
    pub(crate) fn drain(&self, patience: Duration) {
        let started = Instant::now();
        while self.connections.load(Ordering::Acquire) > 0 && started.elapsed() < patience {
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn accept(self: &Arc<Self>, mut stream: UnixStream) {
        if self.connections.fetch_add(1, Ordering::AcqRel) >= CONNECTIONS_MAX {
            self.connections.fetch_sub(1, Ordering::AcqRel);
            // A client that is gone needs no answer.
            let _ = send(&mut stream, &other(format!("{CONNECTIONS_MAX} connections are open already")), &[]);
            return;
        }
        let server = Arc::clone(self);
        let spawned = thread::Builder::new().name("connection".to_owned()).spawn(move || {
            // Errors are the client's: it is gone or speaks another language, and the guest lives on.
            let _ = server.serve(&stream);
            let _ = stream.shutdown(Shutdown::Both);
            server.connections.fetch_sub(1, Ordering::AcqRel);
        });
        if spawned.is_err() {
            self.connections.fetch_sub(1, Ordering::AcqRel);
        }
    }

    fn serve(&self, mut stream: &UnixStream) -> io::Result<()> {
        stream.set_read_timeout(Some(REQUEST_TIMEOUT))?;
        let request = match receive::<Request>(&mut stream) {
            Ok(Some((request, _))) => request,
            Ok(None) => return Ok(()),
            Err(error) => {
                return send(&mut stream, &other(format!("the request cannot be read: {error}")), &[]);
            }
        };
        if let Some(found) = request.version().filter(|version| *version != VERSION) {
            let message = format!(
                "this redoubt run speaks version {VERSION} of the control protocol, the client {found}: use the same build"
            );
            return send(&mut stream, &other(message), &[]);
        }
        let (reply, data) = match request {
            Request::Job { input_bytes, receipts, .. } => {
                stream.set_read_timeout(None)?;
                return serve_job(stream, &self.session, &self.component, (input_bytes, receipts));
            }
            Request::Status { .. } => (self.status(), Vec::new()),
            Request::Stop { kill, .. } => (self.stop(kill), Vec::new()),
            Request::Probe { destination, timeout_ms, .. } => self.probe(destination, timeout_ms),
            Request::Evidence { .. } => (Reply::Evidence, self.evidence.clone()),
            Request::Input => (other("input belongs to a job".to_owned()), Vec::new()),
        };
        send(&mut stream, &reply, &data)
    }

    fn status(&self) -> Reply {
        let guest = match self.session.status(STATUS_TIMEOUT) {
            Ok(status) => Some(guest_reply(status)),
            Err(GuestError::Timeout { .. }) => None,
            Err(error) => return failed(&error),
        };
        let (_, waiting_jobs) = self.session.queue();
        Reply::Status(Box::new(StatusReply { guest, waiting_jobs, ..self.status.clone() }))
    }

    fn stop(&self, kill: bool) -> Reply {
        // When nobody listens to wishes any more the guest is ending already.
        let _ = self.wishes.send(Wish::Stop { kill });
        match self.session.wait_end(END_TIMEOUT) {
            Some(end) => Reply::Stopped { end: end.to_string(), clean: end.is_clean() || kill },
            None => other("the guest did not end".to_owned()),
        }
    }

    fn probe(&self, destination: String, timeout_ms: u32) -> (Reply, Vec<u8>) {
        match self.session.probe(&Probe { destination, payload: PROBE_PAYLOAD.to_vec(), timeout_ms }) {
            Ok(done) => {
                let reply = Reply::Probe { error: done.error, elapsed_us: done.elapsed_us };
                (reply, done.answer.unwrap_or_default())
            }
            Err(error) => (failed(&error), Vec::new()),
        }
    }
}

impl Request {
    const fn version(&self) -> Option<u32> {
        match self {
            Self::Status { version }
            | Self::Stop { version, .. }
            | Self::Probe { version, .. }
            | Self::Evidence { version }
            | Self::Job { version, .. } => Some(*version),
            Self::Input => None,
        }
    }
}

/// What a client is told of an error.
pub(crate) fn failed(error: &GuestError) -> Reply {
    let kind = match error {
        GuestError::Ended(_) | GuestError::Violation(_) => FailureKind::GuestEnded,
        _ => FailureKind::Other,
    };
    Reply::Failed { kind, message: error.to_string() }
}

const fn other(message: String) -> Reply {
    Reply::Failed { kind: FailureKind::Other, message }
}

fn guest_reply(status: Status) -> GuestReply {
    GuestReply {
        uptime_us: status.uptime_us,
        jobs_done: status.jobs_done,
        running_job: status.running_job,
        heap_used_bytes: status.heap_used_bytes,
        heap_total_bytes: status.heap_total_bytes,
        address: status.address,
        gateway: status.gateway,
        mac: status.mac,
        requests: status.requests.map(|RequestFigures { open, answered, failed }| RequestsReply {
            open,
            answered,
            failed,
        }),
    }
}

#[cfg(test)]
mod tests;
