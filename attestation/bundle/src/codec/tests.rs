//! One content, one encoding.

use proptest::prelude::*;

use super::*;

const AT: Instant = Instant::from_unix_seconds(1_775_437_323);

fn item(kind: Kind, contents: &[u8]) -> Item<'_> {
    Item { kind, contents }
}

fn bundle() -> Bundle<'static> {
    let items = vec![
        item(Kind::TdxQuote, b"quote"),
        item(Kind::TcbInfo, b"{}"),
        item(Kind::TcbInfoChain, b"chain"),
        item(Kind::Rim, b"second"),
        item(Kind::Rim, b"first"),
    ];
    Bundle { at: AT, items }
}

#[test]
fn encoding_round_trips_and_sorts_by_kind_alone() {
    let bytes = bundle().encode().unwrap();
    assert_eq!(Bundle::decode(&bytes).unwrap(), bundle());
    let mut mixed = bundle();
    mixed.items.rotate_left(3);
    assert_eq!(mixed.encode().unwrap(), bytes);
    let rims: Vec<&[u8]> = mixed.of(Kind::Rim).collect();
    assert_eq!(rims, [b"second".as_slice(), b"first"]);
}

/// Python, independent of this crate: `bytes([0xa3,0,1,1,0x1a]) + (1775437323).to_bytes(4,'big') + bytes([2,0x81,0x82,2,0x41,9])`
#[test]
fn layout_is_pinned() {
    let one = Bundle { at: AT, items: vec![item(Kind::SnpReport, &[9])] };
    let expected = [0xA3, 0, 1, 1, 0x1A, 0x69, 0xD3, 0x06, 0x0B, 2, 0x81, 0x82, 2, 0x41, 9];
    assert_eq!(one.encode().unwrap(), expected);
}

#[test]
fn no_prefix_no_suffix_and_no_other_spelling_decodes() {
    let bytes = bundle().encode().unwrap();
    for length in 0..bytes.len() {
        assert!(Bundle::decode(&bytes[..length]).is_err(), "prefix of {length} bytes");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(Bundle::decode(&longer), Err(BundleError::NotDeterministic));
    let long_integer = [&[0xA3, 0, 0x18, 1], &bytes[3..]].concat();
    assert_eq!(Bundle::decode(&long_integer), Err(BundleError::NotDeterministic));
    let indefinite = [&[0xBF], &bytes[1..], &[0xFF]].concat();
    assert_eq!(Bundle::decode(&indefinite), Err(BundleError::Malformed { offset: 1 }));
    let open_list = [&bytes[..10], &[0x9F], &bytes[11..], &[0xFF]].concat();
    assert_eq!(Bundle::decode(&open_list), Err(BundleError::NotDeterministic));
}

#[test]
fn every_changed_byte_is_refused_or_changes_what_is_read() {
    let bytes = bundle().encode().unwrap();
    for offset in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[offset] ^= 1 << bit;
            assert_ne!(Bundle::decode(&changed).as_ref(), Ok(&bundle()), "byte {offset}, bit {bit}");
        }
    }
}

#[test]
fn limits_and_order_are_kept_and_named() {
    let bytes = bundle().encode().unwrap();
    let mut newer = bytes.clone();
    newer[2] = 2;
    assert_eq!(Bundle::decode(&newer), Err(BundleError::Version { expected: 1, found: 2 }));
    let one = |kind: u8| [&bytes[..10], &[0x81, 0x82, kind, 0x41, 9]].concat();
    assert!(Bundle::decode(&one(2)).is_ok());
    assert_eq!(Bundle::decode(&one(11)), Err(BundleError::UnknownKind { index: 0, found: 11 }));
    let empty = [&bytes[..10], &[0x80]].concat();
    assert_eq!(Bundle::decode(&empty), Err(BundleError::ItemCount { found: 0 }));
    let order = [&bytes[..10], &[0x82, 0x82, 7, 0x41, 9, 0x82, 2, 0x41, 9]].concat();
    let (expected, found) = (Kind::TdxQuote, Kind::SnpReport);
    assert_eq!(Bundle::decode(&order), Err(BundleError::Order { index: 1, expected, found }));

    let with = |items: Vec<Item<'_>>| Bundle { at: AT, items }.encode();
    let long = vec![0; Kind::SnpReport.max_bytes() + 1];
    for contents in [&long[..], &[]] {
        let (kind, limit, found) = (Kind::SnpReport, 1184, contents.len());
        let refused = Err(BundleError::ItemLength { index: 0, kind, limit, found });
        assert_eq!(with(vec![item(kind, contents)]), refused);
    }
    let (of, with_kind) = (Kind::TcbInfoChain, Kind::TcbInfo);
    let unpaired = BundleError::Unpaired { of, with: with_kind, expected: 1, found: 0 };
    assert_eq!(with(vec![item(Kind::TcbInfo, b"{}")]), Err(unpaired));
    let many = with(vec![item(Kind::Rim, b"x"); ITEMS_MAX + 1]);
    assert_eq!(many, Err(BundleError::ItemCount { found: 129 }));
    let longest = vec![0; Kind::EventLog.max_bytes()];
    assert!(matches!(with(vec![item(Kind::EventLog, &longest); 8]), Err(BundleError::TooLong { .. })));
    assert!(matches!(Bundle::decode(&vec![0; BUNDLE_MAX_BYTES + 1]), Err(BundleError::TooLong { .. })));
}

#[test]
fn a_length_field_allocates_nothing() {
    let head = &bundle().encode().unwrap()[..10];
    let lengths =
        [&[0x9B, 0x80, 0, 0, 0, 0, 0, 0, 0][..], &[0x98, 0x80, 0x82, 2, 0x5B, 0xFF, 0, 0, 0, 0, 0, 0, 0]];
    for lie in lengths {
        assert!(Bundle::decode(&[head, lie].concat()).is_err());
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let _ = Bundle::decode(&bytes);
    }

    #[test]
    fn whatever_decodes_has_one_encoding(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let mut bytes = bundle().encode().unwrap();
        for (place, value) in changes {
            let index = place.index(bytes.len());
            bytes[index] = value;
        }
        if let Ok(bundle) = Bundle::decode(&bytes) {
            prop_assert_eq!(bundle.encode().unwrap(), bytes);
        }
    }
}
