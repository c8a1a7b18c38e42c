//! Bodies in one piece and in many, and parts of them.

use attestation_merkle::root_of_path;
use proptest::prelude::*;

use super::*;

fn secret() -> BodySecret {
    BodySecret::new([3; 32])
}

/// Bytes that differ from chunk to chunk.
fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index / 7 + index / CHUNK_BYTES) as u8).collect()
}

fn in_pieces(bytes: &[u8], lengths: &[usize]) -> Body {
    let mut body = RunningBody::new(secret());
    let mut rest = bytes;
    for length in lengths.iter().cycle() {
        let (piece, after) = rest.split_at_checked(*length).unwrap_or((rest, &[]));
        body.update(piece);
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    body.finish()
}

/// Roots by this script:
/// ```python
/// import hashlib
/// import cbor2
///
/// sha = lambda data: hashlib.sha256(data).digest()
/// salt = lambda i: sha(b"redoubt receipt salt 1" + bytes([3] * 32) + i.to_bytes(8, "big"))[:16]
/// leaf = lambda i, data: sha(b"\0" + cbor2.dumps([salt(i), 11, i, data], canonical=True))
/// data = bytes((i // 7 + i // 4096) & 255 for i in range(10_000))
/// a, b, c = (leaf(i, data[i * 4096:(i + 1) * 4096]) for i in range(3))
/// print(sha(b"").hex(), leaf(0, b"x").hex(), sha(b"\1" + sha(b"\1" + a + b) + c).hex(), sep="\n")
/// ```
#[test]
fn an_independent_implementation_agrees() {
    let roots = [
        (vec![], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (b"x".to_vec(), "9e5b7768e2c1c7b6896fd68a1fcfef9f8fdf321e502ab5d333c3cfc9989a4b8e"),
        (bytes(10_000), "db18b38ae9e60d4abfa8a7b2711e20cb9231d679350cb970b53654d2c9836fe4"),
    ];
    for (bytes, root) in roots {
        let body = Body::of(&bytes, &secret());
        let chunks = bytes.len().div_ceil(4096);
        assert_eq!((body.bytes, body.chunks), (bytes.len() as u64, chunks as u64));
        assert_eq!(::hex::encode(body.root), root);
    }
}

#[test]
fn pieces_make_no_difference() {
    for length in [0, 1, 4095, 4096, 4097, 8192, 3 * 4096 + 5, 100_000] {
        let bytes = bytes(length);
        let whole = Body::of(&bytes, &secret());
        for lengths in [&[1][..], &[4096], &[4095, 2], &[3, 0, 5000, 4096], &[20_000, 7]] {
            assert_eq!(in_pieces(&bytes, lengths), whole, "{length} bytes in pieces of {lengths:?}");
        }
    }
}

#[test]
fn a_running_body_keeps_less_than_a_chunk() {
    let mut body = RunningBody::new(secret());
    for _ in 0..1000 {
        body.update(&[7; 5000]);
        assert!(body.begun.len() < CHUNK_BYTES);
        assert!(body.begun.capacity() <= 2 * CHUNK_BYTES);
    }
    assert_eq!(body.bytes(), 5_000_000);
    assert!(!format!("{body:?}").contains('['), "what passed does not get into logs");
}

#[test]
fn a_body_is_told_from_others() {
    let bytes = bytes(5000);
    let body = Body::of(&bytes, &secret());
    assert_eq!(body.check(&bytes, &secret()), Ok(()));
    let refused = |found| Err(ReceiptError::OtherBody { expected: 5000, found });
    assert_eq!(body.check(&bytes[1..], &secret()), refused(4999));
    let mut changed = bytes.clone();
    changed[4999] ^= 1;
    assert_eq!(body.check(&changed, &secret()), refused(5000));
    let other = BodySecret::new([4; 32]);
    assert_eq!(body.check(&bytes, &other), refused(5000));
    let disclosed = body.disclose(BodySide::Response, 0..1, &changed, &secret());
    assert_eq!(disclosed.map(drop), refused(5000));
    assert_eq!(body.disclose(BodySide::Response, 0..1, &bytes, &other).map(drop), refused(5000));
}

#[test]
fn ranges_are_chunks() {
    let bytes = bytes(3 * 4096 + 5);
    let body = Body::of(&bytes, &secret());
    let numbers = |range: Range<u64>| {
        let shown = body.disclose(BodySide::Request, range, &bytes, &secret()).unwrap();
        shown.iter().map(|shown| shown.as_chunk().unwrap().index).collect::<Vec<_>>()
    };
    let end = bytes.len() as u64;
    assert_eq!(numbers(0..end), [0, 1, 2, 3]);
    assert_eq!(numbers(0..1), [0]);
    assert_eq!(numbers(4095..4096), [0]);
    assert_eq!(numbers(4095..4097), [0, 1]);
    assert_eq!(numbers(4096..8192), [1]);
    assert_eq!(numbers(end - 1..end), [3]);
    for empty in [0..0, 5..5, 4096..4096, end..end] {
        assert_eq!(numbers(empty), []);
    }
    #[expect(clippy::reversed_empty_ranges, reason = "what is refused")]
    for range in [0..end + 1, end + 1..end + 1, 2..1] {
        let refused = ReceiptError::BodyRange { limit: end, start: range.start, end: range.end };
        assert_eq!(body.disclose(BodySide::Request, range, &bytes, &secret()), Err(refused));
    }
}

#[test]
fn an_empty_body_has_nothing_to_show() {
    let body = Body::of(&[], &secret());
    assert_eq!(body.disclose(BodySide::Response, 0..0, &[], &secret()), Ok(vec![]));
    assert_eq!(body.chunk_bytes(0), None);
}

#[test]
fn chunks_are_as_documented() {
    let chunk = Chunk { salt: [1; 16], index: 300, bytes: b"abc" };
    let leaf = [&[0x84, 0x50][..], &[1; 16], b"\x0b\x19\x01\x2c\x43abc"].concat();
    assert_eq!(chunk.encode(), leaf);
    assert!(Chunk::decode(&leaf).is_some_and(|chunk| (chunk.index, chunk.bytes) == (300, b"abc")));
    for (at, byte) in [(0, 0x83), (1, 0x4F), (18, 0x0A), (18, 9), (19, 0x18), (22, 0x63)] {
        let mut other = leaf.clone();
        other[at] = byte;
        assert!(Chunk::decode(&other).is_none(), "byte {at}");
    }
    assert!(Chunk::decode(&[&leaf[..], &[0]].concat()).is_none());
}

proptest! {
    #[test]
    fn any_range_of_any_body_leads_to_its_root(
        length in 0_usize..30_000,
        ends: (prop::sample::Index, prop::sample::Index),
        pieces in proptest::collection::vec(0_usize..9000, 1..5),
    ) {
        let bytes = bytes(length);
        let body = Body::of(&bytes, &secret());
        if pieces.iter().any(|length| *length > 0) {
            prop_assert_eq!(in_pieces(&bytes, &pieces), body);
        }
        let [one, other] = [ends.0, ends.1].map(|end| end.index(length + 1));
        let (start, end) = (one.min(other), one.max(other));
        let shown = body.disclose(BodySide::Response, start as u64..end as u64, &bytes, &secret()).unwrap();
        let mut found = Vec::new();
        for chunk in shown.iter().filter_map(Disclosure::as_chunk) {
            prop_assert_eq!(body.chunk_bytes(chunk.index), Some(chunk.bytes.len() as u64));
            let root = root_of_path(leaf_hash(&chunk.leaf()), chunk.index, body.chunks, &chunk.path);
            prop_assert_eq!(root, Some(body.root));
            found.extend_from_slice(&chunk.bytes);
        }
        let first = if start < end { start / CHUNK_BYTES * CHUNK_BYTES } else { start };
        let last = if start < end { length.min(end.next_multiple_of(CHUNK_BYTES)) } else { start };
        prop_assert_eq!(found, &bytes[first..last]);
    }
}
