//! `wasi:http`: requests that a component sends, and requests that it answers.

mod failure;
mod message;

pub use failure::HttpFailure;
pub use message::{
    ExchangeId, HttpBody, HttpRequest, HttpResponse, HttpTimeouts, IncomingRequest, Responded, ResponseHead,
};
