//! Chains of certificates in headers of Intel's service: what is decoded is PEM of certificates.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use attestation_collateral::{CHAIN_HEADER_MAX_BYTES, decode_issuer_chain};
use attestation_x509::pem;
use tests_fuzz::{Budget, Target};

fn main() -> ExitCode {
    Target { name: "issuer-chain", max_bytes: CHAIN_HEADER_MAX_BYTES + 1, budget: Budget::DEFAULT, run }
        .drive()
}

fn run(input: &[u8]) {
    let Ok(header) = core::str::from_utf8(input) else { return };
    match decode_issuer_chain(header) {
        Ok(text) => {
            assert!(text.len() <= input.len());
            assert!(pem::certificates(&text).is_ok());
        }
        Err(error) => drop(error.to_string()),
    }
}
