//! The header of a blob: written, and read from bytes that the host chose.

use alloc::string::ToString;
use alloc::vec::Vec;

use zerocopy::little_endian::{U16, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::error::SealError;
use crate::purpose::{Purpose, describe};

pub(crate) const MAGIC: [u8; 6] = *b"RDSEAL";
pub(crate) const VERSION: u16 = 1;
pub(crate) const TAG_BYTES: usize = 16;

/// The header without the context that follows.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct Header {
    magic: [u8; 6],
    version: U16,
    pub(crate) counter: U64,
    pub(crate) salt: [u8; 32],
    kind: u8,
    context_bytes: u8,
}

const _: () = assert!(size_of::<Header>() == 50, "the header changed: raise the version");

impl Header {
    pub(crate) fn new(purpose: Purpose<'_>, counter: u64, salt: [u8; 32]) -> Self {
        Self {
            magic: MAGIC,
            version: U16::new(VERSION),
            counter: U64::new(counter),
            salt,
            kind: purpose.kind(),
            // A context has at most 64 bytes.
            context_bytes: u8::try_from(purpose.context().len()).unwrap_or(u8::MAX),
        }
    }

    /// Reads the header of `blob` and checks everything in it but the counter, which is only a claim as long as the tag was
    /// not checked. There is a tag behind the header.
    pub(crate) fn parse(blob: &[u8], expected: Purpose<'_>) -> Result<Self, SealError> {
        let shortest = size_of::<Self>().saturating_add(TAG_BYTES);
        let too_short = |expected_at_least| SealError::TooShort { expected_at_least, found: blob.len() };
        let (header, rest) = Self::read_from_prefix(blob).map_err(|_| too_short(shortest))?;
        if header.magic != MAGIC {
            return Err(SealError::NotABlob { found: header.magic });
        }
        if header.version.get() != VERSION {
            return Err(SealError::Version { found: header.version.get() });
        }
        let context_bytes = usize::from(header.context_bytes);
        let shortest = shortest.saturating_add(context_bytes);
        let (context, body) = rest.split_at_checked(context_bytes).ok_or_else(|| too_short(shortest))?;
        if (header.kind, context) != (expected.kind(), expected.context()) {
            let found = describe(header.kind, context);
            return Err(SealError::Purpose { expected: expected.to_string(), found });
        }
        if body.len() < TAG_BYTES { Err(too_short(shortest)) } else { Ok(header) }
    }

    /// With the context.
    pub(crate) fn bytes(purpose: Purpose<'_>) -> usize {
        size_of::<Self>().saturating_add(purpose.context().len())
    }

    pub(crate) fn write(&self, purpose: Purpose<'_>, to: &mut Vec<u8>) {
        to.extend_from_slice(self.as_bytes());
        to.extend_from_slice(purpose.context());
    }
}
