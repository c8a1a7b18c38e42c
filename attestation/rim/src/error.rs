//! Why a file is no RIM, or not signed by the key.

use alloc::string::String;

/// A malformed file, one that NVIDIA does not issue, or one that somebody else signed. Whoever supplied it is guilty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RimError {
    /// More than a RIM has.
    #[error("RIM: expected at most {limit} {what}, found {found}")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// The most that is read.
        limit: usize,
        /// How much there is.
        found: usize,
    },
    /// Not a well-formed document.
    #[error("RIM: expected a well-formed XML document in UTF-8, found: {found}")]
    Xml {
        /// What the parser met.
        found: String,
    },
    /// Something that NVIDIA writes otherwise.
    #[error("{field}: expected {expected}, found {found}")]
    Field {
        /// Which part.
        field: &'static str,
        /// What NVIDIA writes there.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// The content is another one than what was signed.
    #[error("digest of the RIM: expected {expected} as signed, found {found}")]
    Digest {
        /// `DigestValue`, in hexadecimal.
        expected: String,
        /// That of the content.
        found: String,
    },
    /// The key did not sign `SignedInfo`.
    #[error(
        "SignatureValue: expected a signature by the key of the first certificate, found one that is not"
    )]
    SignatureValue,
}

impl RimError {
    pub(crate) fn field(field: &'static str, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Field { field, expected: expected.into(), found: found.into() }
    }
}
