//! Messages that are right, and each thing that can be wrong with a header.

use proptest::prelude::*;

use super::*;

/// N, offsets, tags and values as they are given.
fn written(pairs: u32, offsets: &[u32], tags: &[&[u8; 4]], values: &[u8]) -> Vec<u8> {
    let offsets = offsets.iter().flat_map(|offset| offset.to_le_bytes());
    let header = pairs.to_le_bytes().into_iter().chain(offsets);
    header.chain(tags.iter().flat_map(|tag| **tag)).chain(values.iter().copied()).collect()
}

fn refused(bytes: &[u8]) -> MessageError {
    Message::parse(bytes).unwrap_err()
}

#[test]
fn values_are_found_by_their_tags() {
    let bytes = written(3, &[4, 4], &[b"SIG\0", b"NONC", b"INDX"], b"abcdefghi");
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.value(Tag::SIG), Some(&b"abcd"[..]));
    assert_eq!(message.value(Tag::NONC), Some(&b""[..]));
    // Nothing says that the last value has a multiple of four bytes.
    assert_eq!(message.value(Tag::INDX), Some(&b"efghi"[..]));
    assert_eq!(message.value(Tag::PATH), None);
    let alone = written(1, &[], &[b"NONC"], b"");
    assert_eq!(Message::parse(&alone).unwrap().value(Tag::NONC), Some(&b""[..]));
}

#[test]
fn what_is_written_is_read() {
    let pairs: [(Tag, &[u8]); 3] = [(Tag::VER, &[1, 0, 0, 0]), (Tag::NONC, &[9; 32]), (Tag::ZZZZ, &[])];
    let packet = packet(&pairs);
    let message = Message::in_packet(&packet).unwrap();
    for (tag, value) in pairs {
        assert_eq!(message.value(tag), Some(value), "{tag}");
    }
}

#[test]
fn frames_are_whole_and_nothing_more() {
    let packet = packet(&[(Tag::NONC, &[9; 32])]);
    for length in 0..packet.len() {
        assert!(Message::in_packet(&packet[..length]).is_err(), "{length} bytes");
    }
    let longer = [&packet[..], &[0]].concat();
    let length = MessageError::Length { expected: 40, found: 41 };
    assert_eq!(Message::in_packet(&longer).unwrap_err(), length);
    let short = MessageError::Short { expected: FRAME_BYTES, found: 11 };
    assert_eq!(Message::in_packet(&packet[..11]).unwrap_err(), short);
    let other = [b"ROUGHTIN", &packet[8..]].concat();
    assert_eq!(Message::in_packet(&other).unwrap_err(), MessageError::Magic { found: *b"ROUGHTIN" });
}

#[test]
fn pairs_are_counted_before_they_are_read() {
    for found in [0, 33, 0x8000_0000, u32::MAX] {
        let bytes = written(found, &[], &[b"NONC"], &[0; 400]);
        assert_eq!(refused(&bytes), MessageError::Pairs { limit: PAIRS_MAX, found });
    }
    let tags: Vec<[u8; 4]> = (0..32).map(|letter| [b'A', b'A', b'A', b'A' + letter]).collect();
    let tags: Vec<&[u8; 4]> = tags.iter().collect();
    let most = written(32, &[0; 31], &tags, b"value");
    assert_eq!(Message::parse(&most).unwrap().value(Tag(*tags[31])), Some(&b"value"[..]));
    for length in 4..256 {
        let short = MessageError::Short { expected: 256, found: length };
        assert_eq!(refused(&most[..length]), short);
    }
    assert_eq!(refused(&[1, 0, 0]), MessageError::Short { expected: 4, found: 3 });
}

#[test]
fn offsets_go_up_in_fours_and_stay_inside() {
    let tags: [&[u8; 4]; 3] = [b"SIG\0", b"NONC", b"INDX"];
    let wrong = [
        ([8, 4], (2, 8, 12, 4)),
        ([5, 8], (1, 0, 12, 5)),
        ([4, 10], (2, 4, 12, 10)),
        ([4, 16], (2, 4, 12, 16)),
        ([16, 16], (1, 0, 12, 16)),
        ([u32::MAX, 4], (1, 0, 12, u32::MAX)),
    ];
    for (offsets, (pair, least, most, found)) in wrong {
        let bytes = written(3, &offsets, &tags, &[0; 12]);
        assert_eq!(refused(&bytes), MessageError::Offset { pair, least, most, found }, "{offsets:?}");
    }
    for right in [[0, 0], [0, 12], [12, 12], [4, 8]] {
        Message::parse(&written(3, &right, &tags, &[0; 12])).unwrap();
    }
}

#[test]
fn tags_go_up_as_little_endian_numbers() {
    // "NONC" is above "SIG" by its last letter, whatever the alphabet says.
    let order = refused(&written(2, &[0], &[b"NONC", b"SIG\0"], &[]));
    assert_eq!(order, MessageError::TagOrder { before: Tag::NONC, found: Tag::SIG });
    let twice = refused(&written(3, &[0, 0], &[b"SIG\0", b"NONC", b"NONC"], &[]));
    assert_eq!(twice, MessageError::TagOrder { before: Tag::NONC, found: Tag::NONC });
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), pairs in 0..40_u8) {
        let _ = Message::in_packet(&bytes);
        let bytes = [&[pairs, 0, 0, 0][..], &bytes].concat();
        if let Ok(message) = Message::parse(&bytes) {
            for tag in message.tags {
                prop_assert!(message.value(Tag(*tag)).is_some());
            }
        }
    }
}
