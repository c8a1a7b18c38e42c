//! Why a connection failed.

use alloc::string::String;
use alloc::vec::Vec;

/// Why a connection failed, for good. The first word of a message names the guilty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The peer gave up.
    #[error("peer: alert {number} ({name})")]
    AlertReceived {
        /// `AlertDescription`, as IANA lists them.
        number: u8,
        /// Its name there.
        name: &'static str,
    },
    /// A signature that the key above it did not make, or not in a way that we know. So it is with a root's name and
    /// another key.
    #[error("certificate: a signature on the {on} is wrong, or of an unknown kind")]
    BadSignature {
        /// What is signed.
        on: Signed,
    },
    /// Anything else that is wrong with a certificate.
    #[error("certificate: {0}")]
    Certificate(&'static str),
    /// More certificates, or longer ones, than anybody needs.
    #[error("certificate: expected at most {limit} {unit} in the chain, found {found}")]
    ChainTooLong {
        /// Of what there are too many.
        unit: &'static str,
        /// How many are taken.
        limit: usize,
        /// How many there are.
        found: usize,
    },
    /// A certificate can have no such name.
    #[error("own side: expected a common name of 1 to {limit} characters, and no control characters")]
    CommonName {
        /// How many characters there may be.
        limit: usize,
    },
    /// A certificate of the path may have expired already.
    #[error("certificate: valid until {not_after}, and it may be {latest} (seconds since 1970)")]
    Expired {
        /// Its last second.
        not_after: u64,
        /// [`Interval::latest`](crate::Interval::latest).
        latest: u64,
    },
    /// The peer sends a handshake that does not end.
    #[error("peer: a handshake of more than {limit} bytes")]
    HandshakeTooLong {
        /// How many bytes are taken.
        limit: usize,
    },
    /// The peer cannot, or will not, do what we need.
    #[error("peer: {0}")]
    Incompatible(&'static str),
    /// Something here is not as it has to be. No peer can cause it.
    #[error("own side: {0}")]
    Internal(&'static str),
    /// So much was sent under one key that no more may be.
    #[error("own side: the keys are used up")]
    KeysExhausted,
    /// The certificate is somebody else's.
    #[error("certificate: expected {expected}, found {}", .presented.join(", "))]
    NameMismatch {
        /// Who was called.
        expected: String,
        /// Some of the names that it has.
        presented: Vec<String>,
    },
    /// Nobody may vouch for this host.
    #[error("trust: nobody may vouch for {host}")]
    NoAuthorities {
        /// Who was to be called.
        host: String,
    },
    /// There is no randomness to be had.
    #[error("own side: no randomness")]
    NoRandomness,
    /// A certificate of the path may not be valid yet.
    #[error("certificate: valid from {not_before}, and it may be {earliest} (seconds since 1970)")]
    NotYetValid {
        /// Its first second.
        not_before: u64,
        /// [`Interval::earliest`](crate::Interval::earliest).
        earliest: u64,
    },
    /// Authorities vouch for the certificate, and its key is not among those that are asked for.
    #[error("certificate: expected one of the listed keys, found another ({})", Hex(.found))]
    Pinned {
        /// SHA-256 of its SubjectPublicKeyInfo.
        found: [u8; 32],
    },
    /// The peer breaks a rule.
    #[error("peer: {0}")]
    Protocol(String),
    /// The stream ended, and the peer did not say that it would: somebody may have cut it.
    #[error("peer: the stream ended without a close_notify")]
    Truncated,
    /// No authority that counts vouches for the certificate.
    #[error("certificate: no authority that counts for this host vouches for it")]
    UnknownIssuer,
}

/// What a signature is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    /// A certificate of the path.
    Certificate,
    /// The handshake.
    Handshake,
}

impl core::fmt::Display for Signed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Certificate => "certificate",
            Self::Handshake => "handshake",
        })
    }
}

struct Hex<'d>(&'d [u8; 32]);

impl core::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
