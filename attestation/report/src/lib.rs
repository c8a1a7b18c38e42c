//! Attestation reports of SEV-SNP, quotes of TDX (in [`tdx`]), measurement reports of NVIDIA's GPUs and switches (in
//! [`spdm`]): bytes to structs.
//!
//! Spec of the former: AMD publication 56860 "SEV Secure Nested Paging Firmware ABI Specification", tables
//! "ATTESTATION_REPORT", "Guest Policy" and "TCB_VERSION". Parsing says only that the bytes have the shape of a report;
//! whether somebody trustworthy signed them is for `attestation-verify`, and for `attestation-evidence` on the simulated
//! platform. [`table`] is what hosts hand out with a report, [`hcl`] and [`tpm`] are what Azure wraps around one.
//! Panics: never on input.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

pub mod hcl;
mod layout;
mod parse;
mod policy;
mod product;
pub mod spdm;
pub mod table;
mod tcb;
pub mod tdx;
pub mod tpm;

pub use layout::{ReportSignature, SnpReport};
pub use parse::{CpuId, ReportError, SigningKeyKind};
pub use policy::{GuestPolicy, PlatformInfo};
pub use product::ProductLine;
pub use tcb::{TcbLayout, TcbParts, TcbVersion};

/// Bytes of a report, all versions.
pub const REPORT_BYTES: usize = 1184;
/// Bytes that the signature covers, from the start.
pub const SIGNED_BYTES: usize = 0x2A0;
/// Where the part of the signature field begins that neither R nor S uses.
pub(crate) const SIGNATURE_PADDING_OFFSET: usize = 0x330;
/// Oldest report version that parses.
pub const OLDEST_VERSION: u32 = 2;
/// Newest report version that parses. Later ones may give reserved bytes a meaning that we would overlook.
pub const NEWEST_VERSION: u32 = 5;
/// `SIGNATURE_ALGO` of ECDSA P-384 with SHA-384, the only one defined.
pub const SIGNATURE_ALGORITHM_ECDSA_P384_SHA384: u32 = 1;
