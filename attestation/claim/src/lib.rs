//! Claims: what ran, on which input, with which output.
//!
//! A claim is a COSE_Sign1 (RFC 9052) over deterministic CBOR (RFC 8949 §4.2.1), signed with ES256 by the instance key
//! of the evidence that it carries. The staircase is bytes → [`SignedClaim`] (parsed) → [`VerifiedClaim`] (signed by the
//! key that the evidence names). Whether that evidence is true is for `attestation-evidence`, and whether the claim is
//! the one that somebody wanted is for the caller.
//!
//! ```cddl
//! claim = #6.18([bstr .cbor headers, { -65538: bstr .cbor evidence }, bstr .cbor content, bstr .size 64])
//! headers = { 1: -7, 3: "application/redoubt-claim+cbor", -65537: digest }   ; SHA-256 of the evidence's bytes
//! content = {
//!     0: 2, 1: digest, 2: digest, 3: digest,    ; version; component, artefact, manifest
//!     4: file, 5: file, 6: outcome,             ; input, output, how it ended
//!     7: uint, 8: digest,                       ; number since boot, SHA-256 of the previous claim or zeros
//!     9: transcript, ? 10: digest,              ; everything learnt from outside; receipts root
//!     11: usage, 12: measured,                  ; what a replay finds again; what only the guest can know
//! }
//! transcript = { 0: digest, 1: uint, 2: uint }  ; root, entries, bytes
//! usage = { 0: uint, 1: uint, 2: uint }         ; fuel, peak of memories and tables, bytes of error output
//! measured = { 0: uint, 1: uint }               ; microseconds in the component, peak of the guest's heap
//! file = { 0: digest, 1: uint }                 ; SHA-256, bytes
//! outcome = [0, uint .size 1] / [1] / [2, tstr] ; exited with a code, trapped, exceeded this limit
//! digest = bstr .size 32
//! ```
//! `external_aad` is the bytes `redoubt claim 2`; S is in the lower half; `evidence` is described in that crate.
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
pub use payload::{Claim, Digested, LIMIT_NAME_MAX_BYTES, Measured, Outcome, Transcript, Usage};
pub use signed::{SignedClaim, VerifiedClaim, claim_digest, sign_claim};

/// The only version of claims.
pub const CLAIM_VERSION: u32 = 2;
/// Content type of the payload.
pub const CONTENT_TYPE: &str = "application/redoubt-claim+cbor";
/// The longest claim that is looked at.
pub const CLAIM_MAX_BYTES: usize = attestation_evidence::EVIDENCE_MAX_BYTES + 4096;
