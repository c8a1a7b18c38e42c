//! Certificate revocation lists: one spelling, entries that are there.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use attestation_x509::{CRL_MAX_BYTES, Crl};
use tests_fuzz::{Budget, Target};

fn main() -> ExitCode {
    Target { name: "crl", max_bytes: CRL_MAX_BYTES + 1, budget: Budget::DEFAULT, run }.drive()
}

fn run(input: &[u8]) {
    match Crl::parse(input) {
        Ok(list) => {
            let _shown =
                (list.issuer().to_string(), list.this_update().to_string(), list.next_update().to_string());
            // An entry takes a serial number, a date and their headers.
            assert!(list.revoked().count() <= input.len() / 20);
            assert!(list.revoked().all(|serial| !serial.is_empty() && serial.len() <= 21));
        }
        Err(error) => drop(error.to_string()),
    }
}
