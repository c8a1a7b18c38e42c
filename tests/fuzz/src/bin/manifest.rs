//! `manifest.json`, as guest and verifier read it: fields in range, and the same again when written and read.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use attestation_manifest::{
    EGRESS_MAX, LIST_MAX, MANIFEST_MAX_BYTES, MEMORY_MAX_MIB, MEMORY_MIN_MIB, Manifest, parse_manifest,
};
use tests_fuzz::{Budget, Target};

/// A [`Manifest`] keeps its lists inside; two are compared.
const MANIFESTS_BYTES: usize = 4 * size_of::<Manifest<'_>>();

fn main() -> ExitCode {
    let budget = Budget::with(MANIFESTS_BYTES);
    Target { name: "manifest", max_bytes: MANIFEST_MAX_BYTES + 1, budget, run }.drive()
}

fn run(input: &[u8]) {
    let parsed = match parse_manifest(input) {
        Ok(parsed) => parsed,
        Err(error) => return drop(error.to_string()),
    };
    check_ranges(&parsed);
    let written = serde_json::to_vec(&parsed);
    let again = written.as_deref().map(parse_manifest);
    assert!(matches!(again, Ok(Ok(again)) if again == parsed));
}

fn check_ranges(manifest: &Manifest<'_>) {
    let memory_bytes = u64::from(manifest.memory_mib) << 20;
    assert!(
        manifest.memory_mib.is_multiple_of(2)
            && (MEMORY_MIN_MIB..=MEMORY_MAX_MIB).contains(&manifest.memory_mib)
    );
    assert!((1..memory_bytes).contains(&manifest.limits.component_memory_bytes));
    assert!(manifest.limits.fuel > 0 && manifest.limits.wall_ms > 0);
    assert!(manifest.args.len() <= LIST_MAX && manifest.env.len() <= LIST_MAX);
    assert!(manifest.egress.len() <= EGRESS_MAX);
    assert!(manifest.launch.snp.vmpl <= 3);
    let texts = manifest.args.iter().chain([&manifest.name, &manifest.artefact.engine]).copied();
    let variables = manifest.env.iter().flat_map(|variable| [variable.name, variable.value]);
    assert!(texts.chain(variables).all(|text| !text.contains(['\\', '"', '\n', '\0'])));
}
