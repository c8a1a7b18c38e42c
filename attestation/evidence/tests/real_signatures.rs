//! Signatures of real chips under our reading of byte order and signed range; the simulated platform is built the same
//! way. Where there are fixtures.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::Path;

use attestation_report::SnpReport;
use p384::ecdsa::signature::Verifier;
use p384::ecdsa::{Signature, VerifyingKey};
use serde_json::Value;

/// How the subject key of a P-384 certificate starts: BIT STRING of 98 bytes, no unused bits, uncompressed point.
const POINT_MARK: [u8; 4] = [0x03, 0x62, 0x00, 0x04];
const POINT_BYTES: usize = 97;

#[test]
fn real_reports_verify_under_their_chip_key_and_flipped_ones_do_not() {
    let Some(folder) = tests_needs::fixture("snp") else { return };
    let cases = std::fs::read(folder.join("cases.json")).unwrap();
    let cases: Vec<Value> = serde_json::from_slice(&cases).unwrap();
    let signed = cases.iter().filter(|case| case["facts"]["report_signature"] == true);
    let checked = signed.filter(|case| check_case(&folder, case)).count();
    assert!(checked >= 15, "only {checked} signed reports: is the set complete?");
}

/// False when the case names no chip certificate.
fn check_case(folder: &Path, case: &Value) -> bool {
    let (Some(report), Some(certificate)) = (case["files"]["report"].as_str(), case["files"]["vek"].as_str())
    else {
        return false;
    };
    let key = chip_key(&std::fs::read(folder.join(certificate)).unwrap());
    let bytes = std::fs::read(folder.join(report)).unwrap();
    let is_signed = |bytes: &[u8]| {
        let report = SnpReport::parse(bytes).ok()?;
        let signature = Signature::from_slice(&report.signature.to_big_endian()?).ok()?;
        key.verify(report.signed_bytes(), &signature).ok()
    };
    assert!(is_signed(&bytes).is_some(), "{report}");
    // First byte, REPORT_DATA, last signed byte of a field, R, S.
    for offset in [0x000, 0x050, 0x1F7, 0x2A0, 0x2E8] {
        let mut forged = bytes.clone();
        forged[offset] ^= 1;
        assert!(is_signed(&forged).is_none(), "{report}: byte {offset:#x}");
    }
    true
}

fn chip_key(certificate: &[u8]) -> VerifyingKey {
    let start = certificate.windows(POINT_MARK.len()).position(|window| window == POINT_MARK).unwrap() + 3;
    VerifyingKey::from_sec1_bytes(&certificate[start..start + POINT_BYTES]).unwrap()
}
