//! SEV-SNP attestation report: bytes to structs.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

/// Bytes of a report, all versions.
pub const REPORT_BYTES: usize = 1184;
