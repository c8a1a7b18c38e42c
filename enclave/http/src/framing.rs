//! Where a body ends (RFC 9112, section 6.3). The one place where requests are smuggled or not.

use crate::field::items;
use crate::{Fields, HttpError, Method, StatusCode, Version};

/// How the end of a body is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// There is no body.
    None,
    /// So many bytes, at least one.
    Length(u64),
    /// Chunks, then trailers.
    Chunked,
    /// Until the connection ends. Only the layer below knows whether it ended as it should: a peer that just vanished, or
    /// TLS without its closing alert, is a truncated body.
    UntilClose,
}

impl Framing {
    fn of_length(bytes: u64) -> Self {
        if bytes == 0 { Self::None } else { Self::Length(bytes) }
    }
}

/// Of a request: without a word there is no body.
pub(crate) fn of_request(version: Version, fields: &Fields) -> Result<Framing, HttpError> {
    if fields.all("content-length").count() > 1 {
        return Err(HttpError::ContentLengths);
    }
    Ok(stated(version, fields)?.unwrap_or(Framing::None))
}

/// Of a response: without a word the body goes on until the connection ends.
pub(crate) fn of_response(
    method: &Method,
    status: StatusCode,
    version: Version,
    fields: &Fields,
) -> Result<Framing, HttpError> {
    let stated = stated(version, fields)?;
    if *method == Method::HEAD || status.is_bodiless() {
        return Ok(Framing::None);
    }
    Ok(stated.unwrap_or(Framing::UntilClose))
}

/// Whether nothing in these fields says that a body follows.
pub(crate) fn states_no_body(fields: &Fields) -> bool {
    matches!(stated(Version::Http11, fields), Ok(None | Some(Framing::None)))
}

fn stated(version: Version, fields: &Fields) -> Result<Option<Framing>, HttpError> {
    let mut codings = fields.all("transfer-encoding");
    let Some(coding) = codings.next() else {
        return content_length(fields).map(|length| length.map(Framing::of_length));
    };
    if fields.first("content-length").is_some() {
        return Err(HttpError::ContentLengthAndTransferEncoding);
    }
    // RFC 9112, section 6.1: in 1.0 nobody knows chunks, so one of the two sides is wrong about the version.
    if version == Version::Http10 || codings.next().is_some() {
        return Err(HttpError::TransferEncoding);
    }
    check_coding(coding).map(|()| Some(Framing::Chunked))
}

/// `chunked` and nothing else. The grammar allows empty items and quoted parameters; those who send them hope that
/// somebody else reads them differently.
fn check_coding(coding: &[u8]) -> Result<(), HttpError> {
    if coding.eq_ignore_ascii_case(b"chunked") {
        return Ok(());
    }
    let is_chunked = |item: &[u8]| item.eq_ignore_ascii_case(b"chunked");
    let is_named = |item: &[u8]| !item.is_empty() && item.iter().copied().all(crate::field::is_token_byte);
    let chunked = items(coding).filter(|item| is_chunked(item)).count();
    let ends_well = items(coding).last().is_some_and(is_chunked);
    if chunked == 1 && ends_well && items(coding).all(is_named) {
        return Err(HttpError::TransferCoding);
    }
    Err(HttpError::TransferEncoding)
}

/// The length. Several that are equal count as one (RFC 9110, section 8.6), which only responses make use of.
fn content_length(fields: &Fields) -> Result<Option<u64>, HttpError> {
    let mut length = None;
    for value in fields.all("content-length") {
        let found = parse_length(value).ok_or(HttpError::ContentLength)?;
        if length.is_some_and(|length| length != found) {
            return Err(HttpError::ContentLengths);
        }
        length = Some(found);
    }
    Ok(length)
}

/// Digits only: `u64::from_str` would take a plus.
pub(crate) fn parse_length(value: &[u8]) -> Option<u64> {
    let digits_only = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let text = core::str::from_utf8(value).ok().filter(|_| digits_only)?;
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Field;

    fn fields(lines: &[(&str, &str)]) -> Fields {
        lines.iter().map(|(name, value)| Field::new(name, value.as_bytes()).unwrap()).collect()
    }

    #[test]
    fn requests_have_a_body_only_when_they_say_so() {
        let of = |lines: &[(&str, &str)]| of_request(Version::Http11, &fields(lines));
        assert_eq!(of(&[]), Ok(Framing::None));
        assert_eq!(of(&[("Content-Length", "0")]), Ok(Framing::None));
        assert_eq!(of(&[("Content-Length", "12")]), Ok(Framing::Length(12)));
        assert_eq!(of(&[("Transfer-Encoding", "ChunKed")]), Ok(Framing::Chunked));
        assert_eq!(of(&[("Transfer-Encoding", "gzip, chunked")]), Err(HttpError::TransferCoding));
    }

    #[test]
    fn bodies_of_responses_depend_on_method_and_status() {
        let of = |method: Method, status: u16, lines: &[(&str, &str)]| {
            let status = StatusCode::new(status).unwrap();
            of_response(&method, status, Version::Http11, &fields(lines)).unwrap()
        };
        let length: &[(&str, &str)] = &[("Content-Length", "12")];
        let chunked: &[(&str, &str)] = &[("Transfer-Encoding", "chunked")];
        assert_eq!(of(Method::GET, 200, length), Framing::Length(12));
        assert_eq!(of(Method::GET, 200, chunked), Framing::Chunked);
        assert_eq!(of(Method::GET, 200, &[]), Framing::UntilClose);
        for (method, status) in [(Method::HEAD, 200), (Method::GET, 204), (Method::GET, 304)] {
            for lines in [length, chunked, &[]] {
                assert_eq!(of(method.clone(), status, lines), Framing::None, "{method} {status}");
            }
        }
    }

    #[test]
    fn equal_lengths_count_once_in_responses_only() {
        let twice = fields(&[("Content-Length", "5"), ("Content-Length", "5")]);
        let response = of_response(&Method::GET, StatusCode::OK, Version::Http11, &twice);
        assert_eq!(response, Ok(Framing::Length(5)));
        assert_eq!(of_request(Version::Http11, &twice), Err(HttpError::ContentLengths));
    }

    #[test]
    fn lengths_are_digits() {
        assert_eq!(parse_length(b"18446744073709551615"), Some(u64::MAX));
        for bad in ["", "+1", "-1", "1 ", "1,1", "0x1", "1e1", "18446744073709551616", "\u{661}"] {
            assert_eq!(parse_length(bad.as_bytes()), None, "{bad}");
        }
    }
}
