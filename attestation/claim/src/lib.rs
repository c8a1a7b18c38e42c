//! Claims: what ran, on which input, with which output.
//!
//! A guest signs claims together: a COSE_Sign1 (RFC 9052) over the root of a Merkle tree whose leaves they are, by ES256
//! with the instance key of the evidence that it carries. A job's claim is signed alone, the requests of a service some
//! hundreds at a time. A claim's file is that signature with one claim in it, and the path from there to the root.
//!
//! The staircase is bytes → [`SignedClaim`] (parsed, and under the root) → [`VerifiedClaim`] (the root is signed by the key
//! that the evidence names). Whether that evidence is true is for `attestation-evidence`, and whether the claim is the one
//! that somebody wanted is for the caller.
//!
//! ```cddl
//! claim-file = #6.18([bstr .cbor headers, { -65538: bstr .cbor evidence, -65539: opening }, bstr .cbor batch, bstr .size 64])
//! headers = { 1: -7, 3: "application/redoubt-claim+cbor", -65537: digest }   ; SHA-256 of the evidence's bytes
//! opening = [bstr .cbor claim, uint, [*0..32 digest]]   ; number in the batch, audit path of RFC 9162 §2.1.3.1
//! batch = { 0: 3, 1: uint, 2: digest, 3: uint, 4: digest }
//!     ; version; number since boot; digest of the batch before or zeros; claims, root over them
//! claim = {
//!     0: digest, 1: digest, 2: digest,          ; component, artefact, manifest
//!     3: bytes, 4: bytes, 5: outcome,           ; input, output, how it ended
//!     6: uint,                                  ; number of the run since boot
//!     7: transcript, ? 8: digest,               ; everything learnt from outside; receipts root
//!     9: usage, 10: measured,                   ; what a replay finds again; what only the guest can know
//! }
//! transcript = { 0: digest, 1: uint, 2: uint }  ; root, entries, bytes
//! usage = { 0: uint, 1: uint, 2: uint }         ; fuel, peak of memories and tables, bytes of error output
//! measured = { 0: uint, 1: uint }               ; microseconds in the component, peak of the guest's heap
//! bytes = { 0: digest, 1: uint }                ; SHA-256, length
//! outcome = [0, uint .size 1] / [1] / [2, tstr] ; exited with a code, trapped, exceeded this limit
//! digest = bstr .size 32
//! ```
//! All of it is deterministic CBOR (RFC 8949 §4.2.1). A leaf's hash is that of RFC 9162 §2.1.1 over a claim's bytes; a
//! batch's digest is SHA-256 of its `Sig_structure`. `external_aad` is the bytes `redoubt claim 3`; S is in the lower half;
//! `evidence` is described in that crate. What input and output of a service are: see [`message`].
//! Panics: never on input.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;

mod cose;
mod error;
pub mod message;
mod payload;
mod signed;

pub use error::ClaimError;
pub use payload::{
    Batch, Claim, Digested, LIMIT_NAME_MAX_BYTES, Measured, Outcome, RunningDigest, Transcript, Usage,
};
pub use signed::{ChainPlace, SignedBatch, SignedClaim, VerifiedClaim, open_claims, sign_claim, sign_claims};

/// The only version of claims.
pub const CLAIM_VERSION: u32 = 3;
/// Content type of the payload.
pub const CONTENT_TYPE: &str = "application/redoubt-claim+cbor";
/// What a signed claim has besides evidence, at most. A claim alone is shorter.
pub const CLAIM_BESIDES_EVIDENCE_MAX_BYTES: usize = 4096;
/// The longest signed claim that is looked at.
pub const CLAIM_MAX_BYTES: usize =
    attestation_evidence::EVIDENCE_MAX_BYTES + CLAIM_BESIDES_EVIDENCE_MAX_BYTES;
