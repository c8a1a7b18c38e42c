//! Why there is no response, or only half of one.

use enclave_http::{HttpError, OutgoingError};

/// A failure of an exchange, as the component is told. The names are those of `error-code` in `wasi:http/types`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpFailure {
    /// No answer from the servers of names.
    #[error("no answer from DNS")]
    DnsTimeout,
    /// They do not know the name.
    #[error("DNS does not know the host")]
    DnsError,
    /// There is nobody with this address.
    #[error("the host was not found")]
    DestinationNotFound,
    /// There is no way to it.
    #[error("the host cannot be reached")]
    DestinationUnavailable,
    /// An address that nobody may connect to.
    #[error("the host's address is prohibited")]
    DestinationIpProhibited,
    /// It does not listen.
    #[error("connection refused")]
    ConnectionRefused,
    /// It hung up.
    #[error("connection terminated")]
    ConnectionTerminated,
    /// It did not answer in time.
    #[error("timeout: connect")]
    ConnectionTimeout,
    /// Too long without a byte from it.
    #[error("timeout: read")]
    ConnectionReadTimeout,
    /// Too long without taking a byte.
    #[error("timeout: write")]
    ConnectionWriteTimeout,
    /// There are as many exchanges as there may be.
    #[error("too many exchanges at once")]
    ConnectionLimitReached,
    /// The manifest allows no such request.
    #[error("the manifest's egress rules do not permit the request")]
    RequestDenied,
    /// A method that cannot be sent.
    #[error("method not offered")]
    RequestMethodInvalid,
    /// A target that cannot be sent.
    #[error("invalid target")]
    RequestUriInvalid,
    /// A target that is longer than servers take.
    #[error("target too long")]
    RequestUriTooLong,
    /// More fields than servers take.
    #[error("request: too many or too long fields")]
    RequestHeaderSectionSize,
    /// More or less of a body than the head promised.
    #[error("request: not the body that was promised")]
    RequestBodySize,
    /// The request's trailers cannot be sent.
    #[error("request: trailers that cannot be sent")]
    RequestTrailerSectionSize,
    /// The connection ended before the response.
    #[error("incomplete response")]
    ResponseIncomplete,
    /// More fields than are taken.
    #[error("response: too many or too long fields")]
    ResponseHeaderSectionSize,
    /// A body that is longer than is taken.
    #[error("response: body too long")]
    ResponseBodySize,
    /// More trailers than are taken.
    #[error("response: too many or too long trailers")]
    ResponseTrailerSectionSize,
    /// A transfer coding that nobody asked for.
    #[error("response: unknown transfer coding")]
    ResponseTransferCoding,
    /// The first byte of the response did not come in time.
    #[error("timeout: response")]
    ResponseTimeout,
    /// The response changes the protocol.
    #[error("response: another protocol")]
    UpgradeFailed,
    /// Somebody does not follow HTTP/1.1.
    #[error("not HTTP/1.1")]
    ProtocolError,
    /// The peer does not follow TLS, or speaks none that this guest speaks.
    #[error("not TLS 1.3 or 1.2 as this guest speaks it")]
    TlsProtocolError,
    /// The peer's certificate is not to be believed.
    #[error("the peer's certificate is not to be believed")]
    TlsCertificateError,
    /// The peer refused the handshake, or broke off what followed it.
    #[error("the peer sent an alert of TLS")]
    TlsAlertReceived,
    /// Nobody says what time it is, and a certificate is valid at a time.
    #[error("the time servers of the manifest do not say what time it is, so no certificate is believed")]
    TimeUnknown,
    /// The guest is short of something.
    #[error("the guest cannot do it now")]
    Internal,
}

impl HttpFailure {
    /// All of them; the place is the number in a transcript.
    const ALL: [Self; 31] = [
        Self::DnsTimeout,
        Self::DnsError,
        Self::DestinationNotFound,
        Self::DestinationUnavailable,
        Self::DestinationIpProhibited,
        Self::ConnectionRefused,
        Self::ConnectionTerminated,
        Self::ConnectionTimeout,
        Self::ConnectionReadTimeout,
        Self::ConnectionWriteTimeout,
        Self::ConnectionLimitReached,
        Self::RequestDenied,
        Self::RequestMethodInvalid,
        Self::RequestUriInvalid,
        Self::RequestUriTooLong,
        Self::RequestHeaderSectionSize,
        Self::RequestBodySize,
        Self::RequestTrailerSectionSize,
        Self::ResponseIncomplete,
        Self::ResponseHeaderSectionSize,
        Self::ResponseBodySize,
        Self::ResponseTrailerSectionSize,
        Self::ResponseTransferCoding,
        Self::ResponseTimeout,
        Self::UpgradeFailed,
        Self::ProtocolError,
        Self::TlsProtocolError,
        Self::TlsCertificateError,
        Self::TlsAlertReceived,
        Self::TimeUnknown,
        Self::Internal,
    ];

    pub(crate) fn number(self) -> u8 {
        let number = Self::ALL.iter().position(|failure| *failure == self);
        number.and_then(|number| u8::try_from(number).ok()).unwrap_or(u8::MAX)
    }

    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// A response that broke a rule.
impl From<HttpError> for HttpFailure {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::BodyTooLong { .. } => Self::ResponseBodySize,
            HttpError::HeadTooLong { .. } | HttpError::TooManyFields { .. } => {
                Self::ResponseHeaderSectionSize
            }
            HttpError::TooManyTrailers { .. } | HttpError::TrailersTooLong { .. } => {
                Self::ResponseTrailerSectionSize
            }
            HttpError::TransferCoding | HttpError::TransferEncoding => Self::ResponseTransferCoding,
            HttpError::Truncated => Self::ResponseIncomplete,
            HttpError::Upgrade => Self::UpgradeFailed,
            _ => Self::ProtocolError,
        }
    }
}

/// A request that could not be written.
impl From<OutgoingError> for HttpFailure {
    fn from(error: OutgoingError) -> Self {
        match error {
            OutgoingError::BodyLength { .. }
            | OutgoingError::BodyNotAllowed
            | OutgoingError::ContentLength => Self::RequestBodySize,
            OutgoingError::Connect => Self::RequestMethodInvalid,
            OutgoingError::HeadTooLong { .. } | OutgoingError::TooManyFields { .. } => {
                Self::RequestHeaderSectionSize
            }
            OutgoingError::Target => Self::RequestUriInvalid,
            OutgoingError::TargetTooLong { .. } => Self::RequestUriTooLong,
            OutgoingError::Trailer { .. } | OutgoingError::TrailersNotPossible => {
                Self::RequestTrailerSectionSize
            }
            _ => Self::ProtocolError,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_a_number() {
        for (number, failure) in (0..).zip(HttpFailure::ALL) {
            assert_eq!(failure.number(), number, "{failure}");
            assert_eq!(HttpFailure::from_number(number), Some(failure));
        }
        assert_eq!(HttpFailure::from_number(31), None);
    }
}
