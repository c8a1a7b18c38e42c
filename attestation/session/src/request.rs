//! What somebody sends who wants a proof.

use alloc::vec::Vec;

use minicbor::Decoder;

use crate::codec::{read_value, read_version, written};
use crate::{REQUEST_MAX_BYTES, SESSION_VERSION, SessionError, VALUE_BYTES};

/// Asks for a proof of the connection that it is sent in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Drawn for this connection and never used again.
    pub nonce: [u8; VALUE_BYTES],
    /// SHA-256 of evidence that the asker has verified already, so that it need not be sent again.
    pub known_evidence: Option<[u8; 32]>,
}

impl Request {
    /// In deterministic CBOR.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        written(|encoder| {
            encoder.map(if self.known_evidence.is_some() { 3 } else { 2 })?;
            encoder.u8(0)?.u32(SESSION_VERSION)?.u8(1)?.bytes(&self.nonce)?;
            if let Some(digest) = &self.known_evidence {
                encoder.u8(2)?.bytes(digest)?;
            }
            Ok(())
        })
    }

    /// Reads what [`Self::encode`] writes, and nothing else.
    ///
    /// # Errors
    /// [`SessionError::Request`], [`SessionError::Version`].
    pub fn decode(bytes: &[u8]) -> Result<Self, SessionError> {
        let mut decoder = Decoder::new(bytes.get(..bytes.len().min(REQUEST_MAX_BYTES)).unwrap_or_default());
        let (fields, found) = read_version(&mut decoder).ok_or(SessionError::Request)?;
        if found != SESSION_VERSION {
            return Err(SessionError::Version { expected: SESSION_VERSION, found });
        }
        let request = Self::decode_rest(fields, &mut decoder).ok_or(SessionError::Request)?;
        if request.encode() == bytes { Ok(request) } else { Err(SessionError::Request) }
    }

    fn decode_rest(fields: u64, decoder: &mut Decoder<'_>) -> Option<Self> {
        let nonce = read_value(decoder, 1)?;
        let known_evidence = match fields {
            2 => None,
            3 => Some(read_value(decoder, 2)?),
            _ => return None,
        };
        Some(Self { nonce, known_evidence })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: a map of 2 and of 3.
    #[test]
    fn requests_are_written_as_specified() {
        let nonce = [0x11; 32];
        let bare = Request { nonce, known_evidence: None };
        assert_eq!(hex::encode(bare.encode()), format!("a20001015820{}", "11".repeat(32)));
        let knowing = Request { nonce, known_evidence: Some([0x22; 32]) };
        let expected = format!("a30001015820{}025820{}", "11".repeat(32), "22".repeat(32));
        assert_eq!(hex::encode(knowing.encode()), expected);
        for request in [bare, knowing] {
            assert_eq!(Request::decode(&request.encode()), Ok(request));
        }
    }

    #[test]
    fn nothing_else_is_a_request() {
        let request = Request { nonce: [0x11; 32], known_evidence: Some([0x22; 32]) }.encode();
        for length in 0..request.len() {
            assert_eq!(Request::decode(&request[..length]), Err(SessionError::Request), "{length}");
        }
        assert_eq!(Request::decode(&[&request[..], &[0]].concat()), Err(SessionError::Request));
        // The version in two bytes.
        let long = [&[0xa3, 0x00, 0x18, 0x01], &request[3..]].concat();
        assert_eq!(Request::decode(&long), Err(SessionError::Request));
        let newer = [&[0xa3, 0x00, 0x02], &request[3..]].concat();
        assert_eq!(Request::decode(&newer), Err(SessionError::Version { expected: 1, found: 2 }));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_request_or_an_error(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            if let Ok(request) = Request::decode(&bytes) {
                proptest::prop_assert_eq!(request.encode(), bytes);
            }
        }
    }
}
