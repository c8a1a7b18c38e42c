//! Blobs against answers of other libraries, and against a host that changes them.

use proptest::prelude::*;
use zeroize::Zeroize as _;

use super::*;

const SALT: [u8; 32] = *b"@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_";

/// Made with the package `cryptography` 50.0.2 of PyPI, in Python 3.11, with key 0, 1, 2, … 31:
///
/// ```text
/// def seal(key, kind, context, counter, salt, plaintext):
///     header = b"RDSEAL" + struct.pack("<HQ", 1, counter) + salt + bytes([kind, len(context)]) + context
///     blob_key = HKDF(SHA256(), 32, salt, b"redoubt sealed blob v1" + header).derive(key)
///     return header + AESGCM(blob_key).encrypt(bytes(12), plaintext, header)
///
/// seal(key, 1, b"wallet", 7, salt, b"attack at dawn")
/// seal(key, 2, b"", 2**64 - 1, salt, b"")
/// seal(key, 2, b"", 1, salt, bytes(i % 251 for i in range(1000)))[-16:]  # in self_test.rs
/// ```
const WALLET: &str = "52445345414c01000700000000000000\
    404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f\
    010677616c6c6574\
    e95d7381f57edb10e566718e1c17e5701de59dea638bc1af104643308a8f";
const EMPTY_STORE: &str = "52445345414c0100ffffffffffffffff\
    404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f\
    0200\
    1243c546f43b8c00657f8b5755fd56bf";

/// 0, 1, 2, … 31.
fn seal_key() -> [u8; 32] {
    core::array::from_fn(|index| index.to_le_bytes()[0])
}

fn sealer() -> Sealer {
    Sealer::new(&seal_key())
}

fn component(context: &str) -> Purpose<'_> {
    Purpose::Component(Context::new(context).unwrap())
}

fn wallet() -> Vec<u8> {
    hex::decode(WALLET).unwrap()
}

fn refused(purpose: Purpose<'_>, blob: &[u8], least_counter: u64) -> SealError {
    sealer().unseal(purpose, blob, least_counter).unwrap_err()
}

#[test]
fn blobs_are_what_other_libraries_make() {
    let blob = sealer().seal(component("wallet"), 7, b"attack at dawn", SALT).unwrap();
    assert_eq!(hex::encode(&blob), WALLET);
    let opened = sealer().unseal(component("wallet"), &blob, 7).unwrap();
    assert_eq!((opened.counter, opened.plaintext.as_slice()), (7, b"attack at dawn".as_slice()));

    let blob = sealer().seal(Purpose::Storage, u64::MAX, b"", SALT).unwrap();
    assert_eq!(hex::encode(&blob), EMPTY_STORE);
    assert!(sealer().unseal(Purpose::Storage, &blob, 0).unwrap().plaintext.is_empty());
}

#[test]
fn every_changed_bit_is_refused() {
    let blob = wallet();
    for index in 0..blob.len() {
        for bit in 0..8 {
            let mut changed = blob.clone();
            changed[index] ^= 1 << bit;
            let error = refused(component("wallet"), &changed, 0);
            let is_named = match index {
                0..6 => matches!(error, SealError::NotABlob { .. }),
                6..8 => matches!(error, SealError::Version { .. }),
                48 | 50..56 => matches!(error, SealError::Purpose { .. }),
                49 => matches!(error, SealError::Purpose { .. } | SealError::TooShort { .. }),
                _ => error == SealError::NotOurs,
            };
            assert!(is_named, "byte {index}, bit {bit}: {error}");
        }
    }
}

#[test]
fn every_missing_or_added_byte_is_refused() {
    let blob = wallet();
    for bytes in 0..72 {
        let found = refused(component("wallet"), &blob[..bytes], 0);
        let expected_at_least = if bytes < 50 { 66 } else { 72 };
        assert_eq!(found, SealError::TooShort { expected_at_least, found: bytes });
    }
    for bytes in 72..blob.len() {
        assert_eq!(refused(component("wallet"), &blob[..bytes], 0), SealError::NotOurs);
    }
    let longer = [blob.as_slice(), &[0]].concat();
    assert_eq!(refused(component("wallet"), &longer, 0), SealError::NotOurs);
}

#[test]
fn a_blob_opens_for_its_purpose_only() {
    let named = |expected: &str, found: &str| SealError::Purpose {
        expected: expected.to_owned(),
        found: found.to_owned(),
    };
    let found = "component, context \"wallet\"";
    assert_eq!(refused(component("files"), &wallet(), 0), named("component, context \"files\"", found));
    assert_eq!(refused(component("Wallet"), &wallet(), 0), named("component, context \"Wallet\"", found));
    assert_eq!(refused(component(""), &wallet(), 0), named("component, context \"\"", found));

    let store = hex::decode(EMPTY_STORE).unwrap();
    assert_eq!(refused(component("files"), &store, 0), named("component, context \"files\"", "storage"));
    let mut later = store;
    later[48] = 9;
    assert_eq!(
        refused(component("files"), &later, 0),
        named("component, context \"files\"", "purpose number 9, context \"\"")
    );
}

/// Not only because the header says so.
#[test]
fn another_purpose_makes_another_key() {
    let own = sealer().seal(component(""), 7, b"attack at dawn", SALT).unwrap();
    let mut store = sealer().seal(Purpose::Storage, 7, b"attack at dawn", SALT).unwrap();
    assert_ne!(own[50..], store[50..]);
    store[48] = own[48];
    assert_eq!(refused(component(""), &store, 0), SealError::NotOurs);
    let next = sealer().seal(component(""), 8, b"attack at dawn", SALT).unwrap();
    assert_ne!(own[50..], next[50..]);
}

#[test]
fn another_seal_key_opens_nothing() {
    for byte in 0..32 {
        let mut key = seal_key();
        key[byte] ^= 0x80;
        let opened = Sealer::new(&key).unseal(component("wallet"), &wallet(), 0);
        assert_eq!(opened.unwrap_err(), SealError::NotOurs);
    }
}

#[test]
fn an_old_blob_is_refused_and_named_only_when_it_is_genuine() {
    assert!(sealer().unseal(component("wallet"), &wallet(), 7).is_ok());
    let rolled_back = SealError::RolledBack { expected_at_least: 8, found: 7 };
    assert_eq!(refused(component("wallet"), &wallet(), 8), rolled_back);
    let mut forged = wallet();
    forged[8] = 6;
    assert_eq!(refused(component("wallet"), &forged, 8), SealError::NotOurs);
}

#[test]
fn a_context_has_a_limit() {
    let text = "é".repeat(33);
    assert_eq!(Context::new(&text), Err(ContextTooLong { found: 66 }));
    let longest = component(&text[..64]);
    let blob = sealer().seal(longest, 0, b"x", SALT).unwrap();
    assert_eq!(sealer().unseal(longest, &blob, 0).unwrap().plaintext.as_slice(), b"x");
}

/// A store of 64 MiB must not need 128.
#[test]
fn sealing_and_opening_in_place_move_nothing() {
    let mut written_at = core::ptr::null();
    let write = |room: &mut [u8]| {
        written_at = room.as_ptr();
        room.fill(7);
    };
    let blob = sealer().seal_with(Purpose::Storage, 1, 1 << 20, write, SALT).unwrap();
    assert_eq!((blob[50..].as_ptr(), blob.capacity()), (written_at, (1 << 20) + 66));
    assert_eq!(blob, sealer().seal(Purpose::Storage, 1, &vec![7; 1 << 20], SALT).unwrap());

    let place = blob.as_ptr();
    let mut opened = sealer().unseal_in_place(Purpose::Storage, blob, 0).unwrap();
    assert_eq!(opened.plaintext.as_ptr(), place);
    assert_eq!(*opened.plaintext, vec![7; 1 << 20]);
    opened.plaintext.zeroize();
}

#[test]
fn what_does_not_fit_into_memory_is_an_error() {
    let never = |_: &mut [u8]| unreachable!("there is no room");
    let seal = |bytes| sealer().seal_with(Purpose::Storage, 0, bytes, never, SALT).unwrap_err();
    assert_eq!(seal(usize::MAX), SealError::TooLong { found: usize::MAX });
    assert_eq!(seal(usize::MAX - 66), SealError::OutOfMemory { bytes: usize::MAX });
}

#[test]
fn errors_say_what_to_do() {
    let shown = |error: SealError| error.to_string();
    assert_eq!(
        shown(refused(
            component("files"),
            b"{\"not\":\"one\"} but long enough to hold a header and the tag, too",
            0
        )),
        "sealed blob: expected bytes that begin with \"RDSEAL\", found \"{\\\"not\\\"\""
    );
    let mut later = wallet();
    later[6] = 2;
    assert!(
        shown(refused(component("wallet"), &later, 0)).contains("expected version 1, found 2: open it with")
    );
    assert!(shown(refused(component("wallet"), &wallet(), 9)).contains("supply the newest"));
    assert!(shown(SealError::NotOurs).contains("begin without it"));
}

#[test]
fn nothing_secret_is_printed() {
    let opened = sealer().unseal(component("wallet"), &wallet(), 0).unwrap();
    assert_eq!(format!("{opened:?} {:?}", sealer()), "Opened { counter: 7, .. } Sealer { .. }");
}

proptest! {
    #[test]
    fn what_was_sealed_is_opened(
        plaintext in proptest::collection::vec(any::<u8>(), 0..3000),
        (key, salt) in any::<([u8; 32], [u8; 32])>(),
        (counter, context) in (any::<u64>(), "[a-zé]{0,32}"),
    ) {
        let sealer = Sealer::new(&key);
        let blob = sealer.seal(component(&context), counter, &plaintext, salt).unwrap();
        prop_assert_eq!(blob.len(), plaintext.len() + context.len() + 66);
        let opened = sealer.unseal(component(&context), &blob, counter).unwrap();
        prop_assert_eq!((opened.counter, &*opened.plaintext), (counter, &plaintext));
    }

    #[test]
    fn other_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(sealer().unseal(component("files"), &bytes, 0).is_err());
        let marked = [b"RDSEAL\x01\x00".as_slice(), &bytes].concat();
        prop_assert!(sealer().unseal(component("files"), &marked, 0).is_err());
    }
}
