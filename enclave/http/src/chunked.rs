//! Chunks and trailers, as they are read (RFC 9112, section 7.1).
//!
//! Byte by byte except for the data, so that it makes no difference where the stream is cut. Borders are exactly CR LF
//! and a size is nothing but hexadecimal digits: what lies between one reader's border and another's is smuggled.

use alloc::vec::Vec;

use crate::connection::OWNED;
use crate::field::is_value_byte;
use crate::scan::Opening;
use crate::{BodyLimits, Decoded, Fields, HttpError, scan};

/// Most digits of a size: 64 bits.
const SIZE_DIGITS: u8 = 16;
/// What the first lines of chunks may have in bytes beyond [`FREE_LINE_BYTES`] and twice their data, all together: room
/// for long extensions now and then, not for a body that is made of them.
const OVERHEAD_BYTES: u64 = 16 << 10;
const FREE_LINE_BYTES: u64 = 16;
/// Fields of framing and routing: too late in a trailer.
const FORBIDDEN_TRAILERS: [&str; 3] = ["content-length", "host", "trailer"];

/// A chunked body, up to some place.
#[derive(Debug)]
pub(crate) struct ChunkReader {
    place: Place,
    /// Of the chunk: as far as its digits have come, then what is left of it.
    size: u64,
    digits: u8,
    line_bytes: usize,
    overhead: u64,
    /// Content so far, the current chunk included.
    body_bytes: u64,
    trailer_section: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Size,
    /// Blanks before an extension.
    Blank,
    Extension,
    LineFeed,
    Data,
    DataReturn,
    DataFeed,
    Trailers,
    End,
}

impl ChunkReader {
    pub(crate) const fn new() -> Self {
        Self {
            place: Place::Size,
            size: 0,
            digits: 0,
            line_bytes: 0,
            overhead: 0,
            body_bytes: 0,
            trailer_section: Vec::new(),
        }
    }

    /// Goes on to the next data, the end of the body, or that of `input`.
    pub(crate) fn decode<'b>(
        &mut self,
        input: &'b [u8],
        limits: &BodyLimits,
    ) -> Result<Decoded<'b>, HttpError> {
        let mut rest = input;
        while self.place != Place::Data && self.place != Place::End {
            let Some((byte, after)) = rest.split_first() else { break };
            self.step(*byte, limits)?;
            rest = after;
        }
        let mut data = &[][..];
        if self.place == Place::Data {
            let most = usize::try_from(self.size).unwrap_or(usize::MAX).min(rest.len());
            (data, rest) = rest.split_at_checked(most).unwrap_or_default();
            self.size = self.size.saturating_sub(data.len() as u64);
            if self.size == 0 {
                self.place = Place::DataReturn;
            }
        }
        Ok(Decoded { consumed: input.len().saturating_sub(rest.len()), data })
    }

    pub(crate) fn is_done(&self) -> bool {
        self.place == Place::End
    }

    /// The trailers of a body that is done.
    pub(crate) fn trailers(&self, limits: &BodyLimits) -> Result<Fields, HttpError> {
        let section = &self.trailer_section;
        let extent =
            scan::find_end(section, limits.trailer_bytes, Opening::Fields)?.ok_or(HttpError::Truncated)?;
        if extent.lines > limits.trailers {
            return Err(HttpError::TooManyTrailers { limit: limits.trailers });
        }
        let fields = scan::parse_fields(section, extent.lines)?;
        match forbidden_trailer(&fields) {
            Some(name) => Err(HttpError::ForbiddenTrailer { name }),
            None => Ok(fields),
        }
    }

    fn step(&mut self, byte: u8, limits: &BodyLimits) -> Result<(), HttpError> {
        let wrong = |expected| Err(HttpError::Chunk { expected, found: byte });
        self.place = match (self.place, byte) {
            (Place::Size, _) if byte.is_ascii_hexdigit() => self.add_digit(byte)?,
            (Place::Size, b';') if self.digits > 0 => Place::Extension,
            (Place::Size, b' ' | b'\t') if self.digits > 0 => Place::Blank,
            (Place::Size, b'\r') if self.digits > 0 => Place::LineFeed,
            (Place::Size, _) => return wrong("a hexadecimal size"),
            (Place::Blank, b' ' | b'\t') => Place::Blank,
            (Place::Blank, b';') => Place::Extension,
            (Place::Blank, _) => return wrong("an extension after a blank"),
            (Place::Extension, b'\r') => Place::LineFeed,
            (Place::Extension, _) if is_value_byte(byte) => Place::Extension,
            (Place::Extension, _) => return wrong("text in an extension"),
            (Place::LineFeed, b'\n') => return self.begin_chunk(limits),
            (Place::DataReturn, b'\r') => Place::DataFeed,
            (Place::DataReturn, _) => return wrong("CR after the data"),
            (Place::DataFeed, b'\n') => Place::Size,
            (Place::LineFeed | Place::DataFeed, _) => return wrong("LF after CR"),
            (Place::Trailers, _) => self.add_trailer_byte(byte, limits)?,
            // `decode` steps over neither.
            (Place::Data | Place::End, _) => self.place,
        };
        self.count_line_byte(limits)
    }

    /// Bounds the first line of a chunk.
    fn count_line_byte(&mut self, limits: &BodyLimits) -> Result<(), HttpError> {
        if self.digits > 0 && matches!(self.place, Place::Size | Place::Blank | Place::Extension) {
            self.line_bytes = self.line_bytes.saturating_add(1);
        }
        if self.line_bytes > limits.chunk_line_bytes {
            return Err(HttpError::ChunkLineTooLong { limit: limits.chunk_line_bytes });
        }
        Ok(())
    }

    fn add_digit(&mut self, digit: u8) -> Result<Place, HttpError> {
        if self.digits == SIZE_DIGITS {
            return Err(HttpError::ChunkSize);
        }
        let value = char::from(digit).to_digit(16).unwrap_or(0);
        self.size = self.size << 4 | u64::from(value);
        self.digits = self.digits.saturating_add(1);
        Ok(Place::Size)
    }

    /// The first line is complete.
    fn begin_chunk(&mut self, limits: &BodyLimits) -> Result<(), HttpError> {
        let free = self.size.saturating_mul(2).saturating_add(FREE_LINE_BYTES);
        self.overhead = self.overhead.saturating_add(self.line_bytes as u64).saturating_sub(free);
        if self.overhead > OVERHEAD_BYTES {
            return Err(HttpError::ChunkOverhead);
        }
        self.body_bytes = self.body_bytes.saturating_add(self.size);
        if self.body_bytes > limits.body_bytes {
            return Err(HttpError::BodyTooLong { limit: limits.body_bytes });
        }
        self.place = if self.size == 0 { Place::Trailers } else { Place::Data };
        (self.digits, self.line_bytes) = (0, 0);
        Ok(())
    }

    fn add_trailer_byte(&mut self, byte: u8, limits: &BodyLimits) -> Result<Place, HttpError> {
        if self.trailer_section.len() == limits.trailer_bytes {
            return Err(HttpError::TrailersTooLong { limit: limits.trailer_bytes });
        }
        self.trailer_section.push(byte);
        match self.trailer_section.as_slice() {
            b"\r\n" | [.., b'\r', b'\n', b'\r', b'\n'] => Ok(Place::End),
            [.., b'\r', b'\n'] => Ok(Place::Trailers),
            [.., b'\n'] => Err(HttpError::LineEnding),
            _ => Ok(Place::Trailers),
        }
    }
}

/// A field that says how to read or route a message, which is too late in a trailer.
pub(crate) fn forbidden_trailer(fields: &Fields) -> Option<&'static str> {
    let names = FORBIDDEN_TRAILERS.into_iter().chain(OWNED);
    names.into_iter().find(|name| fields.first(name).is_some())
}
