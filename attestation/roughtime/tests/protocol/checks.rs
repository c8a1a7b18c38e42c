//! Every check bites: one thing is wrong at a time, signed as if it were right, and refused by its name.

use attestation_roughtime::{
    MessageError, Midpoint, Part, RESPONSE_MAX_BYTES, ResponseError, Tag, read_response, request,
};
use attestation_signature::RustCrypto;
use proptest::prelude::*;

use crate::server::{Answer, NOW_S, RADIUS_S, Server, hash, tree};

const NONCE: [u8; 32] = [3; 32];
const NOW: Midpoint = Midpoint { midpoint_s: NOW_S, radius_s: RADIUS_S };

/// What comes of an answer that was changed before it was signed.
fn read(change: impl FnOnce(&mut Answer)) -> Result<Midpoint, ResponseError> {
    let server = Server::new(1);
    let request = request(&server.key(), &NONCE);
    let mut answer = Answer::to(&request, &server);
    change(&mut answer);
    read_response(&RustCrypto, &server.key(), &request, &answer.packet(&server))
}

/// A request, the third of five that were answered together, and the answer.
fn one_of_five(server: &Server) -> (Vec<u8>, Vec<u8>) {
    let requests: Vec<_> = (0..5).map(|number| request(&server.key(), &[number; 32])).collect();
    let (path, root) = tree(&requests, 2);
    let mut answer = Answer::to(&requests[2], server);
    answer.place(2, &path, &root);
    (requests[2].clone(), answer.packet(server))
}

#[test]
fn what_is_right_is_read() {
    assert_eq!(read(|_| ()), Ok(NOW));
    let server = Server::new(1);
    let (request, response) = one_of_five(&server);
    assert_eq!(read_response(&RustCrypto, &server.key(), &request, &response), Ok(NOW));
}

/// The signatures, the nonce, the tree or the form: something covers each bit of a response and of its request.
#[test]
fn each_bit_counts() {
    let server = Server::new(1);
    let (request, response) = one_of_five(&server);
    let read = |request: &[u8], response: &[u8]| read_response(&RustCrypto, &server.key(), request, response);
    for bit in 0..response.len() * 8 {
        let mut changed = response.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(read(&request, &changed).is_err(), "byte {}, bit {} of the response", bit / 8, bit % 8);
    }
    for byte in 0..request.len() {
        let mut changed = request.clone();
        changed[byte] ^= 1;
        assert!(read(&changed, &response).is_err(), "byte {byte} of the request");
    }
    let mut key = server.key();
    key.0[0] ^= 1;
    let refused = read_response(&RustCrypto, &key, &request, &response);
    assert_eq!(refused, Err(ResponseError::DelegationSignature { key }));
}

#[test]
fn no_prefix_and_no_suffix_is_read() {
    let server = Server::new(1);
    let (request, response) = one_of_five(&server);
    for length in 0..response.len() {
        let refused = read_response(&RustCrypto, &server.key(), &request, &response[..length]);
        assert!(
            matches!(refused, Err(ResponseError::Message { part: Part::Response, .. })),
            "{length} bytes"
        );
    }
    for longer in response.len() + 1..=RESPONSE_MAX_BYTES + 1 {
        let mut response = response.clone();
        response.resize(longer, 0);
        assert!(read_response(&RustCrypto, &server.key(), &request, &response).is_err(), "{longer} bytes");
    }
    for length in 0..request.len() {
        let refused = read_response(&RustCrypto, &server.key(), &request[..length], &response);
        assert!(matches!(refused, Err(ResponseError::Message { part: Part::Request, .. })), "{length} bytes");
    }
}

/// Each value with the length that it has to have, where it has one.
const VALUES: [(Part, Tag, Option<usize>); 17] = [
    (Part::Response, Tag::SIG, Some(64)),
    (Part::Response, Tag::NONC, Some(32)),
    (Part::Response, Tag::TYPE, Some(4)),
    (Part::Response, Tag::PATH, None),
    (Part::Response, Tag::SREP, None),
    (Part::Response, Tag::CERT, None),
    (Part::Response, Tag::INDX, Some(4)),
    (Part::SignedResponse, Tag::VER, Some(4)),
    (Part::SignedResponse, Tag::RADI, Some(4)),
    (Part::SignedResponse, Tag::MIDP, Some(8)),
    (Part::SignedResponse, Tag::VERS, None),
    (Part::SignedResponse, Tag::ROOT, Some(32)),
    (Part::Certificate, Tag::SIG, Some(64)),
    (Part::Certificate, Tag::DELE, None),
    (Part::Delegation, Tag::PUBK, Some(32)),
    (Part::Delegation, Tag::MINT, Some(8)),
    (Part::Delegation, Tag::MAXT, Some(8)),
];

#[test]
fn nothing_may_be_missing_and_nothing_has_another_length() {
    for (part, tag, length) in VALUES {
        let missing = read(|answer| answer.spoilt = Some((part, tag, None)));
        assert_eq!(missing, Err(ResponseError::MissingTag { part, tag }));
        for found in length.map(|expected| [0, expected - 4, expected + 4]).into_iter().flatten() {
            let expected = length.unwrap();
            let refused = read(|answer| answer.spoilt = Some((part, tag, Some(found))));
            assert_eq!(refused, Err(ResponseError::ValueLength { part, tag, expected, found }));
        }
    }
}

#[test]
fn inner_messages_are_messages() {
    for (part, tag, inner) in
        [(Part::Response, Tag::SREP, Part::SignedResponse), (Part::Response, Tag::CERT, Part::Certificate)]
    {
        let refused = read(|answer| answer.spoilt = Some((part, tag, Some(0))));
        let error = MessageError::Short { expected: 4, found: 0 };
        assert_eq!(refused, Err(ResponseError::Message { part: inner, error }));
    }
}

/// What is wrong, how it comes about, what is said of it.
type Case = (&'static str, fn(&mut Answer), ResponseError);

#[test]
fn each_value_is_looked_at() {
    let cases: [Case; 8] = [
        ("a request", |answer| answer.response.set(Tag::TYPE, &[0; 4]), ResponseError::Type { found: 0 }),
        ("type 2", |answer| answer.response.set(Tag::TYPE, &[2, 0, 0, 0]), ResponseError::Type { found: 2 }),
        (
            "another nonce",
            |answer| answer.response.set(Tag::NONC, &[4; 32]),
            ResponseError::Nonce { expected: NONCE, found: [4; 32] },
        ),
        (
            "a draft's version",
            |answer| answer.signed.set(Tag::VER, &0x8000_000C_u32.to_le_bytes()),
            ResponseError::Version { found: 0x8000_000C },
        ),
        ("certain to the second", |answer| answer.signed.set(Tag::RADI, &[0; 4]), ResponseError::Radius),
        (
            "a piece of a hash in the path",
            |answer| answer.response.set(Tag::PATH, &[0; 36]),
            ResponseError::PathLength { found: 36 },
        ),
        (
            "index without a path",
            |answer| answer.response.set(Tag::INDX, &[1, 0, 0, 0]),
            ResponseError::Index { path: 0, found: 1 },
        ),
        (
            "index beyond the path",
            |answer| answer.place(4, &[[0; 32]; 2], &[0; 32]),
            ResponseError::Index { path: 2, found: 4 },
        ),
    ];
    for (what, change, error) in cases {
        assert_eq!(read(change), Err(error), "{what}");
    }
}

#[test]
fn lists_of_versions_are_in_order_and_have_the_right_one() {
    let read = |list: &[u32]| {
        let bytes: Vec<u8> = list.iter().flat_map(|version| version.to_le_bytes()).collect();
        read(|answer| answer.signed.set(Tag::VERS, &bytes))
    };
    let most: Vec<u32> = (1..=32).collect();
    for right in [&[1][..], &[0, 1], &[1, 0x8000_000C], &[1, 1], &most] {
        assert_eq!(read(right), Ok(NOW), "{right:?}");
    }
    assert_eq!(read(&[0x8000_000C, 1]), Err(ResponseError::VersionOrder { before: 0x8000_000C, found: 1 }));
    assert_eq!(read(&[0, 2]), Err(ResponseError::VersionUnlisted));
    let length = |found| Err(ResponseError::VersionListLength { limit: 32, found });
    assert_eq!(read(&[]), length(0));
    assert_eq!(read(&(0..33).collect::<Vec<u32>>()), length(132));
}

#[test]
fn a_key_is_delegated_for_some_time() {
    let read = |least: u64, most: u64| {
        read(|answer| {
            answer.delegation.set(Tag::MINT, &least.to_le_bytes());
            answer.delegation.set(Tag::MAXT, &most.to_le_bytes());
        })
    };
    assert_eq!(read(NOW_S, NOW_S), Ok(NOW));
    for (least, most) in [(NOW_S + 1, u64::MAX), (0, NOW_S - 1), (NOW_S + 1, NOW_S - 1)] {
        assert_eq!(read(least, most), Err(ResponseError::Midpoint { least, most, found: NOW_S }));
    }
}

#[test]
fn signatures_are_by_the_right_keys() {
    let (server, other) = (Server::new(1), Server::new(2));
    let request = request(&server.key(), &NONCE);
    let read = |packet: &[u8]| read_response(&RustCrypto, &server.key(), &request, packet);
    let by_other = other.answer(&request);
    assert_eq!(read(&by_other), Err(ResponseError::DelegationSignature { key: server.key() }));
    let mut answer = Answer::to(&request, &server);
    answer.delegation.set(Tag::PUBK, &other.delegated_key());
    let key = other.delegated_key();
    assert_eq!(read(&answer.packet(&server)), Err(ResponseError::ResponseSignature { key }));
}

/// The tree binds the whole request, so that padding and the wish for a server cannot be exchanged.
#[test]
fn an_answer_is_to_one_request() {
    let server = Server::new(1);
    let request = request(&server.key(), &NONCE);
    let response = server.answer(&request);
    let mut padded = request.clone();
    *padded.last_mut().unwrap() = 1;
    let refused = read_response(&RustCrypto, &server.key(), &padded, &response);
    let (expected, found) = (hash(&[&[0], &padded]), hash(&[&[0], &request]));
    assert_eq!(refused, Err(ResponseError::Root { expected, found }));
}

#[test]
fn paths_lead_from_any_leaf_of_any_tree() {
    let server = Server::new(1);
    for count in 1..=17 {
        let requests: Vec<_> = (0..count).map(|number| request(&server.key(), &[number; 32])).collect();
        for (index, request) in requests.iter().enumerate() {
            let (path, root) = tree(&requests, index);
            let read = |index: u32, path: &[[u8; 32]]| {
                let mut answer = Answer::to(request, &server);
                answer.place(index, path, &root);
                read_response(&RustCrypto, &server.key(), request, &answer.packet(&server))
            };
            let number = u32::try_from(index).unwrap();
            assert_eq!(read(number, &path), Ok(NOW), "{index} of {count}");
            assert!(read(number ^ 1, &path).is_err(), "{index} of {count}, at its sibling's place");
            let longer = [path.as_slice(), &[[0; 32]]].concat();
            assert!(read(number, &longer).is_err(), "{index} of {count}, path too long");
            if let Some((_, shorter)) = path.split_last() {
                assert!(read(number, shorter).is_err(), "{index} of {count}, path too short");
            }
        }
    }
}

/// RFC 10049 §7: a client that does not pass over what it does not know breaks, and is meant to.
#[test]
fn unknown_tags_are_passed_over() {
    let unknown = [Tag(*b"AAAA"), Tag(*b"GREZ"), Tag(*b"ZZZZ"), Tag(*b"A\0\0\0")];
    assert_eq!(read(|answer| answer.response.set(Tag(*b"GREZ"), b"")), Ok(NOW));
    assert_eq!(read(|answer| answer.signed.set(Tag(*b"GREZ"), b"greasing")), Ok(NOW));
    assert_eq!(read(|answer| answer.certificate.set(Tag(*b"GREZ"), b"greasing")), Ok(NOW));
    assert_eq!(read(|answer| answer.delegation.set(Tag(*b"GREZ"), b"greasing")), Ok(NOW));
    for tag in unknown {
        assert_eq!(read(|answer| answer.response.set(tag, b"0123")), Ok(NOW), "{tag}");
    }
}

#[test]
fn a_response_is_no_longer_than_its_request() {
    let padded = |bytes: usize| read(|answer| answer.response.set(Tag::ZZZZ, &vec![0; bytes]));
    // Frame, seven values with their header, and an eighth of its own.
    let room = RESPONSE_MAX_BYTES - 416 - 8;
    assert_eq!(padded(room), Ok(NOW));
    assert_eq!(padded(room + 1), Err(ResponseError::TooLong { found: RESPONSE_MAX_BYTES + 1 }));
}

proptest! {
    #[test]
    fn no_bytes_panic(
        request in prop::collection::vec(any::<u8>(), 0..200),
        response in prop::collection::vec(any::<u8>(), 0..1200),
    ) {
        let key = Server::new(1).key();
        prop_assert!(read_response(&RustCrypto, &key, &request, &response).is_err());
    }

    /// Numbers in headers are what a parser would stumble over: several of them are changed at once.
    #[test]
    fn no_changes_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u32>()), 1..6),
    ) {
        let server = Server::new(1);
        let (request, response) = one_of_five(&server);
        let mut changed = response.clone();
        for (place, number) in changes {
            let place = place.index(changed.len() / 4) * 4;
            changed[place..place + 4].copy_from_slice(&number.to_le_bytes());
        }
        let read = read_response(&RustCrypto, &server.key(), &request, &changed);
        prop_assert_eq!(read.is_ok(), changed == response);
    }
}
