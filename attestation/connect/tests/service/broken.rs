//! Servers that answer something else than a proof, too much, or nothing: every wait ends, and every length has a limit.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Instant;

use attestation_connect::{ConnectError, HttpError, Limits};
use attestation_session::{CONTENT_TYPE, SessionError};
use tests_servers::{Asked, TlsIdentity, TlsServer, TlsStream};

use crate::world::{Client, LIMITS, start};

const HURRIED: Limits = Limits { proof: Duration::from_millis(400), ..LIMITS };

/// Reads the question, then does this.
fn answering(serve: impl Fn(&mut TlsStream) + Send + Sync + 'static) -> TlsServer {
    start(&TlsIdentity::new(), move |stream| {
        if let Ok(Some(asked)) = Asked::read(stream) {
            asked.body(stream).unwrap();
            serve(stream);
        }
    })
}

/// Says this, and no more.
fn saying(answer: impl Into<Vec<u8>>) -> TlsServer {
    let answer = answer.into();
    answering(move |stream| {
        stream.write_all(&answer).unwrap();
        stream.conn.send_close_notify();
        stream.flush().unwrap();
    })
}

fn http_error(server: &TlsServer) -> HttpError {
    match Client::new(server.port()).error() {
        ConnectError::Http { source, .. } => source,
        other => panic!("expected an answer that is refused, found {other:?}"),
    }
}

#[test]
fn a_server_without_the_protocol() {
    let error = Client::new(saying("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").port()).error();
    assert!(matches!(error, ConnectError::NoProof { .. }), "{error}");
    assert!(error.to_string().contains("service.scheme"), "{error}");
}

#[test]
fn a_guest_that_cannot_prove_says_why() {
    let error = http_error(&saying("HTTP/1.1 503 x\r\nContent-Length: 16\r\n\r\nno evidence \u{1b}[2J yet"));
    assert_eq!(error.to_string(), "status 503: no evidence \\u{1b}[2J");
}

#[test]
fn a_server_that_answers_garbage() {
    let error = http_error(&saying(b"\x16\x03\x01\x02\x00\r\n\r\n".to_vec()));
    assert!(matches!(error, HttpError::Malformed { .. }), "{error}");
    let proof =
        "HTTP/1.1 200 OK\r\nContent-Type: application/redoubt-session+cbor\r\nContent-Length: 4\r\n\r\nnone";
    let error = Client::new(saying(proof).port()).session_error();
    assert!(matches!(error, SessionError::Structure { .. }), "{error}");
}

#[test]
fn a_server_with_an_endless_head() {
    let server = answering(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    assert!(matches!(http_error(&server), HttpError::TooLong { what: "head", .. }));
}

#[test]
fn a_server_with_an_endless_body() {
    let endless = |framing: &str| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {CONTENT_TYPE}\r\n{framing}\r\n\r\n");
        answering(move |stream| {
            let _ = stream.write_all(head.as_bytes());
            while stream.write_all(&[b'x'; 4096]).is_ok() {}
        })
    };
    let error = http_error(&endless("Content-Length: 18446744073709551615"));
    assert!(matches!(error, HttpError::TooLong { what: "proof", .. }), "{error}");
    for framing in ["Transfer-Encoding: chunked", "Content-Length: 100", "X: y"] {
        let error = http_error(&endless(framing));
        assert!(matches!(error, HttpError::Malformed { .. }), "{framing}: {error}");
    }
}

#[test]
fn a_server_that_never_answers() {
    let server = answering(|stream| {
        let _ = stream.read(&mut [0]);
    });
    let error = Client::with(server.port(), HURRIED, |_| Ok(())).error();
    assert!(matches!(error, ConnectError::TimedOut { .. }), "{error}");
    assert!(error.to_string().contains("not proven within 0.4 s"), "{error}");
}

/// One byte at a time, each of them soon after the last.
#[test]
fn a_server_that_drips() {
    let server = answering(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nX: ");
        while stream.write_all(b"x").and_then(|()| stream.flush()).is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let since = Instant::now();
    let error = Client::with(server.port(), HURRIED, |_| Ok(())).error();
    assert!(matches!(error, ConnectError::TimedOut { .. }), "{error}");
    assert!(since.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_server_that_hangs_up() {
    let error = Client::new(answering(|_| {}).port()).error();
    assert!(matches!(error, ConnectError::Broken { .. }), "{error}");
    let error = http_error(&saying("HTTP/1.1 200 OK\r\n"));
    assert!(error.to_string().contains("found the end of one"), "{error}");
}

/// It accepts, and says nothing: not even TLS.
#[test]
fn a_port_that_is_silent() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let error = Client::with(port, HURRIED, |_| Ok(())).error();
    assert!(matches!(error, ConnectError::TimedOut { .. }), "{error}");
}

#[test]
fn a_port_that_speaks_no_tls() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let speaker = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        let _ = socket.read_to_end(&mut Vec::new());
    });
    let error = Client::new(port).error();
    assert!(matches!(error, ConnectError::Tls { .. }), "{error}");
    speaker.join().unwrap();
}

#[test]
fn a_port_where_nobody_is() {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let error = Client::new(port).error();
    assert!(matches!(error, ConnectError::Tcp { .. }), "{error}");
    assert!(error.to_string().contains("check host and port"), "{error}");
}
