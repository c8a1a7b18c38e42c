//! Responses, interim ones before them, and what they say of the connection.

use super::*;

fn parse(text: &str) -> Result<Option<(ResponseHead, usize)>, HttpError> {
    parse_final_response(text.as_bytes(), &HeadLimits::DEFAULT)
}

fn head(text: &str) -> ResponseHead {
    parse(text).unwrap().unwrap().0
}

/// RFC 9110, section 3.9.
const EXAMPLE: &str = "HTTP/1.1 200 OK\r\nDate: Mon, 27 Jul 2009 12:28:53 GMT\r\nServer: Apache\r\n\
    Last-Modified: Wed, 22 Jul 2009 19:15:56 GMT\r\nETag: \"34aa387-d-1568eb00\"\r\nAccept-Ranges: bytes\r\n\
    Content-Length: 51\r\nVary: Accept-Encoding\r\nContent-Type: text/plain\r\n\r\n";

#[test]
fn the_example_of_the_specification_is_read() {
    let (head, consumed) = parse(&format!("{EXAMPLE}Hello")).unwrap().unwrap();
    assert_eq!((consumed, head.status(), head.fields().len()), (EXAMPLE.len(), StatusCode::OK, 8));
    assert_eq!(head.framing(&Method::GET), Ok(Framing::Length(51)));
    assert_eq!(head.framing(&Method::HEAD), Ok(Framing::None));
    for end in 0..EXAMPLE.len() {
        assert_eq!(parse(&EXAMPLE[..end]), Ok(None), "{end}");
    }
}

#[test]
fn interim_responses_are_read_over() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    let (head, consumed) = parse(&format!("{interim}{EXAMPLE}")).unwrap().unwrap();
    assert_eq!((head.status(), consumed), (StatusCode::OK, interim.len() + EXAMPLE.len()));
    assert_eq!(parse(interim), Ok(None));
    assert_eq!(parse("HTTP/1.1 101 Switching Protocols\r\n\r\n"), Err(HttpError::Upgrade));
}

#[test]
fn a_server_cannot_go_on_with_interim_responses_for_ever() {
    let endless = "HTTP/1.1 102 \r\n\r\n".repeat(2048);
    assert_eq!(parse(&endless), Err(HttpError::HeadTooLong { limit: HeadLimits::DEFAULT.head_bytes }));
}

#[test]
fn status_lines_of_other_shapes_are_refused() {
    use HttpError as E;
    let table = [
        ("HTTP/1.1 099 x", E::Status),
        ("HTTP/1.1 20 x", E::Status),
        ("HTTP/1.1 2000 x", E::Status),
        ("HTTP/1.1  200 x", E::Status),
        ("HTTP/1.1 +20 x", E::Status),
        ("HTTP/2.0 200 x", E::Version),
        ("http/1.1 200 x", E::Version),
        ("ICY 200 OK and on", E::Version),
        ("HTTP/1.1 200 x\r\n y", E::Folded),
        ("HTTP/1.1 200 x\ny", E::LineEnding),
        ("HTTP/1.1 200 x\r\na : b", E::Field(crate::FieldError::Name)),
        ("HTTP/1.1 200 x\r\n: b", E::Field(crate::FieldError::Name)),
        ("HTTP/1.1 200 x\r\nab", E::Field(crate::FieldError::Name)),
        ("HTTP/1.1 200 x\r\na: b\0", E::ControlCharacter { found: 0 }),
        ("\r\nHTTP/1.1 200 x", E::StartLine),
    ];
    for (text, expected) in table {
        assert_eq!(parse(&format!("{text}\r\n\r\n")), Err(expected), "{text}");
    }
    assert_eq!(head("HTTP/1.1 200\r\n\r\n").status(), StatusCode::OK, "the reason may be missing");
    assert_eq!(head("HTTP/1.1 999 \u{e9}\r\n\r\n").status().get(), 999);
}

#[test]
fn bodies_whose_end_is_anybodys_guess_are_refused() {
    let of = |text: &str| head(text).framing(&Method::GET);
    let chunked = "Transfer-Encoding: chunked\r\n";
    assert_eq!(of(&format!("HTTP/1.0 200 \r\n{chunked}\r\n")), Err(HttpError::TransferEncoding));
    let both = of(&format!("HTTP/1.1 200 \r\n{chunked}Content-Length: 5\r\n\r\n"));
    assert_eq!(both, Err(HttpError::ContentLengthAndTransferEncoding));
    let differ = of("HTTP/1.1 200 \r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n");
    assert_eq!(differ, Err(HttpError::ContentLengths));
    assert_eq!(of("HTTP/1.1 200 \r\nTransfer-Encoding: gzip\r\n\r\n"), Err(HttpError::TransferEncoding));
}

#[test]
fn a_connection_goes_on_only_when_the_next_response_has_a_place() {
    let persists = |method: Method, text: &str| head(&format!("{text}\r\n\r\n")).persists(&method);
    let table = [
        (Method::GET, "HTTP/1.1 200 \r\nContent-Length: 5", true),
        (Method::GET, "HTTP/1.1 200 \r\nTransfer-Encoding: chunked", true),
        (Method::GET, "HTTP/1.1 200 ", false),
        (Method::GET, "HTTP/1.1 200 \r\nContent-Length: 5\r\nConnection: close", false),
        (Method::GET, "HTTP/1.0 200 \r\nContent-Length: 5", false),
        (Method::GET, "HTTP/1.0 200 \r\nContent-Length: 5\r\nConnection: keep-alive", true),
        (Method::HEAD, "HTTP/1.1 200 \r\nContent-Length: 5", true),
        (Method::GET, "HTTP/1.1 304 \r\nContent-Length: 5", true),
        (Method::GET, "HTTP/1.1 204 ", true),
        (Method::GET, "HTTP/1.1 204 \r\nContent-Length: 0", true),
        (Method::GET, "HTTP/1.1 204 \r\nContent-Length: 5", false),
        (Method::GET, "HTTP/1.1 204 \r\nTransfer-Encoding: chunked", false),
    ];
    for (method, text, expected) in table {
        assert_eq!(persists(method.clone(), text), expected, "{method} {text}");
    }
}

#[test]
fn limits_hold() {
    let limits = HeadLimits { head_bytes: 64, fields: 2, target_bytes: 0 };
    let parse = |text: &str| parse_final_response(text.as_bytes(), &limits);
    assert!(parse("HTTP/1.1 200 \r\na:b\r\na:b\r\n\r\n").is_ok_and(|head| head.is_some()));
    let many = parse("HTTP/1.1 200 \r\na:b\r\na:b\r\na:b\r\n\r\n");
    assert_eq!(many, Err(HttpError::TooManyFields { limit: 2 }));
    assert_eq!(parse(&"HTTP/1.1 200 ".repeat(5)), Err(HttpError::HeadTooLong { limit: 64 }));
}
