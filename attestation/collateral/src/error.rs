//! Why an object is not to be had.

use core::time::Duration;

use attestation_x509::Instant;

use crate::{CacheError, ObjectError, TransportError};

/// An object that is not to be had. Who is guilty stands in front.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The network was not to be asked.
    #[error("{request}: expected in the cache, found none that holds at {at}; fetch it without --offline")]
    NotCached {
        /// What is missing.
        request: String,
        /// For when.
        at: Instant,
    },
    /// The service wants to be left alone for longer than we are to wait.
    #[error("{host}: too many requests (status {status}); ask again in {} seconds", wait.as_secs())]
    RateLimited {
        /// Who said so.
        host: String,
        /// 429 or 503; of an earlier answer, perhaps to another process.
        status: u16,
        /// How long.
        wait: Duration,
    },
    /// No answer, after several tries.
    #[error("{host}: {source}; tried {tries} times")]
    Unreachable {
        /// Who was asked.
        host: String,
        /// How often.
        tries: u32,
        /// Why the last try failed.
        source: TransportError,
    },
    /// The service has no such object.
    #[error("{url}: expected {request}, found status 404: the service does not know it")]
    NotThere {
        /// Where.
        url: String,
        /// What.
        request: String,
    },
    /// Another status than 200.
    #[error("{url}: expected status 200, found {status}")]
    Status {
        /// Where.
        url: String,
        /// Which.
        status: u16,
    },
    /// Vendors' services answer where they are asked; whoever sends us elsewhere is not one.
    #[error("{url}: expected an answer, found a redirection to {to:?}")]
    Redirected {
        /// Where.
        url: String,
        /// Where to, or its beginning.
        to: String,
    },
    /// More bytes than the object can have.
    #[error("{url}: expected at most {limit} bytes, found more")]
    TooLong {
        /// Where.
        url: String,
        /// Most bytes.
        limit: usize,
    },
    /// Something that is displayed rather than verified, like an error page.
    #[error("{url}: expected {expected}, found {found:?}")]
    ContentType {
        /// Where.
        url: String,
        /// What the object would be.
        expected: &'static str,
        /// `Content-Type`, or its beginning.
        found: String,
    },
    /// Another object, or none.
    #[error("{url}: {source}")]
    WrongObject {
        /// Where.
        url: String,
        /// What is otherwise.
        source: ObjectError,
    },
    /// The object that the service has does not hold when it is needed.
    #[error("{url}: expected one that holds at {at}, found one from {from} to {until}")]
    NotCurrent {
        /// Where.
        url: String,
        /// For when.
        at: Instant,
        /// Issued.
        from: Instant,
        /// Next one due.
        until: Instant,
    },
    /// The cache does not work.
    #[error(transparent)]
    Cache(#[from] CacheError),
}
