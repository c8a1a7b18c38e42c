//! The COSE_Sign1 envelope (RFC 9052 §4.2), reduced to the one shape that claims have.

use alloc::vec::Vec;
use core::convert::Infallible;

use attestation_merkle::PATH_MAX;
use minicbor::data::Tag;
use minicbor::encode::Error;
use minicbor::{Decoder, Encoder};

use crate::{CONTENT_TYPE, ClaimError};

/// Domain label: a signature over something else never verifies as a claim's.
const EXTERNAL_AAD: &[u8] = b"redoubt claim 3";
const TAG_COSE_SIGN1: u64 = 18;
const HEADER_ALGORITHM: i64 = 1;
const HEADER_CONTENT_TYPE: i64 = 3;
/// Private use (RFC 9052 §11.1: below -65536). SHA-256 of the evidence, so that evidence cannot be exchanged
/// without the signer.
const HEADER_EVIDENCE_DIGEST: i64 = -65_537;
/// Private use. The evidence itself, unprotected.
const HEADER_EVIDENCE: i64 = -65_538;
/// Private use. One of the claims that the signature stands for, unprotected: the root in the payload protects it.
const HEADER_OPENING: i64 = -65_539;
const ALGORITHM_ES256: i64 = -7;

/// Bytes of an ES256 signature.
pub(crate) const SIGNATURE_BYTES: usize = 64;

/// The parts of an envelope, none of them looked into.
pub(crate) struct Envelope<'a> {
    pub(crate) protected: &'a [u8],
    pub(crate) evidence: &'a [u8],
    pub(crate) opening: Option<Opening<'a>>,
    pub(crate) payload: &'a [u8],
    pub(crate) signature: &'a [u8],
}

/// One claim of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opening<'a> {
    pub(crate) claim: &'a [u8],
    pub(crate) index: u64,
    /// From the leaf up, at most [`PATH_MAX`].
    pub(crate) path: Vec<[u8; 32]>,
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
            encoder.map(if self.opening.is_some() { 2 } else { 1 })?;
            encoder.i64(HEADER_EVIDENCE)?.bytes(self.evidence)?;
            if let Some(opening) = &self.opening {
                encoder.i64(HEADER_OPENING)?;
                opening.encode_to(encoder)?;
            }
            encoder.bytes(self.payload)?.bytes(self.signature)?;
            Ok(())
        })
    }

    fn decode_parts(decoder: &mut Decoder<'a>) -> Option<Self> {
        let is_sign1 = decoder.tag().ok()?.as_u64() == TAG_COSE_SIGN1 && decoder.array().ok()? == Some(4);
        let protected = is_sign1.then(|| decoder.bytes().ok())??;
        let headers = decoder.map().ok()?.filter(|headers| (1..=2).contains(headers))?;
        let has_evidence = decoder.i64().ok()? == HEADER_EVIDENCE;
        let evidence = has_evidence.then(|| decoder.bytes().ok())??;
        let opening = match headers {
            1 => None,
            _ => {
                let has_opening = decoder.i64().ok()? == HEADER_OPENING;
                Some(has_opening.then(|| Opening::decode_from(decoder))??)
            }
        };
        let (payload, signature) = (decoder.bytes().ok()?, decoder.bytes().ok()?);
        Some(Self { protected, evidence, opening, payload, signature })
    }
}

impl<'a> Opening<'a> {
    fn encode_to(&self, encoder: &mut Encoder<Vec<u8>>) -> Result<(), Error<Infallible>> {
        encoder.array(3)?.bytes(self.claim)?.u64(self.index)?;
        encoder.array(self.path.len() as u64)?;
        self.path.iter().try_for_each(|sibling| encoder.bytes(sibling).map(drop))
    }

    fn decode_from(decoder: &mut Decoder<'a>) -> Option<Self> {
        let has_parts = decoder.array().ok()? == Some(3);
        let claim = has_parts.then(|| decoder.bytes().ok())??;
        let index = decoder.u64().ok()?;
        let siblings = decoder.array().ok()?.filter(|siblings| *siblings <= PATH_MAX as u64)?;
        let sibling = |_| decoder.bytes().ok()?.try_into().ok();
        Some(Self { claim, index, path: (0..siblings).map(sibling).collect::<Option<_>>()? })
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
