//! DER elements one behind the other, read once and borrowed from the input.
//!
//! The reader under it accepts definite lengths in their shortest form and nothing else; what DER demands besides
//! (defaults left out, sets in order) is for whoever knows the structure.

use der::asn1::{AnyRef, IntRef};
use der::{Decode, Reader, SliceReader, Tag, Tagged};

use crate::X509Error;

const SERIAL_MAX_BYTES: usize = 20;

/// The elements inside a constructed one, and what they are part of, for messages.
pub(crate) struct Elements<'a> {
    reader: SliceReader<'a>,
    field: &'static str,
}

impl<'a> Elements<'a> {
    /// Those of the one element of `tag` that `bytes` is.
    pub(crate) fn of(bytes: &'a [u8], tag: Tag, field: &'static str) -> Result<Self, X509Error> {
        let encoding = X509Error::encoding(field);
        let whole = AnyRef::from_der(bytes).map_err(&encoding)?;
        whole.tag().assert_eq(tag).map_err(encoding)?;
        Self::within(whole.value(), field)
    }

    /// Those of `bytes`, the content of an element.
    pub(crate) fn within(bytes: &'a [u8], field: &'static str) -> Result<Self, X509Error> {
        let reader = SliceReader::new(bytes).map_err(X509Error::encoding(field))?;
        Ok(Self { reader, field })
    }

    /// The next one, with its header.
    pub(crate) fn whole(&mut self) -> Result<&'a [u8], X509Error> {
        self.reader.tlv_bytes().map_err(X509Error::encoding(self.field))
    }

    /// The next one, which has to be a `T`.
    pub(crate) fn decode<T: Decode<'a, Error = der::Error>>(&mut self) -> Result<T, X509Error> {
        T::decode(&mut self.reader).map_err(X509Error::encoding(self.field))
    }

    /// The only one that is left.
    pub(crate) fn only<T: Decode<'a, Error = der::Error>>(mut self) -> Result<T, X509Error> {
        let only = self.decode()?;
        self.finish()?;
        Ok(only)
    }

    /// `CertificateSerialNumber`: content of the next one, an `INTEGER` of 20 bytes at most and perhaps a sign before them
    /// (RFC 5280, section 4.1.2.2).
    pub(crate) fn serial_number(&mut self) -> Result<&'a [u8], X509Error> {
        let whole = self.whole()?;
        let encoding = X509Error::encoding("serial number");
        IntRef::from_der(whole).map_err(&encoding)?;
        let content = AnyRef::from_der(whole).map_err(encoding)?.value();
        let number = content.strip_prefix(&[0]).unwrap_or(content);
        if number.len() > SERIAL_MAX_BYTES {
            let (field, limit, found) = ("serial number", SERIAL_MAX_BYTES, number.len());
            return Err(X509Error::TooLong { field, limit, found });
        }
        Ok(content)
    }

    /// The elements of the next one, which has to be of `tag`.
    pub(crate) fn enter(&mut self, tag: Tag) -> Result<Self, X509Error> {
        Self::of(self.whole()?, tag, self.field)
    }

    /// Whether another one comes, and is of `tag`.
    pub(crate) fn has(&self, tag: Tag) -> bool {
        Tag::peek(&self.reader).is_ok_and(|found| found == tag)
    }

    pub(crate) fn is_done(&self) -> bool {
        self.reader.is_finished()
    }

    pub(crate) fn finish(self) -> Result<(), X509Error> {
        self.reader.finish().map_err(X509Error::encoding(self.field))
    }

    pub(crate) const fn field(&self) -> &'static str {
        self.field
    }
}
