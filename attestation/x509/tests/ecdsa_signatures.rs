//! Signatures in the encoding of certificates, as Project Wycheproof collected them: also those in another encoding than
//! DER, which some readers let pass.
#![expect(clippy::unwrap_used, reason = "a test")]

use attestation_signature::RustCrypto;
use attestation_x509::{PublicKey, SignatureAlgorithm};
use wycheproof::TestResult;
use wycheproof::ecdsa::{TestName, TestSet};

#[test]
fn p256_as_wycheproof_says() {
    let key = |point: &[u8]| PublicKey::P256(point.try_into().unwrap());
    check(TestName::EcdsaSecp256r1Sha256, SignatureAlgorithm::EcdsaSha256, key);
}

#[test]
fn p384_as_wycheproof_says() {
    let key = |point: &[u8]| PublicKey::P384(point.try_into().unwrap());
    check(TestName::EcdsaSecp384r1Sha384, SignatureAlgorithm::EcdsaSha384, key);
}

fn check(name: TestName, algorithm: SignatureAlgorithm, key: impl Fn(&[u8]) -> PublicKey) {
    let set = TestSet::load(name).unwrap();
    let mut count = 0;
    for group in &set.test_groups {
        let key = key(&group.key.key);
        for test in &group.tests {
            count += 1;
            let expected = test.result == TestResult::Valid;
            assert_ne!(test.result, TestResult::Acceptable, "{}: nothing here is left open", test.tc_id);
            let found = key.verifies(algorithm, &test.msg, &test.sig, &RustCrypto);
            assert_eq!(found, expected, "{name:?}, {}: {}", test.tc_id, test.comment);
        }
    }
    assert!(count > 400, "{count}");
}
