//! Bundles of evidence and collateral: one spelling, and nothing copied.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use attestation_bundle::{BUNDLE_MAX_BYTES, Bundle};
use tests_fuzz::{Budget, Target};

/// Longer inputs only repeat what shorter ones do.
const MAX_BYTES: usize = 64 * 1024;

fn main() -> ExitCode {
    Target { name: "bundle", max_bytes: MAX_BYTES, budget: Budget::DEFAULT, run }.drive()
}

fn run(input: &[u8]) {
    let bundle = match Bundle::decode(input) {
        Ok(bundle) => bundle,
        Err(error) => return drop(error.to_string()),
    };
    assert!(input.len() <= BUNDLE_MAX_BYTES);
    assert!(bundle.encode().as_deref() == Ok(input));
    for item in &bundle.items {
        assert!(bundle.of(item.kind).any(|contents| contents == item.contents));
    }
}
