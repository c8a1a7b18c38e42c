//! Intel TDX quotes: bytes to structs.
//!
//! Spec: "Intel TDX DCAP Quoting Library API", appendix "TD Quote Format", versions 4 and 5, for the quote, its TD
//! report bodies and its signature data; Intel SDM volume 3D, table "Layout of REPORT", for the report of the quoting
//! enclave. Numbers are little-endian; signatures and keys are big-endian.
//!
//! Parsing covers structure. It borrows what has a length of its own, and reports bytes behind the quote without
//! reading them. What the header says besides its types, and every bit of the body, is signed: that is for a verifier
//! to judge.

mod attributes;
mod body;
mod error;
mod header;
mod quote;
mod signature_data;

pub use attributes::{TdAttributes, Xfam};
pub use body::{TdBody, TdReport10, TdReport15, TeeTcbSvn};
pub use error::QuoteError;
pub use header::{
    AttestationKeyType, BodyDescriptor, BodyType, INTEL_QE_VENDOR_ID, QuoteHeader, TeeType, VERSION_4,
    VERSION_5,
};
pub use quote::Quote;
pub use signature_data::{CertificationData, CertificationDataType, EnclaveReport, SignatureData};
