//! What components hold of requests and responses.

use alloc::string::String;

use enclave_http::{Method, Scheme, StatusCode};

use super::{BodyKey, ExchangeKey, FieldList, IncomingRequest};

/// A request that is being composed.
#[derive(Debug)]
pub struct OutgoingRequest {
    pub(super) method: Method,
    pub(super) scheme: Option<Scheme>,
    /// One that can be parsed.
    pub(super) authority: Option<String>,
    pub(super) path_with_query: Option<String>,
    pub(super) headers: FieldList,
    pub(super) body: Option<BodyKey>,
}

/// A response that is being composed.
#[derive(Debug)]
pub struct OutgoingResponse {
    pub(super) status: StatusCode,
    pub(super) headers: FieldList,
    pub(super) body: Option<BodyKey>,
}

/// The body of either, until it is finished.
#[derive(Debug)]
pub struct OutgoingBody {
    pub(super) key: BodyKey,
    pub(super) is_written: bool,
}

/// A response that is to come. Until it is taken, the exchange ends with it.
#[derive(Debug)]
pub struct FutureResponse {
    pub(super) exchange: ExchangeKey,
    pub(super) is_taken: bool,
}

/// A response that came.
#[derive(Debug)]
pub struct IncomingResponse {
    pub(super) status: StatusCode,
    pub(super) headers: FieldList,
    /// Until it is consumed, the exchange ends with the response.
    pub(super) body: Option<ExchangeKey>,
}

/// The request that a service answers.
#[derive(Debug)]
pub struct ServedRequest {
    pub(super) head: IncomingRequest,
    pub(super) headers: FieldList,
    pub(super) is_consumed: bool,
}

/// Permits one response.
#[derive(Debug)]
pub struct ResponseOutparam;

/// Where the bytes of a body come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodySource {
    /// A response.
    Exchange(ExchangeKey),
    /// The request that a service answers: the run's input.
    Input,
}

/// A body that comes.
#[derive(Debug)]
pub struct IncomingBody {
    pub(super) source: BodySource,
    pub(super) is_read: bool,
}

/// Its trailers.
#[derive(Debug)]
pub struct FutureTrailers {
    pub(super) source: BodySource,
    pub(super) is_taken: bool,
}

/// What the host keeps for a request or response apart from its fields.
const MESSAGE_BYTES: usize = 512;

impl OutgoingRequest {
    pub(super) fn held_bytes(&self) -> usize {
        let path_bytes = self.path_with_query.as_ref().map_or(0, String::len);
        MESSAGE_BYTES.saturating_add(path_bytes).saturating_add(self.headers.held_bytes())
    }
}

impl OutgoingResponse {
    pub(super) fn held_bytes(&self) -> usize {
        MESSAGE_BYTES.saturating_add(self.headers.held_bytes())
    }
}

impl IncomingResponse {
    pub(super) fn held_bytes(&self) -> usize {
        MESSAGE_BYTES.saturating_add(self.headers.held_bytes())
    }
}
