//! Answers that the guest gives in the place of the component.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

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
        let kind = Field::new("content-type", b"text/plain; charset=utf-8").ok();
        let fields: Fields = kind.into_iter().collect();
        let plan = BodyPlan::Length(body.len() as u64);
        let response = OutgoingResponse { status: self.status, fields: &fields, body: plan, persists: false };
        // Neither a length that is right nor short fields can be refused.
        let Ok(mut start) = response.encode(request, &HeadLimits::DEFAULT, out) else { return };
        let _written = start.body.encode(body.as_bytes(), out);
        let _finished = start.body.finish(&Fields::new(), out);
    }
}

impl From<&HttpError> for Refusal {
    fn from(error: &HttpError) -> Self {
        Self { status: error.status(), text: error.to_string() }
    }
}
