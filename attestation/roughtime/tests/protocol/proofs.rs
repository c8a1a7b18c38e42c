//! Proofs: what whoever hands one on could do to it, and servers that lie in one.

use attestation_roughtime::{
    Measurement, Midpoint, PROOF_MAX_BYTES, Proof, ProofError, ResponseError, ServerKey, response_digest,
};
use attestation_signature::RustCrypto;
use proptest::prelude::*;

use crate::server::{NOW_S, RADIUS_S, Server, blind};

/// Each server with what it says the time is, after this response.
pub(crate) fn measured(previous: Option<&[u8]>, by: &[(&Server, u64)]) -> Proof {
    let mut measurement = Measurement::begin(previous).unwrap();
    for (number, (server, at_s)) in by.iter().enumerate() {
        let asked = measurement.next_request(&server.key(), &blind(number)).unwrap();
        measurement.accept(&RustCrypto, &server.answer_at(&asked, *at_s)).unwrap();
    }
    measurement.finish().unwrap()
}

fn servers() -> [Server; 3] {
    [Server::new(1), Server::new(2), Server::new(3)]
}

fn keys(servers: &[Server]) -> Vec<ServerKey> {
    servers.iter().map(Server::key).collect()
}

/// All three, twice, a second later each time.
fn honest(servers: &[Server; 3]) -> Proof {
    let twice: Vec<_> = servers.iter().chain(servers).zip(NOW_S..).collect();
    measured(Some(b"the response before"), &twice)
}

#[test]
fn what_was_measured_verifies() {
    let servers = servers();
    let proof = honest(&servers);
    let verified = proof.verify(&RustCrypto, &keys(&servers)).unwrap();
    assert_eq!(verified.previous, Some(response_digest(b"the response before")));
    assert_eq!((verified.exchanges.len(), verified.inconsistencies.as_slice()), (6, &[][..]));
    for (number, exchange) in verified.exchanges.iter().enumerate() {
        let sent = &proof.exchanges()[number];
        let midpoint = Midpoint { midpoint_s: NOW_S + number as u64, radius_s: RADIUS_S };
        assert_eq!((exchange.server, exchange.midpoint), (servers[number % 3].key(), midpoint));
        assert_eq!((exchange.blind, exchange.response_digest), (sent.blind, response_digest(&sent.response)));
    }
    let again = Proof::decode(&proof.encode()).unwrap();
    assert_eq!((again.digest(), again.verify(&RustCrypto, &keys(&servers))), (proof.digest(), Ok(verified)));
}

#[test]
fn two_proofs_are_of_one_chain() {
    let servers = servers();
    let first = honest(&servers);
    let last = first.exchanges().last().unwrap();
    let second = measured(Some(&last.response), &[(&servers[0], NOW_S + 60)]);
    let [first, second] = [first, second].map(|proof| proof.verify(&RustCrypto, &keys(&servers)).unwrap());
    assert_eq!(second.previous, Some(first.exchanges[5].response_digest));
}

#[test]
fn servers_are_those_that_are_trusted() {
    let servers = servers();
    let proof = honest(&servers);
    let unknown =
        |exchange: usize| Err(ProofError::UnknownServer { exchange, server: servers[exchange].key() });
    assert_eq!(proof.verify(&RustCrypto, &[]), unknown(0));
    assert_eq!(proof.verify(&RustCrypto, &keys(&servers[1..])), unknown(0));
    assert_eq!(proof.verify(&RustCrypto, &keys(&servers[..2])), unknown(2));
    // More are trusted than were asked, in any order.
    let more = [keys(&servers[1..]), keys(&[Server::new(9)]), keys(&servers)].concat();
    assert!(proof.verify(&RustCrypto, &more).is_ok());
}

/// A proof in pieces: head up to the exchanges, and the exchanges.
struct Pieces {
    head: Vec<u8>,
    exchanges: Vec<Vec<u8>>,
}

impl Pieces {
    fn of(proof: &Proof) -> Self {
        let bytes = proof.encode();
        // What an exchange begins with; servers have one byte here.
        let starts: Vec<usize> = proof
            .exchanges()
            .iter()
            .map(|exchange| {
                let blind = [&[0x58, 32][..], &exchange.blind].concat();
                bytes.windows(34).position(|window| window == blind).unwrap() - 2
            })
            .collect();
        let ends = starts[1..].iter().copied().chain([bytes.len()]);
        let exchanges = starts.iter().zip(ends).map(|(start, end)| bytes[*start..end].to_vec()).collect();
        // Without the head of the array, which is one byte.
        Self { head: bytes[..starts[0] - 1].to_vec(), exchanges }
    }

    /// What comes of these exchanges, by number.
    fn verify(&self, order: &[usize], servers: &[ServerKey]) -> Result<usize, ProofError> {
        let exchanges = order.iter().flat_map(|number| self.exchanges[*number].clone());
        let count = 0x80 + u8::try_from(order.len()).unwrap();
        let bytes: Vec<u8> = self.head.iter().copied().chain([count]).chain(exchanges).collect();
        let verified = Proof::decode(&bytes)?.verify(&RustCrypto, servers)?;
        Ok(verified.exchanges.len())
    }
}

#[test]
fn exchanges_cannot_be_moved_repeated_or_taken_out() {
    let servers = servers();
    let (pieces, keys) = (Pieces::of(&honest(&servers)), keys(&servers));
    assert_eq!(pieces.verify(&[0, 1, 2, 3, 4, 5], &keys), Ok(6));
    let found_at = |order: &[usize]| match pieces.verify(order, &keys) {
        Err(ProofError::Response { exchange, error: ResponseError::Nonce { .. } }) => Some(exchange),
        _ => None,
    };
    for (what, order, exchange) in [
        ("swapped", &[0, 1, 2, 4, 3, 5][..], 3),
        ("both of one server swapped", &[3, 1, 2, 0, 4, 5], 0),
        ("the fourth taken out", &[0, 1, 2, 4, 5], 3),
        ("repeated", &[0, 1, 2, 3, 3, 4, 5], 4),
        ("repeated at the end", &[0, 1, 2, 3, 4, 5, 5], 6),
        ("the first again in the middle", &[0, 1, 2, 0, 3, 4, 5], 3),
    ] {
        assert_eq!(found_at(order), Some(exchange), "{what}");
    }
    // As documented: what is left out at the end, nobody misses who has no digest.
    assert_eq!(pieces.verify(&[0, 1, 2, 3, 4], &keys), Ok(5));
}

#[test]
fn what_a_chain_begins_with_cannot_be_exchanged() {
    let servers = servers();
    let bytes = honest(&servers).encode();
    let at = bytes.windows(19).position(|window| window == b"the response before").unwrap();
    let mut other = bytes.clone();
    other[at] ^= 1;
    // Map of three, without key 1.
    let without = [&[0xA3], &bytes[1..3], &bytes[at + 19..]].concat();
    for changed in [other, without] {
        let refused = Proof::decode(&changed).unwrap().verify(&RustCrypto, &keys(&servers));
        assert!(
            matches!(refused, Err(ProofError::Response { exchange: 0, error: ResponseError::Nonce { .. } })),
            "{refused:?}"
        );
    }
}

#[test]
fn each_byte_of_a_proof_counts() {
    let servers = servers();
    let bytes = measured(Some(b"before"), &[(&servers[0], NOW_S), (&servers[1], NOW_S)]).encode();
    for byte in 0..bytes.len() {
        for bit in [1, 0x80] {
            let mut changed = bytes.clone();
            changed[byte] ^= bit;
            let verified =
                Proof::decode(&changed).and_then(|proof| proof.verify(&RustCrypto, &keys(&servers)));
            assert!(verified.is_err(), "byte {byte}");
        }
    }
}

#[test]
fn a_server_that_lies_is_found_out() {
    let [one, two, three] = servers();
    let verify = |by: &[(&Server, u64)]| {
        measured(None, by)
            .verify(&RustCrypto, &keys(&[Server::new(1), Server::new(2), Server::new(3)]))
            .unwrap()
    };
    let late = NOW_S + 1000;
    // In the future: whoever is asked afterwards contradicts it.
    let verified = verify(&[(&one, NOW_S), (&two, late), (&three, NOW_S + 1)]);
    assert_eq!(verified.inconsistencies, [(1, 2)]);
    // In the past: whoever was asked before contradicts it.
    let verified = verify(&[(&one, NOW_S), (&two, NOW_S - 1000), (&three, NOW_S + 1)]);
    assert_eq!(verified.inconsistencies, [(0, 1)]);
    // The first in the past or the last in the future: nobody can tell until all are asked again.
    assert_eq!(verify(&[(&one, NOW_S - 1000), (&two, NOW_S), (&three, late)]).inconsistencies, []);
    let twice = [(&one, NOW_S - 1000), (&two, NOW_S), (&three, late)];
    let verified = verify(&[twice, twice].concat());
    assert_eq!(verified.inconsistencies, [(1, 3), (2, 3), (2, 4)]);
    // What is less than both radii apart is no lie.
    let verified = verify(&[(&one, NOW_S + 10), (&two, NOW_S)]);
    assert_eq!(verified.inconsistencies, []);
    let verified = verify(&[(&one, NOW_S + 11), (&two, NOW_S)]);
    assert_eq!(verified.inconsistencies, [(0, 1)]);
}

#[test]
fn the_longest_proof_fits() {
    let servers = servers();
    let by: Vec<_> = (0..32).map(|number| (&servers[number % 3], NOW_S)).collect();
    let proof = measured(None, &by);
    assert!(proof.encode().len() < PROOF_MAX_BYTES);
    assert_eq!(proof.verify(&RustCrypto, &keys(&servers)).unwrap().exchanges.len(), 32);
}

proptest! {
    #[test]
    fn no_changes_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
    ) {
        let servers = servers();
        let bytes = measured(None, &[(&servers[0], NOW_S), (&servers[1], NOW_S)]).encode();
        let mut changed = bytes.clone();
        for (place, value) in changes {
            let index = place.index(changed.len());
            changed[index] = value;
        }
        let verified = Proof::decode(&changed).and_then(|proof| proof.verify(&RustCrypto, &keys(&servers)));
        prop_assert_eq!(verified.is_ok(), changed == bytes);
    }
}
