//! Requests and responses as claims name them: what is read has one spelling.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use attestation_claim::message::{
    Field, Request, Response, encode_end, no_response, parse_request, parse_response,
};
use tests_fuzz::{Budget, Target};

fn main() -> ExitCode {
    Target { name: "message", max_bytes: 16 << 10, budget: Budget::DEFAULT, run }.drive()
}

/// The first byte says which of the two.
fn run(input: &[u8]) {
    match input.split_first() {
        Some((0, bytes)) => match parse_request(bytes) {
            Ok(message) => {
                check(bytes, &Request::encode(&message.head), message.body, message.trailers.as_deref());
            }
            Err(error) => drop(error.to_string()),
        },
        Some((_, bytes)) => match parse_response(bytes) {
            Ok(message) => {
                let head = message.head.as_ref().map_or_else(no_response, Response::encode);
                check(bytes, &head, message.body, message.trailers.as_deref());
            }
            Err(error) => drop(error.to_string()),
        },
        None => {}
    }
}

fn check(bytes: &[u8], head: &[u8], body: &[u8], trailers: Option<&[Field<'_>]>) {
    let end = encode_end(trailers, body.len() as u64);
    assert!([head, body, &end].concat() == bytes);
}
