//! The COSE_Sign1 envelope (RFC 9052 §4.2), reduced to the one shape that proofs have.

use alloc::vec::Vec;
use core::convert::Infallible;

use minicbor::data::Tag;
use minicbor::encode::Error;
use minicbor::{Decoder, Encoder};

use crate::{CONTENT_TYPE, SessionError, VALUE_BYTES};

/// Domain label: a signature over something else never verifies as a session's.
const EXTERNAL_AAD: &[u8] = b"redoubt session 1";
const TAG_COSE_SIGN1: u64 = 18;
const HEADER_ALGORITHM: i64 = 1;
const HEADER_CONTENT_TYPE: i64 = 3;
/// Private use (RFC 9052 §11.1: below -65536), as in claims. SHA-256 of the evidence.
const HEADER_EVIDENCE_DIGEST: i64 = -65_537;
/// Private use, as in claims. The evidence itself, unprotected.
const HEADER_EVIDENCE: i64 = -65_538;
const ALGORITHM_ES256: i64 = -7;

/// The parts of an envelope, none of them looked into.
#[derive(Debug)]
pub(crate) struct Envelope<'a> {
    pub(crate) protected: &'a [u8],
    pub(crate) evidence: Option<&'a [u8]>,
    pub(crate) payload: &'a [u8],
    pub(crate) signature: &'a [u8],
}

impl<'a> Envelope<'a> {
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, SessionError> {
        let mut decoder = Decoder::new(bytes);
        let envelope = Self::decode_parts(&mut decoder)
            .ok_or_else(|| SessionError::Structure { offset: decoder.position() })?;
        // Long forms, indefinite lengths and trailing bytes all end here.
        if envelope.encode() == bytes { Ok(envelope) } else { Err(SessionError::NotDeterministic) }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        written(|encoder| {
            encoder.tag(Tag::new(TAG_COSE_SIGN1))?.array(4)?.bytes(self.protected)?;
            encoder.map(u64::from(self.evidence.is_some()))?;
            if let Some(evidence) = self.evidence {
                encoder.i64(HEADER_EVIDENCE)?.bytes(evidence)?;
            }
            encoder.bytes(self.payload)?.bytes(self.signature)?;
            Ok(())
        })
    }

    fn decode_parts(decoder: &mut Decoder<'a>) -> Option<Self> {
        let is_sign1 = decoder.tag().ok()?.as_u64() == TAG_COSE_SIGN1 && decoder.array().ok()? == Some(4);
        let protected = is_sign1.then(|| decoder.bytes().ok())??;
        let evidence = match decoder.map().ok()?? {
            0 => None,
            1 => {
                let is_evidence = decoder.i64().ok()? == HEADER_EVIDENCE;
                Some(is_evidence.then(|| decoder.bytes().ok())??)
            }
            _ => return None,
        };
        let (payload, signature) = (decoder.bytes().ok()?, decoder.bytes().ok()?);
        Some(Self { protected, evidence, payload, signature })
    }
}

/// The one protected header for evidence with this digest.
pub(crate) fn protected_header(evidence_digest: &[u8; 32]) -> Vec<u8> {
    written(|encoder| {
        encoder.map(3)?.i64(HEADER_ALGORITHM)?.i64(ALGORITHM_ES256)?;
        encoder.i64(HEADER_CONTENT_TYPE)?.str(CONTENT_TYPE)?;
        encoder.i64(HEADER_EVIDENCE_DIGEST)?.bytes(evidence_digest)?;
        Ok(())
    })
}

/// The digest in a header that is [`protected_header`] of it; `None` for any other header.
pub(crate) fn named_evidence(protected: &[u8]) -> Option<[u8; 32]> {
    let digest = *protected.last_chunk::<32>()?;
    (protected == protected_header(&digest)).then_some(digest)
}

/// What is signed: `Sig_structure` of RFC 9052 §4.4.
pub(crate) fn to_be_signed(protected: &[u8], payload: &[u8]) -> Vec<u8> {
    written(|encoder| {
        encoder.array(4)?.str("Signature1")?.bytes(protected)?.bytes(EXTERNAL_AAD)?.bytes(payload)?;
        Ok(())
    })
}

/// How many fields the map has that begins here, and the version in its first.
pub(crate) fn read_version(decoder: &mut Decoder<'_>) -> Option<(u64, u32)> {
    let fields = decoder.map().ok()??;
    let is_first = decoder.u8().ok()? == 0;
    Some((fields, is_first.then(|| decoder.u32().ok())??))
}

/// The 32 bytes with this key, which must be next.
pub(crate) fn read_value(decoder: &mut Decoder<'_>, key: u8) -> Option<[u8; VALUE_BYTES]> {
    let is_next = decoder.u8().ok()? == key;
    is_next.then(|| decoder.bytes().ok())??.try_into().ok()
}

pub(crate) fn written(write: impl FnOnce(&mut Encoder<Vec<u8>>) -> Result<(), Error<Infallible>>) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    // Writing to a `Vec` is infallible.
    let done = write(&mut encoder);
    debug_assert!(done.is_ok(), "writing to a `Vec` failed");
    encoder.into_writer()
}
