//! The COSE_Sign1 envelope (RFC 9052 §4.2), reduced to the one shape that receipts have.

use alloc::vec::Vec;

use minicbor::data::Tag;
use minicbor::{Decoder, Encoder};

use crate::disclosure::CHUNKS_MAX;
use crate::written::{Written, count, read_array, read_path, write_path, written};
use crate::{BodySide, CERTIFICATES_MAX, CONTENT_TYPE, LEAVES_MAX, ReceiptError};

/// Domain label: a signature over something else never verifies as a receipt's.
const EXTERNAL_AAD: &[u8] = b"redoubt receipt 1";
const TAG_COSE_SIGN1: u64 = 18;
const HEADER_ALGORITHM: i64 = 1;
const HEADER_CONTENT_TYPE: i64 = 3;
/// Private use (RFC 9052 §11.1: below -65536), as in claims. SHA-256 of the evidence.
const HEADER_EVIDENCE_DIGEST: i64 = -65_537;
/// Private use, as in claims. The evidence itself, unprotected.
const HEADER_EVIDENCE: i64 = -65_538;
/// Private use. Leaves that are shown, unprotected: the root in the payload protects them.
const HEADER_LEAVES: i64 = -65_540;
/// Private use. Chunks of bodies that are shown, likewise: the root in a body's leaf protects them.
const HEADER_CHUNKS: i64 = -65_541;
/// Private use. Certificates of the server, unprotected: digests in the payload protect them.
const HEADER_CERTIFICATES: i64 = -65_542;
const ALGORITHM_ES256: i64 = -7;

/// Bytes of an ES256 signature.
pub(crate) const SIGNATURE_BYTES: usize = 64;

/// The parts of an envelope, none of them looked into.
#[derive(Debug, Default)]
pub(crate) struct Envelope<'a> {
    pub(crate) protected: &'a [u8],
    pub(crate) evidence: Option<&'a [u8]>,
    pub(crate) leaves: Vec<ShownLeaf>,
    pub(crate) chunks: Vec<ShownChunk>,
    /// None, or all that the server presented.
    pub(crate) certificates: Vec<Vec<u8>>,
    pub(crate) payload: &'a [u8],
    pub(crate) signature: &'a [u8],
}

/// A leaf of the receipt.
#[derive(Debug)]
pub(crate) struct ShownLeaf {
    pub(crate) index: u64,
    pub(crate) leaf: Vec<u8>,
    pub(crate) path: Vec<[u8; 32]>,
}

/// A leaf of a body. Its number is in it.
#[derive(Debug)]
pub(crate) struct ShownChunk {
    pub(crate) body: BodySide,
    pub(crate) leaf: Vec<u8>,
    pub(crate) path: Vec<[u8; 32]>,
}

impl<'a> Envelope<'a> {
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, ReceiptError> {
        let mut decoder = Decoder::new(bytes);
        let envelope = Self::decode_parts(&mut decoder)
            .ok_or_else(|| ReceiptError::Structure { offset: decoder.position() })?;
        // Long forms, indefinite lengths, headers in another order, empty lists and trailing bytes all end here.
        if envelope.encode() != bytes {
            return Err(ReceiptError::NotDeterministic);
        }
        Ok(envelope)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        written(|encoder| {
            encoder.tag(Tag::new(TAG_COSE_SIGN1))?.array(4)?.bytes(self.protected)?;
            self.encode_unprotected(encoder)?;
            encoder.bytes(self.payload)?.bytes(self.signature).map(drop)
        })
    }

    fn encode_unprotected(&self, encoder: &mut Encoder<Vec<u8>>) -> Written {
        let lists = [!self.leaves.is_empty(), !self.chunks.is_empty(), !self.certificates.is_empty()];
        let headers = [&lists[..], &[self.evidence.is_some()]].concat();
        encoder.map(headers.iter().filter(|is_there| **is_there).count() as u64)?;
        if let Some(evidence) = self.evidence {
            encoder.i64(HEADER_EVIDENCE)?.bytes(evidence)?;
        }
        write_list(HEADER_LEAVES, &self.leaves, encoder, |shown, encoder| {
            encoder.array(3)?.u64(shown.index)?.bytes(&shown.leaf)?;
            write_path(&shown.path, encoder)
        })?;
        write_list(HEADER_CHUNKS, &self.chunks, encoder, |shown, encoder| {
            encoder.array(3)?.u8(shown.body.kind().number())?.bytes(&shown.leaf)?;
            write_path(&shown.path, encoder)
        })?;
        write_list(HEADER_CERTIFICATES, &self.certificates, encoder, |der, encoder| {
            encoder.bytes(der).map(drop)
        })
    }

    fn decode_parts(decoder: &mut Decoder<'a>) -> Option<Self> {
        let is_sign1 = decoder.tag().ok()?.as_u64() == TAG_COSE_SIGN1;
        is_sign1.then(|| read_array(decoder, 4))??;
        let mut envelope = Self { protected: decoder.bytes().ok()?, ..Self::default() };
        let headers = decoder.map().ok()?.filter(|headers| *headers <= 4)?;
        for _ in 0..headers {
            match decoder.i64().ok()? {
                HEADER_EVIDENCE => envelope.evidence = Some(decoder.bytes().ok()?),
                HEADER_LEAVES => envelope.leaves = read_list(decoder, LEAVES_MAX, ShownLeaf::decode)?,
                HEADER_CHUNKS => envelope.chunks = read_list(decoder, CHUNKS_MAX, ShownChunk::decode)?,
                HEADER_CERTIFICATES => {
                    let read = |decoder: &mut Decoder<'a>| Some(decoder.bytes().ok()?.into());
                    envelope.certificates = read_list(decoder, CERTIFICATES_MAX as u64, read)?;
                }
                _ => return None,
            }
        }
        envelope.payload = decoder.bytes().ok()?;
        envelope.signature = decoder.bytes().ok()?;
        Some(envelope)
    }
}

impl ShownLeaf {
    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        read_array(decoder, 3)?;
        let (index, leaf) = (decoder.u64().ok()?, decoder.bytes().ok()?.into());
        Some(Self { index, leaf, path: read_path(decoder)? })
    }
}

impl ShownChunk {
    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        read_array(decoder, 3)?;
        let (body, leaf) = (BodySide::from_number(decoder.u8().ok()?)?, decoder.bytes().ok()?.into());
        Some(Self { body, leaf, path: read_path(decoder)? })
    }
}

/// The one protected header for evidence with this digest.
pub(crate) fn protected_header(evidence_digest: &[u8; 32]) -> Vec<u8> {
    written(|encoder| {
        encoder.map(3)?.i64(HEADER_ALGORITHM)?.i64(ALGORITHM_ES256)?;
        encoder.i64(HEADER_CONTENT_TYPE)?.str(CONTENT_TYPE)?;
        encoder.i64(HEADER_EVIDENCE_DIGEST)?.bytes(evidence_digest).map(drop)
    })
}

/// The digest in [`protected_header`], and nothing else.
pub(crate) fn evidence_digest(protected: &[u8]) -> Result<[u8; 32], ReceiptError> {
    // The digest comes last.
    let digest = protected.last_chunk().copied().ok_or(ReceiptError::ProtectedHeader)?;
    if protected_header(&digest) == protected { Ok(digest) } else { Err(ReceiptError::ProtectedHeader) }
}

/// What is signed: `Sig_structure` of RFC 9052 §4.4.
pub(crate) fn to_be_signed(protected: &[u8], payload: &[u8]) -> Vec<u8> {
    written(|encoder| {
        encoder.array(4)?.str("Signature1")?.bytes(protected)?.bytes(EXTERNAL_AAD)?.bytes(payload).map(drop)
    })
}

/// Nothing where there is nothing.
fn write_list<T>(
    header: i64,
    list: &[T],
    encoder: &mut Encoder<Vec<u8>>,
    write: impl Fn(&T, &mut Encoder<Vec<u8>>) -> Written,
) -> Written {
    if list.is_empty() {
        return Ok(());
    }
    encoder.i64(header)?.array(count(list))?;
    list.iter().try_for_each(|item| write(item, encoder))
}

/// At most so many: an item takes more memory than the few bytes that it may have in a file.
fn read_list<'a, T>(
    decoder: &mut Decoder<'a>,
    limit: u64,
    read: impl Fn(&mut Decoder<'a>) -> Option<T>,
) -> Option<Vec<T>> {
    let length = decoder.array().ok()?.filter(|length| *length <= limit)?;
    (0..length).map(|_| read(decoder)).collect()
}
