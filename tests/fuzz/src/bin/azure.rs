//! What Azure wraps around reports: the paravisor's blob, the quote of its virtual TPM, and tables of certificates.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use attestation_report::hcl::HclReport;
use attestation_report::table::{ENTRIES_MAX, entries};
use attestation_report::tpm::TpmQuote;
use tests_fuzz::{Budget, Target};

fn main() -> ExitCode {
    Target { name: "azure", max_bytes: 8192, budget: Budget::DEFAULT, run }.drive()
}

fn run(input: &[u8]) {
    match HclReport::parse(input) {
        Ok(report) => assert!(report.runtime_data.len() + report.hardware_report.len() < input.len()),
        Err(error) => drop(error.to_string()),
    }
    match TpmQuote::parse(input) {
        Ok(quote) => assert!(quote.selected < 1 << 24 && quote.extra_data.len() < input.len()),
        Err(error) => drop(error.to_string()),
    }
    match entries(input) {
        Ok(found) => assert!(found.count() <= ENTRIES_MAX),
        Err(error) => drop(error.to_string()),
    }
}
