//! Answers of time servers and proofs of the time: what is taken has one spelling, and no byte of it can change.
#![forbid(unsafe_code)]
#![expect(clippy::expect_used, reason = "that it fails is the finding")]

use std::process::ExitCode;

use attestation_roughtime::{PROOF_MAX_BYTES, Proof, ServerKey, read_response, report_json, request};
use attestation_signature::RustCrypto;
use tests_fuzz::{Budget, Target};

fn main() -> ExitCode {
    Target { name: "roughtime", max_bytes: PROOF_MAX_BYTES + 1, budget: Budget::DEFAULT, run }.drive()
}

/// The key of the public vector of RFC 10049 that is a seed.
const KEY: ServerKey = ServerKey([
    0x19, 0x7f, 0x6b, 0x23, 0xe1, 0x6c, 0x85, 0x32, 0xc6, 0xab, 0xc8, 0x38, 0xfa, 0xcd, 0x5e, 0xa7, 0x89,
    0xbe, 0x0c, 0x76, 0xb2, 0x92, 0x03, 0x34, 0x03, 0x9b, 0xfa, 0x8b, 0x3d, 0x36, 0x8d, 0x61,
]);

/// The first byte says what the rest is.
fn run(input: &[u8]) {
    let Some((choice, rest)) = input.split_first() else { return };
    match choice & 1 {
        0 => read_answer(rest),
        _ => read_proof(rest),
    }
}

/// Nobody here can sign for a question of ours: whatever comes is refused.
fn read_answer(response: &[u8]) {
    let question = request(&KEY, &[7; 32]);
    let answer = read_response(&RustCrypto, &KEY, &question, response);
    assert!(answer.is_err(), "an answer to a question that was never asked");
}

fn read_proof(bytes: &[u8]) {
    let Ok(proof) = Proof::decode(bytes) else { return };
    assert!(proof.encode() == bytes, "a proof has one spelling");
    let servers: Vec<ServerKey> = proof.exchanges().iter().map(|exchange| exchange.server).collect();
    if let Ok(verified) = proof.verify(&RustCrypto, &servers) {
        assert_eq!(verified.exchanges.len(), servers.len());
        assert!(verified.inconsistencies.iter().all(|(first, second)| first < second));
    }
    let report = report_json(&proof);
    let report: serde_json::Value = serde_json::from_str(&report).expect("a report is JSON");
    assert_eq!(
        report.get("responses").and_then(serde_json::Value::as_array).map(Vec::len),
        Some(servers.len())
    );
}
