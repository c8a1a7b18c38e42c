//! Leaves: one part of a request or response each, with a salt.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use minicbor::{Decoder, Encoder};

use crate::written::{Written, written};
use crate::{Body, BodySide, SALT_BYTES};

/// What a leaf can be, in the order of leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// The method.
    Method = 0,
    /// The scheme.
    Scheme = 1,
    /// Host and port that were asked for.
    Authority = 2,
    /// Path and query.
    PathWithQuery = 3,
    /// A field of the request.
    RequestField = 4,
    /// The body of the request.
    RequestBody = 5,
    /// A trailer of the request.
    RequestTrailer = 6,
    /// The status.
    Status = 7,
    /// A field of the response.
    ResponseField = 8,
    /// The body of the response.
    ResponseBody = 9,
    /// A trailer of the response.
    ResponseTrailer = 10,
}

/// A part of a request or response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// The method.
    Method(String),
    /// The scheme: `https`.
    Scheme(String),
    /// Host and port that were asked for.
    Authority(String),
    /// Path and query.
    PathWithQuery(String),
    /// A field of the request, as it was sent.
    RequestField(Field),
    /// The body of the request.
    RequestBody(Body),
    /// A trailer of the request.
    RequestTrailer(Field),
    /// The status, 100 to 999.
    Status(u16),
    /// A field of the response, as it came.
    ResponseField(Field),
    /// The body of the response.
    ResponseBody(Body),
    /// A trailer of the response.
    ResponseTrailer(Field),
}

/// A field or trailer.
#[derive(Clone, PartialEq, Eq)]
pub struct Field {
    /// In lower case.
    pub name: String,
    /// Any bytes.
    pub value: Vec<u8>,
}

/// Values are often secrets, such as passwords: they do not get into logs.
impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {} bytes", self.name, self.value.len())
    }
}

impl Kind {
    /// All of them, in the order of leaves.
    pub const ALL: [Self; 11] = [
        Self::Method,
        Self::Scheme,
        Self::Authority,
        Self::PathWithQuery,
        Self::RequestField,
        Self::RequestBody,
        Self::RequestTrailer,
        Self::Status,
        Self::ResponseField,
        Self::ResponseBody,
        Self::ResponseTrailer,
    ];

    /// Whether there can be none or several: fields and trailers. Of each other kind there is exactly one.
    #[must_use]
    pub const fn is_field(self) -> bool {
        matches!(
            self,
            Self::RequestField | Self::RequestTrailer | Self::ResponseField | Self::ResponseTrailer
        )
    }

    /// Its number in leaves.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// As in a sentence.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Method => "method",
            Self::Scheme => "scheme",
            Self::Authority => "authority",
            Self::PathWithQuery => "path with query",
            Self::RequestField => "field of the request",
            Self::RequestBody => "body of the request",
            Self::RequestTrailer => "trailer of the request",
            Self::Status => "status",
            Self::ResponseField => "field of the response",
            Self::ResponseBody => "body of the response",
            Self::ResponseTrailer => "trailer of the response",
        })
    }
}

impl Value {
    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Method(_) => Kind::Method,
            Self::Scheme(_) => Kind::Scheme,
            Self::Authority(_) => Kind::Authority,
            Self::PathWithQuery(_) => Kind::PathWithQuery,
            Self::RequestField(_) => Kind::RequestField,
            Self::RequestBody(_) => Kind::RequestBody,
            Self::RequestTrailer(_) => Kind::RequestTrailer,
            Self::Status(_) => Kind::Status,
            Self::ResponseField(_) => Kind::ResponseField,
            Self::ResponseBody(_) => Kind::ResponseBody,
            Self::ResponseTrailer(_) => Kind::ResponseTrailer,
        }
    }

    /// The body, where it is this one.
    #[must_use]
    pub const fn body(&self, side: BodySide) -> Option<&Body> {
        match (self, side) {
            (Self::RequestBody(body), BodySide::Request) | (Self::ResponseBody(body), BodySide::Response) => {
                Some(body)
            }
            _ => None,
        }
    }

    /// The bytes of its leaf.
    pub(crate) fn leaf(&self, salt: &[u8; SALT_BYTES]) -> Vec<u8> {
        written(|encoder| {
            encoder.array(self.items().saturating_add(1))?.bytes(salt)?;
            self.write_items(encoder)
        })
    }

    /// Reads [`Self::leaf`]'s bytes and nothing else.
    pub(crate) fn from_leaf(leaf: &[u8]) -> Option<(Self, [u8; SALT_BYTES])> {
        let mut decoder = Decoder::new(leaf);
        let items = decoder.array().ok()??.checked_sub(1)?;
        let salt = decoder.bytes().ok()?.try_into().ok()?;
        let value = Self::read_items(items, &mut decoder)?;
        // Long forms and trailing bytes all end here.
        (value.leaf(&salt) == leaf).then_some((value, salt))
    }

    /// Its kind and what follows, as an array without a salt.
    pub(crate) fn write(&self, encoder: &mut Encoder<Vec<u8>>) -> Written {
        encoder.array(self.items())?;
        self.write_items(encoder)
    }

    pub(crate) fn read(decoder: &mut Decoder<'_>) -> Option<Self> {
        let items = decoder.array().ok()??;
        Self::read_items(items, decoder)
    }

    const fn items(&self) -> u64 {
        match self.kind() {
            Kind::RequestBody | Kind::ResponseBody => 4,
            kind if kind.is_field() => 3,
            _ => 2,
        }
    }

    fn write_items(&self, encoder: &mut Encoder<Vec<u8>>) -> Written {
        encoder.u8(self.kind().number())?;
        match self {
            Self::Method(text) | Self::Scheme(text) | Self::Authority(text) | Self::PathWithQuery(text) => {
                encoder.str(text)?
            }
            Self::RequestField(field)
            | Self::RequestTrailer(field)
            | Self::ResponseField(field)
            | Self::ResponseTrailer(field) => encoder.str(&field.name)?.bytes(&field.value)?,
            Self::RequestBody(body) | Self::ResponseBody(body) => {
                encoder.u64(body.bytes)?.u64(body.chunks)?.bytes(&body.root)?
            }
            Self::Status(status) => encoder.u16(*status)?,
        };
        Ok(())
    }

    fn read_items(items: u64, decoder: &mut Decoder<'_>) -> Option<Self> {
        let value = match Kind::from_number(decoder.u8().ok()?)? {
            Kind::Method => Self::Method(decoder.str().ok()?.into()),
            Kind::Scheme => Self::Scheme(decoder.str().ok()?.into()),
            Kind::Authority => Self::Authority(decoder.str().ok()?.into()),
            Kind::PathWithQuery => Self::PathWithQuery(decoder.str().ok()?.into()),
            Kind::RequestField => Self::RequestField(Field::read(decoder)?),
            Kind::RequestBody => Self::RequestBody(Body::read(decoder)?),
            Kind::RequestTrailer => Self::RequestTrailer(Field::read(decoder)?),
            Kind::Status => Self::Status(decoder.u16().ok().filter(|status| (100..=999).contains(status))?),
            Kind::ResponseField => Self::ResponseField(Field::read(decoder)?),
            Kind::ResponseBody => Self::ResponseBody(Body::read(decoder)?),
            Kind::ResponseTrailer => Self::ResponseTrailer(Field::read(decoder)?),
        };
        (items == value.items()).then_some(value)
    }
}

impl Field {
    fn read(decoder: &mut Decoder<'_>) -> Option<Self> {
        Some(Self { name: decoder.str().ok()?.into(), value: decoder.bytes().ok()?.into() })
    }
}

#[cfg(test)]
mod tests;
