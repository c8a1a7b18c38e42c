//! One segment without the rest.

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::support::{END, Piece, chain, entry, header, pieces, renumber, sample, write};
use crate::error::{HeadField, Place};
use crate::{
    Content, InclusionProof, Kind, PROOF_MAX_BYTES, ProofError, ProvenSegment, Reader, Root, TranscriptError,
    prove, verify_proof,
};

fn check(bytes: &[u8], root: &Root) -> Result<(), ProofError> {
    verify_proof(&InclusionProof::decode(bytes)?, root).map(drop)
}

#[test]
fn every_segment_is_shown_as_it_is() {
    let (file, root) = write(&sample());
    let all: Vec<_> = Reader::new(&file).unwrap().map(Result::unwrap).collect();
    for segment in 0..4 {
        let proof = prove(&file, segment).unwrap();
        let bytes = proof.encode();
        assert!(bytes.len() <= PROOF_MAX_BYTES);
        assert_eq!(InclusionProof::decode(&bytes).as_ref(), Ok(&proof));
        assert_eq!(proof.unverified_root(), Ok(root));
        let ProvenSegment { index, segments, entries, content } = verify_proof(&proof, &root).unwrap();
        assert_eq!((index, segments, entries), (segment, 4, 9));
        match content {
            Content::Header(found) => assert!(segment == 0 && found == header()),
            Content::Entries(entries) => {
                // Fuel is the run's: a segment says by itself when something happened.
                let found: Vec<_> = entries.map(Result::unwrap).collect();
                let expected = all.iter().filter(|entry| entry.segment == segment).copied();
                assert_eq!(found, expected.collect::<Vec<_>>());
            }
        }
    }
    for found in [4, u64::MAX] {
        assert_eq!(prove(&file, found), Err(ProofError::NoSegment { segments: 4, found }));
    }
    let harmed = file[..file.len() - 1].to_vec();
    assert!(matches!(prove(&harmed, 1), Err(ProofError::Segment(TranscriptError::Truncated { .. }))));
}

#[test]
fn the_encoding_is_pinned() {
    // By the rules of RFC 8949: map, version, 1 entry, 2 segments, chain value, leaf of 23 bytes, path of one
    // hash.
    let (file, _) = write(&[(11, 0, Vec::new())]);
    let [head, last] = &pieces(&file)[..] else { panic!() };
    let sibling = Sha256::digest([&[0][..], &head.leaf()].concat());
    let expected = [
        &[0xA6, 0, 1, 1, 1, 2, 2, 3, 0x58, 32],
        &last.chain[..],
        &[4, 0x57],
        &last.leaf(),
        &[5, 0x81, 0x58, 32],
        &sibling,
    ];
    assert_eq!(prove(&file, 1).unwrap().encode(), expected.concat());
}

#[test]
fn no_byte_of_a_proof_can_change() {
    let (file, root) = write(&sample());
    for segment in [0, 3] {
        let bytes = prove(&file, segment).unwrap().encode();
        for offset in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[offset] ^= 1 << bit;
                assert!(check(&changed, &root).is_err(), "byte {offset}, bit {bit}");
            }
        }
        for length in 0..bytes.len() {
            assert!(check(&bytes[..length], &root).is_err(), "prefix of {length} bytes");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(check(&longer, &root), Err(ProofError::NotDeterministic));
    }
    let (expected, found) = (Root([7; 32]), root);
    let proof = prove(&file, 1).unwrap();
    let wrong = ProofError::WrongRoot { expected, found };
    assert_eq!(verify_proof(&proof, &expected).map(drop), Err(wrong));
}

#[test]
fn other_spellings_and_lengths_are_refused() {
    let (file, root) = write(&sample());
    let bytes = prove(&file, 3).unwrap().encode();
    let refused = |bytes: Vec<u8>| check(&bytes, &root).unwrap_err();
    assert_eq!(refused([&bytes[..2], &[0x18, 1], &bytes[3..]].concat()), ProofError::NotDeterministic);
    assert_eq!(refused([&bytes[..2], &[2], &bytes[3..]].concat()), ProofError::Version { found: 2 });
    assert_eq!(refused([&[0xBF], &bytes[1..], &[0xFF]].concat()), ProofError::Malformed { offset: 1 });
    let (limit, found) = (PROOF_MAX_BYTES, PROOF_MAX_BYTES + 1);
    assert_eq!(refused(vec![0; found]), ProofError::TooLong { limit, found });
    let path = bytes.len() - 2 * 34 - 1;
    assert_eq!(bytes[path], 0x82);
    let open = [&bytes[..path], &[0x9F], &bytes[path + 1..], &[0xFF]].concat();
    assert_eq!(refused(open), ProofError::NotDeterministic);
    // Lengths that are believed would be allocated here.
    for (head, found) in [(vec![0x98, 33], 33), (vec![0x9B, 0xFF, 0, 0, 0, 0, 0, 0, 0], 0xFF << 56)] {
        let many = [&bytes[..path], &head, &bytes[path + 1..]].concat();
        assert_eq!(refused(many), ProofError::PathTooLong { limit: 32, found });
    }
    let shorter = [&bytes[..path], &[0x81], &bytes[path + 1..path + 35]].concat();
    assert_eq!(refused(shorter), ProofError::PathLength { segment: 3, segments: 4, found: 1 });
    let fewer = [&bytes[..6], &[3], &bytes[7..]].concat();
    assert_eq!(refused(fewer), ProofError::NoSegment { segments: 3, found: 3 });
    let no_head = [&bytes[..43], &[0x43, 0, 0, 0], &bytes[path - 1..]].concat();
    assert_eq!(refused(no_head), ProofError::SegmentLength { expected: 20, found: 3 });
    let leaf = pieces(&file)[3].leaf();
    let cut = [&[4, 0x58, leaf.len() as u8 - 1][..], &leaf[..leaf.len() - 1]].concat();
    let cut = [&bytes[..42], &cut, &bytes[path - 1..]].concat();
    let (expected, found) = (leaf.len(), leaf.len() - 1);
    assert_eq!(refused(cut), ProofError::SegmentLength { expected, found });
}

/// Tree and root as the description says, and a proof for one of two segments.
fn signed(segments: &mut [Piece; 2], entries: u64, shown: usize) -> (Vec<u8>, Root) {
    chain(segments);
    let hash = |parts: &[&[u8]]| -> [u8; 32] { Sha256::digest(parts.concat()).into() };
    let leaves = [segments[0].leaf(), segments[1].leaf()];
    let hashes = [hash(&[&[0], &leaves[0]]), hash(&[&[0], &leaves[1]])];
    let numbers = [&1_u32.to_le_bytes()[..], &entries.to_le_bytes(), &2_u64.to_le_bytes()].concat();
    let tree = hash(&[&[1], &hashes[0], &hashes[1]]);
    let root = hash(&[b"redoubt transcript root 1", &numbers, &segments[1].chain, &tree]);
    let length = (leaves[shown].len() as u16).to_be_bytes();
    let proof = [
        &[0xA6, 0, 1, 1, entries as u8, 2, 2, 3, 0x58, 32],
        &segments[1].chain[..],
        &[4, 0x59],
        &length,
        &leaves[shown],
        &[5, 0x81, 0x58, 32],
        &hashes[1 - shown],
    ];
    (proof.concat(), Root(root))
}

/// A root over something that no writer writes; the leaf is long enough for a length of two bytes.
#[test]
fn a_signer_of_nonsense_is_named() {
    let honest = pieces(&write(&sample()).0);
    let long = entry(4, &[9], &[0xAC, 0x02], &[0; 300]);
    let result = |body: &[&[u8]], entries: u64| {
        let mut segments = [honest[0].clone(), Piece::new(1, 0, body)];
        let (proof, root) = signed(&mut segments, entries, 1);
        check(&proof, &root)
    };
    assert_eq!(result(&[&long, END], 2), Ok(()));
    let contradiction = ProofError::EntryNumbers { segment: 1, expected: 3, found: 2 };
    assert_eq!(result(&[&long, END], 3), Err(contradiction));
    let full = entry(4, &[9], &[0x80, 0x20], &[0; 4096]);
    assert_eq!(result(&[&full], 1), Err(ProofError::End { segment: 1, segments: 2 }));
    let at = Place { offset: 20 + long.len(), segment: 1, entries: 1..2 };
    let unknown = TranscriptError::UnknownKind { at, found: Kind(99) };
    assert_eq!(result(&[&long, &[99, 0, 0], END], 3), Err(ProofError::Segment(unknown)));

    // The last entry in the first of two segments with entries.
    let mut three = [honest[0].clone(), Piece::new(1, 0, &[&long, END]), Piece::new(2, 2, &[END])];
    renumber(&mut three);
    let mut first_two = [three[1].clone(), three[2].clone()];
    first_two[0].index = 0;
    let (proof, root) = signed(&mut first_two, 3, 0);
    let at = || Place { offset: 20, segment: 0, entries: 0..0 };
    let field = HeadField::EntryCount;
    let head = TranscriptError::Head { at: at(), field, expected: 0, found: 2 };
    assert_eq!(check(&proof, &root), Err(ProofError::Segment(head)));
    first_two[0].count = 0;
    let (proof, root) = signed(&mut first_two, 3, 0);
    let refused = check(&proof, &root).unwrap_err();
    assert!(matches!(refused, ProofError::Segment(TranscriptError::Header { .. })), "{refused}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn proofs_of_any_transcript_hold(
        sizes in prop::collection::vec(0_usize..9000, 0..25),
        choice: prop::sample::Index,
    ) {
        let mut entries: Vec<_> = sizes.iter().map(|size| (4, 5, vec![3; *size])).collect();
        entries.push((11, 6, Vec::new()));
        let (file, root) = write(&entries);
        let count = pieces(&file).len();
        let segment = choice.index(count) as u64;
        let proof = prove(&file, segment).unwrap().encode();
        let proof = InclusionProof::decode(&proof).unwrap();
        prop_assert_eq!(verify_proof(&proof, &root).unwrap().index, segment);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let proof = InclusionProof::decode(&bytes);
        prop_assert!(proof.is_err());
    }
}
