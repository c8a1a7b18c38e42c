//! What is wrong with a report.

use super::{FieldId, MEASUREMENT_REPORT_MAX_BYTES, SPDM_VERSION};

/// Bytes that are not a measurement report of a device. Whoever supplied them is guilty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpdmError {
    /// A size, length or count reaches beyond the input or the structure around it.
    #[error("{field}: expected {expected} bytes, found only {found}")]
    Truncated {
        /// What is cut short.
        field: &'static str,
        /// Bytes that it has to have.
        expected: usize,
        /// Bytes that are left.
        found: usize,
    },
    /// More bytes than any report has.
    #[error("report: expected at most {MEASUREMENT_REPORT_MAX_BYTES} bytes, found {found}")]
    TooLong {
        /// Bytes found.
        found: usize,
    },
    /// Another version of SPDM.
    #[error("{field}: expected SPDM version {SPDM_VERSION:#04x}, found {found:#04x}")]
    Version {
        /// Which message.
        field: &'static str,
        /// Version found.
        found: u8,
    },
    /// A code, type or bit that decides the layout, and another layout than a device's.
    #[error("{field}: expected {expected:#04x}, found {found:#04x}")]
    Layout {
        /// Which field.
        field: &'static str,
        /// What a device has there.
        expected: u8,
        /// What stands there.
        found: u8,
    },
    /// A structure is not used up by its parts.
    #[error("{field}: expected its parts to fill it, found {left} bytes left")]
    Unused {
        /// Which structure.
        field: &'static str,
        /// Bytes left.
        left: usize,
    },
    /// Measurements are not in ascending order, each index once and from 1.
    #[error("index of a measurement block: expected more than {after}, found {found}")]
    Order {
        /// Index of the block before, 0 at the first.
        after: u8,
        /// Index found.
        found: u8,
    },
    /// A field of the opaque data stands twice.
    #[error("opaque field {id}: expected at most once, found twice")]
    Repeated {
        /// Which field.
        id: FieldId,
    },
    /// A field of the opaque data that its meaning does not fit.
    #[error("opaque field {id}: expected {expected}, found {found} bytes that are not")]
    Field {
        /// Which field.
        id: FieldId,
        /// Its form.
        expected: &'static str,
        /// Bytes of the field.
        found: usize,
    },
    /// A signed byte of the messages that has another value than a device's.
    #[error("{field}: expected {expected:#04x}, found {found:#04x}")]
    Contents {
        /// Which byte.
        field: &'static str,
        /// What it has to be.
        expected: u8,
        /// What it is.
        found: u8,
    },
}
