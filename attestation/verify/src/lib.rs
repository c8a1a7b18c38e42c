//! Verification of attestation evidence: is it genuine? What one wants of genuine evidence is a later question.
//!
//! Stages are types. Bytes become a parsed report, a parsed report becomes [`Verified`] evidence, and nothing but
//! verification makes one: a report that was only parsed cannot go where a verified one is asked for.
//!
//! ```
//! use attestation_verify::{Verified, snp::SnpEvidence};
//! fn decide(evidence: &Verified<SnpEvidence>) -> bool {
//!     evidence.trail().findings().next().is_none()
//! }
//! ```
//! ```compile_fail,E0308
//! # use attestation_verify::{Verified, snp::SnpEvidence};
//! # fn decide(evidence: &Verified<SnpEvidence>) -> bool { evidence.trail().findings().next().is_none() }
//! fn cheat(bytes: &[u8]) -> bool {
//!     let parsed = attestation_report::SnpReport::parse(bytes).unwrap();
//!     decide(&parsed)
//! }
//! ```
//! ```compile_fail,E0451
//! # use attestation_verify::{Trail, Verified, snp::SnpEvidence};
//! fn forge(evidence: SnpEvidence, trail: Trail) -> Verified<SnpEvidence> {
//!     Verified { evidence, trail }
//! }
//! ```
//!
//! A whole verification, with everything that it rests on:
//!
//! ```
//! use attestation_signature::RustCrypto;
//! use attestation_verify::snp::{AUTHORITIES, Challenge, Collateral, Roots, SnpEvidence, verify};
//! use attestation_verify::{Rejection, Verified, Verifier};
//! use attestation_x509::Instant;
//!
//! fn answer(
//!     report: &[u8], vcek: &[u8], crl: &[u8], nonce: [u8; 64], now: Instant,
//! ) -> Result<Verified<SnpEvidence>, Rejection> {
//!     let collateral = Collateral { vek: Some(vcek), chain: &AUTHORITIES, crls: &[crl] };
//!     let by = Verifier { signatures: &RustCrypto, at: now };
//!     verify(Some(report), &collateral, Challenge::ReportData(nonce), &Roots::default(), by)
//! }
//! let now = Instant::from_unix_seconds(1_780_000_000);
//! let rejection = answer(&[0; 1184], &[], &[], [7; 64], now).unwrap_err();
//! assert_eq!(rejection.reason().unwrap().0.as_str(), "unsupported-version");
//! ```
//!
//! Time, roots, collateral and who computes signatures are arguments; nothing here reads a file, a clock or a network.
//! Each check is recorded with what was expected and what was found, and each that fails has a stable [`Code`].
//! Panics: never on input.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;

mod chain;
mod code;
pub mod nvidia;
mod revocation;
pub mod snp;
pub mod tdx;
mod trail;
mod verified;
mod verifier;
mod vtpm;

pub use code::{Code, Kind};
pub use revocation::CRLS_MAX;
pub use trail::{Check, Label, Rejection, Trail};
pub use verified::Verified;
pub use verifier::Verifier;
pub use vtpm::{Pcr, Vtpm, VtpmBundle, VtpmChallenge};
