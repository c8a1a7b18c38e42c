//! Payloads of HTTP: what is written is read again, and nothing else is.

use enclave_http::{Authority, Method, Scheme};

use super::*;
use crate::http::HttpTimeouts;

#[test]
fn what_is_written_is_read_again() {
    let fields = fields(&[("content-type", "text/plain"), ("x", "")]);
    let response = HttpResponse { status: StatusCode::OK, fields: fields.clone() };
    both_ways(&Ok::<_, HttpFailure>(response.clone()));
    both_ways(&Some(Ok::<_, HttpFailure>(response)));
    both_ways(&None::<Result<HttpResponse, HttpFailure>>);
    both_ways(&Err::<HttpResponse, _>(HttpFailure::RequestDenied));
    for body in [
        HttpBody::Pending,
        HttpBody::Bytes(Bytes::from_static(b"x")),
        HttpBody::End(fields),
        HttpBody::End(Fields::new()),
        HttpBody::Failed(HttpFailure::ResponseIncomplete),
    ] {
        both_ways(&body);
    }
}

#[test]
fn small_answers_are_small() {
    assert_eq!(written(&HttpBody::Pending), [0]);
    assert_eq!(written(&HttpBody::Bytes(Bytes::from_static(b"abc"))), b"\x01abc");
    assert_eq!(written(&HttpBody::End(fields(&[("a", "bc")]))), b"\x02\x01\0\x02\0abc");
    assert_eq!(written(&HttpBody::Failed(HttpFailure::RequestDenied)), [3, 11]);
    let response = HttpResponse { status: StatusCode::OK, fields: Fields::new() };
    assert_eq!(written(&Some(Ok::<_, HttpFailure>(response))), [1, 1, 200, 0]);
}

#[test]
fn nothing_else_is_read() {
    for bad in [&[][..], &[0, 0], &[1], &[3], &[3, 31], &[3, 0, 0], &[4]] {
        assert_eq!(HttpBody::read(bad), None, "{bad:?}");
    }
    // Lengths that go beyond the end, names that are no tokens or in upper case, values with blanks around them.
    for bad in
        [&b"\x01"[..], b"\x01\0\x01\0a", b"\x02\0\0\0a ", b"\x01\0\0\0A", b"\x01\0\x01\0a ", b"\0\0\0\0"]
    {
        assert_eq!(Fields::read(bad), None, "{bad:?}");
    }
    for bad in [&[][..], &[200], &[99, 0], &[0xE8, 3]] {
        assert_eq!(HttpResponse::read(bad), None, "{bad:?}");
    }
    for bad in [&[][..], &[2], &[0], &[0, 31]] {
        assert_eq!(Result::<HttpResponse, HttpFailure>::read(bad), None, "{bad:?}");
    }
}

#[test]
fn every_part_of_a_request_is_in_its_digest() {
    let request = HttpRequest {
        method: Method::GET,
        scheme: Scheme::Http,
        authority: Authority::parse("a.example").unwrap(),
        path_with_query: "/".into(),
        fields: Fields::new(),
        body: BodyPlan::None,
        timeouts: HttpTimeouts::default(),
    };
    let timeouts = |connect_ns, first_byte_ns, between_bytes_ns| HttpTimeouts {
        connect_ns,
        first_byte_ns,
        between_bytes_ns,
    };
    let others = [
        HttpRequest { method: Method::HEAD, ..request.clone() },
        HttpRequest { scheme: Scheme::Https, ..request.clone() },
        HttpRequest { scheme: Scheme::Other("ftp".into()), ..request.clone() },
        HttpRequest { authority: Authority::parse("a.example:80").unwrap(), ..request.clone() },
        HttpRequest { path_with_query: "/?".into(), ..request.clone() },
        HttpRequest { fields: fields(&[("a", "b")]), ..request.clone() },
        HttpRequest { fields: fields(&[("ab", "")]), ..request.clone() },
        HttpRequest { body: BodyPlan::Length(0), ..request.clone() },
        HttpRequest { body: BodyPlan::Length(1), ..request.clone() },
        HttpRequest { body: BodyPlan::Unknown, ..request.clone() },
        HttpRequest { timeouts: timeouts(Some(0), None, None), ..request.clone() },
        HttpRequest { timeouts: timeouts(None, Some(0), None), ..request.clone() },
        HttpRequest { timeouts: timeouts(None, None, Some(0)), ..request.clone() },
    ];
    let mut digests: Vec<_> = others.iter().map(HttpRequest::digest).collect();
    digests.push(request.digest());
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), others.len() + 1);
}

fn both_ways<T: Learnt + PartialEq + core::fmt::Debug>(value: &T) {
    assert_eq!(T::read(&written(value)).as_ref(), Some(value));
}

fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs.iter().map(|(name, value)| Field::new(name, value.as_bytes()).unwrap()).collect()
}
