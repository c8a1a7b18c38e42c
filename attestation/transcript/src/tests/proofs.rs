//! One segment without the rest.

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::support::{END, Piece, chain, entry, header, pieces, sample, write};
use crate::error::{HeadField, Place};
use crate::{
    Content, HeaderError, InclusionProof, Kind, PROOF_MAX_BYTES, ProofError, ProvenSegment, Reader, Root,
    TranscriptError, prove, verify_proof,
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

fn hash(parts: &[&[u8]]) -> [u8; 32] {
    Sha256::digest(parts.concat()).into()
}

/// MTH and PATH as RFC 9162 defines them, by recursion.
fn tree(leaves: &[[u8; 32]], shown: usize) -> ([u8; 32], Vec<[u8; 32]>) {
    let [_, _, ..] = leaves else { return (leaves[0], Vec::new()) };
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let ((left_root, left_path), (right_root, right_path)) =
        (tree(left, shown.min(left.len() - 1)), tree(right, shown.saturating_sub(left.len())));
    let (mut path, sibling) =
        if shown < left.len() { (left_path, right_root) } else { (right_path, left_root) };
    path.push(sibling);
    (hash(&[&[1], &left_root, &right_root]), path)
}

/// A proof and its root, for segments that no writer writes. Leaves have a length of two bytes.
fn signed(segments: &mut [Piece], entries: u8, shown: usize) -> (Vec<u8>, Root) {
    chain(segments);
    let hashes: Vec<_> = segments.iter().map(|segment| hash(&[&[0], &segment.leaf()])).collect();
    let (tree, path) = tree(&hashes, shown);
    let (count, last) = (segments.len() as u8, &segments.last().unwrap().chain[..]);
    let numbers =
        [&1_u32.to_le_bytes()[..], &u64::from(entries).to_le_bytes(), &u64::from(count).to_le_bytes()]
            .concat();
    let root = hash(&[b"redoubt transcript root 1", &numbers, last, &tree]);
    let leaf = segments[shown].leaf();
    let length = (leaf.len() as u16).to_be_bytes();
    let head = [&[0xA6, 0, 1, 1, entries, 2, count, 3, 0x58, 32], last, &[4, 0x59], &length, &leaf].concat();
    let path: Vec<u8> = path.iter().flat_map(|hash| [&[0x58, 32], &hash[..]].concat()).collect();
    ([&head[..], &[5, 0x80 | (path.len() / 34) as u8], &path].concat(), Root(root))
}

fn result(segments: &mut [Piece], entries: u8, shown: usize) -> Result<(), ProofError> {
    let (proof, root) = signed(segments, entries, shown);
    check(&proof, &root)
}

#[test]
fn a_signer_of_nonsense_entries_is_named() {
    let header = pieces(&write(&sample()).0).remove(0);
    let long = entry(4, &[9], &[0xAC, 0x02], &[0; 300]);
    let full = entry(4, &[9], &[0x80, 0x20], &[0; 4096]);
    let last = |body: &[&[u8]], entries| result(&mut [header.clone(), Piece::new(1, 0, body)], entries, 1);
    assert_eq!(last(&[&long, END], 2), Ok(()));
    let contradiction = |expected, found| Err(ProofError::EntryNumbers { segment: 1, expected, found });
    assert_eq!(last(&[&long, END], 3), contradiction(3, 2));
    let no_end = |segments| Err(ProofError::End { segment: 1, segments });
    assert_eq!(last(&[&full], 1), no_end(2));
    let at = Place { offset: 20 + long.len(), segment: 1, entries: 1..2 };
    let unknown = TranscriptError::UnknownKind { at, found: Kind(99) };
    assert_eq!(last(&[&long, &[99, 0, 0], END], 3), Err(ProofError::Segment(unknown)));

    let middle = |body: &[&[u8]], entries| {
        let mut segments = [header.clone(), Piece::new(1, 0, body), Piece::new(2, 1, &[END])];
        result(&mut segments, entries, 1)
    };
    assert_eq!(middle(&[&full], 2), Ok(()));
    assert_eq!(middle(&[&long, END], 3), no_end(3));
    assert_eq!(middle(&[&full], 1), contradiction(1, 1));
}

#[test]
fn a_signer_of_a_nonsense_header_is_named() {
    let long = entry(4, &[9], &[0xAC, 0x02], &[0; 300]);
    let header = |change: fn(&mut Piece)| {
        let mut first = Piece::new(0, 0, &[&long]);
        change(&mut first);
        match result(&mut [first, Piece::new(1, 0, &[END])], 1, 0) {
            Err(ProofError::Segment(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    let at = || Place { offset: 20, segment: 0, entries: 0..0 };
    let number = |field, found| TranscriptError::Head { at: at(), field, expected: 0, found };
    assert_eq!(header(|_| ()), number(HeadField::EntryCount, 1));
    assert_eq!(header(|first| first.first = 3), number(HeadField::FirstEntry, 3));
    let error = HeaderError::TooLong { found: 304 };
    assert_eq!(header(|first| first.count = 0), TranscriptError::Header { at: at(), error });

    // A transcript of nothing but its header; its length takes one byte.
    let mut alone = [pieces(&write(&sample()).0).remove(0)];
    let (proof, root) = signed(&mut alone, 0, 0);
    let length = proof.iter().position(|byte| *byte == 0x59).unwrap();
    let proof = [&proof[..length], &[0x58], &proof[length + 2..]].concat();
    assert_eq!(check(&proof, &root), Err(ProofError::End { segment: 0, segments: 1 }));
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
