//! Every verification of the tests is done by each implementation of signatures.

use core::fmt::Debug;

use attestation_ring::Ring;
use attestation_signature::RustCrypto;
use attestation_verify::Verifier;
use attestation_x509::Instant;

/// What `verify` comes to, which is the same whoever computes the signatures: verdict, evidence and each check of the trail.
#[track_caller]
pub(crate) fn by_each<T: Debug + PartialEq>(at: Instant, verify: impl Fn(Verifier<'_>) -> T) -> T {
    let outcome = verify(Verifier { signatures: &RustCrypto, at });
    assert_eq!(verify(Verifier { signatures: &Ring, at }), outcome, "ring, against RustCrypto");
    outcome
}
