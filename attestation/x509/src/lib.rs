//! Certificates and revocation lists as AMD issues them for SEV-SNP: strict DER, RSASSA-PSS, AMD's names and extensions.
//!
//! Spec: RFC 5280 for the structures, RFC 4055 for RSASSA-PSS in certificates, AMD publication 57230 "Versioned Chip
//! Endorsement Key (VCEK) Certificate and KDS Interface Specification" for names, keys and extensions.
//!
//! One content has one spelling: what does not encode to exactly the bytes that were read is refused. A parsed object is
//! not yet believed; its signature is over the bytes that were read, and nothing here decides whose key that must be.
//! Panics: never on input.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;

mod amd;
mod certificate;
mod crl;
mod envelope;
mod error;
mod extensions;
mod instant;
mod key;
mod name;

pub use amd::{CertifiedTcb, EndorsementFields, Endorses, KeyKind, ProductName};
pub use certificate::{CERTIFICATE_MAX_BYTES, Certificate};
pub use crl::{CRL_MAX_BYTES, Crl};
pub use error::X509Error;
pub use extensions::{Authority, Extensions};
pub use instant::{Instant, Validity};
pub use key::{AuthorityKey, PublicKey};
pub use name::AmdName;
