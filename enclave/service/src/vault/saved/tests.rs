//! Stores that are written and read again, and bytes that are none.

use alloc::vec;
use alloc::vec::Vec;

use super::*;

const LIMIT_BYTES: u64 = 100_000;

fn store() -> KeyValueStore {
    let mut store = KeyValueStore::new(LIMIT_BYTES);
    store.set("b", "two", b"2").unwrap();
    store.set("a", "", b"").unwrap();
    store.set("b", "one", &[0xFF; 300]).unwrap();
    store.delete("b", "two");
    store.increment("\u{e4}", "count", 7).unwrap();
    store
}

fn saved(store: &KeyValueStore) -> Vec<u8> {
    with_files(store, b"")
}

fn with_files(store: &KeyValueStore, files: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xAA; store.saved_bytes(files)];
    store.write(files, &mut bytes);
    bytes
}

/// The form, byte by byte.
#[test]
fn a_store_has_one_form() {
    let mut store = KeyValueStore::new(LIMIT_BYTES);
    assert_eq!(saved(&store), [&[2][..], &[0; 8], &[0; 4]].concat());
    store.set("b", "k", b"v").unwrap();
    let expected: [&[u8]; 12] = [
        &[2],
        &[1, 0, 0, 0, 0, 0, 0, 0],
        &[1, 0, 0, 0],
        &[1, 0, 0, 0],
        b"b",
        &[1, 0, 0, 0],
        &[0; 8],
        &[1, 0, 0, 0],
        b"k",
        &[1, 0, 0, 0],
        b"v",
        b"files",
    ];
    assert_eq!(with_files(&store, b"files"), expected.concat());
}

#[test]
fn what_is_read_is_what_was_written() {
    let before = store();
    let bytes = with_files(&before, b"files");
    let (mut after, files) = KeyValueStore::read(LIMIT_BYTES, &bytes).unwrap();
    assert_eq!(files, b"files");
    assert_eq!(after.used_bytes(), before.used_bytes());
    assert!(!after.has_changed);
    for (bucket, key) in [("a", ""), ("b", "one"), ("b", "two"), ("\u{e4}", "count")] {
        assert_eq!(after.get(bucket, key), before.get(bucket, key), "{bucket} {key}");
    }
    assert_eq!(saved(&after), saved(&before));
    // New keys still come after old ones.
    after.set("b", "three", b"3").unwrap();
    assert_eq!(after.list_keys("b", 0).keys, ["one", "three"]);
}

/// Less is written than is charged, so that a limit on the store is one on what is given out.
#[test]
fn what_is_written_is_less_than_what_is_charged() {
    let store = store();
    assert!((store.saved_bytes(&[]) as u64) < store.used_bytes() + HEAD_BYTES as u64);
}

#[test]
fn bytes_that_are_no_store_are_refused() {
    let bytes = saved(&store());
    let read = |bytes: &[u8]| KeyValueStore::read(LIMIT_BYTES, bytes).map(|(store, _)| store.used_bytes());
    for length in 0..bytes.len() {
        assert_eq!(read(&bytes[..length]), Err(malformed("it ends early")), "{length}");
    }
    let with = |at: usize, byte: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = byte;
        read(&bytes)
    };
    assert_eq!(with(0, 1), Err(SavedError::Version { found: 1 }));
    // All keys have numbers below that of the next.
    assert_eq!(with(1, 0), Err(malformed("a key's number is one that none has had")));
    // The first bucket's name, which is before the second's.
    assert_eq!(with(HEAD_BYTES + 4, b'c'), Err(malformed("buckets are not in order")));
    assert_eq!(with(HEAD_BYTES + 4, 0xFF), Err(malformed("a name is no text")));
    assert_eq!(with(HEAD_BYTES + 5, 0), Err(malformed("a bucket is empty")));
    // More buckets or a longer name than there are bytes: nothing is made room for.
    assert_eq!(with(HEAD_BYTES - 1, 0xFF), Err(malformed("it ends early")));
    assert_eq!(with(HEAD_BYTES + 3, 0xFF), Err(malformed("it ends early")));
}

#[test]
fn a_store_for_which_there_is_no_room_is_refused() {
    let store = store();
    let (bytes, used_bytes) = (saved(&store), store.used_bytes());
    assert!(KeyValueStore::read(used_bytes, &bytes).is_ok());
    let limit_bytes = used_bytes - 1;
    let refused = KeyValueStore::read(limit_bytes, &bytes).map(drop);
    assert_eq!(refused, Err(SavedError::TooLarge { limit_bytes }));
}
