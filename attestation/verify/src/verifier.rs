//! Who verifies.

use attestation_signature::SignatureVerifier;
use attestation_x509::Instant;

/// What a verification rests on besides roots and evidence. There is no default for either.
#[derive(Debug, Clone, Copy)]
pub struct Verifier<'a> {
    /// Who computes signatures.
    pub signatures: &'a dyn SignatureVerifier,
    /// As of when certificates, lists and collateral have to be in date.
    pub at: Instant,
}
