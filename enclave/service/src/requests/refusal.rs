//! Answers that the guest gives in the place of the component.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use attestation_session::SessionError;
use enclave_http::{
    BodyPlan, Field, Fields, HeadLimits, HttpError, OutgoingResponse, RequestFacts, StatusCode,
};
use enclave_runtime::{Limit, Outcome};

/// A status, and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: StatusCode,
    text: String,
}

impl Refusal {
    /// In the clear, or before there is a session.
    pub(crate) fn no_session() -> Self {
        Self::new(StatusCode::NOT_FOUND, "this service is reached in the clear: there is no session to prove")
    }

    pub(crate) fn not_here() -> Self {
        Self::new(StatusCode::NOT_FOUND, "the guest has nothing at this path")
    }

    /// Why a session was not proven.
    pub(crate) fn of_session(error: &SessionError) -> Self {
        let status = match error {
            SessionError::Request | SessionError::Version { .. } => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }

    pub(crate) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into() }
    }

    /// The head did not come in time.
    pub(crate) fn slow_head() -> Self {
        Self { status: StatusCode::REQUEST_TIMEOUT, text: "the request did not come in time".into() }
    }

    /// The component's part is over without a response. What happened inside is nobody's business but the log's.
    pub(crate) fn of_outcome(outcome: &Outcome) -> Self {
        let (status, text) = match outcome {
            Outcome::LimitExceeded { limit: Limit::Wall } => {
                (StatusCode::GATEWAY_TIMEOUT, "the service took too long")
            }
            Outcome::LimitExceeded { limit: Limit::Input } => {
                (StatusCode::CONTENT_TOO_LARGE, "the request is too long")
            }
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "the service failed"),
        };
        Self { status, text: text.into() }
    }

    /// Writes it as the last response on its connection.
    pub(crate) fn encode(&self, request: &RequestFacts, out: &mut Vec<u8>) {
        let body = alloc::format!("{}\n", self.text);
        write_answer(self.status, "text/plain; charset=utf-8", body.as_bytes(), false, request, out);
    }
}

/// Writes a response of the guest's own; says whether the connection goes on behind it, which it does not without
/// `may_persist`.
pub(crate) fn write_answer(
    status: StatusCode,
    kind: &str,
    body: &[u8],
    may_persist: bool,
    request: &RequestFacts,
    out: &mut Vec<u8>,
) -> bool {
    let kind = Field::new("content-type", kind.as_bytes()).ok();
    let fields: Fields = kind.into_iter().collect();
    let plan = BodyPlan::Length(body.len() as u64);
    let response = OutgoingResponse { status, fields: &fields, body: plan, persists: may_persist };
    // Neither a length that is right nor short fields can be refused.
    let Ok(mut start) = response.encode(request, &HeadLimits::DEFAULT, out) else { return false };
    let is_written = start.body.encode(body, out).is_ok();
    start.body.finish(&Fields::new(), out).is_ok() && is_written && start.persists
}

impl From<&HttpError> for Refusal {
    fn from(error: &HttpError) -> Self {
        Self { status: error.status(), text: error.to_string() }
    }
}
