//! Reports signed by real chips, where there are fixtures.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::path::Path;

use attestation_report::{ReportError, SigningKeyKind, SnpReport};
use serde_json::Value;

#[test]
fn every_real_report_parses_to_its_recorded_facts() {
    let Some(folder) = tests_needs::fixture("snp") else { return };
    let cases = std::fs::read(folder.join("cases.json")).unwrap();
    let cases: Vec<Value> = serde_json::from_slice(&cases).unwrap();
    let checked = cases.iter().filter(|case| check_case(&folder, case)).count();
    assert!(checked >= 15, "only {checked} reports with facts: is the set complete?");
}

/// Compares one report with its facts; false when the case has none.
fn check_case(folder: &Path, case: &Value) -> bool {
    let (Some(file), Some(facts)) = (case["files"]["report"].as_str(), case["facts"].as_object()) else {
        return false;
    };
    let bytes = std::fs::read(folder.join(file)).unwrap();
    let report = SnpReport::parse(&bytes).unwrap_or_else(|error| panic!("{file}: {error}"));
    assert_eq!(u64::from(report.version.get()), facts["version"], "{file}");
    assert_eq!(format!("{:#018x}", report.policy.get()), facts["policy"], "{file}");
    assert_eq!(format!("{:#018x}", report.platform_info.get()), facts["platform_info"], "{file}");
    assert_eq!(u64::from(report.vmpl.get()), facts["vmpl"], "{file}");
    assert_eq!(u64::from(report.guest_svn.get()), facts["guest_svn"], "{file}");
    let firmware = format!("{}.{}.{}", report.current_major, report.current_minor, report.current_build);
    assert_eq!(firmware, facts["fw_current"], "{file}");
    let tcb: String =
        report.reported_tcb.get().to_le_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(tcb, facts["reported_tcb"], "{file}");
    let signer = match report.signing_key() {
        SigningKeyKind::VCEK => "SEV-VCEK",
        SigningKeyKind::VLEK => "SEV-VLEK",
        _ => "none",
    };
    assert_eq!(signer, facts["signer"], "{file}");
    let vector = report.mitigation_vectors().map_or(0, |(_, current)| current);
    assert_eq!(format!("{vector:#018x}"), facts["current_mit_vector"], "{file}");
    true
}

#[test]
fn malformed_reports_are_refused_by_name() {
    let Some(folder) = tests_needs::fixture("snp/parse-only") else { return };
    let parse = |name: &str| SnpReport::parse(&std::fs::read(folder.join(name)).unwrap());
    assert_eq!(parse("fake-v1-report.bin"), Err(ReportError::Version { found: 1 }));
    assert_eq!(parse("guest_report_corrupt.bin"), Err(ReportError::Truncated { found: 793 }));
    assert_eq!(parse("guest_report_bad_sig.bin"), Err(ReportError::TrailingBytes { found: 1185 }));
}
