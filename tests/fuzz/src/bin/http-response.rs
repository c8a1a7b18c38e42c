//! Responses over HTTP/1.1, interim ones before them: the same in whichever pieces they come.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use enclave_http::{
    BodyDecoder, BodyLimits, Fields, Framing, HeadLimits, HttpError, Method, ResponseHead,
    parse_final_response,
};
use tests_fuzz::{Budget, Target};

const HEAD: HeadLimits = HeadLimits { head_bytes: 2048, fields: 64, target_bytes: 0 };
const BODY: BodyLimits =
    BodyLimits { body_bytes: 4096, chunk_line_bytes: 64, trailer_bytes: 256, trailers: 8 };
/// Of each field, where the parser and its reader put it, in two messages that are compared.
const FIELDS_BYTES: usize = 4 * 64 * 160;

fn main() -> ExitCode {
    Target { name: "http-response", max_bytes: 8192, budget: Budget::with(FIELDS_BYTES), run }.drive()
}

/// The first byte says how long the pieces are, and by its lowest bit whether HEAD was asked.
fn run(input: &[u8]) {
    let Some((choice, mut stream)) = input.split_first() else { return };
    let (step, method) = (usize::from(choice >> 1).max(1), [Method::GET, Method::HEAD]);
    let [get, head] = &method;
    let method = if choice & 1 == 0 { get } else { head };
    loop {
        let at_once = read_one(stream, usize::MAX, method);
        assert_eq!(at_once, read_one(stream, step, method), "cut every {step} bytes");
        match at_once {
            Ok(Some(message)) => {
                check(&message, method);
                if !message.head.persists(method) {
                    return;
                }
                stream = stream.get(message.consumed..).unwrap_or_default();
            }
            Ok(None) => return,
            Err(error) => return drop(error.to_string()),
        }
    }
}

#[derive(Debug, PartialEq)]
struct Message {
    head: ResponseHead,
    body: Vec<u8>,
    trailers: Fields,
    consumed: usize,
}

/// Reads a response whose bytes come `step` at a time, and then the stream ends; `None` when it is not complete.
fn read_one(stream: &[u8], step: usize, method: &Method) -> Result<Option<Message>, HttpError> {
    let ends = (1..=stream.len().div_ceil(step)).map(|piece| piece.saturating_mul(step).min(stream.len()));
    let mut found = None;
    for end in ends {
        found = parse_final_response(stream.get(..end).unwrap_or_default(), &HEAD)?;
        if found.is_some() {
            break;
        }
    }
    let Some((head, mut consumed)) = found else { return Ok(None) };
    let mut decoder = BodyDecoder::new(head.framing(method)?, &BODY)?;
    let mut body = Vec::new();
    while !decoder.is_done() {
        let end = consumed.saturating_add(step).min(stream.len());
        let piece = stream.get(consumed..end).unwrap_or_default();
        if piece.is_empty() {
            match decoder.end_of_stream() {
                Ok(()) => break,
                Err(_) => return Ok(None),
            }
        }
        let decoded = decoder.decode(piece)?;
        assert!(decoded.consumed > 0, "no progress");
        consumed += decoded.consumed;
        body.extend_from_slice(decoded.data);
    }
    Ok(Some(Message { head, body, trailers: decoder.take_trailers(), consumed }))
}

fn check(message: &Message, method: &Method) {
    let Message { head, body, .. } = message;
    assert!(!head.status().is_interim(), "an interim response is not the last");
    let framing = head.framing(method);
    let is_bodiless = *method == Method::HEAD || head.status().is_bodiless();
    assert!(!is_bodiless || framing == Ok(Framing::None));
    match framing {
        Ok(Framing::None) => assert!(body.is_empty()),
        Ok(Framing::Length(bytes)) => assert_eq!(body.len() as u64, bytes),
        Ok(Framing::UntilClose) => assert!(!head.persists(method), "nothing comes after the end"),
        other => assert_eq!(other, Ok(Framing::Chunked)),
    }
}
