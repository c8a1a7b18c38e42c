//! Evidence, as loader and `redoubt-verify` read it: one spelling, and what verifies binds key and manifest.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use attestation_evidence::{EVIDENCE_MAX_BYTES, Evidence, Platform, check_binding, verify_simulated};
use attestation_report::SnpReport;
use tests_fuzz::{Budget, Target};

fn main() -> ExitCode {
    Target { name: "evidence", max_bytes: EVIDENCE_MAX_BYTES + 1, budget: Budget::DEFAULT, run }.drive()
}

fn run(input: &[u8]) {
    let evidence = match Evidence::decode(input) {
        Ok(evidence) => evidence,
        Err(error) => return drop(error.to_string()),
    };
    assert!(evidence.encode() == input);
    match verify_simulated(&evidence) {
        Ok(verified) => {
            assert_eq!(evidence.platform, Platform::Simulated);
            assert_eq!(SnpReport::parse(&evidence.report).as_ref(), Ok(verified.report()));
            assert_eq!(check_binding(verified.report(), &evidence), Ok(()));
        }
        Err(error) => drop(error.to_string()),
    }
}
