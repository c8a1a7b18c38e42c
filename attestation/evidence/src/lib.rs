//! Evidence: a platform report, what it binds, and who endorses it.
//!
//! Evidence answers "which key is held by a guest that was launched with which ROM and manifest?" (RFC 9334,
//! "Evidence"). Decoding says nothing about truth: [`verify_simulated`] checks signatures and bindings and returns
//! a type of its own, so that evidence of a simulated platform can never be taken for a machine's.
//!
//! ```cddl
//! evidence = {
//!     0: 1, 1: 1 / 2 / 3,         ; version; simulated, SEV-SNP, TDX
//!     2: bstr, 3: bstr,           ; report, endorsement
//!     4: bstr .size 65, ? 5: bstr, ; instance key (P-256, uncompressed), HPKE key
//!     6: bstr,                    ; exact bytes of the manifest
//! }
//! ```
//! Panics: never on input.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;

mod binding;
mod codec;
mod error;
mod lengths;
pub mod sim;
pub mod text;

use alloc::vec::Vec;

pub use attestation_manifest::MANIFEST_MAX_BYTES;
pub use binding::{check_binding, report_data};
pub use error::EvidenceError;
pub use lengths::states_every_length;
pub use sim::{SimulatedReport, verify_simulated};

/// Bytes of an instance key: SEC1, uncompressed, P-256.
pub const INSTANCE_KEY_BYTES: usize = 65;
/// The longest encoded evidence that is looked at.
pub const EVIDENCE_MAX_BYTES: usize = 128 * 1024;
/// The longest report; SNP reports have 1,184 bytes, TDX quotes carry their certificates.
pub const REPORT_MAX_BYTES: usize = 16 * 1024;
/// The longest endorsement.
pub const ENDORSEMENT_MAX_BYTES: usize = 16 * 1024;
/// The longest HPKE public key.
pub const HPKE_KEY_MAX_BYTES: usize = 256;

/// What a guest shows once per boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Who made the report.
    pub platform: Platform,
    /// The report as the platform made it.
    pub report: Vec<u8>,
    /// What vouches for the report's signing key. Handed out by the host, so worth nothing until verified.
    pub endorsement: Vec<u8>,
    /// Public key of this boot: SEC1, uncompressed, P-256.
    pub instance_key: [u8; INSTANCE_KEY_BYTES],
    /// Public key for private jobs, where the guest takes them.
    pub hpke_key: Option<Vec<u8>>,
    /// Exact bytes of the manifest.
    pub manifest: Vec<u8>,
}

/// Who made a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Platform {
    /// A software PSP run by the host. Protects nothing.
    Simulated = 1,
    /// AMD SEV-SNP.
    Snp = 2,
    /// Intel TDX.
    Tdx = 3,
}

impl Platform {
    /// The platform with this number in encoded evidence.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Simulated),
            2 => Some(Self::Snp),
            3 => Some(Self::Tdx),
            _ => None,
        }
    }

    /// The platform's name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Simulated => "simulated",
            Self::Snp => "SEV-SNP",
            Self::Tdx => "TDX",
        }
    }
}
