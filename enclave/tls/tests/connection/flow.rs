//! Much data, in many pieces, and who waits for whom.

use enclave_tls::{Client, State};
use proptest::prelude::*;

use crate::authority::{Authority, HOST, trust_in};
use crate::server::{Server, Setup, TLS12, TLS13, client, converse, open};

/// The limits that are promised, and a record more that may be behind each.
const PLAINTEXT_MAX: usize = 32 * 1024 + 16 * 1024;
const OUTGOING_MAX: usize = 32 * 1024 + 16 * 1024 + 64;

fn pattern(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

fn opened(versions: &'static [&'static rustls::SupportedProtocolVersion]) -> (Client, Server) {
    let root = Authority::root("root");
    let identity = root.server(&[HOST]);
    open(&trust_in(&root), Setup::with_versions(&identity, versions).start())
}

/// How many bytes are carried at a time, each way, and taken out.
struct Pieces {
    up: usize,
    down: usize,
    taken: usize,
}

fn transfer(client: &mut Client, server: &mut Server, length: usize, pieces: &Pieces) {
    let (up, down) = (pattern(length, 1), pattern(length, 2));
    let (mut written, mut heard, mut received) = (0, Vec::new(), Vec::new());
    server.say(&down);
    server.close();
    let from_server = server.give();
    let mut carried = 0;
    while heard.len() < up.len() || client.state() != State::PeerClosed || !client.plaintext().is_empty() {
        written += client.write(&up[written..]);
        let end = from_server.len().min(carried + pieces.down.min(client.receive_room()));
        let taken = client.receive(&from_server[carried..end]);
        assert_eq!(taken, end - carried);
        carried = end;
        client.step().unwrap();
        assert!(client.plaintext().len() <= PLAINTEXT_MAX && client.outgoing().len() <= OUTGOING_MAX);
        client.take_plaintext(pieces.taken, &mut received);
        let sent = client.outgoing().len().min(pieces.up);
        let bytes: Vec<u8> = client.outgoing().drain(..sent).collect();
        server.take(&bytes);
        heard.extend(server.heard());
    }
    assert!(heard == up && received == down, "not what was said");
}

#[test]
fn much_goes_both_ways_in_any_pieces() {
    for versions in [TLS13, TLS12] {
        for pieces in [
            Pieces { up: usize::MAX, down: usize::MAX, taken: usize::MAX },
            Pieces { up: 1_000, down: 100_000, taken: 4_000 },
            Pieces { up: 100_000, down: 1_000, taken: 4_000 },
        ] {
            let (mut client, mut server) = opened(versions);
            transfer(&mut client, &mut server, 1_000_000, &pieces);
        }
    }
}

#[test]
fn single_bytes_are_enough() {
    let root = Authority::root("root");
    let identity = root.server(&[HOST]);
    for versions in [TLS13, TLS12] {
        let mut server = Setup::with_versions(&identity, versions).start();
        let mut client = client(&trust_in(&root));
        server.say(b"pong");
        while client.plaintext().is_empty() {
            client.step().unwrap();
            for byte in core::mem::take(client.outgoing()) {
                server.take(&[byte]);
            }
            for byte in server.give() {
                assert_eq!(client.receive(&[byte]), 1);
                client.step().unwrap();
            }
        }
        assert_eq!((client.state(), client.plaintext().as_slice()), (State::Open, &b"pong"[..]));
    }
}

/// Who does not listen can still speak.
#[test]
fn writing_goes_on_while_reading_waits() {
    for versions in [TLS13, TLS12] {
        let (mut client, mut server) = opened(versions);
        server.say(&pattern(200_000, 5));
        let from_server = server.give();
        let mut carried = 0;
        while client.receive_room() > 0 && carried < from_server.len() {
            carried += client.receive(&from_server[carried..]);
            client.step().unwrap();
        }
        assert_eq!(client.receive_room(), 0);
        let waiting = client.plaintext().clone();
        assert!(waiting.len() > 32 * 1024 && waiting.len() <= PLAINTEXT_MAX);
        for round in 0..20_u8 {
            assert_eq!(client.write(&[round; 10_000]), 10_000);
            client.step().unwrap();
            let bytes = core::mem::take(client.outgoing());
            server.take(&bytes);
            assert_eq!(server.heard(), [round; 10_000]);
        }
        assert_eq!(client.plaintext(), &waiting);
    }
}

/// Who is not taken anything from takes no more.
#[test]
fn writing_has_a_limit_while_nothing_is_sent() {
    let (mut client, _) = opened(TLS13);
    let mut written = 0;
    for _ in 0..100 {
        written += client.write(&[1; 5_000]);
        client.step().unwrap();
    }
    assert_eq!(client.write_room(), 0);
    assert!((64 * 1024..96 * 1024).contains(&written), "{written}");
    assert!(client.outgoing().len() <= OUTGOING_MAX);
}

/// New keys on the way, from either side; the answer goes out although nobody writes anything.
#[test]
fn keys_are_renewed_on_the_way() {
    let (mut client, mut server) = opened(TLS13);
    for round in 0..5_u8 {
        server.connection.refresh_traffic_keys().unwrap();
        server.say(&vec![round; 20_000]);
        converse(&mut client, &mut server).unwrap();
        assert_eq!(core::mem::take(client.plaintext()), vec![round; 20_000]);
        assert_eq!(client.write(&[round; 100]), 100);
        converse(&mut client, &mut server).unwrap();
        assert_eq!(server.heard(), [round; 100]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn no_piece_is_lost_or_doubled(
        up in 1..40_000_usize,
        down in 1..40_000_usize,
        taken in 1..40_000_usize,
        length in 0..150_000_usize,
        is_newer: bool,
    ) {
        let (mut client, mut server) = opened(if is_newer { TLS13 } else { TLS12 });
        // Some patience, but not for a million of steps.
        let (up, down, taken) = (up.max(length / 500), down.max(length / 500), taken.max(length / 500));
        transfer(&mut client, &mut server, length, &Pieces { up: up.max(1), down, taken });
    }
}
