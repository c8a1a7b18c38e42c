//! Values of messages, each of the length that it has to have.

use crate::message::Message;
use crate::{Part, ResponseError, Tag};

/// A message, and which one it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a> {
    part: Part,
    message: Message<'a>,
}

impl<'a> Fields<'a> {
    pub(crate) fn in_packet(part: Part, packet: &'a [u8]) -> Result<Self, ResponseError> {
        let message = Message::in_packet(packet).map_err(|error| ResponseError::Message { part, error })?;
        Ok(Self { part, message })
    }

    pub(crate) fn parse(part: Part, bytes: &'a [u8]) -> Result<Self, ResponseError> {
        let message = Message::parse(bytes).map_err(|error| ResponseError::Message { part, error })?;
        Ok(Self { part, message })
    }

    pub(crate) fn value(&self, tag: Tag) -> Result<&'a [u8], ResponseError> {
        self.message.value(tag).ok_or(ResponseError::MissingTag { part: self.part, tag })
    }

    pub(crate) fn array<const N: usize>(&self, tag: Tag) -> Result<&'a [u8; N], ResponseError> {
        let value = self.value(tag)?;
        let (part, expected, found) = (self.part, N, value.len());
        value.try_into().map_err(|_| ResponseError::ValueLength { part, tag, expected, found })
    }

    pub(crate) fn u32(&self, tag: Tag) -> Result<u32, ResponseError> {
        self.array(tag).map(|bytes| u32::from_le_bytes(*bytes))
    }

    pub(crate) fn u64(&self, tag: Tag) -> Result<u64, ResponseError> {
        self.array(tag).map(|bytes| u64::from_le_bytes(*bytes))
    }
}
