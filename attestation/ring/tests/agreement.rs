//! Both implementations answer as Project Wycheproof says, and the same where it leaves the answer open; and so they do for
//! keys and numbers beside what the algorithms allow.

use attestation_ring::Ring;
use attestation_signature::{RustCrypto, SignatureVerifier};
use p256::ecdsa::signature::Signer;
use wycheproof::{TestResult, ecdsa, rsa_pkcs1_verify, rsa_pss_verify};

const BOTH: [&dyn SignatureVerifier; 2] = [&RustCrypto, &Ring];
/// 65537, big-endian.
const EXPONENT: [u8; 3] = [1, 0, 1];
const MESSAGE: &[u8] = b"a report";

/// That both implementations answer `expected`; one of them if nothing is expected.
fn expect(expected: TestResult, what: &str, verifies: impl Fn(&dyn SignatureVerifier) -> bool) {
    let answers = BOTH.map(verifies);
    let expected = match expected {
        TestResult::Valid => true,
        TestResult::Invalid => false,
        TestResult::Acceptable => answers[0],
    };
    assert_eq!(answers, [expected; 2], "{what}: by {BOTH:?}");
}

/// A signature of another length than `N` is none: the types of the trait do not admit it.
fn of_length<const N: usize>(signature: &[u8], then: impl Fn(&[u8; N]) -> bool) -> bool {
    <&[u8; N]>::try_from(signature).is_ok_and(then)
}

#[test]
fn p256_as_wycheproof_says() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    let mut count = 0;
    for group in &set.test_groups {
        let key = <&[u8; 65]>::try_from(group.key.key.as_slice()).unwrap();
        for test in &group.tests {
            count += 1;
            let what = format!("P-256, {}: {}", test.tc_id, test.comment);
            expect(test.result, &what, |by| {
                of_length(&test.sig, |signature| by.ecdsa_p256_sha256(key, &test.msg, signature))
            });
        }
    }
    assert!(count > 200, "{count}");
}

#[test]
fn p384_as_wycheproof_says() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp384r1Sha384P1363).unwrap();
    let mut count = 0;
    for group in &set.test_groups {
        let key = <&[u8; 97]>::try_from(group.key.key.as_slice()).unwrap();
        for test in &group.tests {
            count += 1;
            let what = format!("P-384, {}: {}", test.tc_id, test.comment);
            expect(test.result, &what, |by| {
                of_length(&test.sig, |signature| by.ecdsa_p384_sha384(key, &test.msg, signature))
            });
        }
    }
    assert!(count > 200, "{count}");
}

#[test]
fn rsa_pss_as_wycheproof_says() {
    let set = rsa_pss_verify::TestSet::load(rsa_pss_verify::TestName::RsaPss4096Sha384Mgf1SaltLen48).unwrap();
    let mut count = 0;
    for group in &set.test_groups {
        assert_eq!(**group.key.e, EXPONENT);
        let modulus = <&[u8; 512]>::try_from(without_sign(&group.key.n)).unwrap();
        for test in &group.tests {
            count += 1;
            let what = format!("RSASSA-PSS, {}: {}", test.tc_id, test.comment);
            expect(test.result, &what, |by| by.rsa4096_pss_sha384(modulus, &test.msg, &test.sig));
        }
    }
    assert!(count > 50, "{count}");
}

#[test]
fn rsa_pkcs1_as_wycheproof_says() {
    let set = rsa_pkcs1_verify::TestSet::load(rsa_pkcs1_verify::TestName::Rsa2048Sha256).unwrap();
    let mut count = 0;
    for group in &set.test_groups {
        let modulus = <&[u8; 256]>::try_from(without_sign(&group.key.n)).unwrap();
        if **group.key.e != EXPONENT {
            continue;
        }
        for test in &group.tests {
            count += 1;
            let what = format!("RSASSA-PKCS1-v1_5, {}: {}", test.tc_id, test.comment);
            expect(test.result, &what, |by| by.rsa2048_pkcs1v15_sha256(modulus, &test.msg, &test.sig));
        }
    }
    assert!(count > 200, "{count}");
}

/// Numbers with their first bit set have a zero byte before them.
fn without_sign(number: &[u8]) -> &[u8] {
    number.strip_prefix(&[0]).unwrap_or(number)
}

#[test]
fn a_point_beside_the_curve_has_signed_nothing() {
    let key = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
    let signature: p256::ecdsa::Signature = key.sign(MESSAGE);
    let signature: [u8; 64] = signature.to_bytes().into();
    let point: [u8; 65] = key.verifying_key().to_sec1_point(false).as_bytes().try_into().unwrap();
    each_byte_counts("P-256", &point, |by, point| by.ecdsa_p256_sha256(point, MESSAGE, &signature));

    let key = p384::ecdsa::SigningKey::from_slice(&[7; 48]).unwrap();
    let signature: p384::ecdsa::Signature = key.sign(MESSAGE);
    let signature: [u8; 96] = signature.to_bytes().into();
    let point: [u8; 97] = key.verifying_key().to_sec1_point(false).as_bytes().try_into().unwrap();
    each_byte_counts("P-384", &point, |by, point| by.ecdsa_p384_sha384(point, MESSAGE, &signature));
}

/// The first byte too: that of a compressed point is not what certificates have.
fn each_byte_counts<const N: usize>(
    what: &str,
    point: &[u8; N],
    verifies: impl Fn(&dyn SignatureVerifier, &[u8; N]) -> bool,
) {
    expect(TestResult::Valid, what, |by| verifies(by, point));
    for byte in 0..N {
        for bit in [1, 0x80] {
            let mut changed = *point;
            changed[byte] ^= bit;
            let what = format!("{what}, byte {byte} of the key changed");
            expect(TestResult::Invalid, &what, |by| verifies(by, &changed));
        }
    }
    expect(TestResult::Invalid, what, |by| verifies(by, &[0; N]));
    expect(TestResult::Invalid, what, |by| verifies(by, &[0xFF; N]));
}

#[test]
fn a_modulus_that_is_none_has_signed_nothing() {
    for modulus in [[0; 512], [0x7F; 512], [0x80; 512], [0xFF; 512]] {
        for signature in [&[][..], &[0; 512], &[1; 512], &modulus, &[1; 513]] {
            expect(TestResult::Invalid, "modulus", |by| by.rsa4096_pss_sha384(&modulus, MESSAGE, signature));
        }
    }
}

/// A key of 2047 bits is another kind of key, whatever it has signed: this signature over the message is right.
#[test]
fn a_modulus_that_is_a_bit_short_has_signed_nothing() {
    let modulus: [u8; 256] = hex::decode(SHORT_MODULUS).unwrap().try_into().unwrap();
    assert_eq!(modulus[0].leading_zeros(), 1);
    let signature = hex::decode(SIGNED_BY_SHORT).unwrap();
    expect(TestResult::Invalid, "2047 bits", |by| by.rsa2048_pkcs1v15_sha256(&modulus, MESSAGE, &signature));
}

/// Of two primes of 1024 bits that nobody else has; for this test.
const SHORT_MODULUS: &str = "6f6ed069c572e6406fe56b682bfbcdd24c73cbcac4e0273719ebff6910b0d8e195910adceaf1814eefa4e1a64c28a8ade51e\
    4f80ffc4fdf3549775c737f7940b2b6528d9c9e120a531ccca7874c2253fe45d34e998065f2f2714ce60817b2dfac775f4d1\
    b562dd8ed321c1318d9224c6bf9a7e9a94c520ab0a17aedd90e5b2991e9e1a7377b9268168d4952d88cb115af2bbe694edbc\
    3ef82615a398541e1fdcbf77aef42d14f3ce20e288531ad3d1f30b56dbdbbcd86921e0ee66ffd10bd67a18fdc3e3f722e81d\
    64d770fd8362ed6aeb2ee773b641e937533593f20ab9a74feb65d0d80114e3d1cac97055e0e40263a970064561ea95ae7916\
    10b9a5c2e03d";
/// RSASSA-PKCS1-v1_5 with SHA-256 of `a report`, computed with Python's integers.
const SIGNED_BY_SHORT: &str = "2965b20ad39b41d4a8d35875837e348fa3e3754f6ebfb2dd8d8917a1c95a7fa0f269a7327513de70fc74ec730f974f88c820\
    25af8e92d69631b73d535e0518b6d6f45d35e46e02623d8e576915a5480562fd8bb8d8034550fd2a63604a5627aadb191b1e\
    339b12fe71f4b3b816c6b5c26e50e49b44c15a02c1df9746367ddabe4dc05fe3f45c86bc7c7a422d0a54cf88924b2b2ca522\
    5aebebbbb8e8322dd61e4666a3f1f5b2610281528907543470c60bf9e567d6438c0d308e9cd90f88a34f1ec31f03fa3f9cf5\
    85453628712435347e332a18e4f14d6e8275bb7f4f35c89fd5b1812f461c485130ae7e7d52c01b4bc9afa9fedcd2811ce917\
    b97ef8145485";
