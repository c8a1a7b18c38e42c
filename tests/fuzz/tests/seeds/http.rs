//! Several messages on a connection, framed in every way.

use enclave_http::{
    Authority, BodyEncoder, BodyPlan, CONTINUE, Field, Fields, HeadLimits, Method, OutgoingRequest,
    OutgoingResponse, RequestFacts, RequestHead, StatusCode,
};

const LIMITS: HeadLimits = HeadLimits::DEFAULT;

/// By target and name. The first byte is how they are cut.
pub(super) fn messages() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let absolute =
        b"\x01OPTIONS http://a.example HTTP/1.1\r\nHost: a.example:80\r\nExpect: 100-continue\r\n\r\n";
    vec![
        ("http-request", "absolute", absolute.to_vec()),
        ("http-request", "three", requests()),
        ("http-response", "four", responses()),
    ]
}

fn requests() -> Vec<u8> {
    let (authority, fields) = (Authority::parse("a.example:8080").unwrap(), fields());
    let mut out = vec![7];
    for (method, body) in
        [(Method::GET, BodyPlan::None), (Method::PUT, BodyPlan::Length(5)), (Method::POST, BodyPlan::Unknown)]
    {
        let request = OutgoingRequest {
            method: &method,
            path_with_query: "/x?y=z",
            authority: &authority,
            fields: &fields,
            body,
            persists: true,
        };
        let encoder = request.encode(&LIMITS, &mut out).unwrap();
        write_body(encoder, &mut out);
    }
    out
}

fn responses() -> Vec<u8> {
    let fields = fields();
    let mut out = vec![14];
    for (status, body, minor) in [
        (200, BodyPlan::Length(5), 1),
        (201, BodyPlan::Unknown, 1),
        (204, BodyPlan::None, 0),
        (404, BodyPlan::Unknown, 0),
    ] {
        let asked = format!("GET / HTTP/1.{minor}\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
        let (asked, _) = RequestHead::parse(asked.as_bytes(), &LIMITS).unwrap().unwrap();
        out.extend_from_slice(CONTINUE);
        let status = StatusCode::new(status).unwrap();
        let response = OutgoingResponse { status, fields: &fields, body, persists: true };
        let start = response.encode(&RequestFacts::of(&asked), &LIMITS, &mut out).unwrap();
        write_body(start.body, &mut out);
    }
    out
}

fn fields() -> Fields {
    [("accept", &b"*/*"[..]), ("x-long", &[b'x'; 40])].map(field).into_iter().collect()
}

fn field((name, value): (&str, &[u8])) -> Field {
    Field::new(name, value).unwrap()
}

fn write_body(mut encoder: BodyEncoder, out: &mut Vec<u8>) {
    if encoder.left() != Some(0) {
        encoder.encode(b"he", out).unwrap();
        encoder.encode(b"llo", out).unwrap();
    }
    let trailers = if encoder.takes_trailers() { vec![field(("x-sum", b"7"))] } else { Vec::new() }
        .into_iter()
        .collect();
    encoder.finish(&trailers, out).unwrap();
}
