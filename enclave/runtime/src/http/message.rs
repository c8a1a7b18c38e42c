//! Heads of messages, as they pass between a component and its host.

use alloc::string::String;

use bytes::Bytes;
use enclave_http::{Authority, BodyPlan, Fields, Method, Scheme, StatusCode};

use crate::HttpFailure;

/// A request that a component sends. Its body follows through
/// [`JobHost::http_body_write`](crate::JobHost::http_body_write).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// `https` where the component did not say.
    pub scheme: Scheme,
    /// The server.
    pub authority: Authority,
    /// Begins with `/`, or is `*` with OPTIONS.
    pub path_with_query: String,
    /// Its fields, none of the connection's among them; a Content-Length is a number and there once at most.
    pub fields: Fields,
    /// What is known of the body. With [`BodyPlan::None`] nothing of it is written, and it is not finished either.
    pub body: BodyPlan,
    /// How long the component wants to wait for what.
    pub timeouts: HttpTimeouts,
}

/// Bounds on waiting, each only where the component wants one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HttpTimeouts {
    /// For the connection, in nanoseconds.
    pub connect_ns: Option<u64>,
    /// From the end of the request to the first byte of the response, in nanoseconds.
    pub first_byte_ns: Option<u64>,
    /// Between two bytes of the response's body, in nanoseconds.
    pub between_bytes_ns: Option<u64>,
}

/// A request and its response, as the host counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExchangeId(pub u32);

/// The head of a response that a component gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status, from 200 on.
    pub status: StatusCode,
    /// Its fields.
    pub fields: Fields,
}

/// What there is of a response's body. After [`End`](Self::End) and [`Failed`](Self::Failed) nobody asks again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpBody {
    /// At least one byte and not more than asked for.
    Bytes(Bytes),
    /// Nothing now, perhaps later.
    Pending,
    /// The body is complete; these are its trailers.
    End(Fields),
    /// The rest will never come.
    Failed(HttpFailure),
}

/// A request that a service gets. Its body comes through [`Console::read_input`](crate::Console::read_input).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncomingRequest {
    /// The method.
    pub method: Method,
    /// How it came.
    pub scheme: Scheme,
    /// The server that it names; `None` where it names none, which HTTP/1.0 allows.
    pub authority: Option<Authority>,
    /// Path and query; `*` for all of the server.
    pub path_with_query: Option<String>,
    /// Its fields. Those of the connection are left out before the component sees them.
    pub fields: Fields,
}

/// The head of a response that a service gives. Its body follows through
/// [`Console::write_output`](crate::Console::write_output) as standard output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseHead {
    /// The status, from 200 on.
    pub status: StatusCode,
    /// Its fields, none of the connection's among them; a Content-Length is a number and there once at most.
    pub fields: Fields,
    /// What is known of the body. With [`BodyPlan::None`] nothing of it is written.
    pub body: BodyPlan,
}

/// What became of a service's response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Responded {
    /// Nothing: the component ended without one, or is a job.
    Nothing,
    /// The component said that it has no response. Whoever asked gets an error.
    Refused {
        /// What it said, for the log.
        error: String,
    },
    /// There is a head, but the body is not whole. Whoever asked must not take it for a response.
    Truncated,
    /// All of it.
    Complete,
}
