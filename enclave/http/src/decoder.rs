//! Bodies, as they are read.

use crate::chunked::ChunkReader;
use crate::{BodyLimits, Fields, Framing, HttpError};

/// Takes a body out of a byte stream. Holds nothing but trailers.
///
/// ```
/// # use enclave_http::{BodyDecoder, BodyLimits, Framing, HttpError};
/// let mut decoder = BodyDecoder::new(Framing::Chunked, &BodyLimits::DEFAULT)?;
/// let (mut input, mut body) = (&b"5\r\nhello\r\n0\r\n\r\nGET "[..], Vec::new());
/// while !decoder.is_done() && !input.is_empty() {
///     let decoded = decoder.decode(input)?;
///     body.extend_from_slice(decoded.data);
///     input = &input[decoded.consumed..];
/// }
/// assert_eq!((body.as_slice(), input), (&b"hello"[..], &b"GET "[..]));
/// # Ok::<(), HttpError>(())
/// ```
#[derive(Debug)]
pub struct BodyDecoder {
    place: Place,
    limits: BodyLimits,
    trailers: Fields,
}

#[derive(Debug)]
enum Place {
    Length { left: u64 },
    Chunked(ChunkReader),
    UntilClose { taken: u64 },
    Done,
}

/// What one look at the stream gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decoded<'b> {
    /// Bytes that were used up; what comes after them is still to be decoded. All of them, unless there is data or the
    /// body ended.
    pub consumed: usize,
    /// The next bytes of the body; empty only when there are none yet, or no more.
    pub data: &'b [u8],
}

impl BodyDecoder {
    /// For a body that ends in this way.
    ///
    /// # Errors
    /// It says that it is longer than allowed.
    pub fn new(framing: Framing, limits: &BodyLimits) -> Result<Self, HttpError> {
        let place = match framing {
            Framing::None => Place::Done,
            Framing::Length(bytes) if bytes > limits.body_bytes => {
                return Err(HttpError::BodyTooLong { limit: limits.body_bytes });
            }
            Framing::Length(bytes) => Place::Length { left: bytes },
            Framing::Chunked => Place::Chunked(ChunkReader::new()),
            Framing::UntilClose => Place::UntilClose { taken: 0 },
        };
        Ok(Self { place, limits: *limits, trailers: Fields::new() })
    }

    /// Goes on with the next bytes of the stream, in whichever pieces they come.
    ///
    /// # Errors
    /// The body breaks a rule or a limit.
    pub fn decode<'b>(&mut self, input: &'b [u8]) -> Result<Decoded<'b>, HttpError> {
        let decoded = match &mut self.place {
            Place::Done => Decoded { consumed: 0, data: &[] },
            Place::Length { left } => {
                let most = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                let data = input.get(..most).unwrap_or_default();
                *left = left.saturating_sub(data.len() as u64);
                Decoded { consumed: data.len(), data }
            }
            Place::Chunked(reader) => reader.decode(input, &self.limits)?,
            Place::UntilClose { taken } => {
                *taken = taken.saturating_add(input.len() as u64);
                if *taken > self.limits.body_bytes {
                    return Err(HttpError::BodyTooLong { limit: self.limits.body_bytes });
                }
                Decoded { consumed: input.len(), data: input }
            }
        };
        self.close_when_complete()?;
        Ok(decoded)
    }

    /// The stream has ended, as its end is agreed on in the layer below: see [`Framing::UntilClose`].
    ///
    /// # Errors
    /// The body is not complete.
    pub fn end_of_stream(&mut self) -> Result<(), HttpError> {
        match self.place {
            Place::Length { .. } | Place::Chunked(_) => Err(HttpError::Truncated),
            Place::UntilClose { .. } | Place::Done => {
                self.place = Place::Done;
                Ok(())
            }
        }
    }

    /// Whether the body is complete: nothing of the stream belongs to it any more.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self.place, Place::Done)
    }

    /// How many bytes are still to come, where that is known.
    #[must_use]
    pub const fn left(&self) -> Option<u64> {
        match self.place {
            Place::Done => Some(0),
            Place::Length { left } => Some(left),
            Place::Chunked(_) | Place::UntilClose { .. } => None,
        }
    }

    /// What came after the chunks, once the body is complete; once.
    pub fn take_trailers(&mut self) -> Fields {
        core::mem::take(&mut self.trailers)
    }

    fn close_when_complete(&mut self) -> Result<(), HttpError> {
        match &self.place {
            Place::Length { left: 0 } => self.place = Place::Done,
            Place::Chunked(reader) if reader.is_done() => {
                self.trailers = reader.trailers(&self.limits)?;
                self.place = Place::Done;
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
