//! Why there is no connection.

use core::time::Duration;
use std::io;

use attestation_session::SessionError;

use crate::HttpError;

/// Why evidence is not good enough, in the words of whoever appraised it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// No connection. The first line names who is guilty, the second says what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The name has no address.
    #[error(
        "{service}: no address was found: {source}\n  check the name, and that this machine's resolver works"
    )]
    Resolve {
        /// Which service.
        service: String,
        /// What the system says.
        source: io::Error,
    },
    /// Nobody answers there.
    #[error("{service}: no connection: {source}\n  check host and port, and that the service runs")]
    Tcp {
        /// Which service.
        service: String,
        /// What the system says, of the address that was tried last.
        source: io::Error,
    },
    /// It takes too long.
    #[error(
        "{service}: not proven within {} s\n  ask again later, or check that a service of a guest listens there",
        limit.as_secs_f32()
    )]
    TimedOut {
        /// Which service.
        service: String,
        /// How long it may take.
        limit: Duration,
    },
    /// No TLS 1.3, or not by who has the certificate's key.
    #[error(
        "{service}: TLS: {source}\n  services of guests speak TLS 1.3 themselves: check that nothing in between ends it"
    )]
    Tls {
        /// Which service.
        service: String,
        /// What is wrong.
        source: rustls::Error,
    },
    /// It went away before anything was proven.
    #[error("{service}: the connection broke before it was proven: {source}\n  ask again later")]
    Broken {
        /// Which service.
        service: String,
        /// What the system says.
        source: io::Error,
    },
    /// It does not know what a proof is.
    #[error(
        "{service}: it proves nothing (status 404)\n  check that a service of a guest listens there, with service.scheme = \"https\""
    )]
    NoProof {
        /// Which service.
        service: String,
    },
    /// It answers with something else than a proof.
    #[error("{service}: no proof: {source}\n  nothing was sent to it but the question")]
    Http {
        /// Which service.
        service: String,
        /// What it answers.
        source: HttpError,
    },
    /// The proof is of something else than this connection, or of nothing.
    #[error(
        "{service}: {source}\n  this connection does not end in the guest, or not in this one: nothing was sent but the question"
    )]
    Session {
        /// Which service.
        service: String,
        /// What differs.
        source: SessionError,
    },
    /// The connection ends in a guest that is not wanted.
    #[error("{service}: its evidence is refused: {source}\n  nothing was sent to it but the question")]
    Refused {
        /// Which service.
        service: String,
        /// Why.
        source: Refused,
    },
    /// This machine has no randomness, or this build no TLS 1.3. Nobody else is guilty.
    #[error("this machine: {what}")]
    Local {
        /// What is missing.
        what: String,
    },
}
