//! Policies: every field of one that is read can be described.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use attestation_policy::{Policy, Rule};
use tests_fuzz::{Budget, SPARE_BYTES, Target};

/// Every dot makes a table, which takes a kilobyte. Whoever writes this file is the one who relies on it, so this only
/// keeps an eye on growth that is not linear; how long a policy may be bounds the rest.
const BUDGET: Budget = Budget { factor: 2048, spare_bytes: 4 * SPARE_BYTES };

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
