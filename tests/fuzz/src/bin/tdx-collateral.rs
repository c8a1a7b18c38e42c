//! TCB info and QE identity of Intel's service: read whole before anybody has verified them, or refused with a reason.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use attestation_verify::tdx::UnverifiedDocument;
use tests_fuzz::{Budget, Target};

fn main() -> ExitCode {
    Target { name: "tdx-collateral", max_bytes: 16384, budget: Budget::DEFAULT, run }.drive()
}

fn run(input: &[u8]) {
    match UnverifiedDocument::read(input) {
        Ok(document) => drop((document.issue.issue_date.to_string(), document.issue.next_update.to_string())),
        Err(error) => drop(error.to_string()),
    }
}
