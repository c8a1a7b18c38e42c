//! One leaf of each kind, byte by byte.

use proptest::prelude::*;

use super::*;
use crate::fixtures::field;

const SALT: [u8; SALT_BYTES] = *b"0123456789abcdef";

fn body() -> Body {
    Body { bytes: 5000, chunks: 2, root: [9; 32] }
}

fn values() -> Vec<(Value, Vec<u8>)> {
    let leaf = |array: u8, rest: &[u8]| [&[array, 0x50][..], &SALT, rest].concat();
    let body_items = [&b"\x19\x13\x88\x02\x58\x20"[..], &[9; 32]].concat();
    vec![
        (Value::Method("GET".into()), leaf(0x83, b"\x00\x63GET")),
        (Value::Scheme("https".into()), leaf(0x83, b"\x01\x65https")),
        (Value::Authority("a.example".into()), leaf(0x83, b"\x02\x69a.example")),
        (Value::PathWithQuery("/?q".into()), leaf(0x83, b"\x03\x63/?q")),
        (Value::RequestField(field("accept", "*/*")), leaf(0x84, b"\x04\x66accept\x43*/*")),
        (Value::RequestBody(body()), leaf(0x85, &[&[5], &body_items[..]].concat())),
        (Value::RequestTrailer(field("a", "")), leaf(0x84, b"\x06\x61a\x40")),
        (Value::Status(404), leaf(0x83, b"\x07\x19\x01\x94")),
        (Value::ResponseField(field("b", "1")), leaf(0x84, b"\x08\x61b\x411")),
        (Value::ResponseBody(body()), leaf(0x85, &[&[9], &body_items[..]].concat())),
        (Value::ResponseTrailer(field("c", "2")), leaf(0x84, b"\x0a\x61c\x412")),
    ]
}

#[test]
fn leaves_are_as_documented() {
    for ((value, leaf), kind) in values().into_iter().zip(Kind::ALL) {
        assert_eq!((value.kind(), value.leaf(&SALT)), (kind, leaf.clone()));
        assert_eq!(Kind::from_number(kind.number()), Some(kind));
        assert_eq!(Value::from_leaf(&leaf), Some((value, SALT)));
    }
    assert_eq!(Kind::from_number(11), None, "chunks are no leaves");
}

#[test]
fn what_is_no_leaf_is_refused() {
    let leaf = |rest: &[u8]| [&[0x83, 0x50][..], &SALT, rest].concat();
    for refused in [
        leaf(b"\x00\x43GET"),
        leaf(b"\x0b\x63GET"),
        leaf(b"\x18\x00\x63GET"),
        leaf(b"\x00\x78\x03GET"),
        leaf(b"\x00\x63GET\x00"),
        leaf(b"\x00\x63GE"),
        leaf(b"\x04\x61a"),
        leaf(b"\x07\x18\x63"),
        leaf(b"\x07\x19\x03\xe8"),
        leaf(b"\x00\x61\xff"),
        [&[0x83, 0x4F][..], &SALT[1..], b"\x00\x63GET"].concat(),
        [&[0x9F, 0x50][..], &SALT, b"\x00\x63GET\xff"].concat(),
        vec![0x80],
        vec![],
    ] {
        assert_eq!(Value::from_leaf(&refused), None, "{refused:x?}");
    }
}

#[test]
fn bodies_have_as_many_chunks_as_their_length_says() {
    for (bytes, chunks, is_body) in [
        (0, 0, true),
        (1, 1, true),
        (4096, 1, true),
        (4097, 2, true),
        (0, 1, false),
        (4096, 2, false),
        (1, 0, false),
    ] {
        let leaf = Value::ResponseBody(Body { bytes, chunks, root: [9; 32] }).leaf(&SALT);
        assert_eq!(Value::from_leaf(&leaf).is_some(), is_body, "{bytes} bytes, {chunks} chunks");
    }
    let limit = 1 << 44;
    for (bytes, is_body) in [(limit, true), (limit + 1, false)] {
        let body = Body { bytes, chunks: bytes.div_ceil(4096), root: [9; 32] };
        assert_eq!(Value::from_leaf(&Value::RequestBody(body).leaf(&SALT)).is_some(), is_body);
    }
}

#[test]
fn values_of_fields_do_not_get_into_logs() {
    let printed = format!("{:?}", Value::RequestField(field("authorization", "Bearer 1234")));
    assert_eq!(printed, r#"RequestField("authorization": 11 bytes)"#);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Some((value, salt)) = Value::from_leaf(&bytes) {
            prop_assert_eq!(value.leaf(&salt), bytes);
        }
    }

    #[test]
    fn no_byte_of_a_leaf_can_change_unnoticed(place: prop::sample::Index, at: prop::sample::Index, flip in 1_u8..) {
        let values = values();
        let (value, leaf) = place.get(&values);
        let mut changed = leaf.clone();
        let index = at.index(changed.len());
        changed[index] ^= flip;
        prop_assert_ne!(Value::from_leaf(&changed), Some((value.clone(), SALT)));
    }
}
