//! The notary behind `wasi:http/incoming-handler`: reads requests, writes answers, decides nothing.

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    Fields, IncomingBody, IncomingRequest, Method as HttpMethod, OutgoingBody, OutgoingResponse,
    ResponseOutparam,
};
use wasip2::io::streams::StreamError;

use crate::{Answer, Document, Facts, Method, PREVIOUS_HEADER, Refusal, Task, plan};

/// How much of a document is asked for at once, in bytes.
const PIECE_BYTES: u64 = 64 * 1024;
/// The most that one blocking write takes, by the definition of `wasi:io/streams`.
const WRITE_BYTES: usize = 4096;

struct Notary;

wasip2::http::proxy::export!(Notary);

impl Guest for Notary {
    fn handle(request: IncomingRequest, response: ResponseOutparam) {
        send(&answer(&request).unwrap_or_else(Answer::from), response);
    }
}

fn answer(request: &IncomingRequest) -> Result<Answer, Refusal> {
    let method = match request.method() {
        HttpMethod::Get => Method::Get,
        HttpMethod::Post => Method::Post,
        _ => Method::Other,
    };
    let previous = request.headers().get(PREVIOUS_HEADER);
    match plan(method, &request.path_with_query().unwrap_or_default(), &previous)? {
        Task::Health => Ok(Answer::healthy()),
        Task::Certify { previous } => {
            // Nobody else takes the body of this request, so there is one.
            let body = request.consume().map_err(|()| Refusal::Truncated)?;
            Ok(Answer::certified(&read(&body)?, previous))
        }
    }
}

fn read(body: &IncomingBody) -> Result<Facts, Refusal> {
    let stream = body.stream().map_err(|()| Refusal::Truncated)?;
    let mut document = Document::default();
    loop {
        match stream.blocking_read(PIECE_BYTES) {
            Ok(piece) => document.feed(&piece),
            Err(StreamError::Closed) => return Ok(document.finish()),
            Err(StreamError::LastOperationFailed(_)) => return Err(Refusal::Truncated),
        }
    }
}

/// Sends an answer. Where it fails the client is gone, and there is nobody to tell.
fn send(answer: &Answer, outparam: ResponseOutparam) {
    let headers = Fields::new();
    let set = |name: &str, value: &str| {
        // Only names and values that HTTP forbids are refused; these are ours.
        let _accepted = headers.set(name, &[value.as_bytes().to_vec()]);
    };
    set("content-type", "application/json");
    set("content-length", &answer.body.len().to_string());
    if let Some(method) = answer.allow {
        set("allow", method);
    }
    let response = OutgoingResponse::new(headers);
    let _in_range = response.set_status_code(answer.status);
    let Ok(body) = response.body() else { return };
    ResponseOutparam::set(outparam, Ok(response));
    let _sent = write(&body, answer.body.as_bytes());
    let _finished = OutgoingBody::finish(body, None);
}

fn write(body: &OutgoingBody, text: &[u8]) -> Result<(), StreamError> {
    let stream = body.write().map_err(|()| StreamError::Closed)?;
    text.chunks(WRITE_BYTES).try_for_each(|piece| stream.blocking_write_and_flush(piece))
}
