//! Proofs of one segment of a transcript: one spelling, and what is under a root is as the format wants it.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use attestation_transcript::{
    Content, InclusionProof, PROOF_MAX_BYTES, ProofError, ProvenSegment, Root, verify_proof,
};
use tests_fuzz::{Budget, Target};

fn main() -> ExitCode {
    Target { name: "transcript-proof", max_bytes: PROOF_MAX_BYTES + 1, budget: Budget::DEFAULT, run }.drive()
}

fn run(input: &[u8]) {
    let proof = match InclusionProof::decode(input) {
        Ok(proof) => proof,
        Err(error) => return drop(error.to_string()),
    };
    assert!(input.len() <= PROOF_MAX_BYTES);
    assert!(proof.encode() == input);
    let root = match proof.unverified_root() {
        Ok(root) => root,
        Err(error) => return drop(error.to_string()),
    };
    match verify_proof(&proof, &root) {
        Ok(proven) => check(&proven),
        Err(error) => {
            assert!(
                !matches!(error, ProofError::WrongRoot { .. }) && !error.to_string().is_empty(),
                "{error}"
            );
        }
    }
    let other = Root(root.0.map(|byte| !byte));
    let refused = verify_proof(&proof, &other).map(drop);
    assert!(refused == Err(ProofError::WrongRoot { expected: other, found: root }));
}

fn check(proven: &ProvenSegment<'_>) {
    assert!(proven.index < proven.segments);
    match &proven.content {
        Content::Header(_) => assert_eq!(proven.index, 0),
        Content::Entries(entries) => {
            for entry in entries.clone() {
                assert!(
                    entry.is_ok_and(|entry| entry.segment == proven.index && entry.number < proven.entries)
                );
            }
        }
    }
}
