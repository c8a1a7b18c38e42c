//! `reference-values.json`, as loader and verifier read it: the same again when written and read.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use attestation_manifest::reference::{REFERENCE_VERSION, ReferenceValues};
use tests_fuzz::{Budget, Target};

fn main() -> ExitCode {
    Target { name: "reference-values", max_bytes: 8192, budget: Budget::DEFAULT, run }.drive()
}

fn run(input: &[u8]) {
    let parsed: ReferenceValues = match serde_json::from_slice(input) {
        Ok(parsed) => parsed,
        Err(error) => return drop(error.to_string()),
    };
    assert_eq!(parsed.version, REFERENCE_VERSION);
    let written = serde_json::to_vec(&parsed).unwrap_or_default();
    let again = serde_json::from_slice::<ReferenceValues>(&written);
    assert!(again.is_ok_and(|again| again == parsed));
}
