//! Claims, as `redoubt-verify` reads them: what verifies has one spelling, and no byte of it can change.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use attestation_claim::{CLAIM_MAX_BYTES, ChainPlace, SignedClaim, VerifiedClaim, sign_claim};
use sha2::{Digest, Sha256};
use tests_fuzz::{Budget, Target, fixtures};

fn main() -> ExitCode {
    Target { name: "claim", max_bytes: CLAIM_MAX_BYTES + 1, budget: Budget::DEFAULT, run }.drive()
}

fn run(input: &[u8]) {
    if let Ok(verified) = verify(input) {
        let (key, batch) = (fixtures::instance_key(), verified.batch());
        if batch.claims == 1 {
            // Only we can sign here, and this key's signatures are not random.
            let place = ChainPlace { number: batch.number, previous: batch.previous };
            let again = sign_claim(verified.claim(), place, verified.evidence(), &key);
            assert!(again.is_ok_and(|again| again == (input.to_vec(), *verified.digest())));
        }
        check_that_every_byte_counts(input);
    }
}

fn verify(bytes: &[u8]) -> Result<VerifiedClaim, String> {
    SignedClaim::parse(bytes).and_then(SignedClaim::verify).map_err(|error| error.to_string())
}

/// One byte, chosen by the claim's own hash.
fn check_that_every_byte_counts(claim: &[u8]) {
    let [low, high, change, ..] = <[u8; 32]>::from(Sha256::digest(claim));
    let place = usize::from(u16::from_le_bytes([low, high])) % claim.len();
    let mut changed = claim.to_vec();
    changed.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= change.max(1));
    assert!(verify(&changed).is_err(), "byte {place} does not count");
}
