//! Status codes of responses.

use core::fmt;

/// Three digits from 100 on (RFC 9110, section 15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StatusCode(u16);

impl StatusCode {
    pub(crate) const SWITCHING_PROTOCOLS: Self = Self(101);
    /// 200.
    pub const OK: Self = Self(200);
    pub(crate) const NO_CONTENT: Self = Self(204);
    pub(crate) const NOT_MODIFIED: Self = Self(304);
    /// 400.
    pub const BAD_REQUEST: Self = Self(400);
    /// 404.
    pub const NOT_FOUND: Self = Self(404);
    /// 405.
    pub const METHOD_NOT_ALLOWED: Self = Self(405);
    /// 408.
    pub const REQUEST_TIMEOUT: Self = Self(408);
    /// 413.
    pub const CONTENT_TOO_LARGE: Self = Self(413);
    /// 414.
    pub const URI_TOO_LONG: Self = Self(414);
    /// 417.
    pub const EXPECTATION_FAILED: Self = Self(417);
    /// 431.
    pub const FIELDS_TOO_LARGE: Self = Self(431);
    /// 500.
    pub const INTERNAL_SERVER_ERROR: Self = Self(500);
    /// 501.
    pub const NOT_IMPLEMENTED: Self = Self(501);
    /// 503.
    pub const SERVICE_UNAVAILABLE: Self = Self(503);
    /// 504.
    pub const GATEWAY_TIMEOUT: Self = Self(504);
    /// 505.
    pub const VERSION_NOT_SUPPORTED: Self = Self(505);

    /// `None` for what has not three digits.
    #[must_use]
    pub const fn new(code: u16) -> Option<Self> {
        if 100 <= code && code <= 999 { Some(Self(code)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// 1xx: another response follows.
    #[must_use]
    pub const fn is_interim(self) -> bool {
        self.0 < 200
    }

    /// Whether a response never has a body, whatever its head says (RFC 9112, section 6.3).
    #[must_use]
    pub fn is_bodiless(self) -> bool {
        self.is_interim() || self == Self::NO_CONTENT || self == Self::NOT_MODIFIED
    }

    /// For people who look at the wire; machines ignore it.
    pub(crate) const fn reason(self) -> &'static str {
        match self.0 {
            200 => "OK",
            201 => "Created",
            202 => "Accepted",
            204 => "No Content",
            206 => "Partial Content",
            301 => "Moved Permanently",
            302 => "Found",
            303 => "See Other",
            304 => "Not Modified",
            307 => "Temporary Redirect",
            308 => "Permanent Redirect",
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            408 => "Request Timeout",
            409 => "Conflict",
            413 => "Content Too Large",
            414 => "URI Too Long",
            415 => "Unsupported Media Type",
            417 => "Expectation Failed",
            422 => "Unprocessable Content",
            429 => "Too Many Requests",
            431 => "Request Header Fields Too Large",
            500 => "Internal Server Error",
            501 => "Not Implemented",
            502 => "Bad Gateway",
            503 => "Service Unavailable",
            504 => "Gateway Timeout",
            505 => "HTTP Version Not Supported",
            _ => "",
        }
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_three_digits() {
        for (code, valid) in [(0, false), (99, false), (100, true), (999, true), (1000, false)] {
            assert_eq!(StatusCode::new(code).is_some(), valid, "{code}");
        }
    }

    #[test]
    fn responses_without_bodies_are_known() {
        for (code, bodiless) in
            [(100, true), (199, true), (200, false), (204, true), (205, false), (304, true)]
        {
            assert_eq!(StatusCode::new(code).map(StatusCode::is_bodiless), Some(bodiless), "{code}");
        }
    }
}
