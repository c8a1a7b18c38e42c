//! Why a policy cannot be used.

use alloc::string::String;

use attestation_toml::ReadError;

/// A file that is no policy. Whoever wrote it is guilty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// Longer than any policy.
    #[error("policy: expected at most {limit} bytes, found {found}")]
    TooLong {
        /// Most bytes.
        limit: usize,
        /// Bytes found.
        found: usize,
    },
    /// Not TOML, or with more structure than any policy.
    #[error("policy: {0}")]
    Toml(ReadError),
    /// A field that every policy has is not there.
    #[error("policy field {field}: expected {expected}, or {{ waived = \"why\" }}; found nothing")]
    Missing {
        /// Its path.
        field: String,
        /// What it takes.
        expected: &'static str,
    },
    /// A field that no policy has.
    #[error("policy field {field}: unknown; is it misspelt, or of another version?")]
    Unknown {
        /// Its path.
        field: String,
    },
    /// A field with another kind of value.
    #[error("policy field {field}: expected {expected}; found {found}")]
    Value {
        /// Its path.
        field: String,
        /// What it takes.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A waiver without a reason.
    #[error("policy field {field}: waived without a reason; write {{ waived = \"why\" }}")]
    NoReason {
        /// Its path.
        field: String,
    },
}
