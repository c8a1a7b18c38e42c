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
