//! Where a head ends, and which bytes may stand in it at all.
//!
//! Before the parser sees a head, its lines are known to end in CR LF and its bytes to be harmless: the parser accepts
//! lone LFs, and a lone CR or a NUL is read differently by many.

use alloc::vec;

use crate::field::is_value_byte;
use crate::method::METHOD_MAX_BYTES;
use crate::{Field, Fields, HttpError};

/// A whole head, at the start of a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Up to and with the empty line.
    pub(crate) bytes: usize,
    /// Lines, without the empty one.
    pub(crate) lines: usize,
}

/// What comes first in a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    /// A request line, with a target of bounded length.
    RequestLine {
        /// Most bytes of the target.
        target_bytes: usize,
    },
    /// A status line.
    StatusLine,
    /// Fields, or nothing.
    Fields,
}

impl Opening {
    /// Refuses a request line that is too long before all of it has come.
    fn check_length(self, line_bytes: usize) -> Result<(), HttpError> {
        const AROUND_BYTES: usize = METHOD_MAX_BYTES + " ".len() + " HTTP/1.1\r".len();
        match self {
            Self::RequestLine { target_bytes } if line_bytes > target_bytes.saturating_add(AROUND_BYTES) => {
                Err(HttpError::TargetTooLong { limit: target_bytes })
            }
            _ => Ok(()),
        }
    }
}

/// Finds the end of a head; `None` when it has not come yet. An error is found at the same byte, however many follow.
pub(crate) fn find_end(
    buffer: &[u8],
    limit_bytes: usize,
    opening: Opening,
) -> Result<Option<Extent>, HttpError> {
    let (mut lines, mut line_bytes, mut previous) = (0_usize, 0_usize, 0);
    for (at, &byte) in buffer.iter().take(limit_bytes).enumerate() {
        match (previous, byte) {
            (b'\r', b'\n') if line_bytes == 1 => {
                let extent = Extent { bytes: at.saturating_add(1), lines };
                let is_empty = lines == 0 && opening != Opening::Fields;
                return if is_empty { Err(HttpError::StartLine) } else { Ok(Some(extent)) };
            }
            (b'\r', b'\n') => (lines, line_bytes) = (lines.saturating_add(1), 0),
            (b'\r', _) | (_, b'\n') => return Err(HttpError::LineEnding),
            (_, b' ' | b'\t') if line_bytes == 0 && lines > 0 => return Err(HttpError::Folded),
            _ if byte == b'\r' || is_value_byte(byte) => line_bytes = line_bytes.saturating_add(1),
            _ => return Err(HttpError::ControlCharacter { found: byte }),
        }
        if lines == 0 {
            opening.check_length(line_bytes)?;
        }
        previous = byte;
    }
    if buffer.len() >= limit_bytes { Err(HttpError::HeadTooLong { limit: limit_bytes }) } else { Ok(None) }
}

/// Reads a block of fields that [`find_end`] has passed.
pub(crate) fn parse_fields(block: &[u8], lines: usize) -> Result<Fields, HttpError> {
    let mut parsed = vec![httparse::EMPTY_HEADER; lines];
    match httparse::parse_headers(block, &mut parsed) {
        Ok(httparse::Status::Complete((_, parsed))) => collect(parsed),
        Ok(httparse::Status::Partial) => Err(HttpError::LineEnding),
        Err(error) => Err(translate(error)),
    }
}

/// Copies what the parser found.
pub(crate) fn collect(parsed: &[httparse::Header<'_>]) -> Result<Fields, HttpError> {
    parsed.iter().map(|header| Ok(Field::new(header.name, header.value)?)).collect()
}

/// An error of the parser after the start line.
pub(crate) fn translate(error: httparse::Error) -> HttpError {
    match error {
        httparse::Error::HeaderName => HttpError::Field(crate::FieldError::Name),
        httparse::Error::Status => HttpError::Status,
        httparse::Error::Version => HttpError::Version,
        httparse::Error::Token | httparse::Error::NewLine => HttpError::StartLine,
        // Bytes and line endings were looked at before, and room was made for each line.
        httparse::Error::HeaderValue | httparse::Error::TooManyHeaders => HttpError::LineEnding,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: &[u8]) -> Result<Option<Extent>, HttpError> {
        find_end(text, 64, Opening::StatusLine)
    }

    #[test]
    fn the_end_is_the_first_empty_line() {
        let head = b"GET / HTTP/1.1\r\nA: b\r\n\r\n";
        let extent = Extent { bytes: head.len(), lines: 2 };
        assert_eq!(find(&[head, &b"\x00\n"[..]].concat()), Ok(Some(extent)));
        for end in 0..head.len() {
            assert_eq!(find(&head[..end]), Ok(None), "{end}");
        }
        assert_eq!(find_end(b"\r\nx", 64, Opening::Fields), Ok(Some(Extent { bytes: 2, lines: 0 })));
        assert_eq!(find(b"\r\nx"), Err(HttpError::StartLine));
    }

    #[test]
    fn bytes_that_readers_disagree_on_are_refused_as_soon_as_they_come() {
        let table = [
            (&b"a\n"[..], HttpError::LineEnding),
            (b"\n", HttpError::LineEnding),
            (b"a\rb", HttpError::LineEnding),
            (b"a\r\r", HttpError::LineEnding),
            (b"a\0", HttpError::ControlCharacter { found: 0 }),
            (b"a\x0B", HttpError::ControlCharacter { found: 0x0B }),
            (b"\x16\x03\x01", HttpError::ControlCharacter { found: 0x16 }),
            (b"a\x7F", HttpError::ControlCharacter { found: 0x7F }),
            (b"a\r\n ", HttpError::Folded),
            (b"a\r\n\t", HttpError::Folded),
        ];
        for (text, error) in table {
            assert_eq!(find(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn the_limit_holds_with_and_without_an_end() {
        let exactly = [&[b'a'; 60][..], b"\r\n\r\n"].concat();
        assert!(find(&exactly).is_ok_and(|extent| extent.is_some()));
        assert_eq!(find(&[b"a", &exactly[..]].concat()), Err(HttpError::HeadTooLong { limit: 64 }));
        assert_eq!(find(&[b'a'; 64]), Err(HttpError::HeadTooLong { limit: 64 }));
        assert_eq!(find(&[b'a'; 63]), Ok(None));
    }
}
