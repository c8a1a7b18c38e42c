//! Reports signed by real chips, read in place: `REDOUBT_FIXTURES`, or `shared/fixtures/attestation` next to the
//! project's folder. They are not part of the project; without them this test says so and passes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::path::{Path, PathBuf};

use attestation_report::{ReportError, SigningKeyKind, SnpReport};
use serde_json::Value;

#[test]
fn every_real_report_parses_to_its_recorded_facts() {
    let Some(folder) = fixtures() else {
        println!("skipped: no fixtures; set REDOUBT_FIXTURES to the folder that holds snp/cases.json");
        return;
    };
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
    let Some(folder) = fixtures().map(|folder| folder.join("parse-only")) else {
        println!("skipped: no fixtures; set REDOUBT_FIXTURES to the folder that holds snp/parse-only");
        return;
    };
    let parse = |name: &str| SnpReport::parse(&std::fs::read(folder.join(name)).unwrap());
    assert_eq!(parse("fake-v1-report.bin"), Err(ReportError::Version { found: 1 }));
    assert_eq!(parse("guest_report_corrupt.bin"), Err(ReportError::Length { found: 793 }));
    assert_eq!(parse("guest_report_bad_sig.bin"), Err(ReportError::Length { found: 1185 }));
}

fn fixtures() -> Option<PathBuf> {
    let folder = std::env::var_os("REDOUBT_FIXTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures/attestation"),
        PathBuf::from,
    );
    Some(folder.join("snp")).filter(|folder| folder.join("cases.json").exists())
}
