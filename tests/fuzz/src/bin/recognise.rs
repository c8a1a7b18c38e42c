//! Files of evidence and collateral: what they are, out of what they are wrapped in.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use attestation_recognise::{DEPTH_MAX, ITEMS_MAX, recognise};
use tests_fuzz::{Budget, Target};

fn main() -> ExitCode {
    // What reading a certificate prepares, to know whether it is one; see the target of that name.
    let budget = Budget::with(64 * 1024);
    Target { name: "recognise", max_bytes: 64 * 1024, budget, run }.drive()
}

fn run(input: &[u8]) {
    match recognise(input) {
        Ok(items) => {
            assert!((1..=ITEMS_MAX).contains(&items.len()));
            assert!(items.iter().all(|item| item.within.len() <= DEPTH_MAX && !item.kind.name().is_empty()));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
