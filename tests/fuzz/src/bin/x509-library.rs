//! What is read as a certificate or a revocation list, `x509-cert` reads as well, to the same fields, and writes to the
//! same bytes.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "what the library does not read is the finding")]

// The oracle of the tests of `attestation-x509`.
#[path = "../../../../attestation/x509/tests/support/oracle.rs"]
mod oracle;

use std::process::ExitCode;

use attestation_x509::{CERTIFICATE_MAX_BYTES, Certificate, Crl};
use oracle::{compare_certificate, compare_list};
use tests_fuzz::{Budget, Target};
// What the oracle uses.
use x509_cert as _;

/// The library has lists of boxes for what takes a few bytes. Its memory is not ours.
const BUDGET: Budget = Budget { factor: 256, ..Budget::DEFAULT };

fn main() -> ExitCode {
    Target { name: "x509-library", max_bytes: CERTIFICATE_MAX_BYTES, budget: BUDGET, run }.drive()
}

fn run(input: &[u8]) {
    if let Ok(ours) = Certificate::parse(input) {
        compare_certificate(&ours, input, "input");
    }
    if let Ok(ours) = Crl::parse(input) {
        compare_list(&ours, input, "input");
    }
}
