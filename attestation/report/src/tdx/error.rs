//! Why bytes are not a quote.

use super::{AttestationKeyType, BodyType, TeeType};

/// Bytes that are not a TDX quote. Whoever supplied them is guilty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuoteError {
    /// A size or a length reaches beyond the end.
    #[error("{field}: expected {expected} bytes, found only {found}")]
    Truncated {
        /// What should stand there.
        field: &'static str,
        /// Bytes that it should have.
        expected: usize,
        /// Bytes that are there.
        found: usize,
    },
    /// A version whose layout is not known here.
    #[error("quote version: expected 4 or 5, found {found}")]
    Version {
        /// Version found.
        found: u16,
    },
    /// Evidence of another TEE.
    #[error("TEE type: expected {}, found {found}", TeeType::TDX)]
    TeeType {
        /// Type found.
        found: TeeType,
    },
    /// Signed with something else than ECDSA P-256.
    #[error("attestation key type: expected {}, found {}", AttestationKeyType::ECDSA_P256.0, found.0)]
    AttestationKeyType {
        /// Type found.
        found: AttestationKeyType,
    },
    /// A body whose layout is not known here: that of an enclave, or one later than TD report 1.5.
    #[error("quote body type: expected 2 (TD report 1.0) or 3 (TD report 1.5), found {found}")]
    BodyType {
        /// Type found.
        found: BodyType,
    },
    /// A size, a type or a length that contradicts what it stands in.
    #[error("{field}: expected {expected}, found {found}")]
    Malformed {
        /// Which field.
        field: &'static str,
        /// What had to stand there.
        expected: usize,
        /// What stands there.
        found: usize,
    },
}
