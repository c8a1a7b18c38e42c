//! Random components are made of all that the engine permits, and of nothing else.

use attestation_artefact::{CALL_STACK_MIN_BYTES, instrument};
use tests_random_components::RandomComponent;
use wasmparser::{Validator, WasmFeatures};

/// What the engine permits beyond the first version of WebAssembly, in which numbers and floats are.
const PROPOSALS: [(&str, WasmFeatures); 11] = [
    ("bulk memory", WasmFeatures::BULK_MEMORY),
    ("extended constant expressions", WasmFeatures::EXTENDED_CONST),
    ("floats", WasmFeatures::FLOATS),
    ("more than one memory", WasmFeatures::MULTI_MEMORY),
    ("more than one value", WasmFeatures::MULTI_VALUE),
    ("reference types", WasmFeatures::REFERENCE_TYPES),
    ("relaxed SIMD", WasmFeatures::RELAXED_SIMD),
    ("saturating conversions", WasmFeatures::SATURATING_FLOAT_TO_INT),
    ("sign extension", WasmFeatures::SIGN_EXTENSION),
    ("SIMD", WasmFeatures::SIMD),
    ("tail calls", WasmFeatures::TAIL_CALL),
];

#[test]
fn every_proposal_is_used_and_none_that_the_engine_refuses() {
    let components: Vec<_> = (0..60).map(|seed| RandomComponent::of(seed).bytes).collect();
    for (seed, component) in components.iter().enumerate() {
        // Validates as the engine does.
        instrument(component, CALL_STACK_MIN_BYTES).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
    for (name, proposal) in PROPOSALS {
        let features = WasmFeatures::all().difference(proposal);
        let is_refused =
            |component: &Vec<u8>| Validator::new_with_features(features).validate_all(component).is_err();
        assert!(components.iter().any(is_refused), "no component uses {name}");
    }
}

#[test]
fn the_same_number_makes_the_same_bytes() {
    for seed in [0, 1, u64::MAX] {
        assert_eq!(RandomComponent::of(seed), RandomComponent::of(seed));
    }
    assert_ne!(RandomComponent::of(0).bytes, RandomComponent::of(1).bytes);
}
