//! One segment under a root, without the rest.

use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt;

use attestation_merkle::{Levels, PATH_MAX, leaf_hash, root_of_path};
use minicbor::{Decoder, Encoder};

use crate::error::{HeadField, Place};
use crate::reader::Reader;
use crate::root::RootInputs;
use crate::segment::{HEAD_BYTES, Head, segments_from};
use crate::{
    Entries, Header, MAGIC, ProofError, Root, SEGMENT_MAX_BYTES, TRANSCRIPT_VERSION, TranscriptError,
};

/// The longest proof: a segment, a path, and 128 bytes around them.
pub const PROOF_MAX_BYTES: usize = SEGMENT_MAX_BYTES + PATH_MAX * 34 + 128;

/// Shows that a segment is in the transcript that a root stands for: the segment, and what the root is
/// computed of.
///
/// ```cddl
/// proof = { 0: 1, 1: uint, 2: uint, 3: digest, 4: bstr, 5: [0*32 digest] }
///         ; version; entries and segments of the transcript; last chain value; leaf; audit path
/// digest = bstr .size 32
/// ```
/// Deterministic CBOR (RFC 8949 §4.2.1); the path is that of RFC 9162 §2.1.3.1. The leaf is the segment without
/// its chain value, which only the segments after it could show to be right.
#[derive(Clone, PartialEq, Eq)]
pub struct InclusionProof<'a> {
    entries: u64,
    segments: u64,
    last_chain: [u8; 32],
    leaf: &'a [u8],
    path: Vec<[u8; 32]>,
}

/// A segment that is under the root that was asked for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ProvenSegment<'a> {
    /// Its number.
    pub index: u64,
    /// Number of segments in the transcript.
    pub segments: u64,
    /// Number of entries in the transcript.
    pub entries: u64,
    /// What is in it.
    pub content: Content<'a>,
}

/// What is in a segment.
#[derive(Debug, Clone)]
pub enum Content<'a> {
    /// Of the first segment.
    Header(Header),
    /// Of any other. They have been read once without an error.
    Entries(Entries<'a>),
}

/// Makes the proof for a segment of a transcript. Reads everything; allocates 32 bytes for each segment.
///
/// # Errors
/// The transcript is wrong in itself, or has no such segment.
pub fn prove(bytes: &[u8], segment: u64) -> Result<InclusionProof<'_>, ProofError> {
    let inputs = Reader::new(bytes)?.read_all()?;
    let RootInputs { entries, segments, last_chain, .. } = inputs;
    let leaves = || segments_from(bytes, MAGIC.len()).map(|segment| segment.leaf);
    let shown = usize::try_from(segment).ok().and_then(|index| {
        let path = Levels::new(leaves().map(leaf_hash).collect()).path(index)?;
        Some((leaves().nth(index)?, path))
    });
    let (leaf, path) = shown.ok_or(ProofError::NoSegment { segments, found: segment })?;
    Ok(InclusionProof { entries, segments, last_chain, leaf, path })
}

/// Checks that the segment in a proof is under `expected`, and that it is as the format wants it.
///
/// # Errors
/// It leads to another root, or to none; or whoever signed the root had a segment like no writer writes.
pub fn verify_proof<'a>(
    proof: &InclusionProof<'a>,
    expected: &Root,
) -> Result<ProvenSegment<'a>, ProofError> {
    let (head, body) = proof.parts()?;
    let found = proof.root_for(&head)?;
    if found != *expected {
        return Err(ProofError::WrongRoot { expected: *expected, found });
    }
    let (segments, entries, index) = (proof.segments, proof.entries, head.index.into());
    let content =
        if index == 0 { proof.checked_header(&head, body)? } else { proof.checked_entries(&head, body)? };
    Ok(ProvenSegment { index, segments, entries, content })
}

impl<'a> InclusionProof<'a> {
    /// The one encoding of this proof.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let done = self.encode_to(&mut Encoder::new(&mut bytes));
        debug_assert!(done.is_ok(), "writing to a `Vec` is infallible");
        bytes
    }

    /// Reads [`Self::encode`]'s bytes and nothing else. The segment is not copied.
    ///
    /// # Errors
    /// Too long, not CBOR, another version, a path longer than any, or not the one encoding of its content.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, ProofError> {
        let (limit, found) = (PROOF_MAX_BYTES, bytes.len());
        if found > limit {
            return Err(ProofError::TooLong { limit, found });
        }
        let proof = Fields(Decoder::new(bytes)).proof()?;
        // Long forms and trailing bytes end here.
        if proof.encode() != bytes {
            return Err(ProofError::NotDeterministic);
        }
        Ok(proof)
    }

    /// The root to which it leads, to find out what it is a proof of: whoever relies on it has a root from
    /// elsewhere.
    ///
    /// # Errors
    /// It leads to none: its numbers, lengths or its path do not fit together.
    pub fn unverified_root(&self) -> Result<Root, ProofError> {
        self.root_for(&self.parts()?.0)
    }

    fn encode_to(
        &self,
        encoder: &mut Encoder<&mut Vec<u8>>,
    ) -> Result<(), minicbor::encode::Error<Infallible>> {
        encoder.map(6)?.u8(0)?.u32(TRANSCRIPT_VERSION)?;
        encoder.u8(1)?.u64(self.entries)?.u8(2)?.u64(self.segments)?;
        encoder.u8(3)?.bytes(&self.last_chain)?.u8(4)?.bytes(self.leaf)?;
        encoder.u8(5)?.array(u64::try_from(self.path.len()).unwrap_or(u64::MAX))?;
        for hash in &self.path {
            encoder.bytes(hash)?;
        }
        Ok(())
    }

    fn parts(&self) -> Result<(Head, &'a [u8]), ProofError> {
        let found = self.leaf.len();
        let short = ProofError::SegmentLength { expected: HEAD_BYTES, found };
        let (head, body) = Head::split(self.leaf).ok_or(short)?;
        let expected = HEAD_BYTES.saturating_add(head.body_len());
        if expected != found {
            return Err(ProofError::SegmentLength { expected, found });
        }
        Ok((head, body))
    }

    fn root_for(&self, head: &Head) -> Result<Root, ProofError> {
        let (segments, segment, found) = (self.segments, u64::from(head.index), self.path.len());
        if segment >= segments {
            return Err(ProofError::NoSegment { segments, found: segment });
        }
        let tree = root_of_path(leaf_hash(self.leaf), segment, segments, &self.path);
        let tree = tree.ok_or(ProofError::PathLength { segment, segments, found })?;
        Ok(RootInputs { entries: self.entries, segments, last_chain: self.last_chain, tree }.root())
    }

    fn checked_header(&self, head: &Head, body: &[u8]) -> Result<Content<'a>, ProofError> {
        let at = Place { offset: HEAD_BYTES, segment: 0, entries: 0..0 };
        let numbers =
            [(HeadField::FirstEntry, head.first_entry), (HeadField::EntryCount, head.entries.into())];
        if let Some((field, found)) = numbers.into_iter().find(|(_, found)| *found != 0) {
            return Err(TranscriptError::Head { at, field, expected: 0, found }.into());
        }
        // Without a segment of entries there is no last one.
        if self.segments == 1 {
            return Err(ProofError::End { segment: 0, segments: 1 });
        }
        let header = Header::decode(body).map_err(|error| TranscriptError::Header { at, error })?;
        Ok(Content::Header(header))
    }

    fn checked_entries(&self, head: &Head, body: &'a [u8]) -> Result<Content<'a>, ProofError> {
        let entries = Entries::new(head, body, HEAD_BYTES, 0);
        let mut reading = entries.clone();
        reading.try_for_each(|entry| entry.map(drop))?;
        let (segment, segments) = (u64::from(head.index), self.segments);
        let is_last = segment.checked_add(1) == Some(segments);
        if reading.was_ended() != is_last {
            return Err(ProofError::End { segment, segments });
        }
        let (expected, found) = (self.entries, reading.next_number());
        let is_right = if is_last { found == expected } else { found < expected };
        if !is_right {
            return Err(ProofError::EntryNumbers { segment, expected, found });
        }
        Ok(Content::Entries(entries))
    }
}

struct Fields<'a>(Decoder<'a>);

impl<'a> Fields<'a> {
    fn proof(&mut self) -> Result<InclusionProof<'a>, ProofError> {
        let length = self.0.map().map_err(|error| self.malformed(&error))?;
        self.expect(length == Some(6))?;
        let found = u32::try_from(self.number(0)?).unwrap_or(u32::MAX);
        if found != TRANSCRIPT_VERSION {
            return Err(ProofError::Version { found });
        }
        let (entries, segments) = (self.number(1)?, self.number(2)?);
        self.key(3)?;
        let last_chain = self.digest()?;
        self.key(4)?;
        let leaf = self.0.bytes().map_err(|error| self.malformed(&error))?;
        Ok(InclusionProof { entries, segments, last_chain, leaf, path: self.path()? })
    }

    fn path(&mut self) -> Result<Vec<[u8; 32]>, ProofError> {
        self.key(5)?;
        let length = self.0.array().map_err(|error| self.malformed(&error))?;
        let found = length.ok_or(ProofError::NotDeterministic)?;
        let count = usize::try_from(found).ok().filter(|count| *count <= PATH_MAX);
        let count = count.ok_or(ProofError::PathTooLong { limit: PATH_MAX, found })?;
        (0..count).map(|_| self.digest()).collect()
    }

    fn number(&mut self, key: u8) -> Result<u64, ProofError> {
        self.key(key)?;
        self.0.u64().map_err(|error| self.malformed(&error))
    }

    fn digest(&mut self) -> Result<[u8; 32], ProofError> {
        let bytes = self.0.bytes().map_err(|error| self.malformed(&error))?;
        bytes.try_into().map_err(|_| ProofError::Malformed { offset: self.0.position() })
    }

    /// The key must be next.
    fn key(&mut self, key: u8) -> Result<(), ProofError> {
        let found = self.0.u8().map_err(|error| self.malformed(&error))?;
        self.expect(found == key)
    }

    fn expect(&self, is_so: bool) -> Result<(), ProofError> {
        if is_so { Ok(()) } else { Err(ProofError::Malformed { offset: self.0.position() }) }
    }

    fn malformed(&self, error: &minicbor::decode::Error) -> ProofError {
        ProofError::Malformed { offset: error.position().unwrap_or_else(|| self.0.position()) }
    }
}

/// Without the segment and the hashes: nobody reads them, and they may be of a private job.
impl fmt::Debug for InclusionProof<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (segments, entries) = (self.segments, self.entries);
        let mut fields = f.debug_struct("InclusionProof");
        fields.field("segments", &segments).field("entries", &entries).finish_non_exhaustive()
    }
}
