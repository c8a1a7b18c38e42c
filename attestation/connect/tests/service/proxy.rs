//! Programs that know nothing of proofs.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use attestation_connect::{ConnectError, Event, Limits, Proxy, ProxyError, ProxyLimits, Refused};
use attestation_session::SESSION_PATH;
use tests_servers::TlsServer;

use crate::world::{Client, LIMITS, bytes, guest, service};

/// A proxy, what it reports, and who it connects with.
struct Door {
    address: SocketAddr,
    events: Receiver<Event>,
    client: Client,
}

impl Door {
    fn to(server: &TlsServer) -> Self {
        Self::with(Client::new(server.port()), ProxyLimits::default())
    }

    fn with(client: Client, limits: ProxyLimits) -> Self {
        let proxy = Proxy::bind((Ipv4Addr::LOCALHOST, 0).into(), client.connector.clone(), limits).unwrap();
        let address = proxy.address();
        let (report, events) = channel();
        thread::spawn(move || proxy.serve(move |event| drop(report.send(event))));
        Self { address, events, client }
    }

    fn open(&self) -> TcpStream {
        open(self.address)
    }

    /// What comes back for a request, to the end.
    fn ask(&self, request: &str) -> (String, Result<(), ErrorKind>) {
        let mut local = self.open();
        local.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let read = local.read_to_end(&mut answer);
        (String::from_utf8(answer).unwrap(), read.map(drop).map_err(|error| error.kind()))
    }
}

fn open(door: SocketAddr) -> TcpStream {
    let local = TcpStream::connect(door).unwrap();
    local.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    local
}

/// An echo of `count` bytes, sent while the answer comes.
fn echo(door: SocketAddr, count: usize) {
    let mut local = open(door);
    let mut to_guest = local.try_clone().unwrap();
    let sent = bytes(count);
    thread::scope(|scope| {
        scope.spawn(|| {
            write!(to_guest, "POST /echo HTTP/1.1\r\nContent-Length: {count}\r\n\r\n").unwrap();
            to_guest.write_all(&sent).unwrap();
            to_guest.shutdown(Shutdown::Write).unwrap();
        });
        let mut answer = Vec::new();
        local.read_to_end(&mut answer).unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n") && answer.ends_with(&sent), "{}", answer.len());
    });
}

#[test]
fn every_connection_is_proven() {
    let (guest, identity) = guest(1);
    let server = service(&guest, &identity);
    let door = Door::to(&server);
    thread::scope(|scope| {
        for count in 0..40 {
            let address = door.address;
            scope.spawn(move || echo(address, count * 1000));
        }
    });
    let (whole, short) = guest.proofs();
    assert_eq!(whole + short, 40);
    let appraised = door.client.appraised();
    assert!((1..=whole).contains(&appraised), "{appraised} of {whole} that came along");
    echo(door.address, 10);
    assert_eq!(guest.proofs(), (whole, short + 1));
}

#[test]
fn large_bodies_go_both_ways_at_once() {
    let (guest, identity) = guest(1);
    let server = service(&guest, &identity);
    let door = Door::to(&server);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| echo(door.address, 6 << 20));
        }
    });
}

#[test]
fn an_end_of_the_request_is_passed_on() {
    let (guest, identity) = guest(1);
    let server = service(&guest, &identity);
    let mut local = Door::to(&server).open();
    local.write_all(b"POST /count HTTP/1.1\r\n\r\n1234567").unwrap();
    local.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    local.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("\r\n\r\n7"), "{answer}");
}

#[test]
fn an_end_is_an_end_and_a_cut_is_a_cut() {
    let (guest, identity) = guest(1);
    let server = service(&guest, &identity);
    let door = Door::to(&server);
    let (answer, read) = door.ask("GET /ended HTTP/1.1\r\n\r\n");
    assert!(answer.ends_with("half of it"), "{answer}");
    assert_eq!(read, Ok(()));
    let (_, read) = door.ask("GET /cut HTTP/1.1\r\n\r\n");
    assert_eq!(read, Err(ErrorKind::ConnectionReset));
    let event = door.events.recv_timeout(Duration::from_secs(60)).unwrap();
    assert!(matches!(&event, Event::Cut { error } if error.kind() == ErrorKind::UnexpectedEof), "{event:?}");
}

/// A local program that goes away takes its connection to the guest along.
#[test]
fn a_program_that_breaks_off_holds_no_place() {
    let (guest, identity) = guest(1);
    let server = service(&guest, &identity);
    let limits = ProxyLimits { connections: 1, ..ProxyLimits::default() };
    let door = Door::with(Client::new(server.port()), limits);
    let mut local = door.open();
    local.write_all(b"POST /echo HTTP/1.1\r\nContent-Length: 9\r\n\r\n").unwrap();
    local.read_exact(&mut [0; 8]).unwrap();
    // With something unread: a reset.
    drop(local);
    let answered = (0..200).any(|_| {
        thread::sleep(Duration::from_millis(50));
        door.ask("GET /ended HTTP/1.1\r\n\r\n").0.starts_with("HTTP/1.1 200 OK")
    });
    assert!(answered);
}

#[test]
fn too_many_are_told_so() {
    let (guest, identity) = guest(1);
    let server = service(&guest, &identity);
    let limits = ProxyLimits { connections: 2, ..ProxyLimits::default() };
    let door = Door::with(Client::new(server.port()), limits);
    let held: Vec<TcpStream> = (0..2)
        .map(|_| {
            let mut local = door.open();
            local.write_all(b"POST /echo HTTP/1.1\r\nContent-Length: 9\r\n\r\n").unwrap();
            local.read_exact(&mut [0; 8]).unwrap();
            local
        })
        .collect();
    let (answer, read) = door.ask("GET /x HTTP/1.1\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{answer}");
    assert!(answer.contains("2 connections are open already"), "{answer}");
    assert_eq!(read, Ok(()));
    assert!(matches!(door.events.recv().unwrap(), Event::TooMany { limit: 2 }));
    drop(held);
}

#[test]
fn who_is_refused_gets_nothing_that_was_sent() {
    let (guest, identity) = guest(1);
    let server = service(&guest, &identity);
    let client = Client::with(server.port(), LIMITS, |_| Err(Refused("not this one".to_owned())));
    let door = Door::with(client, ProxyLimits::default());
    let (answer, read) = door.ask("GET /secret HTTP/1.1\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain"), "{answer}");
    assert!(answer.contains("its evidence is refused: not this one"), "{answer}");
    assert_eq!(guest.paths(), [SESSION_PATH]);
    assert_eq!(read, Ok(()));
    let event = door.events.recv().unwrap();
    let is_refusal = matches!(&event, Event::NotConnected { error: ConnectError::Refused { .. } });
    assert!(is_refusal, "{event:?}");
}

#[test]
fn nobody_waits_for_nothing() {
    let (guest, identity) = guest(1);
    let server = service(&guest, &identity);
    let limits = Limits { idle: Duration::from_secs(1), ..LIMITS };
    let door = Door::with(Client::with(server.port(), limits, |_| Ok(())), ProxyLimits::default());
    let (_, read) = door.ask("POST /echo HTTP/1.1\r\nContent-Length: 9\r\n\r\n");
    assert_eq!(read, Err(ErrorKind::ConnectionReset));
    // It never spoke, so the guest was not asked.
    let before = guest.proofs();
    assert_eq!(door.ask("").1, Ok(()));
    assert_eq!(guest.proofs(), before);
}

#[test]
fn other_machines_have_no_door() {
    let (guest, identity) = guest(1);
    let server = service(&guest, &identity);
    let connector = Client::new(server.port()).connector;
    for address in ["0.0.0.0:0", "192.0.2.1:80", "[::]:0"] {
        let bound = Proxy::bind(address.parse().unwrap(), connector.clone(), ProxyLimits::default());
        let error = bound.unwrap_err();
        assert!(matches!(error, ProxyError::NotLoopback { .. }), "{error}");
        assert!(error.to_string().contains("in the clear"), "{error}");
    }
    let first = Proxy::bind("127.0.0.1:0".parse().unwrap(), connector.clone(), ProxyLimits::default());
    let taken = Proxy::bind(first.as_ref().unwrap().address(), connector, ProxyLimits::default());
    assert!(matches!(taken, Err(ProxyError::Listen { .. })));
}
