//! What a message can be refused for.

use crate::StatusCode;
use crate::authority::AuthorityError;
use crate::field::FieldError;
use crate::method::MethodError;

/// A message that breaks a rule or a limit. The peer is guilty; the connection cannot be used any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The body is longer than we take, or says that it will be.
    #[error("body: expected at most {limit} bytes")]
    BodyTooLong {
        /// [`BodyLimits::body_bytes`](crate::BodyLimits::body_bytes).
        limit: u64,
    },
    /// A chunk that does not follow RFC 9112, section 7.1.
    #[error("chunked body: expected {expected}, found byte {found:#04x}")]
    Chunk {
        /// What should have come.
        expected: &'static str,
        /// What came.
        found: u8,
    },
    /// A chunk's first line is longer than we take.
    #[error("chunk line: expected at most {limit} bytes")]
    ChunkLineTooLong {
        /// [`BodyLimits::chunk_line_bytes`](crate::BodyLimits::chunk_line_bytes).
        limit: usize,
    },
    /// Much more is spent on the borders of chunks than on what is in them.
    #[error("chunked body: its chunks are mostly borders")]
    ChunkOverhead,
    /// A size with more digits than 64 bits have.
    #[error("chunk size: expected at most 16 digits")]
    ChunkSize,
    /// CONNECT asks for a tunnel.
    #[error("method CONNECT: tunnels are not offered")]
    Connect,
    /// Not digits, or more than 64 bits.
    #[error("content-length: expected a decimal number below 2^64")]
    ContentLength,
    /// Content-Length with Transfer-Encoding: one of two readers will be wrong (RFC 9112, section 6.1).
    #[error("content-length stands next to transfer-encoding")]
    ContentLengthAndTransferEncoding,
    /// Several Content-Length that differ, or in a request, several.
    #[error("content-length: expected one, found several")]
    ContentLengths,
    /// A byte that stands nowhere in a head.
    #[error("head: control character {found:#04x}")]
    ControlCharacter {
        /// The byte.
        found: u8,
    },
    /// An Expect other than `100-continue`.
    #[error("expect: only 100-continue is known")]
    Expectation,
    /// A name or value of a field.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// A field that goes on in the next line (RFC 9112, section 5.2).
    #[error("field: goes on in the next line, which is obsolete")]
    Folded,
    /// A field of framing or routing where only the end of a body is.
    #[error("trailer: {name} may not be one")]
    ForbiddenTrailer {
        /// Which.
        name: &'static str,
    },
    /// The head is longer than we take.
    #[error("head: expected at most {limit} bytes")]
    HeadTooLong {
        /// [`HeadLimits::head_bytes`](crate::HeadLimits::head_bytes).
        limit: usize,
    },
    /// A Host that is not `name` or `name:port`.
    #[error("host: {0}")]
    Host(AuthorityError),
    /// Host and the target name different servers.
    #[error("host: the target names another server")]
    HostDiffers,
    /// HTTP/1.1 requests have exactly one Host.
    #[error("host: expected exactly one, found {found}")]
    HostCount {
        /// How many there are.
        found: usize,
    },
    /// A line that ends in a lone CR or LF.
    #[error("head: a line ends in a lone CR or LF")]
    LineEnding,
    /// Not a token.
    #[error("method: {0}")]
    Method(MethodError),
    /// Neither a request line nor a status line.
    #[error("start line: expected that of HTTP/1.1")]
    StartLine,
    /// Not three digits from 100 on.
    #[error("status: expected 100 to 999")]
    Status,
    /// A target of none of the four forms (RFC 9112, section 3.2), or of one that does not fit the method.
    #[error("target: expected a path, http://host/path, or * with OPTIONS")]
    Target,
    /// The target is longer than we take.
    #[error("target: expected at most {limit} bytes")]
    TargetTooLong {
        /// [`HeadLimits::target_bytes`](crate::HeadLimits::target_bytes).
        limit: usize,
    },
    /// More fields than we take.
    #[error("head: expected at most {limit} fields")]
    TooManyFields {
        /// [`HeadLimits::fields`](crate::HeadLimits::fields).
        limit: usize,
    },
    /// More trailer fields than we take.
    #[error("trailers: expected at most {limit} fields")]
    TooManyTrailers {
        /// [`BodyLimits::trailers`](crate::BodyLimits::trailers).
        limit: usize,
    },
    /// The trailer section is longer than we take.
    #[error("trailers: expected at most {limit} bytes")]
    TrailersTooLong {
        /// [`BodyLimits::trailer_bytes`](crate::BodyLimits::trailer_bytes).
        limit: usize,
    },
    /// Chunked is last, but there are other codings.
    #[error("transfer-encoding: only chunked is known")]
    TransferCoding,
    /// Transfer-Encoding whose end of the body is anybody's guess.
    #[error("transfer-encoding: expected chunked alone, once, and HTTP/1.1")]
    TransferEncoding,
    /// The connection ended before the body.
    #[error("body: the connection ended before it was complete")]
    Truncated,
    /// A response that changes the protocol, for which nobody asked.
    #[error("status 101: no other protocol was asked for")]
    Upgrade,
    /// Another version of HTTP.
    #[error("version: expected HTTP/1.1 or HTTP/1.0")]
    Version,
}

impl HttpError {
    /// The status with which a server answers a request that has this error (RFC 9110, section 15.5 and 15.6).
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::BodyTooLong { .. } => StatusCode::CONTENT_TOO_LARGE,
            Self::TargetTooLong { .. } => StatusCode::URI_TOO_LONG,
            Self::Expectation => StatusCode::EXPECTATION_FAILED,
            Self::HeadTooLong { .. }
            | Self::TooManyFields { .. }
            | Self::TooManyTrailers { .. }
            | Self::TrailersTooLong { .. } => StatusCode::FIELDS_TOO_LARGE,
            Self::Connect | Self::TransferCoding | Self::Method(MethodError::TooLong) => {
                StatusCode::NOT_IMPLEMENTED
            }
            Self::Version => StatusCode::VERSION_NOT_SUPPORTED,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// A message that may not be sent. Whoever composed it on our side is guilty; nothing of it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutgoingError {
    /// Fewer or more bytes than promised.
    #[error("body: promised {promised} bytes, found {found}")]
    BodyLength {
        /// What the head says.
        promised: u64,
        /// What was given, or would have been.
        found: u64,
    },
    /// There is no body in this message.
    #[error("body: this message has none")]
    BodyNotAllowed,
    /// CONNECT asks for a tunnel.
    #[error("method CONNECT: tunnels are not offered")]
    Connect,
    /// Content-Length that is no number, several, or not the body's.
    #[error("content-length: expected the body's length, once")]
    ContentLength,
    /// A Host field that is not the authority.
    #[error("host: expected that of the request, once")]
    Host,
    /// The head is longer than peers take.
    #[error("head: expected at most {limit} bytes, found {found}")]
    HeadTooLong {
        /// The limit.
        limit: usize,
        /// Its length.
        found: usize,
    },
    /// A field of the connection, which only this layer writes.
    #[error("{name}: belongs to the connection")]
    OwnedField {
        /// Which.
        name: &'static str,
    },
    /// An interim status: only this layer sends those.
    #[error("status {found}: expected 200 to 999")]
    Status {
        /// The status.
        found: StatusCode,
    },
    /// Neither a path with a query nor `*` with OPTIONS.
    #[error("target: expected a path that begins with /, or * with OPTIONS")]
    Target,
    /// The target is longer than peers take.
    #[error("target: expected at most {limit} bytes")]
    TargetTooLong {
        /// The limit.
        limit: usize,
    },
    /// More fields than peers take.
    #[error("head: expected at most {limit} fields, found {found}")]
    TooManyFields {
        /// The limit.
        limit: usize,
        /// How many there are.
        found: usize,
    },
    /// A field that may not be a trailer.
    #[error("trailer: {name} may not be one")]
    Trailer {
        /// Which.
        name: &'static str,
    },
    /// Trailers come only after chunks.
    #[error("trailers: the body is not chunked")]
    TrailersNotPossible,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_that_a_server_owes_has_its_error() {
        let table = [
            (HttpError::LineEnding, 400),
            (HttpError::HostCount { found: 0 }, 400),
            (HttpError::TransferEncoding, 400),
            (HttpError::ContentLengthAndTransferEncoding, 400),
            (HttpError::Method(MethodError::NotToken), 400),
            (HttpError::BodyTooLong { limit: 1 }, 413),
            (HttpError::TargetTooLong { limit: 1 }, 414),
            (HttpError::Expectation, 417),
            (HttpError::HeadTooLong { limit: 1 }, 431),
            (HttpError::TooManyFields { limit: 1 }, 431),
            (HttpError::TrailersTooLong { limit: 1 }, 431),
            (HttpError::Connect, 501),
            (HttpError::TransferCoding, 501),
            (HttpError::Method(MethodError::TooLong), 501),
            (HttpError::Version, 505),
        ];
        for (error, status) in table {
            assert_eq!(error.status().get(), status, "{error}");
        }
    }
}
