//! Why a certificate or a revocation list is not what it should be.

use alloc::string::String;

use der::ErrorKind;

/// A malformed object, or one that the vendor does not issue. Whoever supplied it is guilty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum X509Error {
    /// Not the DER that the format prescribes.
    #[error("{field}: expected DER of RFC 5280, found {kind}")]
    Encoding {
        /// Which part.
        field: &'static str,
        /// What the decoder met.
        kind: ErrorKind,
    },
    /// The content could be written shorter or otherwise; such bytes are no DER.
    #[error("{field}: expected the one DER encoding of its content, found another")]
    NotCanonical {
        /// Which object.
        field: &'static str,
    },
    /// Longer than any that is issued.
    #[error("{field}: expected at most {limit} bytes, found {found}")]
    TooLong {
        /// Which object.
        field: &'static str,
        /// Most bytes.
        limit: usize,
        /// Bytes found.
        found: usize,
    },
    /// A field that the vendor fills otherwise.
    #[error("{field}: expected {expected}, found {found}")]
    Field {
        /// Which field.
        field: &'static str,
        /// What the vendor writes there.
        expected: String,
        /// What stands there.
        found: String,
    },
}

impl X509Error {
    pub(crate) fn field(field: &'static str, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Field { field, expected: expected.into(), found: found.into() }
    }

    /// For `map_err`: the decoder's error, with the name of what it was reading.
    pub(crate) fn encoding(field: &'static str) -> impl Fn(der::Error) -> Self {
        move |error| Self::Encoding { field, kind: error.kind() }
    }
}
