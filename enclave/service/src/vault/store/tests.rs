//! The store against a plain model, and what it charges.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn filled(limit_bytes: u64) -> KeyValueStore {
    let mut store = KeyValueStore::new(limit_bytes);
    store.set("a", "k", b"value").expect("there is room");
    store
}

fn reason(result: Result<impl fmt::Debug, KeyValueFailure>) -> String {
    match result {
        Err(KeyValueFailure::Other(text)) => text,
        other => panic!("expected a reason, found {other:?}"),
    }
}

#[test]
fn a_manifest_without_a_store_has_none() {
    assert_eq!(KeyValueStore::new(0).open(), Err(KeyValueFailure::AccessDenied));
    assert_eq!(KeyValueStore::new(1).open(), Ok(()));
}

#[test]
fn what_there_is_no_room_for_is_refused_and_changes_nothing() {
    // 768 + 1 for the bucket, 192 + 1 + 5 for the entry.
    let whole = 967;
    assert_eq!(filled(whole).used_bytes(), whole);
    let refused = KeyValueStore::new(whole - 1).set("a", "k", b"value");
    assert_eq!(
        reason(refused),
        "storage.key_value_bytes of the manifest is 966: 0 are taken, and this takes 967"
    );
    let mut store = filled(whole);
    for (bucket, key, value) in [("a", "k", &b"values"[..]), ("a", "l", b""), ("b", "k", b"")] {
        assert!(store.set(bucket, key, value).is_err(), "{bucket} {key}");
    }
    let refused = store.set("a", "k", b"values");
    assert_eq!(
        reason(refused),
        "storage.key_value_bytes of the manifest is 967: 769 are taken, and this takes 199"
    );
    assert_eq!((store.get("a", "k"), store.used_bytes()), (Some(&b"value"[..]), whole));
    store.set("a", "k", b"other").expect("the old value makes room");
    store.delete("a", "k");
    assert_eq!(store.used_bytes(), 0);
    store.set("b", "k", b"value").expect("all the room is there again");
}

#[test]
fn only_decimal_numbers_can_be_added_to() {
    let mut store = KeyValueStore::new(10_000);
    assert_eq!(store.increment("a", "n", 0), Ok(0));
    assert_eq!(store.increment("a", "n", u64::MAX - 1), Ok(u64::MAX - 1));
    assert_eq!(store.increment("a", "n", 1), Ok(u64::MAX));
    assert_eq!(store.get("a", "n"), Some(&b"18446744073709551615"[..]));
    let more = reason(store.increment("a", "n", 1));
    assert_eq!(more, "increment: 18446744073709551615 and 1 are more than 18446744073709551615");
    for bad in [&b""[..], b"+1", b"-1", b"1 ", b"0x1", b"\xff", b"18446744073709551616"] {
        store.set("a", "n", bad).expect("there is room");
        assert!(reason(store.increment("a", "n", 1)).starts_with("increment: expected a number"), "{bad:?}");
        assert_eq!(store.get("a", "n"), Some(bad));
    }
    store.set("a", "n", b"007").expect("there is room");
    assert_eq!(store.increment("a", "n", 1), Ok(8));
    assert!(KeyValueStore::new(100).increment("a", "n", 1).is_err(), "no room");
}

fn listed(store: &KeyValueStore, bucket: &str) -> (Vec<String>, usize) {
    let (mut keys, mut pages, mut from) = (Vec::new(), 0, Some(0));
    while let Some(start) = from {
        let page = store.list_keys(bucket, start);
        assert!(page.keys.len() <= PAGE_KEYS_MAX);
        assert!(page.keys.iter().map(String::len).sum::<usize>() <= PAGE_BYTES_MAX);
        (from, pages) = (page.cursor, pages + 1);
        keys.extend(page.keys);
    }
    (keys, pages)
}

#[test]
fn listings_have_every_key_once_in_bounded_pages() {
    let mut store = KeyValueStore::new(10_000_000);
    assert_eq!(listed(&store, "a"), (Vec::new(), 1));
    let mut expected = Vec::new();
    for key in 0..600 {
        // The order of writing is not that of the keys.
        expected.push((key * 7919 % 10_007).to_string());
        store.set("a", expected.last().expect("it was pushed"), b"").expect("there is room");
        store.set("b", "other", b"").expect("there is room");
    }
    assert_eq!(listed(&store, "a"), (expected.clone(), 3));
    let full: Vec<String> = expected.drain(..256).collect();
    assert_eq!(store.list_keys("a", 0).keys, full);
    store.delete("a", &expected.split_off(256)[0]);
    let long = KeyPage { keys: store.list_keys("a", 0).keys, cursor: store.list_keys("a", 0).cursor };
    assert_eq!((long.keys.len(), long.cursor), (256, Some(257)), "one number went to the other bucket");
    let mut long_keys = KeyValueStore::new(10_000_000);
    for key in 0..100 {
        long_keys.set("a", &format!("{key:01024}"), b"").expect("there is room");
    }
    let (keys, pages) = listed(&long_keys, "a");
    assert_eq!((keys.len(), pages), (100, 4), "32 KiB in each");
}

#[test]
fn listings_go_on_whatever_happens_between_their_pages() {
    let mut store = KeyValueStore::new(10_000_000);
    (0..300).for_each(|key| store.set("a", &key.to_string(), b"").expect("there is room"));
    let first = store.list_keys("a", 0);
    first.keys.iter().for_each(|key| store.delete("a", key));
    store.set("a", "299", b"again").expect("there is room");
    store.set("a", "0", b"again").expect("there is room");
    let (second, cursor) = (store.list_keys("a", first.cursor.expect("there is more")), None);
    let expected: Vec<String> = (256..300).chain([0]).map(|key: u32| key.to_string()).collect();
    assert_eq!(second, KeyPage { keys: expected, cursor });
}

#[derive(Debug, Clone)]
enum Step {
    Set(u8, u8, usize),
    Delete(u8, u8),
    Increment(u8, u8, u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..3_u8, 0..20_u8, 0..300_usize).prop_map(|(bucket, key, bytes)| Step::Set(bucket, key, bytes)),
        2 => (0..3_u8, 0..20_u8).prop_map(|(bucket, key)| Step::Delete(bucket, key)),
        1 => (0..3_u8, 0..20_u8, any::<u8>()).prop_map(|(bucket, key, delta)| Step::Increment(bucket, key, delta)),
    ];
    proptest::collection::vec(step, 0..200)
}

/// What a store of these entries is charged.
fn price(model: &BTreeMap<(String, String), Vec<u8>>) -> u64 {
    let entries: u64 = model.iter().map(|((_, key), value)| entry_bytes(key, value)).sum();
    let mut names: Vec<&str> = model.keys().map(|(bucket, _)| bucket.as_str()).collect();
    names.dedup();
    entries + names.into_iter().map(bucket_bytes).sum::<u64>()
}

proptest! {
    #[test]
    fn it_does_what_a_map_with_a_price_does(steps in steps(), limit_bytes in 500..12_000_u64) {
        let mut store = KeyValueStore::new(limit_bytes);
        let mut model = BTreeMap::<(String, String), Vec<u8>>::new();
        for step in steps {
            let (bucket, key) = match step {
                Step::Set(bucket, key, _) | Step::Delete(bucket, key) | Step::Increment(bucket, key, _) => {
                    (bucket.to_string(), key.to_string())
                }
            };
            let mut then = model.clone();
            let pair = (bucket.clone(), key.clone());
            let (done, is_number) = match step {
                Step::Set(_, _, bytes) => {
                    then.insert(pair, vec![b'x'; bytes]);
                    (store.set(&bucket, &key, &vec![b'x'; bytes]), true)
                }
                Step::Delete(..) => {
                    then.remove(&pair);
                    store.delete(&bucket, &key);
                    (Ok(()), true)
                }
                Step::Increment(_, _, delta) => {
                    let old = model.get(&pair).map_or("0".into(), |value| String::from_utf8_lossy(value).into_owned());
                    let sum = old.parse::<u64>().map(|old| old + u64::from(delta));
                    then.insert(pair, sum.clone().unwrap_or(0).to_string().into());
                    (store.increment(&bucket, &key, delta.into()).map(drop), sum.is_ok())
                }
            };
            prop_assert_eq!(done.is_ok(), is_number && price(&then) <= limit_bytes);
            if done.is_ok() {
                model = then;
            }
            prop_assert_eq!(store.used_bytes(), price(&model));
        }
        for ((bucket, key), value) in &model {
            prop_assert_eq!(store.get(bucket, key), Some(&value[..]));
        }
        for bucket in ["0", "1", "2"] {
            let (mut keys, _) = listed(&store, bucket);
            keys.sort();
            let expected: Vec<&String> = model.keys().filter(|(there, _)| there == bucket).map(|(_, key)| key).collect();
            prop_assert_eq!(keys.iter().collect::<Vec<_>>(), expected);
        }
    }
}
