//! DER elements one behind the other, borrowed from the input.
//!
//! Ours rather than the reader of `der`, which most of the time for a certificate went to. Lengths are definite and in their
//! shortest form, of two bytes at most, since nothing here is longer; tags have one byte. Numbers, strings and times inside
//! are decoded by `der`. What DER demands besides (defaults left out, sets in order) is for whoever knows the structure.

use alloc::format;
use alloc::string::String;

use der::Decode;
use der::oid::ObjectIdentifierRef;

use crate::X509Error;

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// Tag of `[number]` with another element inside.
pub(crate) const fn explicit(number: u8) -> u8 {
    0xA0 | number
}

/// Tag of `[number]` in place of a primitive element's own.
pub(crate) const fn implicit(number: u8) -> u8 {
    0x80 | number
}

/// One element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    /// With its header.
    pub(crate) whole: &'a [u8],
}

/// What is left of the content of an element, and what it is part of, for messages.
#[derive(Debug, Clone)]
pub(crate) struct Elements<'a> {
    rest: &'a [u8],
    field: &'static str,
}

impl<'a> Elements<'a> {
    /// Those of the one element of `tag` that `bytes` is.
    pub(crate) fn of(bytes: &'a [u8], tag: u8, field: &'static str) -> Result<Self, X509Error> {
        let mut outer = Self::within(bytes, field);
        let inner = outer.enter(tag)?;
        outer.finish()?;
        Ok(inner)
    }

    /// Those of `bytes`, the content of an element.
    pub(crate) const fn within(bytes: &'a [u8], field: &'static str) -> Self {
        Self { rest: bytes, field }
    }

    /// The next one.
    pub(crate) fn element(&mut self) -> Result<Element<'a>, X509Error> {
        let (element, rest) = split(self.rest).ok_or_else(|| {
            let found = match self.rest {
                [] => "nothing".into(),
                rest => {
                    let start = rest.get(..4).unwrap_or(rest);
                    format!("{} bytes that begin with {}", rest.len(), hex::encode(start))
                }
            };
            X509Error::field(self.field, "another element of DER", found)
        })?;
        self.rest = rest;
        Ok(element)
    }

    /// Content of the next one, which has to be of `tag`.
    pub(crate) fn content(&mut self, tag: u8) -> Result<&'a [u8], X509Error> {
        let element = self.element()?;
        if element.tag != tag {
            return Err(X509Error::field(self.field, shown(tag), shown(element.tag)));
        }
        Ok(element.content)
    }

    /// The elements of the next one, which has to be of `tag`.
    pub(crate) fn enter(&mut self, tag: u8) -> Result<Self, X509Error> {
        Ok(Self::within(self.content(tag)?, self.field))
    }

    /// The next one, which has to be a `T`.
    pub(crate) fn decode<T: Decode<'a, Error = der::Error>>(&mut self) -> Result<T, X509Error> {
        T::from_der(self.element()?.whole).map_err(X509Error::encoding(self.field))
    }

    /// The only one, which has to be a `T`.
    pub(crate) fn only<T: Decode<'a, Error = der::Error>>(mut self) -> Result<T, X509Error> {
        let only = self.decode()?;
        self.finish()?;
        Ok(only)
    }

    /// Content of the next one, an `OBJECT IDENTIFIER`: as bytes, which are cheaper to compare than arcs.
    pub(crate) fn object_identifier(&mut self) -> Result<&'a [u8], X509Error> {
        let content = self.content(OBJECT_IDENTIFIER)?;
        if ObjectIdentifierRef::from_bytes(content).is_err() {
            return Err(X509Error::field(self.field, "an object identifier", hex::encode(content)));
        }
        Ok(content)
    }

    /// Content of the next one, `CertificateSerialNumber`: an `INTEGER` of 20 bytes at most, and perhaps a sign before them
    /// (RFC 5280, section 4.1.2.2).
    pub(crate) fn serial_number(&mut self) -> Result<&'a [u8], X509Error> {
        const MAX_BYTES: usize = 20;
        let content = self.content(INTEGER)?;
        let number = match content {
            [0x00, 0x80..=0xFF, ..] => content.get(1..).unwrap_or_default(),
            [] | [0x00, _, ..] | [0xFF, 0x80..=0xFF, ..] => {
                return Err(X509Error::field(
                    "serial number",
                    "an INTEGER in its shortest form",
                    hex::encode(content),
                ));
            }
            _ => content,
        };
        if number.len() > MAX_BYTES {
            let (limit, found) = (MAX_BYTES, number.len());
            return Err(X509Error::TooLong { field: "serial number", limit, found });
        }
        Ok(content)
    }

    /// Whether another one comes, and is of `tag`.
    pub(crate) fn has(&self, tag: u8) -> bool {
        self.rest.first() == Some(&tag)
    }

    /// What is left, as DER.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) const fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn finish(self) -> Result<(), X509Error> {
        if self.is_done() {
            return Ok(());
        }
        Err(X509Error::field(self.field, "nothing more", format!("{} bytes more", self.rest.len())))
    }

    pub(crate) const fn field(&self) -> &'static str {
        self.field
    }
}

/// Elements until there are no more, or what comes is none: for what was read before.
impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let (element, rest) = split(self.rest)?;
        self.rest = rest;
        Some(element)
    }
}

/// The first element, and what follows it.
fn split(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    /// Tags of more than one byte have this in the first.
    const LONG_TAG: u8 = 0x1F;
    let (tag, length, header) = match *bytes {
        [tag, length @ 0..=0x7F, ..] => (tag, usize::from(length), 2_usize),
        [tag, 0x81, length @ 0x80..=0xFF, ..] => (tag, usize::from(length), 3),
        [tag, 0x82, high @ 1..=0xFF, low, ..] => (tag, usize::from(u16::from_be_bytes([high, low])), 4),
        _ => return None,
    };
    let (whole, rest) = bytes.split_at_checked(header.checked_add(length)?)?;
    let content = whole.get(header..)?;
    (tag & LONG_TAG != LONG_TAG).then_some((Element { tag, content, whole }, rest))
}

fn shown(tag: u8) -> String {
    format!("an element of tag {tag:02x}")
}

#[cfg(test)]
mod tests {
    use der::asn1::{AnyRef, IntRef, ObjectIdentifier};

    use super::*;

    /// Headers and short contents, all of them: `der` is the oracle.
    #[test]
    fn elements_are_those_of_der() {
        let mut accepted = 0;
        for tag in 0..=u8::MAX {
            for length in 0..=u8::MAX {
                for (filling, more) in [(0, 0), (0x7F, 3), (0x80, 0x81), (1, 300)] {
                    let mut bytes = vec![filling; 4 + more];
                    bytes[..2].copy_from_slice(&[tag, length]);
                    let mut elements = Elements::within(&bytes, "test");
                    let Ok(ours) = elements.element() else { continue };
                    accepted += 1;
                    // Tags that `der` knows none of are nobody's here either: all are compared with one that is known.
                    let Ok(theirs) = AnyRef::from_der(ours.whole) else { continue };
                    assert_eq!(theirs.value(), ours.content, "{bytes:02x?}");
                }
            }
        }
        assert!(accepted > 1000, "{accepted}");
    }

    #[test]
    fn lengths_have_one_form() {
        let long = [&[0x04, 0x82, 0x01, 0x00][..], &[7; 256]].concat();
        assert_eq!(Elements::within(&long, "test").element().unwrap().content, [7; 256]);
        for wrong in [
            &[][..],
            &[0x04],
            &[0x04, 1],
            &[0x04, 0x80],
            &[0x04, 0x81],
            &[0x04, 0x81, 0x7F],
            &[0x04, 0x82, 0x00, 0x80],
            &[0x04, 0x83, 0x00, 0x00, 0x01, 0x00],
            &[0x1F, 1, 0],
            &long[..259],
        ] {
            let error = Elements::within(wrong, "test").element().unwrap_err().to_string();
            assert!(error.starts_with("test: expected another element of DER, found "), "{error}");
        }
    }

    /// Contents of up to three bytes, every one.
    #[test]
    fn numbers_and_identifiers_are_those_of_der() {
        for content in (0..3_u32 << 16).map(|number| number.to_be_bytes()) {
            let length = usize::from(content[1]);
            let content = &content[3 - length..3 + 1 - usize::from(length == 0)];
            for tag in [INTEGER, OBJECT_IDENTIFIER] {
                let whole = [&[tag, u8::try_from(content.len()).unwrap()], content].concat();
                let mut elements = Elements::within(&whole, "test");
                let (ours, theirs) = if tag == INTEGER {
                    (elements.serial_number(), IntRef::from_der(&whole).is_ok())
                } else {
                    (elements.object_identifier(), <ObjectIdentifier>::from_der(&whole).is_ok())
                };
                assert_eq!(ours.is_ok(), theirs, "{whole:02x?}");
            }
        }
    }
}
