//! Where everybody is who they say.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;
use std::thread;

use attestation_connect::{ConnectError, Connection, Limits, Refused};
use attestation_session::SESSION_PATH;
use tests_servers::{Guest, TlsIdentity};

use crate::world::{Client, LIMITS, bytes, evidence, guest, key, service, start};

fn get(connection: &mut Connection, path: &str) -> String {
    write!(connection, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let end = format!("\r\n\r\n{path}");
    let mut answer = String::new();
    while !answer.ends_with(&end) {
        let mut byte = [0];
        connection.read_exact(&mut byte).unwrap();
        answer.push(char::from(byte[0]));
    }
    answer
}

#[test]
fn a_connection_is_proven_and_then_the_callers() {
    let (guest, identity) = guest(1);
    let server = service(&guest, &identity);
    let client = Client::new(server.port());
    let mut connection = client.connector.connect().unwrap();
    let peer = connection.peer();
    assert_eq!(peer.session().evidence(), &evidence(1, b"{}"));
    assert_eq!(*peer.spki_digest(), identity.spki_digest());
    assert_eq!((peer.tls().version, peer.tls().group), (0x0304, 0x001D));
    assert_eq!(peer.session().statement().time, None);
    assert_eq!(guest.paths(), [SESSION_PATH], "nothing but the question was sent");
    assert!(get(&mut connection, "/one").starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(get(&mut connection, "/two").ends_with("/two"), "the connection stays open");
}

#[test]
fn evidence_travels_once_and_is_appraised_once() {
    let (guest, identity) = guest(1);
    let server = service(&guest, &identity);
    let client = Client::new(server.port());
    for _ in 0..3 {
        get(&mut client.connector.connect().unwrap(), "/x");
        get(&mut client.connector.clone().connect().unwrap(), "/x");
    }
    assert_eq!((guest.proofs(), client.appraised()), ((1, 5), 1));
}

#[test]
fn a_guest_that_was_started_again_is_appraised_again() {
    let identity = TlsIdentity::new();
    let guests = [1, 2].map(|number| Arc::new(Guest::new(evidence(number, b"{}"), key(number), &identity)));
    let second = Arc::new(AtomicBool::new(false));
    let (boots, is_second) = (guests.clone(), Arc::clone(&second));
    let server =
        start(&identity, move |stream| boots[usize::from(is_second.load(Ordering::Relaxed))].serve(stream));
    let client = Client::with(server.port(), LIMITS, |peer| {
        let is_first = peer.session().evidence() == &evidence(1, b"{}");
        if is_first { Ok(()) } else { Err(Refused("another boot".to_owned())) }
    });
    client.connector.connect().unwrap();
    second.store(true, Ordering::Relaxed);
    for asked in 2..4 {
        let error = client.connector.connect().unwrap_err();
        assert!(matches!(error, ConnectError::Refused { .. }), "{error}");
        assert!(error.to_string().contains("its evidence is refused: another boot\n"), "{error}");
        assert_eq!(client.appraised(), asked, "what is refused is not remembered as accepted");
    }
    second.store(false, Ordering::Relaxed);
    client.connector.connect().unwrap();
    assert_eq!((client.appraised(), guests[0].proofs()), (3, (1, 1)));
}

#[test]
fn an_acceptance_goes_out_of_date() {
    let (guest, identity) = guest(1);
    let server = service(&guest, &identity);
    let client = Client::with(server.port(), Limits { appraisal: Duration::ZERO, ..LIMITS }, |_| Ok(()));
    for _ in 0..3 {
        client.connector.connect().unwrap();
    }
    assert_eq!((guest.proofs(), client.appraised()), ((1, 2), 3));
}

#[test]
fn both_directions_at_once() {
    const BYTES: usize = 5 << 20;
    let (guest, identity) = guest(1);
    let server = service(&guest, &identity);
    let (mut read, mut write) = Client::new(server.port()).connector.connect().unwrap().split();
    let sent = bytes(BYTES);
    let expected = sent.clone();
    let writer = thread::spawn(move || {
        write!(write, "POST /echo HTTP/1.1\r\nContent-Length: {BYTES}\r\n\r\n").unwrap();
        write.write_all(&sent).unwrap();
        write.close().unwrap();
        assert_eq!(write.write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
    let mut answer = Vec::new();
    read.read_to_end(&mut answer).unwrap();
    writer.join().unwrap();
    assert!(answer.ends_with(&expected), "{} bytes", answer.len());
}

#[test]
fn an_end_is_told_from_a_cut() {
    let (guest, identity) = guest(1);
    let server = service(&guest, &identity);
    let client = Client::new(server.port());
    for (path, is_whole) in [("/ended", true), ("/cut", false)] {
        let mut connection = client.connector.connect().unwrap();
        write!(connection, "GET {path} HTTP/1.1\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        let read = connection.read_to_end(&mut answer);
        assert!(answer.ends_with(b"half of it"));
        let found = read.map(drop).map_err(|error| error.kind());
        assert_eq!(found, if is_whole { Ok(()) } else { Err(ErrorKind::UnexpectedEof) }, "{path}");
    }
}

#[test]
fn the_callers_end_reaches_the_guest() {
    let (guest, identity) = guest(1);
    let server = service(&guest, &identity);
    let mut connection = Client::new(server.port()).connector.connect().unwrap();
    connection.write_all(b"POST /count HTTP/1.1\r\n\r\n12345").unwrap();
    connection.close_write().unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("\r\n\r\n5"), "{answer}");
}

#[test]
fn a_guest_that_says_nothing_is_not_waited_for_forever() {
    let (guest, identity) = guest(1);
    let server = service(&guest, &identity);
    let limits = Limits { idle: Duration::from_millis(50), ..LIMITS };
    let mut connection = Client::with(server.port(), limits, |_| Ok(())).connector.connect().unwrap();
    assert_eq!(connection.read(&mut [0]).unwrap_err().kind(), ErrorKind::TimedOut);
    connection.set_timeout(LIMITS.idle).unwrap();
    assert!(get(&mut connection, "/late").ends_with("/late"), "a wait that was over did no harm");
}
