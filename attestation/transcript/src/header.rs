//! What the first segment says: of which run a transcript is.

use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt;

use minicbor::{Decoder, Encoder};

use crate::TRANSCRIPT_VERSION;

/// The longest header: everything in it has a fixed length, except the number of the job.
pub(crate) const HEADER_MAX_BYTES: usize = 1 + 2 + 3 * (1 + 34) + 1 + 9;

/// Which run a transcript is of. A claim says the same of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// SHA-256 of the WebAssembly component.
    pub component: [u8; 32],
    /// SHA-256 of the manifest's exact bytes.
    pub manifest: [u8; 32],
    /// Number of the job since boot, from 0.
    pub sequence: u64,
}

/// What a transcript begins with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Which run it is of.
    pub run: Run,
    /// What all randomness of the run was derived from. Random; of a private job as secret as what it learnt.
    pub seed: [u8; 32],
}

/// Without the seed: what is printed is kept by others than those who may see it.
impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header").field("run", &self.run).finish_non_exhaustive()
    }
}

/// Bytes that are no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// Longer than any header.
    #[error("expected at most {HEADER_MAX_BYTES} bytes, found {found}")]
    TooLong {
        /// Bytes found.
        found: usize,
    },
    /// Not the CBOR of the format.
    #[error("not the expected CBOR at its byte {offset}")]
    Malformed {
        /// Where in the header reading stopped.
        offset: usize,
    },
    /// The same content has one deterministic encoding, and this is another.
    #[error("not in deterministic encoding")]
    NotDeterministic,
    /// Another version of the format.
    #[error("version: expected {TRANSCRIPT_VERSION}, found {found}")]
    Version {
        /// Version found.
        found: u32,
    },
}

impl Header {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_MAX_BYTES);
        let done = self.encode_to(&mut Encoder::new(&mut bytes));
        debug_assert!(done.is_ok(), "writing to a `Vec` is infallible");
        bytes
    }

    fn encode_to(
        &self,
        encoder: &mut Encoder<&mut Vec<u8>>,
    ) -> Result<(), minicbor::encode::Error<Infallible>> {
        let Run { component, manifest, sequence } = &self.run;
        encoder.map(5)?.u8(0)?.u32(TRANSCRIPT_VERSION)?;
        encoder.u8(1)?.bytes(component)?.u8(2)?.bytes(manifest)?;
        encoder.u8(3)?.u64(*sequence)?.u8(4)?.bytes(&self.seed)?;
        Ok(())
    }

    /// Reads [`Self::encode`]'s bytes and nothing else.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, HeaderError> {
        if bytes.len() > HEADER_MAX_BYTES {
            return Err(HeaderError::TooLong { found: bytes.len() });
        }
        let mut reader = Fields(Decoder::new(bytes));
        let header = reader.header()?;
        // Long forms and trailing bytes end here.
        if header.encode() != bytes {
            return Err(HeaderError::NotDeterministic);
        }
        Ok(header)
    }
}

struct Fields<'a>(Decoder<'a>);

impl Fields<'_> {
    fn header(&mut self) -> Result<Header, HeaderError> {
        let length = self.0.map().map_err(|error| self.malformed(&error))?;
        self.expect(length == Some(5))?;
        let found = u32::try_from(self.number(0)?).unwrap_or(u32::MAX);
        if found != TRANSCRIPT_VERSION {
            return Err(HeaderError::Version { found });
        }
        let (component, manifest) = (self.digest(1)?, self.digest(2)?);
        let run = Run { component, manifest, sequence: self.number(3)? };
        Ok(Header { run, seed: self.digest(4)? })
    }

    fn number(&mut self, key: u8) -> Result<u64, HeaderError> {
        self.key(key)?;
        self.0.u64().map_err(|error| self.malformed(&error))
    }

    fn digest(&mut self, key: u8) -> Result<[u8; 32], HeaderError> {
        self.key(key)?;
        let bytes = self.0.bytes().map_err(|error| self.malformed(&error))?;
        bytes.try_into().map_err(|_| HeaderError::Malformed { offset: self.0.position() })
    }

    /// The key must be next.
    fn key(&mut self, key: u8) -> Result<(), HeaderError> {
        let found = self.0.u8().map_err(|error| self.malformed(&error))?;
        self.expect(found == key)
    }

    fn expect(&self, is_so: bool) -> Result<(), HeaderError> {
        if is_so { Ok(()) } else { Err(HeaderError::Malformed { offset: self.0.position() }) }
    }

    fn malformed(&self, error: &minicbor::decode::Error) -> HeaderError {
        HeaderError::Malformed { offset: error.position().unwrap_or_else(|| self.0.position()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(sequence: u64) -> Header {
        Header { run: Run { component: [0xC0; 32], manifest: [0x3A; 32], sequence }, seed: [0x5E; 32] }
    }

    #[test]
    fn headers_round_trip_and_the_longest_fits() {
        for sequence in [0, 23, 24, 1 << 16, u64::MAX] {
            assert_eq!(Header::decode(&header(sequence).encode()), Ok(header(sequence)));
        }
        assert_eq!(header(u64::MAX).encode().len(), HEADER_MAX_BYTES);
    }

    #[test]
    fn nothing_else_is_a_header() {
        let bytes = header(7).encode();
        for length in 0..bytes.len() {
            assert!(Header::decode(&bytes[..length]).is_err(), "prefix of {length} bytes");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(Header::decode(&longer), Err(HeaderError::NotDeterministic));
        let long_integer = [&bytes[..2], &[0x18, 1], &bytes[3..]].concat();
        assert_eq!(Header::decode(&long_integer), Err(HeaderError::NotDeterministic));
        let indefinite = [&[0xBF], &bytes[1..], &[0xFF]].concat();
        assert_eq!(Header::decode(&indefinite), Err(HeaderError::Malformed { offset: 1 }));
        let newer = [&bytes[..2], &[2], &bytes[3..]].concat();
        assert_eq!(Header::decode(&newer), Err(HeaderError::Version { found: 2 }));
        let shorter_digest = [&bytes[..4], &[0x58, 31], &bytes[7..]].concat();
        assert_eq!(Header::decode(&shorter_digest), Err(HeaderError::Malformed { offset: 37 }));
        let found = HEADER_MAX_BYTES + 1;
        assert_eq!(Header::decode(&[0; HEADER_MAX_BYTES + 1]), Err(HeaderError::TooLong { found }));
    }

    #[test]
    fn every_changed_byte_is_refused_or_changes_what_is_read() {
        let bytes = header(7).encode();
        for offset in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[offset] ^= 1 << bit;
                assert_ne!(Header::decode(&changed), Ok(header(7)), "byte {offset}, bit {bit}");
            }
        }
    }

    #[test]
    fn the_seed_is_not_printed() {
        let printed = format!("{:?}", header(7));
        assert!(printed.contains("192") && !printed.contains("94"), "{printed}");
    }
}
