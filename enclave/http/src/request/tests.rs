//! Requests, whole and in pieces, good and bad. What is smuggled is in `tests/smuggling.rs`.

use super::*;
use crate::METHOD_MAX_BYTES;

fn parse(text: &str) -> Result<Option<(RequestHead, usize)>, HttpError> {
    RequestHead::parse(text.as_bytes(), &HeadLimits::DEFAULT)
}

fn head(text: &str) -> RequestHead {
    parse(text).unwrap().unwrap().0
}

fn error(text: &str) -> HttpError {
    parse(text).unwrap_err()
}

/// RFC 9110, section 3.9.
const EXAMPLE: &str = "GET /hello.txt HTTP/1.1\r\nUser-Agent: curl/7.64.1\r\nHost: www.example.com\r\n\
    Accept-Language: en, mi\r\n\r\n";

#[test]
fn the_example_of_the_specification_is_read() {
    let (head, consumed) = parse(&format!("{EXAMPLE}GET ")).unwrap().unwrap();
    assert_eq!(consumed, EXAMPLE.len());
    assert_eq!((head.method(), head.version()), (&Method::GET, Version::Http11));
    assert_eq!(head.target().path_with_query(), Some("/hello.txt"));
    assert_eq!(head.authority().map(ToString::to_string).as_deref(), Some("www.example.com"));
    let fields: Vec<_> = head.fields().iter().map(|field| (field.name(), field.value())).collect();
    let expected =
        [("user-agent", &b"curl/7.64.1"[..]), ("host", b"www.example.com"), ("accept-language", b"en, mi")];
    assert_eq!(fields, expected);
    assert_eq!((head.framing(), head.persists()), (Ok(Framing::None), true));
}

#[test]
fn a_head_in_pieces_is_not_there_before_its_end() {
    for end in 0..EXAMPLE.len() {
        assert_eq!(parse(&EXAMPLE[..end]), Ok(None), "{end}");
    }
}

#[test]
fn one_empty_line_before_a_request_is_read_over() {
    let consumed = parse(&format!("\r\n{EXAMPLE}")).unwrap().unwrap().1;
    assert_eq!(consumed, EXAMPLE.len() + 2);
    assert_eq!(parse("\r"), Ok(None));
    assert_eq!(parse("\r\n"), Ok(None));
    assert_eq!(error(&format!("\r\n\r\n{EXAMPLE}")), HttpError::StartLine);
}

#[test]
fn request_lines_of_other_shapes_are_refused() {
    use HttpError as E;
    let table = [
        ("GET /", E::Target),
        ("GET / HTTP/1.1 ", E::StartLine),
        ("GET / http/1.1", E::StartLine),
        ("GET / HTTPS/1.1", E::StartLine),
        ("GET / HTTP/11", E::StartLine),
        ("GET / HTTP/2.0", E::Version),
        ("PRI * HTTP/2.0", E::Version),
        ("GET / HTTP/0.9", E::Version),
        ("GET / HTTP/1.2", E::Version),
        ("GET  / HTTP/1.1", E::Target),
        ("GET\t/ HTTP/1.1", E::Method(MethodError::NotToken)),
        (" GET / HTTP/1.1", E::Method(MethodError::NotToken)),
        ("G(T / HTTP/1.1", E::Method(MethodError::NotToken)),
        ("GET x HTTP/1.1", E::Target),
        ("GET /#x HTTP/1.1", E::Target),
        ("GET /é HTTP/1.1", E::Target),
        ("GET * HTTP/1.1", E::Target),
        ("CONNECT / HTTP/1.1", E::Target),
    ];
    for (line, expected) in table {
        assert_eq!(error(&format!("{line}\r\nHost: a\r\n\r\n")), expected, "{line}");
    }
    let long = format!("{} / HTTP/1.1\r\nHost: a\r\n\r\n", "M".repeat(METHOD_MAX_BYTES + 1));
    assert_eq!(error(&long).status().get(), 501);
}

#[test]
fn exactly_one_host_names_the_server() {
    let with = |version: &str, hosts: &[&str]| {
        let hosts: String = hosts.iter().map(|host| format!("Host: {host}\r\n")).collect();
        parse(&format!("GET / HTTP/{version}\r\n{hosts}\r\n"))
    };
    assert_eq!(with("1.1", &[]).unwrap_err(), HttpError::HostCount { found: 0 });
    assert_eq!(with("1.1", &["a", "a"]).unwrap_err(), HttpError::HostCount { found: 2 });
    assert_eq!(with("1.0", &["a", "a"]).unwrap_err(), HttpError::HostCount { found: 2 });
    assert!(with("1.0", &[]).unwrap().unwrap().0.authority().is_none());
    for bad in ["", "a b", "a/b", "u@a", "a:x", "a, b", "\u{e9}"] {
        assert!(matches!(with("1.1", &[bad]), Err(HttpError::Host(_))), "{bad}");
    }
}

#[test]
fn a_target_with_a_server_agrees_with_the_host() {
    let with = |target: &str, host: &str| parse(&format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    for host in ["a.example", "A.example:80"] {
        let head = with("http://a.example/x", host).unwrap().unwrap().0;
        assert_eq!(head.authority().map(ToString::to_string).as_deref(), Some("a.example"));
    }
    for host in ["b.example", "a.example:81"] {
        assert_eq!(with("http://a.example/x", host).unwrap_err(), HttpError::HostDiffers);
    }
}

#[test]
fn tunnels_are_read_and_refused() {
    let head = head("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n");
    assert_eq!(head.framing(), Err(HttpError::Connect));
    let differs = "CONNECT a.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n";
    assert_eq!(error(differs), HttpError::HostDiffers);
}

#[test]
fn limits_hold_for_heads_fields_and_targets() {
    let limits = HeadLimits { head_bytes: 128, fields: 2, target_bytes: 16 };
    let parse = |text: &str| RequestHead::parse(text.as_bytes(), &limits);
    let of_target = |bytes: usize| format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(bytes - 1));
    assert!(parse(&of_target(16)).is_ok_and(|head| head.is_some()));
    assert_eq!(parse(&of_target(17)), Err(HttpError::TargetTooLong { limit: 16 }));
    // Without waiting for the end of the line.
    assert_eq!(parse(&"x".repeat(100)), Err(HttpError::TargetTooLong { limit: 16 }));

    let of_fields = |count: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "a:b\r\n".repeat(count));
    assert!(parse(&of_fields(1)).is_ok_and(|head| head.is_some()));
    assert_eq!(parse(&of_fields(2)), Err(HttpError::TooManyFields { limit: 2 }));

    let endless = format!("GET / HTTP/1.1\r\nA: {}", "b".repeat(128));
    assert_eq!(parse(&endless), Err(HttpError::HeadTooLong { limit: 128 }));
}

#[test]
fn only_continue_can_be_expected() {
    let with = |version: &str, lines: &str| {
        head(&format!("PUT / HTTP/{version}\r\nHost: a\r\n{lines}\r\n")).expects_continue()
    };
    assert_eq!(with("1.1", "Content-Length: 5\r\nExpect: 100-Continue\r\n"), Ok(true));
    assert_eq!(with("1.1", "Content-Length: 5\r\n"), Ok(false));
    // There is nothing to wait for.
    assert_eq!(with("1.1", "Expect: 100-continue\r\n"), Ok(false));
    assert_eq!(with("1.0", "Content-Length: 5\r\nExpect: 100-continue\r\n"), Ok(false));
    assert_eq!(with("1.1", "Expect: a-rabbit\r\n"), Err(HttpError::Expectation));
    assert_eq!(with("1.1", "Expect: 100-continue\r\nExpect: x\r\n"), Err(HttpError::Expectation));
}
