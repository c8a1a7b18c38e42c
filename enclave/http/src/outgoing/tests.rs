//! Heads that are written, and those that are not.

use super::*;
use crate::{Field, Framing, ResponseHead};

fn fields(lines: &[(&str, &str)]) -> Fields {
    lines.iter().map(|(name, value)| Field::new(name, value.as_bytes()).unwrap()).collect()
}

fn request(
    method: &Method,
    path: &str,
    lines: &[(&str, &str)],
    body: BodyPlan,
) -> Result<(String, BodyEncoder), OutgoingError> {
    let authority = Authority::parse("a.example:8080").unwrap();
    let fields = fields(lines);
    let request = OutgoingRequest {
        method,
        path_with_query: path,
        authority: &authority,
        fields: &fields,
        body,
        persists: true,
    };
    let mut out = b"before".to_vec();
    let encoded = request.encode(&HeadLimits::DEFAULT, &mut out);
    if encoded.is_err() {
        assert_eq!(out, b"before", "an error leaves nothing behind");
    }
    let text = String::from_utf8(out).unwrap().split_off(6);
    encoded.map(|body| (text, body))
}

fn facts(method: Method, version: Version) -> RequestFacts {
    RequestFacts { method, version, persists: true }
}

fn respond(
    status: u16,
    lines: &[(&str, &str)],
    body: BodyPlan,
    to: &RequestFacts,
) -> Result<(String, ResponseStart), OutgoingError> {
    let fields = fields(lines);
    let status = StatusCode::new(status).unwrap();
    let mut out = Vec::new();
    let response = OutgoingResponse { status, fields: &fields, body, persists: true };
    let start = response.encode(to, &HeadLimits::DEFAULT, &mut out);
    assert!(start.is_ok() || out.is_empty(), "an error leaves nothing behind");
    start.map(|start| (String::from_utf8(out).unwrap(), start))
}

#[test]
fn requests_are_written_with_host_and_framing() {
    let (text, body) = request(&Method::GET, "/x?y", &[("Accept", "*/*")], BodyPlan::None).unwrap();
    assert_eq!(text, "GET /x?y HTTP/1.1\r\nhost: a.example:8080\r\naccept: */*\r\n\r\n");
    assert_eq!(body, BodyEncoder::NONE);
    let ends = |plan, lines: &[(&str, &str)]| request(&Method::POST, "/", lines, plan).map(|(text, _)| text);
    let with = |line: &str| Ok(format!("POST / HTTP/1.1\r\nhost: a.example:8080\r\n{line}\r\n\r\n"));
    assert_eq!(ends(BodyPlan::None, &[]), with("content-length: 0"));
    assert_eq!(ends(BodyPlan::Length(7), &[]), with("content-length: 7"));
    assert_eq!(ends(BodyPlan::Unknown, &[]), with("transfer-encoding: chunked"));
    assert_eq!(ends(BodyPlan::Unknown, &[("Content-Length", "7")]), with("content-length: 7"));
    assert_eq!(ends(BodyPlan::Length(7), &[("Content-Length", "7")]), with("content-length: 7"));
    assert_eq!(ends(BodyPlan::Length(7), &[("Host", "A.example:8080")]), with("content-length: 7"));
}

#[test]
fn fields_of_the_connection_are_not_the_composers() {
    for name in OWNED {
        let refused = Err(OutgoingError::OwnedField { name });
        assert_eq!(request(&Method::GET, "/", &[(name, "x")], BodyPlan::None).map(|_| ()), refused);
        let to = facts(Method::GET, Version::Http11);
        assert_eq!(respond(200, &[(name, "x")], BodyPlan::None, &to).map(|_| ()), refused);
    }
}

#[test]
fn requests_that_contradict_themselves_are_not_written() {
    use OutgoingError as E;
    let of = |lines: &[(&str, &str)], plan| request(&Method::GET, "/", lines, plan).map(|_| ());
    let length = ("content-length", "7");
    assert_eq!(of(&[("host", "b.example:8080")], BodyPlan::None), Err(E::Host));
    assert_eq!(of(&[("host", "a.example:8080"), ("host", "a.example:8080")], BodyPlan::None), Err(E::Host));
    assert_eq!(of(&[length], BodyPlan::None), Err(E::BodyLength { promised: 7, found: 0 }));
    assert_eq!(of(&[length], BodyPlan::Length(8)), Err(E::BodyLength { promised: 7, found: 8 }));
    assert_eq!(of(&[length, length], BodyPlan::Unknown), Err(E::ContentLength));
    assert_eq!(of(&[("content-length", "+7")], BodyPlan::Unknown), Err(E::ContentLength));
}

#[test]
fn targets_cannot_break_out_of_their_line() {
    for path in ["", "x", "/a b", "/\r\nHost: b", "/\n", "/#x", "/é", "*", "http://a.example/"] {
        let refused = request(&Method::GET, path, &[], BodyPlan::None).map(|_| ());
        assert_eq!(refused, Err(OutgoingError::Target), "{path:?}");
    }
    assert!(request(&Method::OPTIONS, "*", &[], BodyPlan::None).is_ok());
    let tunnel = request(&Method::CONNECT, "/", &[], BodyPlan::None).map(|_| ());
    assert_eq!(tunnel, Err(OutgoingError::Connect));
}

#[test]
fn heads_that_peers_would_refuse_are_not_written() {
    let value = "x".repeat(HeadLimits::DEFAULT.head_bytes);
    let long = request(&Method::GET, "/", &[("a", &value)], BodyPlan::None);
    assert!(matches!(long, Err(OutgoingError::HeadTooLong { .. })));
    let many = request(&Method::GET, "/", &[("a", "b"); 100], BodyPlan::None);
    assert_eq!(many.map(|_| ()), Err(OutgoingError::TooManyFields { limit: 100, found: 101 }));
    let path = format!("/{}", "x".repeat(HeadLimits::DEFAULT.target_bytes));
    let far = request(&Method::GET, &path, &[], BodyPlan::None);
    assert!(matches!(far, Err(OutgoingError::TargetTooLong { .. })));
}

#[test]
fn responses_fit_the_request() {
    let to = facts(Method::GET, Version::Http11);
    let (text, start) = respond(200, &[("Server", "r")], BodyPlan::Unknown, &to).unwrap();
    assert_eq!(text, "HTTP/1.1 200 OK\r\nserver: r\r\ntransfer-encoding: chunked\r\n\r\n");
    assert_eq!(start, ResponseStart { body: BodyEncoder::CHUNKED, persists: true });
    let (text, _) = respond(299, &[], BodyPlan::None, &to).unwrap();
    assert_eq!(text, "HTTP/1.1 299 \r\ncontent-length: 0\r\n\r\n");

    let old = facts(Method::GET, Version::Http10);
    let (text, start) = respond(200, &[], BodyPlan::Unknown, &old).unwrap();
    assert_eq!(text, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", "1.0 knows no chunks");
    assert_eq!(start, ResponseStart { body: BodyEncoder::UNTIL_CLOSE, persists: false });
    let (text, start) = respond(200, &[], BodyPlan::Length(2), &old).unwrap();
    assert_eq!(text, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\n");
    assert!(start.persists);

    let (text, start) = respond(400, &[], BodyPlan::None, &RequestFacts::UNREADABLE).unwrap();
    assert_eq!(text, "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    assert!(!start.persists);
}

#[test]
fn responses_without_a_body_state_lengths_only_where_they_may() {
    let (get, head) = (facts(Method::GET, Version::Http11), facts(Method::HEAD, Version::Http11));
    let length = |text: &str| text.contains("content-length: 7\r\n");
    let stated: &[(&str, &str)] = &[("content-length", "7")];

    let (text, start) = respond(200, stated, BodyPlan::None, &head).unwrap();
    assert_eq!((length(&text), start.body), (true, BodyEncoder::DROPPED));
    let (text, start) = respond(200, &[], BodyPlan::Length(7), &head).unwrap();
    assert_eq!((length(&text), start.body), (true, BodyEncoder::DROPPED));
    let (text, start) = respond(200, &[], BodyPlan::Unknown, &head).unwrap();
    assert_eq!((text.as_str(), start.body), ("HTTP/1.1 200 OK\r\n\r\n", BodyEncoder::DROPPED));

    let (text, start) = respond(304, stated, BodyPlan::None, &get).unwrap();
    assert_eq!((length(&text), start.body), (true, BodyEncoder::NONE));
    for to in [&get, &head] {
        let (text, start) = respond(204, &[], BodyPlan::Unknown, to).unwrap();
        assert_eq!((text.as_str(), start.body), ("HTTP/1.1 204 No Content\r\n\r\n", BodyEncoder::NONE));
        let refused = respond(204, stated, BodyPlan::Unknown, to).map(|_| ());
        assert_eq!(refused, Err(OutgoingError::BodyNotAllowed));
    }
    let refused = respond(304, &[], BodyPlan::Length(7), &get).map(|_| ());
    assert_eq!(refused, Err(OutgoingError::BodyNotAllowed));
}

#[test]
fn interim_responses_and_tunnels_are_not_the_composers() {
    let to = facts(Method::GET, Version::Http11);
    let interim = respond(103, &[], BodyPlan::None, &to).map(|_| ());
    assert_eq!(interim, Err(OutgoingError::Status { found: StatusCode::new(103).unwrap() }));
    let connect = facts(Method::CONNECT, Version::Http11);
    assert_eq!(respond(200, &[], BodyPlan::None, &connect).map(|_| ()), Err(OutgoingError::Connect));
    assert!(respond(501, &[], BodyPlan::None, &connect).is_ok());
}

/// Every combination: the client's end of the body is where the server put it.
#[test]
fn clients_read_what_is_written() {
    let methods = [Method::GET, Method::HEAD, Method::POST];
    let plans = [BodyPlan::None, BodyPlan::Length(0), BodyPlan::Length(3), BodyPlan::Unknown];
    for method in methods {
        for version in [Version::Http10, Version::Http11] {
            for (status, plan) in [200, 204, 205, 304, 404].into_iter().flat_map(|s| plans.map(|p| (s, p))) {
                let Ok((text, start)) = respond(status, &[], plan, &facts(method.clone(), version)) else {
                    continue;
                };
                let (head, _) = ResponseHead::parse(text.as_bytes(), &HeadLimits::DEFAULT).unwrap().unwrap();
                let expected = match &start.body {
                    body if *body == BodyEncoder::CHUNKED => Framing::Chunked,
                    body if *body == BodyEncoder::UNTIL_CLOSE => Framing::UntilClose,
                    body => body.left().filter(|left| *left > 0).map_or(Framing::None, Framing::Length),
                };
                assert_eq!(head.framing(&method), Ok(expected), "{method} {version:?} {status} {plan:?}");
                assert_eq!(head.persists(&method), start.persists, "{method} {version:?} {status} {plan:?}");
            }
        }
    }
}
