//! Claims: what ran, on which input, with which output.
//!
//! A claim is a COSE_Sign1 (RFC 9052) over deterministic CBOR (RFC 8949 §4.2.1), signed with ES256 by the instance key
//! of the evidence that it carries. The staircase is bytes → [`SignedClaim`] (parsed) → [`VerifiedClaim`] (signed by the
//! key that the evidence names). Whether that evidence is true is for `attestation-evidence`, and whether the claim is
//! the one that somebody wanted is for the caller.
//! Panics: never on input.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;

mod cose;
mod error;
mod payload;
mod signed;

pub use error::ClaimError;
pub use payload::{Claim, Digested, LIMIT_NAME_MAX_BYTES, Outcome};
pub use signed::{SignedClaim, VerifiedClaim, claim_digest, sign_claim};

/// The only version of claims.
pub const CLAIM_VERSION: u32 = 1;
/// Content type of the payload.
pub const CONTENT_TYPE: &str = "application/redoubt-claim+cbor";
/// The longest claim that is looked at.
pub const CLAIM_MAX_BYTES: usize = attestation_evidence::EVIDENCE_MAX_BYTES + 4096;
