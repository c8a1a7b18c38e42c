//! The connection to `redoubt run`.

use std::io;
use std::os::unix::net::UnixStream;

use anyhow::anyhow;

use crate::failure::{FAILED, Failure, GUEST_ENDED, NO_GUEST};
use crate::place::Place;
use crate::protocol::{FailureKind, Reply, Request, receive, send};

/// One conversation with the process that runs a guest.
#[derive(Debug)]
pub(crate) struct Client {
    stream: UnixStream,
}

impl Client {
    /// Finds the guest of a place.
    pub(crate) fn connect(place: &Place) -> Result<Self, Failure> {
        let socket = place.socket();
        match UnixStream::connect(&socket) {
            Ok(stream) => Ok(Self { stream }),
            Err(error) if is_nobody_there(&error) => {
                let ended =
                    place.last_end().map_or_else(String::new, |end| format!("; the last one ended: {end}"));
                let (name, socket) = (&place.name, socket.display());
                Err(Failure::new(
                    NO_GUEST,
                    anyhow!(
                        "no guest named {name} runs: nobody listens on {socket}; start one with redoubt run{ended}"
                    ),
                ))
            }
            Err(error) => {
                Err(Failure::new(FAILED, anyhow!("cannot connect to {}: {error}", socket.display())))
            }
        }
    }

    pub(crate) fn send(&mut self, request: &Request, data: &[u8]) -> Result<(), Failure> {
        send(&mut self.stream, request, data).map_err(|error| hung_up(&error))
    }

    /// The next reply; a failure that the loader tells is ours.
    pub(crate) fn receive(&mut self) -> Result<(Reply, Vec<u8>), Failure> {
        match receive::<Reply>(&mut self.stream) {
            Ok(Some((Reply::Failed { kind, message }, _))) => {
                let code = if kind == FailureKind::GuestEnded { GUEST_ENDED } else { FAILED };
                Err(Failure::new(code, anyhow!(message)))
            }
            Ok(Some(reply)) => Ok(reply),
            Ok(None) => Err(hung_up(&io::ErrorKind::UnexpectedEof.into())),
            Err(error) => Err(hung_up(&error)),
        }
    }

    pub(crate) fn ask(&mut self, request: &Request) -> Result<(Reply, Vec<u8>), Failure> {
        self.send(request, &[])?;
        self.receive()
    }

    /// A second handle, to hang up from elsewhere.
    pub(crate) fn stream(&self) -> io::Result<UnixStream> {
        self.stream.try_clone()
    }
}

/// A reply that does not belong to what was asked.
pub(crate) fn unexpected(reply: &Reply) -> Failure {
    Failure::new(FAILED, anyhow!("redoubt run sent an unexpected reply: {reply:?}"))
}

fn hung_up(error: &io::Error) -> Failure {
    Failure::new(GUEST_ENDED, anyhow!("redoubt run broke the connection ({error}); see redoubt logs"))
}

fn is_nobody_there(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}
