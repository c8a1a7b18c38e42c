//! `wasi:http`: requests that a component sends, and the request that it answers.
//!
//! Written here and not taken from `wasmtime-wasi-http`, which needs an operating system, and because what a component
//! learns has to be the same in a replay. What others answer goes into the transcript, and so does when it was there.
//! What is sent goes into it as a digest, so that a replay that sends something else parts there. The request that a
//! service answers is the input of its run, and the response its output: neither is learnt.
#![expect(unreachable_pub, reason = "the generated bindings re-export these types")]

mod answer;
mod body;
mod convert;
mod error;
mod exchange;
mod failure;
mod fields;
mod incoming;
mod learnt;
mod limits;
mod message;
mod options;
mod outgoing;
mod resources;
mod send;
mod service;

use wasmtime::component::Resource;

pub use body::BodyKey;
pub use error::{FieldsError, HttpError};
pub use exchange::ExchangeKey;
pub(crate) use exchange::Traffic;
pub use failure::HttpFailure;
pub use fields::FieldList;
pub use message::{
    ExchangeId, HttpBody, HttpRequest, HttpResponse, HttpTimeouts, IncomingRequest, Responded, ResponseHead,
};
pub use resources::{
    FutureResponse, FutureTrailers, IncomingBody, IncomingResponse, OutgoingBody, OutgoingRequest,
    OutgoingResponse, ResponseOutparam, ServedRequest,
};

use crate::bindings::wasi::http::types::{self, ErrorCode, HeaderError};
use crate::io::Failure;
use crate::state::State;

impl types::Host for State {
    fn http_error_code(&mut self, failure: Resource<Failure>) -> wasmtime::Result<Option<ErrorCode>> {
        Ok(self.table.get(&failure)?.http_code.clone())
    }

    fn convert_error_code(&mut self, error: HttpError) -> wasmtime::Result<ErrorCode> {
        error::code_of(error)
    }

    fn convert_header_error(&mut self, error: FieldsError) -> wasmtime::Result<HeaderError> {
        error::header_error_of(error)
    }
}

impl State {
    /// Counts what the host keeps for the component.
    fn hold(&mut self, bytes: usize) -> wasmtime::Result<()> {
        let held_bytes = self.http_held_bytes.saturating_add(bytes);
        if held_bytes > limits::HELD_BYTES {
            return Err(wasmtime::Error::msg(
                "http: more than 256 KiB of requests, responses and fields at once",
            ));
        }
        self.http_held_bytes = held_bytes;
        Ok(())
    }

    /// It keeps no longer so much.
    fn let_go(&mut self, bytes: usize) {
        self.http_held_bytes = self.http_held_bytes.saturating_sub(bytes);
    }
}
