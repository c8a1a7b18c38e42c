//! Failures as components see them.

use alloc::string::ToString;

use wasmtime::component::ResourceTableError;

use super::HttpFailure;
use crate::bindings::wasi::http::types::{DnsErrorPayload, ErrorCode, HeaderError, TlsAlertReceivedPayload};
use crate::limits::RunEnd;

/// Why a function gives no value.
#[derive(Debug)]
pub enum HttpError {
    /// The component is told.
    Code(ErrorCode),
    /// The component is ended.
    Trap(wasmtime::Error),
}

/// Why fields are not changed.
#[derive(Debug)]
pub enum FieldsError {
    /// The component is told.
    Header(HeaderError),
    /// The component is ended.
    Trap(wasmtime::Error),
}

pub(crate) fn code_of(error: HttpError) -> wasmtime::Result<ErrorCode> {
    match error {
        HttpError::Code(code) => Ok(code),
        HttpError::Trap(error) => Err(error),
    }
}

pub(crate) fn header_error_of(error: FieldsError) -> wasmtime::Result<HeaderError> {
    match error {
        FieldsError::Header(error) => Ok(error),
        FieldsError::Trap(error) => Err(error),
    }
}

macro_rules! from_what_traps {
    ($error:ty: $($cause:ty),*) => {
        $(impl From<$cause> for $error {
            fn from(cause: $cause) -> Self {
                Self::Trap(cause.into())
            }
        })*
    };
}

from_what_traps!(HttpError: wasmtime::Error, ResourceTableError, RunEnd);
from_what_traps!(FieldsError: wasmtime::Error, ResourceTableError);

impl From<ErrorCode> for HttpError {
    fn from(code: ErrorCode) -> Self {
        Self::Code(code)
    }
}

impl From<HttpFailure> for HttpError {
    fn from(failure: HttpFailure) -> Self {
        Self::Code(failure.into())
    }
}

impl From<HeaderError> for FieldsError {
    fn from(error: HeaderError) -> Self {
        Self::Header(error)
    }
}

impl From<HttpFailure> for ErrorCode {
    fn from(failure: HttpFailure) -> Self {
        match failure {
            HttpFailure::DnsTimeout => Self::DnsTimeout,
            HttpFailure::DnsError => Self::DnsError(DnsErrorPayload { rcode: None, info_code: None }),
            HttpFailure::DestinationNotFound => Self::DestinationNotFound,
            HttpFailure::DestinationUnavailable => Self::DestinationUnavailable,
            HttpFailure::DestinationIpProhibited => Self::DestinationIpProhibited,
            HttpFailure::ConnectionRefused => Self::ConnectionRefused,
            HttpFailure::ConnectionTerminated => Self::ConnectionTerminated,
            HttpFailure::ConnectionTimeout => Self::ConnectionTimeout,
            HttpFailure::ConnectionReadTimeout => Self::ConnectionReadTimeout,
            HttpFailure::ConnectionWriteTimeout => Self::ConnectionWriteTimeout,
            HttpFailure::ConnectionLimitReached => Self::ConnectionLimitReached,
            HttpFailure::RequestDenied => Self::HttpRequestDenied,
            HttpFailure::RequestMethodInvalid => Self::HttpRequestMethodInvalid,
            HttpFailure::RequestUriInvalid => Self::HttpRequestUriInvalid,
            HttpFailure::RequestUriTooLong => Self::HttpRequestUriTooLong,
            HttpFailure::RequestHeaderSectionSize => Self::HttpRequestHeaderSectionSize(None),
            HttpFailure::RequestBodySize => Self::HttpRequestBodySize(None),
            HttpFailure::RequestTrailerSectionSize => Self::HttpRequestTrailerSectionSize(None),
            HttpFailure::ResponseIncomplete => Self::HttpResponseIncomplete,
            HttpFailure::ResponseHeaderSectionSize => Self::HttpResponseHeaderSectionSize(None),
            HttpFailure::ResponseBodySize => Self::HttpResponseBodySize(None),
            HttpFailure::ResponseTrailerSectionSize => Self::HttpResponseTrailerSectionSize(None),
            HttpFailure::ResponseTransferCoding => Self::HttpResponseTransferCoding(None),
            HttpFailure::ResponseTimeout => Self::HttpResponseTimeout,
            HttpFailure::UpgradeFailed => Self::HttpUpgradeFailed,
            HttpFailure::ProtocolError => Self::HttpProtocolError,
            HttpFailure::TlsProtocolError => Self::TlsProtocolError,
            HttpFailure::TlsCertificateError => Self::TlsCertificateError,
            HttpFailure::TlsAlertReceived => {
                Self::TlsAlertReceived(TlsAlertReceivedPayload { alert_id: None, alert_message: None })
            }
            HttpFailure::TimeUnknown | HttpFailure::Internal => {
                Self::InternalError(Some(failure.to_string()))
            }
        }
    }
}
