//! The COSE_Sign1 envelope (RFC 9052 §4.2), reduced to the one shape that claims have.

use alloc::vec::Vec;
use core::convert::Infallible;

use minicbor::data::Tag;
use minicbor::encode::Error;
use minicbor::{Decoder, Encoder};

use crate::{CONTENT_TYPE, ClaimError};

/// Domain label: a signature over something else never verifies as a claim's.
const EXTERNAL_AAD: &[u8] = b"redoubt claim 2";
const TAG_COSE_SIGN1: u64 = 18;
const HEADER_ALGORITHM: i64 = 1;
const HEADER_CONTENT_TYPE: i64 = 3;
/// Private use (RFC 9052 §11.1: below -65536). SHA-256 of the evidence, so that evidence cannot be exchanged
/// without the signer.
const HEADER_EVIDENCE_DIGEST: i64 = -65_537;
/// Private use. The evidence itself, unprotected.
const HEADER_EVIDENCE: i64 = -65_538;
const ALGORITHM_ES256: i64 = -7;

/// Bytes of an ES256 signature.
pub(crate) const SIGNATURE_BYTES: usize = 64;

/// The parts of an envelope, none of them looked into.
pub(crate) struct Envelope<'a> {
    pub(crate) protected: &'a [u8],
    pub(crate) evidence: &'a [u8],
    pub(crate) payload: &'a [u8],
    pub(crate) signature: &'a [u8],
}

impl<'a> Envelope<'a> {
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, ClaimError> {
        let mut decoder = Decoder::new(bytes);
        let envelope = Self::decode_parts(&mut decoder)
            .ok_or_else(|| ClaimError::Structure { offset: decoder.position() })?;
        // Long forms, indefinite lengths and trailing bytes all end here.
        if envelope.encode() != bytes {
            return Err(ClaimError::NotDeterministic);
        }
        Ok(envelope)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        written(|encoder| {
            encoder.tag(Tag::new(TAG_COSE_SIGN1))?.array(4)?.bytes(self.protected)?;
            encoder.map(1)?.i64(HEADER_EVIDENCE)?.bytes(self.evidence)?;
            encoder.bytes(self.payload)?.bytes(self.signature)?;
            Ok(())
        })
    }

    fn decode_parts(decoder: &mut Decoder<'a>) -> Option<Self> {
        let is_sign1 = decoder.tag().ok()?.as_u64() == TAG_COSE_SIGN1 && decoder.array().ok()? == Some(4);
        let protected = is_sign1.then(|| decoder.bytes().ok())??;
        let has_evidence = decoder.map().ok()? == Some(1) && decoder.i64().ok()? == HEADER_EVIDENCE;
        let evidence = has_evidence.then(|| decoder.bytes().ok())??;
        Some(Self { protected, evidence, payload: decoder.bytes().ok()?, signature: decoder.bytes().ok()? })
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

/// What is signed: `Sig_structure` of RFC 9052 §4.4.
pub(crate) fn to_be_signed(protected: &[u8], payload: &[u8]) -> Vec<u8> {
    written(|encoder| {
        encoder.array(4)?.str("Signature1")?.bytes(protected)?.bytes(EXTERNAL_AAD)?.bytes(payload)?;
        Ok(())
    })
}

fn written(write: impl FnOnce(&mut Encoder<Vec<u8>>) -> Result<(), Error<Infallible>>) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    // Writing to a `Vec` is infallible.
    let done = write(&mut encoder);
    debug_assert!(done.is_ok(), "an envelope failed to encode");
    encoder.into_writer()
}
