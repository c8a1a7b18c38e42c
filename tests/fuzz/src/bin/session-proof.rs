//! Session proofs and requests for them: what parses has one spelling, and no proof that was made up holds.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use attestation_session::{Connection, Request, Role, SignedSession};
use attestation_signature::RustCrypto;
use tests_fuzz::{Budget, Target};

fn main() -> ExitCode {
    Target { name: "session-proof", max_bytes: 8 << 10, budget: Budget::DEFAULT, run }.drive()
}

/// The first byte says what the rest is.
fn run(input: &[u8]) {
    let Some((choice, rest)) = input.split_first() else { return };
    if choice & 1 == 0 {
        if let Ok(request) = Request::decode(rest) {
            assert!(request.encode() == rest, "a request has one spelling");
        }
        return;
    }
    let Ok(signed) = SignedSession::parse(rest) else { return };
    let seen = Connection {
        role: Role::Server,
        prover_nonce: *signed.prover_nonce(),
        asker_nonce: [0xA5; 32],
        prover_spki: [3; 32],
        asker_spki: [0; 32],
        exporter: [0x5A; 32],
    };
    // The seed's proof is of another connection, and nobody signs here.
    match signed.verify(&seen, None, &RustCrypto) {
        Ok(_) => unreachable!("a proof that was made up holds"),
        Err(error) => drop(error.to_string()),
    }
}
