//! SEV-SNP reports: one spelling, and accessors that agree with the bytes.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use attestation_report::{REPORT_BYTES, ReportSignature, SnpReport, TcbLayout, TcbVersion};
use tests_fuzz::{Budget, Target};
use zerocopy::IntoBytes;

fn main() -> ExitCode {
    Target { name: "report", max_bytes: REPORT_BYTES + 1, budget: Budget::DEFAULT, run }.drive()
}

fn run(input: &[u8]) {
    let report = match SnpReport::parse(input) {
        Ok(report) => report,
        Err(error) => return drop(error.to_string()),
    };
    assert!(report.as_bytes() == input);
    assert!(input.starts_with(report.signed_bytes()));
    let numbers = report.signature.to_big_endian();
    assert_eq!(numbers.map(|numbers| ReportSignature::from_big_endian(&numbers)), Some(report.signature));
    assert_eq!(report.cpuid().is_some(), report.version.get() >= 3);
    assert_eq!(report.mitigation_vectors().is_some(), report.version.get() >= 5);
    let policy = report.guest_policy();
    let _shown = (policy.is_debug(), policy.abi_version(), report.signing_key());
    for tcb in [report.current_tcb, report.reported_tcb, report.committed_tcb, report.launch_tcb] {
        check_tcb(TcbVersion(tcb.get()));
    }
}

fn check_tcb(tcb: TcbVersion) {
    for layout in [TcbLayout::Milan, TcbLayout::Turin] {
        assert!(tcb.parts(layout).is_none_or(|parts| parts.is_at_least(&parts)));
    }
}
