//! One question, one answer.

/// Asks a server. One implementation speaks HTTPS: `Https`, of the feature `https`.
pub trait Transport {
    /// Asks once. Follows no redirection and reads no more than is asked for. Whatever the status, an answer is an answer.
    ///
    /// # Errors
    /// There was no whole answer.
    fn get(&self, get: &Get<'_>) -> Result<Answer, TransportError>;
}

/// A question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Get<'a> {
    /// Whole address.
    pub url: &'a str,
    /// Value of the header `Accept`.
    pub accept: &'a str,
    /// The longest body that is read.
    pub body_max_bytes: usize,
}

/// What a server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Status of HTTP.
    pub status: u16,
    /// Headers, as far as they are text.
    pub headers: Vec<(String, String)>,
    /// Whole body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of this name, in whatever case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
        header.map(|(_, value)| value.as_str())
    }
}

/// Why there is no answer. The server is guilty, or the network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// It did not come, or not all of it, in this time.
    #[error("expected an answer within {limit_seconds} seconds, found none")]
    TimedOut {
        /// Most seconds.
        limit_seconds: u64,
    },
    /// More body than any such object has.
    #[error("expected at most {limit} bytes, found more")]
    TooLong {
        /// Most bytes.
        limit: usize,
    },
    /// No connection, no TLS, no HTTP, or the end before the end.
    #[error("expected an answer, found {why}")]
    Broken {
        /// What the client met.
        why: String,
    },
}
