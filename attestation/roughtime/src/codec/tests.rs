//! One encoding of each proof, and bounds on all of it. The responses here are any bytes: nobody reads them.

use proptest::prelude::*;

use super::*;

fn exchange(server: u8, response: usize) -> Exchange {
    Exchange { server: ServerKey([server; 32]), blind: [server ^ 0xFF; 32], response: vec![9; response] }
}

fn proof(previous: Option<usize>, exchanges: Vec<Exchange>) -> Proof {
    Proof::of(previous.map(|bytes| vec![8; bytes]), exchanges).unwrap()
}

fn small() -> Proof {
    proof(Some(5), vec![exchange(1, 4), exchange(2, 3), exchange(1, 2)])
}

/// What [`small`] is, byte by byte.
fn small_bytes() -> Vec<u8> {
    let hash = |byte| [&[0x58, 32][..], &[byte; 32]].concat();
    [
        &b"\xA4\x00\x01\x01\x45\x08\x08\x08\x08\x08\x02\x82"[..],
        &hash(1),
        &hash(2),
        b"\x03\x83\x83\x00",
        &hash(0xFE),
        b"\x44\x09\x09\x09\x09\x83\x01",
        &hash(0xFD),
        b"\x43\x09\x09\x09\x83\x00",
        &hash(0xFE),
        b"\x42\x09\x09",
    ]
    .concat()
}

#[test]
fn the_encoding_is_as_documented() {
    assert_eq!(small().encode(), small_bytes());
    assert_eq!(Proof::decode(&small_bytes()), Ok(small()));
    let digest = ::hex::encode(small().digest());
    assert_eq!(digest, "420030120c8e71332ca46073e78316e742b92bfd9a3fb905e27ab438337e4034");
}

#[test]
fn encoding_round_trips() {
    let first = proof(None, vec![exchange(1, 1)]);
    let largest = proof(Some(RESPONSE_MAX_BYTES), (0..32).map(|server| exchange(server, 1036)).collect());
    for proof in [&first, &largest] {
        assert_eq!(Proof::decode(&proof.encode()).as_ref(), Ok(proof));
    }
    assert_eq!((first.previous(), first.exchanges().len()), (None, 1));
    // The first 24 numbers of servers have one byte.
    assert_eq!(largest.encode().len() + 24, PROOF_MAX_BYTES);
}

#[test]
fn no_prefix_and_no_suffix_decodes() {
    let bytes = small_bytes();
    for length in 0..bytes.len() {
        let refused = Proof::decode(&bytes[..length]);
        assert!(matches!(refused, Err(ProofError::Malformed { .. })), "{length} bytes: {refused:?}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(Proof::decode(&longer), Err(ProofError::NotDeterministic));
}

#[test]
fn limits_hold_for_every_part() {
    let found = PROOF_MAX_BYTES + 1;
    assert_eq!(Proof::decode(&vec![0; found]), Err(ProofError::TooLong { found }));
    for found in [0, RESPONSE_MAX_BYTES + 1] {
        let refused = Err(ProofError::ResponseLength { found });
        assert_eq!(Proof::decode(&proof(None, vec![exchange(1, found)]).encode()), refused);
        assert_eq!(Proof::decode(&proof(Some(found), vec![exchange(1, 1)]).encode()), refused);
    }
    let many = proof(None, (0..33).map(|_| exchange(1, 1)).collect()).encode();
    assert_eq!(Proof::decode(&many), Err(ProofError::ExchangeCount { found: 33 }));
    let many = proof(None, (0..33).map(|server| exchange(server, 1)).collect()).encode();
    assert_eq!(Proof::decode(&many), Err(ProofError::ServerCount { found: 33 }));
}

/// The bytes with some of them replaced.
fn changed(at: usize, length: usize, with: &[u8]) -> Vec<u8> {
    let mut bytes = small_bytes();
    bytes.splice(at..at + length, with.iter().copied());
    bytes
}

#[test]
fn wrong_content_is_named() {
    let cases = [
        ("version", changed(2, 1, &[2]), ProofError::Version { found: 2 }),
        ("long version", changed(2, 1, b"\x1B\x01\0\0\0\0\0\0\0"), ProofError::Version { found: u32::MAX }),
        ("no servers", changed(11, 1 + 2 * 34, &[0x80]), ProofError::ServerCount { found: 0 }),
        ("no exchanges", [&small_bytes()[..81], &[0x80]].concat(), ProofError::ExchangeCount { found: 0 }),
        ("unlisted", changed(83, 1, &[2]), ProofError::ServerNumber { exchange: 0, servers: 2, found: 2 }),
        ("lie", changed(11, 1, b"\x9B\xFF\0\0\0\0\0\0\0"), ProofError::ServerCount { found: 0xFF << 56 }),
        (
            "short key",
            changed(12, 34, &[&b"\x58\x1F"[..], &[1; 31]].concat()),
            ProofError::Malformed { offset: 45 },
        ),
        ("map of two", changed(0, 1, &[0xA2]), ProofError::Malformed { offset: 1 }),
        ("another key", changed(3, 1, &[7]), ProofError::Malformed { offset: 4 }),
        ("array of two", changed(82, 1, &[0x82]), ProofError::Malformed { offset: 83 }),
    ];
    for (what, bytes, error) in cases {
        assert_eq!(Proof::decode(&bytes), Err(error), "{what}");
    }
}

#[test]
fn other_encodings_of_the_same_content_are_refused() {
    let servers = |first: u8, second: u8| {
        let mut bytes = small_bytes();
        bytes[14..46].fill(first);
        bytes[48..80].fill(second);
        bytes
    };
    let mut swapped = servers(2, 1);
    let numbers = [83, 83 + 41, 83 + 41 + 40];
    for (at, number) in numbers.into_iter().zip([1, 0, 1]) {
        swapped[at] = number;
    }
    let mut unused = small_bytes();
    unused[numbers[1]] = 0;
    let open = |at: usize, head: u8| {
        let mut bytes = small_bytes();
        bytes[at] = head;
        bytes
    };
    let cases = [
        ("long integer", changed(2, 1, &[0x18, 1])),
        ("long key", changed(3, 1, &[0x18, 1])),
        ("long length", changed(4, 1, &[0x58, 5])),
        ("servers out of order", swapped),
        ("a server twice", servers(1, 1)),
        ("a server that is not asked", unused),
        ("open array of servers", open(11, 0x9F)),
        ("open array of exchanges", open(81, 0x9F)),
    ];
    for (what, bytes) in cases {
        assert_eq!(Proof::decode(&bytes), Err(ProofError::NotDeterministic), "{what}");
    }
    for open in [open(0, 0xBF), open(4, 0x5F), open(82, 0x9F)] {
        assert!(matches!(Proof::decode(&open), Err(ProofError::Malformed { .. })));
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let _ = Proof::decode(&bytes);
    }

    #[test]
    fn whatever_decodes_has_one_encoding(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let mut bytes = small_bytes();
        for (place, value) in changes {
            let index = place.index(bytes.len());
            bytes[index] = value;
        }
        if let Ok(proof) = Proof::decode(&bytes) {
            prop_assert_eq!(proof.encode(), bytes);
        }
    }
}
