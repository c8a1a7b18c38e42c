//! Exchanges against a scripted network.

use alloc::vec;
use alloc::vec::Vec;
use core::net::Ipv4Addr;

use enclave_http::{Authority, Scheme, StatusCode};
use enclave_tls::{Anchors, Trust};

use super::*;
use crate::security::Security;
use crate::sockets::{Broken, Connection, ConnectionState, Query, Question, Unresolved};
use crate::time::SharedTime;

/// One connection, one query, and what they do.
struct Network {
    state: ConnectionState,
    answer: Option<Result<Vec<Ipv4Addr>, Unresolved>>,
    arrived: Vec<u8>,
    sent: Vec<u8>,
    room: usize,
    connected_to: Option<(Ipv4Addr, u16)>,
    released: usize,
}

impl Network {
    fn new() -> Self {
        let (answer, connected_to) = (None, None);
        let (arrived, sent) = (Vec::new(), Vec::new());
        Self {
            state: ConnectionState::Open,
            answer,
            arrived,
            sent,
            room: usize::MAX,
            connected_to,
            released: 0,
        }
    }

    fn answering(response: &[u8]) -> Self {
        Self { arrived: response.to_vec(), ..Self::new() }
    }
}

impl Sockets for Network {
    fn resolve(&mut self, _name: &str) -> Option<Query> {
        Some(Query(1))
    }

    fn resolved(&mut self, _query: Query) -> Option<Result<Vec<Ipv4Addr>, Unresolved>> {
        self.answer.take()
    }

    fn forget(&mut self, _query: Query) {}

    fn ask(&mut self, _address: Ipv4Addr, _port: u16, _payload: &[u8]) -> Result<Question, Broken> {
        Err(Broken::Unreachable)
    }

    fn answered(&mut self, _question: Question) -> Option<Vec<u8>> {
        None
    }

    fn hang_up(&mut self, _question: Question) {}

    fn connect(&mut self, address: Ipv4Addr, port: u16) -> Result<Connection, Broken> {
        self.connected_to = Some((address, port));
        Ok(Connection(1))
    }

    fn listen(&mut self, _port: u16, _backlog: usize) -> bool {
        false
    }

    fn accept(&mut self) -> Option<Connection> {
        None
    }

    fn waiting(&mut self) -> usize {
        0
    }

    fn state(&mut self, _connection: Connection) -> ConnectionState {
        self.state
    }

    fn send_room(&mut self, _connection: Connection) -> usize {
        self.room
    }

    fn send(&mut self, _connection: Connection, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.room);
        self.sent.extend_from_slice(&bytes[..count]);
        count
    }

    fn unsent(&mut self, _connection: Connection) -> usize {
        0
    }

    /// One byte at a time: what comes may be cut anywhere.
    fn receive(&mut self, _connection: Connection, max_bytes: usize, into: &mut Vec<u8>) -> usize {
        let count = self.arrived.len().min(max_bytes).min(1);
        into.extend(self.arrived.drain(..count));
        count
    }

    fn shutdown(&mut self, _connection: Connection) {}

    fn release(&mut self, _connection: Connection) {
        self.released += 1;
    }
}

/// Nobody is trusted, and nobody says what time it is.
fn security() -> Security {
    Security::of_parts(Trust::new(Anchors::None, Vec::new()).unwrap(), SharedTime::of_servers(Vec::new()))
}

fn request(authority: &str) -> HttpRequest {
    HttpRequest {
        method: Method::GET,
        scheme: Scheme::Http,
        authority: Authority::parse(authority).unwrap(),
        path_with_query: "/path?query".into(),
        fields: Fields::new(),
        body: BodyPlan::None,
        timeouts: HttpTimeouts::default(),
    }
}

/// Over a connection of its own.
fn begin(request: &HttpRequest, network: &mut Network) -> Result<Exchange, HttpFailure> {
    let origin = Origin::of(request)?;
    let peer = origin.is_secure().then(|| security().peer(&origin.host)).transpose()?;
    let mut exchange = Exchange::new(request, origin, peer, [0; 32], 0)?;
    exchange.connect(network).map(|()| exchange)
}

/// Steps until nothing happens any more; a millisecond each.
fn run(exchange: &mut Exchange, network: &mut Network) -> (Result<HttpResponse, HttpFailure>, Vec<HttpBody>) {
    let mut bodies = Vec::new();
    let mut response = None;
    for now_ns in (0..100_000).map(|ms| ms * 1_000_000) {
        exchange.step(network, now_ns);
        match &response {
            None => match exchange.response() {
                Poll::Pending => assert!(!exchange.has_response()),
                Poll::Ready(Ok(head)) => response = Some(Ok(head)),
                Poll::Ready(Err(failure)) => return (Err(failure), bodies),
            },
            Some(_) => {
                let piece = exchange.read_body(100);
                let is_last = matches!(piece, HttpBody::End(_) | HttpBody::Failed(_));
                if piece != HttpBody::Pending {
                    bodies.push(piece);
                }
                if is_last {
                    break;
                }
            }
        }
    }
    (response.unwrap_or(Err(HttpFailure::Internal)), bodies)
}

fn body_of(bodies: &[HttpBody]) -> Vec<u8> {
    let bytes = bodies.iter().filter_map(|body| match body {
        HttpBody::Bytes(bytes) => Some(bytes.to_vec()),
        _ => None,
    });
    bytes.collect::<Vec<_>>().concat()
}

#[test]
fn a_request_goes_out_and_its_response_comes_in() {
    let mut network = Network::answering(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
    let mut exchange = begin(&request("192.0.2.7:8080"), &mut network).unwrap();
    let (response, bodies) = run(&mut exchange, &mut network);
    assert_eq!(response.unwrap().status, StatusCode::OK);
    assert_eq!(body_of(&bodies), b"hello");
    assert_eq!(bodies.last(), Some(&HttpBody::End(Fields::new())));
    assert_eq!(network.connected_to, Some((Ipv4Addr::new(192, 0, 2, 7), 8080)));
    let expected = b"GET /path?query HTTP/1.1\r\nhost: 192.0.2.7:8080\r\n\r\n";
    assert_eq!(network.sent, expected);
    exchange.close(&mut network);
    assert_eq!(network.released, 1);
}

#[test]
fn a_name_is_resolved_first() {
    let mut network = Network::answering(b"HTTP/1.1 204 No Content\r\n\r\n");
    let mut exchange = begin(&request("example.org"), &mut network).unwrap();
    exchange.step(&mut network, 0);
    assert_eq!(network.connected_to, None);
    network.answer = Some(Ok(vec![Ipv4Addr::new(192, 0, 2, 9)]));
    let (response, bodies) = run(&mut exchange, &mut network);
    assert_eq!(response.unwrap().status.get(), 204);
    assert_eq!(bodies, [HttpBody::End(Fields::new())]);
    assert_eq!(network.connected_to, Some((Ipv4Addr::new(192, 0, 2, 9), 80)));

    for (answer, failure) in [
        (Err(Unresolved::Unknown), HttpFailure::DnsError),
        (Err(Unresolved::Silence), HttpFailure::DnsTimeout),
        (Ok(Vec::new()), HttpFailure::DnsError),
    ] {
        let mut network = Network { answer: Some(answer), ..Network::new() };
        let mut exchange = begin(&request("example.org"), &mut network).unwrap();
        assert_eq!(run(&mut exchange, &mut network).0, Err(failure));
    }
}

#[test]
fn a_body_is_sent_as_the_network_takes_it() {
    let mut network =
        Network { room: 7, ..Network::answering(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n") };
    let post = HttpRequest { method: Method::POST, body: BodyPlan::Unknown, ..request("192.0.2.7") };
    let mut exchange = begin(&post, &mut network).unwrap();
    assert!(exchange.body_space() > 0);
    exchange.write_body(b"some words", &mut network);
    exchange.finish_body(&Fields::new(), &mut network);
    let (response, _) = run(&mut exchange, &mut network);
    response.unwrap();
    assert!(network.sent.ends_with(b"\r\n\r\na\r\nsome words\r\n0\r\n\r\n"), "{:?}", network.sent);
}

#[test]
fn half_a_response_is_a_failure() {
    for (response, failure) in [
        (&b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel"[..], HttpFailure::ResponseIncomplete),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n",
            HttpFailure::ResponseIncomplete,
        ),
    ] {
        let mut network = Network { state: ConnectionState::PeerClosed, ..Network::answering(response) };
        let mut exchange = begin(&request("192.0.2.7"), &mut network).unwrap();
        let (head, bodies) = run(&mut exchange, &mut network);
        head.unwrap();
        assert_eq!(body_of(&bodies), b"hel");
        assert_eq!(bodies.last(), Some(&HttpBody::Failed(failure)));
    }
    let mut network = Network { state: ConnectionState::PeerClosed, ..Network::answering(b"HTTP/1.1 200 O") };
    let mut exchange = begin(&request("192.0.2.7"), &mut network).unwrap();
    assert_eq!(run(&mut exchange, &mut network).0, Err(HttpFailure::ConnectionTerminated));
    assert_eq!(network.released, 1, "a failed exchange keeps no connection");
}

#[test]
fn who_does_not_speak_http_or_does_not_answer_is_a_failure() {
    for (network, failure) in [
        (Network::answering(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), HttpFailure::ProtocolError),
        (Network::new(), HttpFailure::ResponseTimeout),
        (Network { state: ConnectionState::Connecting, ..Network::new() }, HttpFailure::ConnectionTimeout),
        (
            Network { state: ConnectionState::Failed(Broken::Refused), ..Network::new() },
            HttpFailure::ConnectionRefused,
        ),
    ] {
        let mut network = network;
        let mut exchange = begin(&request("192.0.2.7"), &mut network).unwrap();
        assert_eq!(run(&mut exchange, &mut network).0, Err(failure));
    }
}

#[test]
fn what_cannot_be_sent_is_refused_at_once() {
    let mut network = Network::new();
    let mut start = |request| begin(&request, &mut network).err();
    let https = HttpRequest { scheme: Scheme::Https, ..request("a_b.example") };
    assert_eq!(start(https), Some(HttpFailure::RequestUriInvalid));
    assert_eq!(start(request("[2001:db8::1]")), Some(HttpFailure::DestinationUnavailable));
    let spaces = HttpRequest { path_with_query: "/a b".into(), ..request("192.0.2.7") };
    assert_eq!(start(spaces), Some(HttpFailure::RequestUriInvalid));
}

/// More than promised in the request: the peer must not take it for whole.
#[test]
fn a_body_that_is_not_what_was_promised_ends_the_exchange() {
    let mut network = Network::new();
    let post = HttpRequest { method: Method::POST, body: BodyPlan::Length(3), ..request("192.0.2.7") };
    let mut exchange = begin(&post, &mut network).unwrap();
    exchange.write_body(b"four", &mut network);
    assert_eq!(run(&mut exchange, &mut network).0, Err(HttpFailure::RequestBodySize));
    assert_eq!(network.released, 1);
}
