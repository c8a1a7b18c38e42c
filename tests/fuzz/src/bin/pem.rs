//! Lists of certificates, and revocation lists, in PEM.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use attestation_x509::pem::{PEM_CERTIFICATES_MAX, certificates, revocation_list};
use tests_fuzz::{Budget, Target};

fn main() -> ExitCode {
    Target { name: "pem", max_bytes: 64 * 1024, budget: Budget::DEFAULT, run }.drive()
}

fn run(input: &[u8]) {
    match certificates(input) {
        Ok(list) => {
            assert!((1..=PEM_CERTIFICATES_MAX).contains(&list.len()));
            assert!(list.iter().map(Vec::len).sum::<usize>() < input.len());
        }
        Err(error) => drop(error.to_string()),
    }
    match revocation_list(input) {
        Ok(list) => assert!(list.len() < input.len()),
        Err(error) => drop(error.to_string()),
    }
}
