//! NVIDIA's reference integrity manifests (RIM): which measurements a driver or a VBIOS has.
//!
//! Spec: ISO/IEC 19770-2:2015 for the tag, TCG "Reference Integrity Manifest Information Model" 1.01 for its attributes,
//! W3C "Canonical XML Version 1.1" and "XML Signature Syntax and Processing Version 1.1" for the signature.
//!
//! A file is hostile until its signature holds, so stages are types: [`SignedRim`] is a file whose signature has the one
//! shape that NVIDIA writes, [`Rim`] is what a key signed, and [`SignedRim::verify`] is the only way from one to the
//! other. What XML can do beyond that shape is refused before there is a tree: see [`limits`]. Whose key it has to be is
//! for `attestation-verify`. Panics: never on input.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;

mod canonical;
mod elements;
mod error;
pub mod limits;
mod manifest;
mod signature;

pub use error::RimError;
pub use manifest::{Measurement, Rim};
pub use signature::SignedRim;
