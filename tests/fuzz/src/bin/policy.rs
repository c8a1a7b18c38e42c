//! Policies: every field of one that is read can be described.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use attestation_policy::{Policy, Rule};
use tests_fuzz::{Budget, Target};

/// Every dot of a name makes a table in the reader of TOML, which takes a kilobyte and a half, and where names are empty
/// a dot is all there is. Only the length of a policy bounds that. Whoever writes it is the one who relies on it.
const BUDGET: Budget = Budget { factor: 2048, ..Budget::DEFAULT };

fn main() -> ExitCode {
    Target { name: "policy", max_bytes: 32 * 1024, budget: BUDGET, run }.drive()
}

fn run(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    match Policy::parse(text) {
        Ok(policy) => {
            for field in policy.describe() {
                assert!(!field.about.is_empty());
                if let Rule::Waived { reason } = field.rule {
                    assert!(!reason.is_empty(), "{}", field.field);
                }
            }
        }
        Err(error) => drop(error.to_string()),
    }
}
