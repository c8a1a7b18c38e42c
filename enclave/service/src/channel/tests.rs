//! Channels to servers in memory, through a network that cuts bytes as it likes.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;

use enclave_tls::{Anchors, HostTrust, ServerHost, Trust};
use tests_servers::{Authority, Behaviour, MemoryServer};

use super::*;
use crate::sockets::{Query, Question, Unresolved};
use crate::time::{SharedTime, TimeInterval};

const HOST: &str = "api.example.org";
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: api.example.org\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
/// 2026-11-30, in seconds since 1970.
const NOW_S: u64 = 1_796_000_000;

/// One connection to one server.
pub(crate) struct Network {
    server: MemoryServer,
    state: ConnectionState,
    to_guest: Vec<u8>,
    /// Bytes that come at once, at most.
    piece: usize,
    /// Changes what the server sends.
    tamper: fn(&mut Vec<u8>),
    is_released: bool,
}

impl Network {
    pub(crate) fn to(authority: &Authority, behaviour: Behaviour) -> Self {
        let server = MemoryServer::new(authority, behaviour);
        let (state, to_guest) = (ConnectionState::Open, Vec::new());
        Self { server, state, to_guest, piece: usize::MAX, tamper: |_| {}, is_released: false }
    }
}

impl Sockets for Network {
    fn connect(&mut self, _address: Ipv4Addr, _port: u16) -> Result<Connection, Broken> {
        Ok(Connection(1))
    }

    fn state(&mut self, _connection: Connection) -> ConnectionState {
        self.state
    }

    fn send(&mut self, _connection: Connection, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.piece);
        let mut answer = self.server.exchange(&bytes[..count]);
        (self.tamper)(&mut answer);
        self.to_guest.extend(answer);
        count
    }

    fn receive(&mut self, _connection: Connection, max_bytes: usize, into: &mut Vec<u8>) -> usize {
        let count = self.to_guest.len().min(max_bytes).min(self.piece);
        into.extend(self.to_guest.drain(..count));
        if self.to_guest.is_empty() && self.server.is_over() {
            self.state = ConnectionState::PeerClosed;
        }
        count
    }

    fn release(&mut self, _connection: Connection) {
        self.is_released = true;
    }

    fn send_room(&mut self, _connection: Connection) -> usize {
        self.piece
    }

    fn resolve(&mut self, _name: &str) -> Option<Query> {
        None
    }

    fn resolved(&mut self, _query: Query) -> Option<Result<Vec<Ipv4Addr>, Unresolved>> {
        None
    }

    fn forget(&mut self, _query: Query) {}

    fn ask(&mut self, _address: Ipv4Addr, _port: u16, _payload: &[u8]) -> Result<Question, Broken> {
        Err(Broken::Unreachable)
    }

    fn answered(&mut self, _question: Question) -> Option<Vec<u8>> {
        None
    }

    fn hang_up(&mut self, _question: Question) {}

    fn listen(&mut self, _port: u16, _backlog: usize) -> bool {
        false
    }

    fn accept(&mut self) -> Option<Connection> {
        None
    }

    fn waiting(&mut self) -> usize {
        0
    }

    fn unsent(&mut self, _connection: Connection) -> usize {
        0
    }

    fn shutdown(&mut self, _connection: Connection) {}
}

fn peer(authority: &Authority, time: SharedTime) -> Peer {
    let host = HostTrust { host: HOST.into(), authorities: vec![authority.der()], spki_sha256: Vec::new() };
    let trust = Arc::new(Trust::new(Anchors::None, vec![host]).unwrap());
    Peer { host: ServerHost::parse(HOST).unwrap(), trust, time }
}

pub(crate) fn now() -> SharedTime {
    SharedTime::fixed(TimeInterval { earliest_s: NOW_S, latest_s: NOW_S + 4 })
}

/// Sends the request and reads until the end: what came, and how it ended.
fn fetch(network: &mut Network, peer: Peer) -> (String, ChannelState) {
    let mut channel = Channel::open(Ipv4Addr::LOCALHOST, 443, Some(peer), network).unwrap();
    let (mut request, mut said) = (REQUEST, Vec::new());
    for now_ns in 0..100_000 {
        let state = channel.step(network, now_ns);
        if state == ChannelState::Opening {
            continue;
        }
        if matches!(state, ChannelState::Open) {
            request = &request[channel.send(request, network)..];
        }
        let received = channel.receive(1000, &mut said, network);
        if received == 0 && matches!(state, ChannelState::Ended | ChannelState::Failed(_)) {
            assert_eq!(channel.step(network, now_ns), state, "it stays as it is");
            channel.release(network);
            assert!(network.is_released);
            return (String::from_utf8(said).unwrap(), state);
        }
    }
    panic!("it takes too long");
}

#[test]
fn a_server_that_is_trusted_is_asked_under_tls() {
    let authority = Authority::new();
    for (only_tls12, piece) in [(false, usize::MAX), (false, 7), (true, usize::MAX), (true, 7)] {
        let behaviour = Behaviour { only_tls12, ..Behaviour::honest(HOST, RESPONSE) };
        let mut network = Network { piece, ..Network::to(&authority, behaviour) };
        let (said, end) = fetch(&mut network, peer(&authority, now()));
        assert_eq!((said.as_bytes(), end), (RESPONSE, ChannelState::Ended), "{only_tls12} {piece}");
        assert_eq!(network.server.heads().as_bytes(), REQUEST);
    }
}

#[test]
fn whoever_is_not_trusted_is_told_nothing() {
    let (authority, other) = (Authority::new(), Authority::new());
    let honest = Behaviour::honest(HOST, RESPONSE);
    for (signer, behaviour) in [
        (&other, honest.clone()),
        (&authority, Behaviour::honest("other.example.org", RESPONSE)),
        (&authority, Behaviour { years: (2020, 2026), ..honest.clone() }),
        (&authority, Behaviour { years: (2027, 2030), ..honest.clone() }),
    ] {
        let mut network = Network::to(signer, behaviour.clone());
        let (said, end) = fetch(&mut network, peer(&authority, now()));
        let refused = ChannelState::Failed(HttpFailure::TlsCertificateError);
        assert_eq!((said.as_str(), end), ("", refused), "{behaviour:?}");
        assert_eq!(network.server.heads(), "");
    }
}

#[test]
fn a_stream_that_is_cut_off_is_told_from_one_that_ends() {
    let authority = Authority::new();
    let behaviour = Behaviour { cuts_off: true, ..Behaviour::honest(HOST, RESPONSE) };
    let mut network = Network::to(&authority, behaviour);
    let (said, end) = fetch(&mut network, peer(&authority, now()));
    let cut = ChannelState::Failed(HttpFailure::ConnectionTerminated);
    assert_eq!((said.as_bytes(), end), (RESPONSE, cut), "what came before is there");
}

#[test]
fn a_host_that_changes_bytes_is_found_out() {
    let authority = Authority::new();
    let flip: fn(&mut Vec<u8>) = |bytes| {
        if let Some(byte) = bytes.last_mut() {
            *byte ^= 1;
        }
    };
    let garble: fn(&mut Vec<u8>) = |bytes| bytes.fill(b'x');
    for tamper in [flip, garble] {
        let mut network = Network { tamper, ..Network::to(&authority, Behaviour::honest(HOST, RESPONSE)) };
        let (said, end) = fetch(&mut network, peer(&authority, now()));
        assert_eq!((said.as_str(), end), ("", ChannelState::Failed(HttpFailure::TlsProtocolError)));
    }
}

#[test]
fn without_the_time_nobody_is_believed() {
    let authority = Authority::new();
    let mut network = Network::to(&authority, Behaviour::honest(HOST, RESPONSE));
    let nobody = SharedTime::of_servers(Vec::new());
    let (said, end) = fetch(&mut network, peer(&authority, nobody));
    assert_eq!((said.as_str(), end), ("", ChannelState::Failed(HttpFailure::TimeUnknown)));
    assert!(network.to_guest.is_empty(), "there was no handshake");

    let asked = SharedTime::of_servers(vec![crate::time::tests::somebody()]);
    let mut network = Network::to(&authority, Behaviour::honest(HOST, RESPONSE));
    let mut channel =
        Channel::open(Ipv4Addr::LOCALHOST, 443, Some(peer(&authority, asked)), &mut network).unwrap();
    for now_ns in 0..10 {
        assert_eq!(channel.step(&mut network, now_ns), ChannelState::Opening, "it is being found out");
        assert_eq!(channel.send(REQUEST, &mut network), 0);
    }
}

#[test]
fn what_the_network_says_of_a_connection_is_passed_on() {
    let authority = Authority::new();
    for (peer, state, expected) in [
        (None, ConnectionState::Connecting, ChannelState::Opening),
        (None, ConnectionState::Open, ChannelState::Open),
        (None, ConnectionState::PeerClosed, ChannelState::Ended),
        (
            None,
            ConnectionState::Failed(Broken::Refused),
            ChannelState::Failed(HttpFailure::ConnectionRefused),
        ),
        (Some(peer(&authority, now())), ConnectionState::Connecting, ChannelState::Opening),
        (
            Some(peer(&authority, now())),
            ConnectionState::Failed(Broken::Refused),
            ChannelState::Failed(HttpFailure::ConnectionRefused),
        ),
        (
            Some(peer(&authority, now())),
            ConnectionState::PeerClosed,
            ChannelState::Failed(HttpFailure::ConnectionTerminated),
        ),
    ] {
        let mut network = Network::to(&authority, Behaviour::honest(HOST, RESPONSE));
        network.state = state;
        let mut channel = Channel::open(Ipv4Addr::LOCALHOST, 443, peer, &mut network).unwrap();
        assert_eq!(channel.step(&mut network, 0), expected, "{state:?}");
    }
}
