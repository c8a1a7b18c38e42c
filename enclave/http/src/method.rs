//! Methods and versions.

use alloc::borrow::{Cow, ToOwned};
use core::fmt;

use crate::field::is_token_byte;

/// The longest method: the longest registered one has 17 letters.
pub const METHOD_MAX_BYTES: usize = 32;

/// A method: a token, in which letters of both cases differ (RFC 9110, section 9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method(Cow<'static, str>);

/// What is no method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MethodError {
    /// Empty, or with bytes that a token has not.
    #[error("expected a token")]
    NotToken,
    /// Longer than any that there is.
    #[error("expected at most {METHOD_MAX_BYTES} bytes")]
    TooLong,
}

impl Method {
    /// Asks for a tunnel; not offered.
    pub const CONNECT: Self = Self(Cow::Borrowed("CONNECT"));
    /// `DELETE`.
    pub const DELETE: Self = Self(Cow::Borrowed("DELETE"));
    /// `GET`.
    pub const GET: Self = Self(Cow::Borrowed("GET"));
    /// `GET` without the body.
    pub const HEAD: Self = Self(Cow::Borrowed("HEAD"));
    /// `OPTIONS`.
    pub const OPTIONS: Self = Self(Cow::Borrowed("OPTIONS"));
    /// `PATCH`.
    pub const PATCH: Self = Self(Cow::Borrowed("PATCH"));
    /// `POST`.
    pub const POST: Self = Self(Cow::Borrowed("POST"));
    /// `PUT`.
    pub const PUT: Self = Self(Cow::Borrowed("PUT"));
    /// `TRACE`.
    pub const TRACE: Self = Self(Cow::Borrowed("TRACE"));

    /// Any method.
    ///
    /// # Errors
    /// Not a token, or too long.
    pub fn new(text: &str) -> Result<Self, MethodError> {
        if text.is_empty() || !text.bytes().all(is_token_byte) {
            return Err(MethodError::NotToken);
        }
        if text.len() > METHOD_MAX_BYTES {
            return Err(MethodError::TooLong);
        }
        Ok(Self(Cow::Owned(text.to_owned())))
    }

    /// Its letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is meant to do the same when it comes twice (RFC 9110, section 9.2.2). Of one that is not known, nobody can
    /// tell.
    #[must_use]
    pub fn is_idempotent(&self) -> bool {
        [Self::GET, Self::HEAD, Self::OPTIONS, Self::TRACE, Self::PUT, Self::DELETE].contains(self)
    }

    /// Whether servers expect content with it, and so a length even where there is none (RFC 9110, section 8.6).
    pub(crate) fn anticipates_content(&self) -> bool {
        [Self::POST, Self::PUT, Self::PATCH].contains(self)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The versions that are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// `HTTP/1.0`: no chunks, and connections end after one message unless both sides say otherwise.
    Http10,
    /// `HTTP/1.1`.
    Http11,
}

impl Version {
    pub(crate) const fn of_minor(minor: u8) -> Option<Self> {
        match minor {
            0 => Some(Self::Http10),
            1 => Some(Self::Http11),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_tokens_of_bounded_length() {
        assert_eq!(Method::new("GET"), Ok(Method::GET));
        assert_ne!(Method::new("get"), Ok(Method::GET));
        assert!(Method::new(&"M".repeat(METHOD_MAX_BYTES)).is_ok());
        assert_eq!(Method::new(&"M".repeat(METHOD_MAX_BYTES + 1)), Err(MethodError::TooLong));
        for bad in ["", "G T", "G\r\nT", "G:", "GÉT", "\0"] {
            assert_eq!(Method::new(bad), Err(MethodError::NotToken), "{bad:?}");
        }
    }
    #[test]
    fn what_may_come_twice_is_known_by_name() {
        for method in ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"] {
            assert!(Method::new(method).unwrap().is_idempotent(), "{method}");
        }
        for method in ["POST", "PATCH", "CONNECT", "get", "PROPFIND"] {
            assert!(!Method::new(method).unwrap().is_idempotent(), "{method}");
        }
    }
}
