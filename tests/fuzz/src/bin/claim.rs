//! Claims, as `redoubt-verify` reads them: what verifies has one spelling, and no byte of it can change.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use attestation_claim::{CLAIM_MAX_BYTES, SignedClaim, VerifiedClaim, claim_digest, sign_claim};
use tests_fuzz::{Budget, Target, fixtures};

fn main() -> ExitCode {
    Target { name: "claim", max_bytes: CLAIM_MAX_BYTES + 1, budget: Budget::DEFAULT, run }.drive()
}

fn run(input: &[u8]) {
    if let Ok(verified) = verify(input) {
        assert_eq!(verified.digest(), &claim_digest(input));
        let key = fixtures::instance_key();
        // Only we can sign here, and our signatures are not random.
        assert!(sign_claim(verified.claim(), verified.evidence(), &key) == input);
        check_that_every_byte_counts(input);
    }
}

fn verify(bytes: &[u8]) -> Result<VerifiedClaim, String> {
    SignedClaim::parse(bytes).and_then(SignedClaim::verify).map_err(|error| error.to_string())
}

/// One byte, chosen by the claim's own digest.
fn check_that_every_byte_counts(claim: &[u8]) {
    let [low, high, change, ..] = claim_digest(claim);
    let place = usize::from(u16::from_le_bytes([low, high])) % claim.len();
    let mut changed = claim.to_vec();
    changed.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= change.max(1));
    assert!(verify(&changed).is_err(), "byte {place} does not count");
}
