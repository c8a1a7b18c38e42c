//! Requests and responses as bytes, so that a claim can name them by their digest: input and output of a service.
//!
//! ```cddl
//! request = [tstr, tstr, tstr / null, tstr / null, fields]   ; method, scheme, authority, path and query
//! response = [uint, fields] / null                           ; status; null: the component gave no response
//! fields = [*[tstr, bstr]]                                   ; name in lower case, value, in their order
//! trailers = fields / null                                   ; null: the body did not come, or was not read, to its end
//! ```
//! A message is the deterministic CBOR (RFC 8949 §4.2.1) of `request` or `response`, the body as it is, `trailers`, and the
//! length of the body as eight bytes, big-endian. A request has the fields that came, those of the connection included, which
//! the component does not see; a response has those that the component gave, and neither has chunks.
//! Panics: never on input.

use alloc::vec::Vec;
use core::convert::Infallible;

use minicbor::data::Type;
use minicbor::encode::Error;
use minicbor::{Decoder, Encoder};

/// Bytes of the length at the end.
const LENGTH_BYTES: usize = 8;

/// The longest message without its body that is read.
const HEAD_MAX_BYTES: usize = 256 << 10;

/// A name and a value.
pub type Field<'a> = (&'a str, &'a [u8]);

/// What a component was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a str,
    /// How it came: `http`.
    pub scheme: &'a str,
    /// The server that it names.
    pub authority: Option<&'a str>,
    /// Path and query, or `*`.
    pub path_with_query: Option<&'a str>,
    /// As they came.
    pub fields: Vec<Field<'a>>,
}

/// What a component answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response<'a> {
    /// From 200 on.
    pub status: u16,
    /// As the component gave them.
    pub fields: Vec<Field<'a>>,
}

/// A head with what follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<'a, H> {
    /// Request or response.
    pub head: H,
    /// As much of it as there was.
    pub body: &'a [u8],
    /// `None`: the body is not whole.
    pub trailers: Option<Vec<Field<'a>>>,
}

/// A message that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// Not the structure.
    #[error("message: not the expected CBOR at byte {offset}")]
    Structure {
        /// Where decoding stopped.
        offset: usize,
    },
    /// The length at the end is not that of the body.
    #[error(
        "message: its last 8 bytes say that the body has {stated} bytes, which leaves no room for the rest"
    )]
    Length {
        /// What they say.
        stated: u64,
    },
    /// More than any head has.
    #[error("message: expected at most {HEAD_MAX_BYTES} bytes besides the body, found {found}")]
    TooLong {
        /// Its length.
        found: usize,
    },
    /// The same content has one encoding, and this is another.
    #[error("message: not in deterministic encoding")]
    NotDeterministic,
}

impl Request<'_> {
    /// What a request begins with.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        written(|encoder| {
            encoder.array(5)?.str(self.method)?.str(self.scheme)?;
            for text in [self.authority, self.path_with_query] {
                match text {
                    Some(text) => encoder.str(text)?,
                    None => encoder.null()?,
                };
            }
            write_fields(&self.fields, encoder)
        })
    }
}

impl Response<'_> {
    /// What a response begins with.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        written(|encoder| {
            encoder.array(2)?.u16(self.status)?;
            write_fields(&self.fields, encoder)
        })
    }
}

/// What stands for a response that was not given.
#[must_use]
pub fn no_response() -> Vec<u8> {
    written(|encoder| encoder.null().map(drop))
}

/// What a message ends with.
#[must_use]
pub fn encode_end(trailers: Option<&[Field<'_>]>, body_bytes: u64) -> Vec<u8> {
    let mut bytes = written(|encoder| match trailers {
        Some(trailers) => write_fields(trailers, encoder),
        None => encoder.null().map(drop),
    });
    bytes.extend_from_slice(&body_bytes.to_be_bytes());
    bytes
}

/// Reads a request with its body.
///
/// # Errors
/// See [`MessageError`].
pub fn parse_request(bytes: &[u8]) -> Result<Message<'_, Request<'_>>, MessageError> {
    parse(bytes, read_request, Request::encode)
}

/// Reads a response with its body; the head is `None` where none was given.
///
/// # Errors
/// See [`MessageError`].
pub fn parse_response(bytes: &[u8]) -> Result<Message<'_, Option<Response<'_>>>, MessageError> {
    parse(bytes, read_response, |response| response.as_ref().map_or_else(no_response, Response::encode))
}

fn parse<'a, H>(
    bytes: &'a [u8],
    read_head: impl FnOnce(&mut Decoder<'a>) -> Option<H>,
    encode_head: impl FnOnce(&H) -> Vec<u8>,
) -> Result<Message<'a, H>, MessageError> {
    let (rest, stated) =
        bytes.split_last_chunk::<LENGTH_BYTES>().ok_or(MessageError::Structure { offset: 0 })?;
    let stated = u64::from_be_bytes(*stated);
    let body_bytes = usize::try_from(stated).map_err(|_| MessageError::Length { stated })?;
    let found = rest.len().checked_sub(body_bytes).ok_or(MessageError::Length { stated })?;
    if found > HEAD_MAX_BYTES {
        return Err(MessageError::TooLong { found });
    }
    let mut decoder = Decoder::new(rest);
    let head =
        read_head(&mut decoder).ok_or_else(|| MessageError::Structure { offset: decoder.position() })?;
    let start = decoder.position();
    let body =
        rest.get(start..).and_then(|after| after.get(..body_bytes)).ok_or(MessageError::Length { stated })?;
    let end = start.saturating_add(body_bytes);
    let mut decoder = Decoder::new(rest.get(end..).unwrap_or_default());
    let trailers = read_trailers(&mut decoder)
        .ok_or_else(|| MessageError::Structure { offset: end.saturating_add(decoder.position()) })?;
    // Long forms and trailing bytes all end here.
    let again = [encode_head(&head), encode_end(trailers.as_deref(), stated)];
    let [head_again, end_again] = &again;
    if bytes.get(..start) != Some(head_again) || bytes.get(end..) != Some(end_again) {
        return Err(MessageError::NotDeterministic);
    }
    Ok(Message { head, body, trailers })
}

fn read_request<'a>(decoder: &mut Decoder<'a>) -> Option<Request<'a>> {
    let has_parts = decoder.array().ok()? == Some(5);
    let method = has_parts.then(|| decoder.str().ok())??;
    let scheme = decoder.str().ok()?;
    let (authority, path_with_query) = (read_text(decoder)?, read_text(decoder)?);
    Some(Request { method, scheme, authority, path_with_query, fields: read_fields(decoder)? })
}

fn read_response<'a>(decoder: &mut Decoder<'a>) -> Option<Option<Response<'a>>> {
    if decoder.datatype().ok()? == Type::Null {
        return decoder.null().ok().map(|()| None);
    }
    let has_parts = decoder.array().ok()? == Some(2);
    let status = has_parts.then(|| decoder.u16().ok())??;
    Some(Some(Response { status, fields: read_fields(decoder)? }))
}

fn read_trailers<'a>(decoder: &mut Decoder<'a>) -> Option<Option<Vec<Field<'a>>>> {
    if decoder.datatype().ok()? == Type::Null {
        return decoder.null().ok().map(|()| None);
    }
    read_fields(decoder).map(Some)
}

fn read_text<'a>(decoder: &mut Decoder<'a>) -> Option<Option<&'a str>> {
    if decoder.datatype().ok()? == Type::Null {
        return decoder.null().ok().map(|()| None);
    }
    decoder.str().ok().map(Some)
}

fn read_fields<'a>(decoder: &mut Decoder<'a>) -> Option<Vec<Field<'a>>> {
    let count = decoder.array().ok()??;
    let mut fields = Vec::new();
    for _ in 0..count {
        let has_parts = decoder.array().ok()? == Some(2);
        let name = has_parts.then(|| decoder.str().ok())??;
        fields.push((name, decoder.bytes().ok()?));
    }
    Some(fields)
}

fn write_fields(fields: &[Field<'_>], encoder: &mut Encoder<Vec<u8>>) -> Result<(), Error<Infallible>> {
    encoder.array(fields.len() as u64)?;
    fields.iter().try_for_each(|(name, value)| encoder.array(2)?.str(name)?.bytes(value).map(drop))
}

fn written(write: impl FnOnce(&mut Encoder<Vec<u8>>) -> Result<(), Error<Infallible>>) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    // Writing to a `Vec` is infallible.
    let done = write(&mut encoder);
    debug_assert!(done.is_ok(), "a message failed to encode");
    encoder.into_writer()
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    fn request() -> Request<'static> {
        Request {
            method: "POST",
            scheme: "http",
            authority: Some("notary.example:8080"),
            path_with_query: Some("/documents?a=b"),
            fields: vec![("content-type", b"text/plain"), ("x", b"\xFF")],
        }
    }

    fn whole(head: &[u8], body: &[u8], trailers: Option<&[Field<'_>]>) -> Vec<u8> {
        [head, body, &encode_end(trailers, body.len() as u64)].concat()
    }

    /// Made by `cbor2` (PyPI): `cbor2.dumps(["POST", "http", "notary.example:8080", "/documents?a=b", [["content-type",
    /// b"text/plain"], ["x", b"\xff"]]], canonical=True) + b"body" + cbor2.dumps([["t", b"1"]]) + (4).to_bytes(8, "big")`.
    const GOLDEN_REQUEST: &str = concat!(
        "8564504f53546468747470736e6f746172792e6578616d706c653a383038306e2f646f63756d656e74733f613d6282826c636f6e",
        "74656e742d747970654a746578742f706c61696e82617841ff626f647981826174413100000000000000",
        "04",
    );

    #[test]
    fn an_independent_encoder_agrees() {
        let bytes = whole(&request().encode(), b"body", Some(&[("t", b"1")]));
        assert_eq!(hex::encode(&bytes), GOLDEN_REQUEST);
    }

    #[test]
    fn messages_are_read_as_they_are_written() {
        for trailers in [None, Some(vec![]), Some(vec![("t", &b"1"[..])])] {
            let bytes = whole(&request().encode(), b"body", trailers.as_deref());
            assert_eq!(
                parse_request(&bytes),
                Ok(Message { head: request(), body: b"body", trailers: trailers.clone() })
            );
            let response = Response { status: 404, fields: vec![("a", b"b")] };
            let bytes = whole(&response.encode(), b"", trailers.as_deref());
            assert_eq!(parse_response(&bytes), Ok(Message { head: Some(response), body: b"", trailers }));
        }
        let nothing = whole(&no_response(), b"", None);
        assert_eq!(parse_response(&nothing), Ok(Message { head: None, body: b"", trailers: None }));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let bytes = whole(&request().encode(), b"body", Some(&[]));
        assert_eq!(parse_request(&bytes[..7]), Err(MessageError::Structure { offset: 0 }));
        for (length, stated) in [(5, 5), (u64::MAX, u64::MAX)] {
            let mut bytes = bytes.clone();
            let at = bytes.len() - 8;
            bytes[at..].copy_from_slice(&u64::to_be_bytes(length));
            let error = parse_request(&bytes).unwrap_err();
            assert!(
                matches!(error, MessageError::Structure { .. }) || error == MessageError::Length { stated },
                "{error}"
            );
        }
        let long = whole(&request().encode(), b"", Some(&[("t", &vec![0; HEAD_MAX_BYTES])]));
        assert!(matches!(parse_request(&long), Err(MessageError::TooLong { .. })));
        // An array's length in two bytes.
        let mut long_form = vec![0x98, 5];
        long_form.extend_from_slice(&bytes[1..]);
        assert_eq!(parse_request(&long_form), Err(MessageError::NotDeterministic));
        assert!(matches!(parse_response(&bytes), Err(MessageError::Structure { .. })));
    }

    proptest! {
        #[test]
        fn no_byte_can_change_unnoticed(at in 0_usize..100, flip in 1_u8..) {
            let bytes = whole(&request().encode(), b"body", Some(&[("t", b"1")]));
            let mut changed = bytes.clone();
            // Somewhere in it, most often.
            changed.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= flip);
            prop_assume!(changed != bytes);
            prop_assert_ne!(parse_request(&changed), parse_request(&bytes));
        }
    }
}
