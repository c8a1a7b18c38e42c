//! The file of an opening of a commitment. What it proves is tested with servers, from outside.

use proptest::prelude::*;

use super::*;
use crate::receipts_root;

const DIGESTS: [[u8; 32]; 5] = [[1; 32], [2; 32], [3; 32], [4; 32], [5; 32]];

#[test]
fn the_encoding_is_as_documented() {
    let opening = CommitmentOpening { salt: [7; 32], index: 1, receipts: 300, path: vec![[8; 32]] };
    let bytes = [&b"\x85\x01\x58\x20"[..], &[7; 32], b"\x01\x19\x01\x2c\x81\x58\x20", &[8; 32]].concat();
    assert_eq!(opening.encode(), bytes);
    assert_eq!(CommitmentOpening::decode(&bytes), Ok(opening));
    for length in 0..bytes.len() {
        let refused = CommitmentOpening::decode(&bytes[..length]);
        assert!(matches!(refused, Err(ReceiptError::Opening { .. })), "prefix of {length} bytes");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(CommitmentOpening::decode(&longer), Err(ReceiptError::NotDeterministic));
    let mut version = bytes;
    version[1] = 2;
    let refused = ReceiptError::Version { expected: 1, found: 2 };
    assert_eq!(CommitmentOpening::decode(&version), Err(refused));
}

#[test]
fn paths_lead_to_the_root_of_all() {
    for (index, digest) in DIGESTS.iter().enumerate() {
        let opening = CommitmentOpening::new([7; 32], &DIGESTS, index).unwrap();
        assert_eq!((opening.index, opening.receipts), (index as u64, 5));
        let root = root_of_path(leaf_hash(digest), opening.index, opening.receipts, &opening.path);
        assert_eq!(root, Some(receipts_root(&DIGESTS)));
    }
    assert_eq!(CommitmentOpening::new([7; 32], &DIGESTS, 5), None);
    assert_eq!(CommitmentOpening::new([7; 32], &[], 0), None);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        if let Ok(opening) = CommitmentOpening::decode(&bytes) {
            prop_assert_eq!(opening.encode(), bytes);
        }
    }
}
