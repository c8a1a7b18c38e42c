//! Ed25519, where implementations are known to differ: both of ours answer as Project Wycheproof says, and the same for
//! points of small order, for points with a part of small order, and for points that are spelled in another way.
#![expect(clippy::unwrap_used, reason = "a test")]

use attestation_ring::Ring;
use attestation_signature::{RustCrypto, SignatureVerifier, has_ed25519_points};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use wycheproof::{TestResult, eddsa};

const BOTH: [&dyn SignatureVerifier; 2] = [&RustCrypto, &Ring];
const MESSAGE: &[u8] = b"a report";

fn expect(expected: bool, what: &str, key: &[u8; 32], message: &[u8], signature: &[u8; 64]) {
    let answers = BOTH.map(|by| by.ed25519(key, message, signature));
    assert_eq!(answers, [expected; 2], "{what}: by {BOTH:?}");
}

/// What `ring` says without our checks.
fn ring_alone(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok()
}

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).unwrap().try_into().unwrap()
}

fn joined(r: &[u8; 32], s: &[u8; 32]) -> [u8; 64] {
    [*r, *s].concat().try_into().unwrap()
}

#[test]
fn ed25519_as_wycheproof_says() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let mut count = 0;
    for group in &set.test_groups {
        let key = <&[u8; 32]>::try_from(group.key.pk.as_slice()).unwrap();
        for test in &group.tests {
            count += 1;
            let what = format!("Ed25519, {}: {}", test.tc_id, test.comment);
            match <&[u8; 64]>::try_from(test.sig.as_slice()) {
                Ok(signature) => expect(test.result == TestResult::Valid, &what, key, &test.msg, signature),
                // The types of the trait do not admit another length.
                Err(_) => assert_eq!(test.result, TestResult::Invalid, "{what}"),
            }
        }
    }
    assert!(count > 100, "{count}");
}

#[test]
fn each_bit_counts() {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let key: [u8; 32] = pair.public_key().as_ref().try_into().unwrap();
    let signature: [u8; 64] = pair.sign(MESSAGE).as_ref().try_into().unwrap();
    expect(true, "as signed", &key, MESSAGE, &signature);
    expect(false, "another message", &key, b"a repork", &signature);
    for bit in 0..256 {
        let mut changed = key;
        changed[bit / 8] ^= 1 << (bit % 8);
        expect(false, &format!("bit {bit} of the key changed"), &changed, MESSAGE, &signature);
    }
    for bit in 0..512 {
        let mut changed = signature;
        changed[bit / 8] ^= 1 << (bit % 8);
        expect(false, &format!("bit {bit} of the signature changed"), &key, MESSAGE, &changed);
    }
    for byte in [0, 0xFF] {
        expect(false, "no key", &[byte; 32], MESSAGE, &signature);
        expect(false, "no signature", &key, MESSAGE, &[byte; 64]);
    }
}

/// All spellings of the eight points whose order divides 8: their own, those in which Y is not below the prime, and
/// those in which zero has a sign.
const SMALL_ORDER: [&str; 14] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
];

/// The point that all others are multiples of, which is R where S is 1.
const BASE: &str = "5866666666666666666666666666666666666666666666666666666666666666";

/// With such a key, R = B and S = 1 is right for one message in eight at least, and R of small order with S = 0 as well:
/// nobody has to know anything.
#[test]
fn a_key_of_small_order_has_signed_nothing() {
    let one = bytes("0100000000000000000000000000000000000000000000000000000000000000");
    for spelling in SMALL_ORDER {
        let key = bytes(spelling);
        let mut taken_by_ring = 0;
        for number in 0..64_u8 {
            let message = [number];
            let of_base = joined(&bytes(BASE), &one);
            let of_small = SMALL_ORDER.map(|r| joined(&bytes(r), &[0; 32]));
            for signature in of_small.iter().chain([&of_base]) {
                taken_by_ring += usize::from(ring_alone(&key, &message, signature));
                expect(false, spelling, &key, &message, signature);
            }
        }
        assert!(taken_by_ring > 0, "{spelling}: nothing was tested");
        assert!(!has_ed25519_points(&key, &joined(&bytes(BASE), &one)));
    }
}

/// A usual key, R the neutral element, S = k·a: who has the private key can sign like this, and what was agreed on is
/// that it is no signature. Computed with Python's integers, as all below.
#[test]
fn r_of_small_order_is_no_signature() {
    let key = bytes("4abf71bd3fa09e0123438a8d93758aed670cb7dc7a5ecba0a1b0b33c2800557f");
    let signature = bytes(
        "0100000000000000000000000000000000000000000000000000000000000000\
         da439550596527f3caf165fffe3f58a14b05feaed6ebb7a15a217f82c30f2101",
    );
    assert!(ring_alone(&key, MESSAGE, &signature));
    expect(false, "R = 0", &key, MESSAGE, &signature);

    let key = bytes(OF_TWO_PARTS);
    let signature = bytes(
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a\
         5bb9d20dfae18f4f09a9471fa7380a389bad1f8a9805e2e4f49169e026e34807",
    );
    assert!(ring_alone(&key, b"a report 0", &signature));
    expect(false, "R of order 8", &key, b"a report 0", &signature);
}

/// The key above and a point of order 8, added.
const OF_TWO_PARTS: &str = "36b46d34359225216499b95b1f01d8399c8c8f7870be53b11b25ce79a0a4b2a9";

/// RFC 8032 leaves open whether the equation is multiplied by the cofactor. It is not, in either: what is right is right in
/// both, and what only the cofactor would make right is wrong in both.
#[test]
fn a_part_of_small_order_counts() {
    let key = bytes(OF_TWO_PARTS);
    let signature = bytes(
        "72e94a5a36ad4c566fa732f5c927bc6dc2d51b0b64d8c8eaaa4d1fb6985260d9\
         c434e2f38e7f6dae5f8dc5b387aa1309d53511bfc4981baddc1ed888d24a2c02",
    );
    expect(true, "key and R of two parts", &key, MESSAGE, &signature);
    let without_cofactor = bytes(ONLY_WITH_COFACTOR);
    expect(false, "the same without the part in R", &key, MESSAGE, &without_cofactor);
}

/// By the key of two parts, R without such a part: right only if both sides are multiplied by 8.
const ONLY_WITH_COFACTOR: &str = "d35f93cdb1f635673906e4dbd50e501046a989ebea5d7256dcdc627ea1d77eb5\
    3f6375085d1ec2326a9d59c304a2f18dcc280c900d57ef4ac73c2fe7e0020b01";

/// Y of a key may not be the prime or more, whatever point it would be. Nobody has a private key for those that are not of
/// small order, so that there is no signature that only this check refuses.
#[test]
fn a_key_has_one_spelling() {
    let signature = joined(&bytes(BASE), &[1; 32]);
    for beyond in 0xED..=0xFF_u8 {
        for last in [0x7F, 0xFF] {
            let mut key = [0xFF; 32];
            (key[0], key[31]) = (beyond, last);
            assert!(!has_ed25519_points(&key, &signature), "{key:x?}");
            assert!(!has_ed25519_points(&bytes(BASE), &joined(&key, &[1; 32])), "{key:x?}");
        }
    }
    let mut largest = [0xFF; 32];
    (largest[0], largest[31]) = (0xEB, 0x7F);
    assert!(has_ed25519_points(&largest, &signature));
}
