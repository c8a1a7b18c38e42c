//! Reference values in CoRIM format: what is read has one spelling.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use attestation_corim::{CORIM_MAX_BYTES, ReferenceManifest};
use tests_fuzz::{Budget, Target};

fn main() -> ExitCode {
    Target { name: "corim", max_bytes: CORIM_MAX_BYTES + 1, budget: Budget::DEFAULT, run }.drive()
}

fn run(input: &[u8]) {
    match ReferenceManifest::decode(input) {
        Ok(manifest) => {
            assert_eq!(manifest.check(), Ok(()));
            assert!(manifest.encode() == input);
        }
        Err(error) => drop(error.to_string()),
    }
}
