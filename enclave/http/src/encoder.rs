//! Bodies, as they are written.

use alloc::vec::Vec;

use crate::chunked::forbidden_trailer;
use crate::outgoing::write_field;
use crate::{Fields, OutgoingError};

/// Writes the body that a head has promised: that much and no more.
#[derive(Debug, PartialEq, Eq)]
pub struct BodyEncoder(Kind);

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    None,
    /// The response to HEAD: what would be the body is dropped.
    Dropped,
    Length {
        promised: u64,
        written: u64,
    },
    Chunked,
    UntilClose,
}

impl BodyEncoder {
    pub(crate) const NONE: Self = Self(Kind::None);
    pub(crate) const DROPPED: Self = Self(Kind::Dropped);
    pub(crate) const CHUNKED: Self = Self(Kind::Chunked);
    pub(crate) const UNTIL_CLOSE: Self = Self(Kind::UntilClose);

    pub(crate) const fn of_length(promised: u64) -> Self {
        if promised == 0 { Self::NONE } else { Self(Kind::Length { promised, written: 0 }) }
    }

    /// Writes more of the body at the end of `out`.
    ///
    /// # Errors
    /// More than was promised; nothing of it is written.
    pub fn encode(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), OutgoingError> {
        // A chunk of no bytes would end the body.
        if data.is_empty() {
            return Ok(());
        }
        match &mut self.0 {
            Kind::None => return Err(OutgoingError::BodyNotAllowed),
            Kind::Dropped => {}
            Kind::Length { promised, written } => {
                let found = written.saturating_add(data.len() as u64);
                if found > *promised {
                    return Err(OutgoingError::BodyLength { promised: *promised, found });
                }
                *written = found;
                out.extend_from_slice(data);
            }
            Kind::Chunked => {
                out.extend_from_slice(alloc::format!("{:x}\r\n", data.len()).as_bytes());
                out.extend_from_slice(data);
                out.extend_from_slice(b"\r\n");
            }
            Kind::UntilClose => out.extend_from_slice(data),
        }
        Ok(())
    }

    /// How many bytes are still promised; `None` where nothing is.
    #[must_use]
    pub const fn left(&self) -> Option<u64> {
        match self.0 {
            Kind::Length { promised, written } => Some(promised.saturating_sub(written)),
            Kind::None => Some(0),
            Kind::Dropped | Kind::Chunked | Kind::UntilClose => None,
        }
    }

    /// Whether the peer can be sent trailers.
    #[must_use]
    pub fn takes_trailers(&self) -> bool {
        self.0 == Kind::Chunked
    }

    /// Ends the body.
    ///
    /// # Errors
    /// Less than was promised, trailers where there can be none, or fields that may not be trailers: the peer must not
    /// take the message for a complete one, so close the connection.
    pub fn finish(self, trailers: &Fields, out: &mut Vec<u8>) -> Result<(), OutgoingError> {
        match self.0 {
            Kind::Length { promised, written } if written != promised => {
                return Err(OutgoingError::BodyLength { promised, found: written });
            }
            Kind::Chunked => {
                if let Some(name) = forbidden_trailer(trailers) {
                    return Err(OutgoingError::Trailer { name });
                }
                out.extend_from_slice(b"0\r\n");
                trailers.iter().for_each(|field| write_field(field.name(), field.value(), out));
                out.extend_from_slice(b"\r\n");
            }
            Kind::None | Kind::Dropped | Kind::Length { .. } | Kind::UntilClose => {
                if !trailers.is_empty() {
                    return Err(OutgoingError::TrailersNotPossible);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Field;

    fn encode(mut encoder: BodyEncoder, pieces: &[&str], trailers: &Fields) -> Result<String, OutgoingError> {
        let mut out = Vec::new();
        for piece in pieces {
            encoder.encode(piece.as_bytes(), &mut out)?;
        }
        encoder.finish(trailers, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_promised_length_is_kept() {
        let of = |pieces: &[&str]| encode(BodyEncoder::of_length(5), pieces, &Fields::new());
        assert_eq!(of(&["he", "", "llo"]).unwrap(), "hello");
        let broken = |found| Err(OutgoingError::BodyLength { promised: 5, found });
        assert_eq!((of(&["hell"]), of(&["hell", "oo"]), of(&[])), (broken(4), broken(6), broken(0)));
    }

    #[test]
    fn no_piece_of_a_chunked_body_ends_it() {
        let of = |pieces: &[&str]| encode(BodyEncoder::CHUNKED, pieces, &Fields::new()).unwrap();
        assert_eq!(
            of(&["", "hello", "", "0123456789abcdef"]),
            "5\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n"
        );
        assert_eq!(of(&[]), "0\r\n\r\n");
    }

    #[test]
    fn trailers_follow_chunks_only_and_frame_nothing() {
        let trailer = |name: &str| Fields::from_iter([Field::new(name, b"1").unwrap()]);
        let sent = encode(BodyEncoder::CHUNKED, &["x"], &trailer("Checksum"));
        assert_eq!(sent.as_deref(), Ok("1\r\nx\r\n0\r\nchecksum: 1\r\n\r\n"));
        let refused = encode(BodyEncoder::CHUNKED, &[], &trailer("Content-Length"));
        assert_eq!(refused, Err(OutgoingError::Trailer { name: "content-length" }));
        for encoder in [BodyEncoder::NONE, BodyEncoder::DROPPED, BodyEncoder::UNTIL_CLOSE] {
            assert!(!encoder.takes_trailers());
            assert_eq!(encode(encoder, &[], &trailer("a")), Err(OutgoingError::TrailersNotPossible));
        }
    }

    #[test]
    fn messages_without_a_body_get_none() {
        assert_eq!(encode(BodyEncoder::NONE, &["", "x"], &Fields::new()), Err(OutgoingError::BodyNotAllowed));
        assert_eq!(encode(BodyEncoder::DROPPED, &["x"], &Fields::new()).as_deref(), Ok(""));
        assert_eq!(encode(BodyEncoder::UNTIL_CLOSE, &["x", "y"], &Fields::new()).as_deref(), Ok("xy"));
    }
}
