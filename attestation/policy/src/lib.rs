//! Policies: which genuine evidence is wanted.
//!
//! A policy is a TOML file in which every field is stated or waived with a reason. Nothing has a default and no field may be
//! left out: what nobody thought of shows when the file is read, not when an attack succeeds. Its input is
//! [`Verified`](attestation_verify::Verified) evidence and its output a [`Decision`]; what was merely parsed has no way in:
//!
//! ```
//! use attestation_policy::{Decision, Policy};
//! use attestation_verify::{Verified, snp::SnpEvidence};
//! fn decide(policy: &Policy, evidence: &Verified<SnpEvidence>) -> Decision {
//!     policy.decide_snp(evidence)
//! }
//! ```
//! ```compile_fail,E0308
//! # use attestation_policy::{Decision, Policy};
//! fn decide(policy: &Policy, bytes: &[u8]) -> Decision {
//!     let parsed = attestation_report::SnpReport::parse(bytes).unwrap();
//!     policy.decide_snp(&parsed)
//! }
//! ```
//! ```compile_fail,E0451
//! # use attestation_policy::Decision;
//! fn forge() -> Decision {
//!     Decision { rulings: Default::default() }
//! }
//! ```
//!
//! The file is trusted as far as the relying party wrote it; reading it is bounded all the same.
//! Panics: never on input.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;

mod decision;
mod error;
pub mod nvidia;
mod policy;
mod rules;
pub mod snp;
pub mod tdx;
pub mod terms;

pub use decision::{Decision, Outcome, Ruling};
pub use error::PolicyError;
pub use policy::{POLICY_MAX_BYTES, POLICY_VERSION, Platform, Policy, Preset};
pub use rules::{Described, Rule};
