//! The file of an opening, and what it opens.

use proptest::prelude::*;

use super::*;
use crate::Kind;
use crate::fixtures::{BODY, SECRET, bare, opening, receipt};

#[test]
fn the_encoding_is_as_documented() {
    let hash = |bytes: [u8; 32]| [&[0x58, 0x20][..], &bytes].concat();
    let root = |side| opening().body(side).unwrap().root;
    let bytes = [
        &[0x83, 0x01][..],
        &hash(SECRET),
        b"\x89\x82\x00\x63GET\x82\x01\x65https\x82\x02\x6fapi.example.com\x82\x03\x67/v1?x=1",
        b"\x83\x04\x66accept\x43*/*\x84\x05\x00\x00",
        &hash(root(BodySide::Request)),
        b"\x82\x07\x18\xc8\x83\x08\x6ccontent-type\x4atext/plain\x84\x09\x05\x01",
        &hash(root(BodySide::Response)),
    ]
    .concat();
    assert_eq!(*opening().encode(), bytes);
    let read = Opening::decode(&bytes).unwrap();
    assert_eq!((read.values(), read.leaves()), (opening().values(), opening().leaves()));
    assert_eq!(read.secret().expose(), &SECRET);
    assert_eq!(format!("{read:?}"), "Opening { values: 9, .. }");
}

#[test]
fn other_bytes_are_refused_by_name() {
    let bytes = opening().encode().to_vec();
    for length in 0..bytes.len() {
        let refused = Opening::decode(&bytes[..length]);
        assert!(matches!(refused, Err(ReceiptError::Opening { .. })), "prefix of {length} bytes");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(Opening::decode(&longer).map(drop), Err(ReceiptError::NotDeterministic));
    let long_form = [&[0x83, 0x18, 0x01], &bytes[2..]].concat();
    assert_eq!(Opening::decode(&long_form).map(drop), Err(ReceiptError::NotDeterministic));
    let mut version = bytes;
    version[1] = 2;
    let refused = ReceiptError::Version { expected: 1, found: 2 };
    assert_eq!(Opening::decode(&version).map(drop), Err(refused));
    let found = SIGNED_RECEIPT_MAX_BYTES + 1;
    let refused = ReceiptError::TooLong { limit: SIGNED_RECEIPT_MAX_BYTES, found };
    assert_eq!(Opening::decode(&vec![0; found]).map(drop), Err(refused));
    // A list that claims 2^63 values.
    let lie = [&[0x83, 0x01, 0x58, 0x20][..], &[0; 32], &[0x9B, 0x80, 0, 0, 0, 0, 0, 0, 0]].concat();
    assert!(matches!(Opening::decode(&lie), Err(ReceiptError::Opening { .. })));
}

#[test]
fn each_leaf_is_shown_by_itself() {
    let opening = opening();
    for (index, value) in opening.values().iter().enumerate() {
        let disclosures = opening.disclose(|asked| asked == value);
        let [Disclosure::Leaf(leaf)] = disclosures.as_slice() else { panic!("one leaf") };
        assert_eq!((leaf.index, &leaf.value), (index as u64, value));
        assert_eq!(leaf.salt, opening.secret().salt(index as u64));
        assert!(bare(&receipt()).with_disclosures(disclosures).is_ok());
    }
}

#[test]
fn bodies_are_shown_by_those_who_have_them() {
    let opening = opening();
    assert_eq!(opening.disclose_body(BodySide::Response, 0..5, BODY).unwrap().len(), 1);
    assert_eq!(opening.disclose_body(BodySide::Request, 0..0, b""), Ok(vec![]));
    let refused = ReceiptError::OtherBody { expected: 5, found: 4 };
    assert_eq!(opening.disclose_body(BodySide::Response, 0..5, b"hell"), Err(refused));
    let mut without = opening;
    without.values.retain(|value| value.kind() != Kind::ResponseBody);
    let refused = ReceiptError::BodyHidden { body: BodySide::Response };
    assert_eq!(without.disclose_body(BodySide::Response, 0..5, BODY), Err(refused));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        prop_assert!(Opening::decode(&bytes).is_err());
    }

    #[test]
    fn whatever_decodes_has_one_encoding(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut bytes = opening().encode().to_vec();
        for (place, value) in changes {
            let index = place.index(bytes.len());
            bytes[index] = value;
        }
        if let Ok(opening) = Opening::decode(&bytes) {
            prop_assert_eq!(&*opening.encode(), &bytes);
        }
    }
}
