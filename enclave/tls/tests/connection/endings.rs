//! How connections end, and how an end is told from a cut.

use enclave_tls::{Client, State, TlsError};

use crate::authority::{Authority, HOST, trust_in};
use crate::server::{Server, Setup, TLS12, TLS13, client, converse, deliver, open};

/// With each version.
fn each(test: impl Fn(Client, Server)) {
    let root = Authority::root("root");
    let identity = root.server(&[HOST]);
    for versions in [TLS13, TLS12] {
        let (client, server) = open(&trust_in(&root), Setup::with_versions(&identity, versions).start());
        test(client, server);
    }
}

#[test]
fn a_word_of_farewell_is_an_end() {
    each(|mut client, mut server| {
        server.say(b"all of it");
        server.close();
        converse(&mut client, &mut server).unwrap();
        assert_eq!(client.state(), State::PeerClosed);
        client.end_of_stream().unwrap();
        client.step().unwrap();
        assert_eq!(client.plaintext(), b"all of it");
    });
}

#[test]
fn a_stream_that_merely_ends_is_cut() {
    each(|mut client, mut server| {
        server.say(b"some of i");
        converse(&mut client, &mut server).unwrap();
        assert_eq!(client.end_of_stream(), Err(TlsError::Truncated));
        assert_eq!((client.state(), client.step()), (State::Failed, Err(TlsError::Truncated)));
        assert_eq!(client.plaintext(), b"some of i");
    });
}

#[test]
fn half_a_record_is_cut_too() {
    each(|mut client, mut server| {
        server.say(b"some of it");
        server.close();
        let bytes = server.give();
        for length in 1..bytes.len() - 1 {
            assert_eq!(client.receive(&bytes[length - 1..length]), 1);
            client.step().unwrap();
        }
        assert_eq!(client.state(), State::Open);
        assert_eq!(client.end_of_stream(), Err(TlsError::Truncated));
    });
}

#[test]
fn handshakes_are_cut() {
    let root = Authority::root("root");
    let mut client = client(&trust_in(&root));
    client.step().unwrap();
    assert_eq!(client.end_of_stream(), Err(TlsError::Truncated));
    assert_eq!(client.state(), State::Failed);
}

/// Nobody has taken what was said, so that the farewell has not been read when the stream ends.
#[test]
fn a_farewell_behind_what_waits_is_an_end() {
    each(|mut client, mut server| {
        let said = vec![7; 60_000];
        server.say(&said);
        server.close();
        deliver(&mut client, &server.give()).unwrap();
        assert_eq!(client.state(), State::Open);
        assert!(client.plaintext().len() < said.len());
        client.end_of_stream().unwrap();
        assert_eq!(client.state(), State::PeerClosed);
        assert_eq!(client.plaintext(), &said);
    });
}

#[test]
fn after_the_farewell_nothing_counts() {
    each(|mut client, mut server| {
        server.say(b"all");
        server.close();
        let mut bytes = server.give();
        bytes.extend_from_slice(&[0x17, 3, 3, 0, 5, 1, 2, 3, 4, 5]);
        bytes.extend_from_slice(b"anything");
        assert_eq!(client.receive(&bytes), bytes.len());
        client.step().unwrap();
        assert_eq!(client.state(), State::PeerClosed);
        assert!(client.receive_room() > 0);
        assert_eq!(client.receive(&[0xFF; 100]), 100);
        client.step().unwrap();
        client.end_of_stream().unwrap();
        assert_eq!(client.plaintext(), b"all");
    });
}

/// Who has been said farewell to may still answer.
#[test]
fn both_sides_say_farewell_by_themselves() {
    each(|mut client, mut server| {
        server.say(b"question");
        server.close();
        converse(&mut client, &mut server).unwrap();
        assert_eq!(client.state(), State::PeerClosed);
        assert_eq!(client.write(b"answer"), 6);
        client.close();
        assert_eq!((client.write(b"more"), client.write_room()), (0, 0));
        converse(&mut client, &mut server).unwrap();
        assert_eq!(server.heard(), b"answer");
        assert!(server.connection.process_new_packets().unwrap().peer_has_closed());
        client.end_of_stream().unwrap();
    });
}

#[test]
fn what_was_written_goes_before_the_farewell() {
    each(|mut client, mut server| {
        let said = vec![3; 30_000];
        assert_eq!(client.write(&said), said.len());
        client.close();
        client.close();
        converse(&mut client, &mut server).unwrap();
        assert_eq!(server.heard(), said);
        assert!(server.connection.process_new_packets().unwrap().peer_has_closed());
        // The other direction goes on.
        assert_eq!(client.state(), State::Open);
        server.say(b"more");
        server.close();
        converse(&mut client, &mut server).unwrap();
        assert_eq!((client.state(), client.plaintext().as_slice()), (State::PeerClosed, &b"more"[..]));
    });
}

/// So much that not all of it can be encrypted at once.
#[test]
fn the_farewell_waits_for_what_waits() {
    each(|mut client, mut server| {
        let mut written = 0;
        for _ in 0..20 {
            written += client.write(&[3; 10_000]);
            client.step().unwrap();
        }
        assert_eq!(client.write_room(), 0);
        client.close();
        client.step().unwrap();
        converse(&mut client, &mut server).unwrap();
        assert_eq!(server.heard().len(), written);
        assert!(server.connection.process_new_packets().unwrap().peer_has_closed());
    });
}

#[test]
fn a_farewell_before_the_beginning_waits_for_it() {
    let root = Authority::root("root");
    let identity = root.server(&[HOST]);
    let mut server = Setup::new(&identity).start();
    let mut client = client(&trust_in(&root));
    assert_eq!(client.write(b"word"), 4);
    client.close();
    converse(&mut client, &mut server).unwrap();
    assert_eq!(server.heard(), b"word");
    assert!(server.connection.process_new_packets().unwrap().peer_has_closed());
}

/// Before keys are agreed on anybody can say farewell. It is no end, of nothing.
#[test]
fn a_farewell_in_the_clear_is_none() {
    let root = Authority::root("root");
    let mut client = client(&trust_in(&root));
    client.step().unwrap();
    let _ = client.receive(&[21, 3, 3, 0, 2, 1, 0]);
    let result = client.step();
    assert_ne!(client.state(), State::PeerClosed, "{result:?}");
    assert!(client.end_of_stream().is_err());
}

#[test]
fn alerts_are_told() {
    let root = Authority::root("root");
    let mut client = client(&trust_in(&root));
    client.step().unwrap();
    assert_eq!(client.receive(&[21, 3, 3, 0, 2, 2, 112]), 7);
    let error = client.step().unwrap_err();
    assert_eq!(error, TlsError::AlertReceived { number: 112, name: "unrecognized_name" });
    assert_eq!(error.to_string(), "peer: alert 112 (unrecognized_name)");
}
