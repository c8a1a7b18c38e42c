//! Certificates and revocation lists as AMD, Intel and NVIDIA issue them for attestation: strict DER, few algorithms.
//!
//! Spec: RFC 5280 for the structures, RFC 4055 for RSASSA-PSS and RFC 5758 for ECDSA in certificates. What one vendor
//! adds is in a module of its name: [`amd`], [`intel`], [`nvidia`].
//!
//! One content has one spelling: DER, and what DER would have written otherwise is refused. A parsed object is
//! not yet believed; its signature is over the bytes that were read, and nothing here decides whose key that must be.
//! Panics: never on input.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;

mod algorithm;
pub mod amd;
mod certificate;
mod crl;
mod elements;
mod envelope;
mod error;
mod extensions;
mod instant;
pub mod intel;
mod key;
mod name;
pub mod nvidia;
pub mod pem;

pub use algorithm::SignatureAlgorithm;
pub use certificate::{CERTIFICATE_MAX_BYTES, Certificate};
pub use crl::{CRL_MAX_BYTES, Crl};
pub use error::X509Error;
pub use extensions::{Authority, EXTENSIONS_MAX, Extensions};
pub use instant::{Instant, Validity};
pub use key::PublicKey;
pub use name::DistinguishedName;
