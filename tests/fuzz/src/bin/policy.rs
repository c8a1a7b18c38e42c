//! Policies: every field of one that is read can be described.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use attestation_policy::{Policy, Rule};
use attestation_toml::SPARE_BYTES;
use tests_fuzz::{Budget, Target};

fn main() -> ExitCode {
    // As many tables and words as a text of any length may have, and no more than that.
    let budget = Budget::with(SPARE_BYTES);
    Target { name: "policy", max_bytes: 32 * 1024, budget, run }.drive()
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
