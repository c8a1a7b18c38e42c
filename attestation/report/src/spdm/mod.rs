//! NVIDIA measurement reports: an SPDM request and the signed response to it.
//!
//! Spec: DMTF DSP0274 1.1.1 "Security Protocol and Data Model (SPDM) Specification", tables "GET_MEASUREMENTS request
//! message", "Successful MEASUREMENTS response message", "Measurement block format" and "DMTF measurement specification
//! format". The opaque data is NVIDIA's, published as the `OpaqueFieldId` table of NVIDIA/nvtrust.
//!
//! Everything is borrowed from the input; nothing is allocated. As with SNP reports, structure is read first, and what
//! the signed contents have to be is checked once the signature holds: [`MeasurementReport::check_contents`].

mod error;
mod layout;
mod measurements;
mod opaque;
mod parse;
mod versions;

pub use error::SpdmError;
pub use layout::{GetMeasurements, MeasurementsHeader};
pub use measurements::{Measurement, Measurements};
pub use opaque::{FeatureFlag, FieldId, Fields, OpaqueField, Pdi, Status};
pub use parse::MeasurementReport;
pub use versions::VbiosVersion;

/// `SPDMVersion` of 1.1, the only version that NVIDIA's devices report in.
pub const SPDM_VERSION: u8 = 0x11;
/// Bytes of the request.
pub const REQUEST_BYTES: usize = 37;
/// Bytes of a nonce.
pub const NONCE_BYTES: usize = 32;
/// Bytes of the signature: r and s of ECDSA P-384, big-endian, one behind the other.
pub const SIGNATURE_BYTES: usize = 96;
/// Bytes of a measurement's value, and of the identity of firmware: SHA-384.
pub const DIGEST_BYTES: usize = 48;
/// The longest report that is read. Real ones have up to 4274 bytes; the longest that the format can express has more
/// than 16 MB.
pub const MEASUREMENT_REPORT_MAX_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests;
