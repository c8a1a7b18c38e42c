//! Requests over HTTP/1.1, one after the other: the same in whichever pieces they come, and the same when sent on.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use enclave_http::{
    Authority, BodyDecoder, BodyLimits, BodyPlan, Fields, Framing, HeadLimits, HttpError, Method,
    OutgoingRequest, OutgoingResponse, RequestFacts, RequestHead, StatusCode, Version,
};
use tests_fuzz::{Budget, Target};

const HEAD: HeadLimits = HeadLimits { head_bytes: 2048, fields: 64, target_bytes: 512 };
const BODY: BodyLimits =
    BodyLimits { body_bytes: 4096, chunk_line_bytes: 64, trailer_bytes: 256, trailers: 8 };
/// Of each field, where the parser and its reader put it, in two messages that are compared.
const FIELDS_BYTES: usize = 4 * 64 * 160;

fn main() -> ExitCode {
    Target { name: "http-request", max_bytes: 8192, budget: Budget::with(FIELDS_BYTES), run }.drive()
}

/// The first byte says how long the pieces are.
fn run(input: &[u8]) {
    let Some((step, mut stream)) = input.split_first() else { return };
    let step = usize::from(*step).max(1);
    loop {
        let at_once = read_one(stream, usize::MAX);
        let in_pieces = read_one(stream, step);
        assert_eq!(at_once, in_pieces, "cut every {step} bytes");
        match at_once {
            Ok(Some(message)) => {
                check(&message, stream);
                stream = stream.get(message.consumed..).unwrap_or_default();
            }
            Ok(None) => return,
            Err(error) => return drop((error.to_string(), error.status())),
        }
    }
}

#[derive(Debug, PartialEq)]
struct Message {
    head: RequestHead,
    head_bytes: usize,
    body: Vec<u8>,
    trailers: Fields,
    consumed: usize,
}

/// Reads a request whose bytes come `step` at a time; `None` when it is not complete.
fn read_one(stream: &[u8], step: usize) -> Result<Option<Message>, HttpError> {
    let ends = (1..=stream.len().div_ceil(step)).map(|piece| piece.saturating_mul(step).min(stream.len()));
    let mut found = None;
    for end in ends {
        found = RequestHead::parse(stream.get(..end).unwrap_or_default(), &HEAD)?;
        if found.is_some() {
            break;
        }
    }
    let Some((head, head_bytes)) = found else { return Ok(None) };
    let mut decoder = BodyDecoder::new(head.framing()?, &BODY)?;
    let (mut body, mut consumed) = (Vec::new(), head_bytes);
    while !decoder.is_done() {
        let end = consumed.saturating_add(step).min(stream.len());
        let piece = stream.get(consumed..end).unwrap_or_default();
        if piece.is_empty() {
            assert_eq!(decoder.end_of_stream(), Err(HttpError::Truncated));
            return Ok(None);
        }
        let decoded = decoder.decode(piece)?;
        assert!(decoded.consumed > 0, "no progress");
        consumed += decoded.consumed;
        body.extend_from_slice(decoded.data);
    }
    Ok(Some(Message { head, head_bytes, body, trailers: decoder.take_trailers(), consumed }))
}

fn check(message: &Message, stream: &[u8]) {
    let Message { head, head_bytes, body, .. } = message;
    let text = stream.get(..*head_bytes).unwrap_or_default();
    let lone = |pair: &[u8]| matches!(pair, [before, b'\n'] if *before != b'\r');
    assert!(!text.windows(2).any(lone) && !text.contains(&0), "a line ended otherwise");
    assert!(body.len() as u64 <= BODY.body_bytes && head.fields().len() <= HEAD.fields);
    let (lengths, codings) = (count(head, "content-length"), count(head, "transfer-encoding"));
    assert!(lengths + codings <= 1, "two framings");
    match head.framing() {
        Ok(Framing::None) => assert!(body.is_empty() && codings == 0),
        Ok(Framing::Length(bytes)) => assert!(body.len() as u64 == bytes && lengths == 1),
        Ok(Framing::Chunked) => assert!(codings == 1 && head.version() == Version::Http11),
        other => assert!(other.is_ok_and(|_| false), "{other:?}"),
    }
    assert!(count(head, "host") == 1 || head.version() == Version::Http10);
    let _waits = head.expects_continue();
    send_on(message);
    answer(head);
}

fn count(head: &RequestHead, name: &str) -> usize {
    head.fields().all(name).count()
}

/// What we would send is read as the same message.
fn send_on(message: &Message) {
    let head = &message.head;
    let (Some(path), Some(authority)) = (head.target().path_with_query(), head.authority()) else { return };
    let owned = ["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"];
    let is_ours = |name: &str| owned.contains(&name) || name == "http2-settings" || name == "host";
    let fields: Fields = head.fields().iter().filter(|field| !is_ours(field.name())).cloned().collect();
    let body = match head.framing() {
        Ok(Framing::Chunked) => BodyPlan::Unknown,
        _ => BodyPlan::Length(message.body.len() as u64),
    };
    let request = OutgoingRequest {
        method: head.method(),
        path_with_query: path,
        authority,
        fields: &fields,
        body,
        persists: head.persists(),
    };
    let mut out = Vec::new();
    // Host and framing may be more than fits.
    let Ok(mut encoder) = request.encode(&HEAD, &mut out) else { return assert!(out.is_empty()) };
    assert_eq!(encoder.encode(&message.body, &mut out), Ok(()));
    // Without chunks there were none.
    assert_eq!(encoder.finish(&message.trailers, &mut out), Ok(()));
    let again = read_one(&out, usize::MAX);
    let Ok(Some(again)) = again else { return assert!(again.is_err_and(|_| false), "not read again") };
    assert_eq!((again.consumed, &again.body, &again.trailers), (out.len(), &message.body, &message.trailers));
    assert_eq!((again.head.method(), again.head.target().path_with_query()), (head.method(), Some(path)));
    assert_eq!(again.head.authority().map(Authority::to_string), Some(authority.to_string()));
    assert_eq!(again.head.persists(), head.persists());
}

/// Any request gets an answer, and one that the server ends where the client does.
fn answer(head: &RequestHead) {
    let fields = Fields::new();
    let response =
        OutgoingResponse { status: StatusCode::OK, fields: &fields, body: BodyPlan::Unknown, persists: true };
    let mut out = Vec::new();
    let start = response.encode(&RequestFacts::of(head), &HEAD, &mut out);
    let connect = *head.method() == Method::CONNECT;
    assert!(start.map_or(connect, |start| !start.persists || head.persists()));
}
