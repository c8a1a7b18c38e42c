//! Bodies: trees of their own, over salted chunks, so that parts of them can be shown.

use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use attestation_merkle::{Levels, Tree, leaf_hash};
use minicbor::Decoder;

use crate::written::{count, read_array, written};
use crate::{BodySecret, ChunkDisclosure, Disclosure, Kind, ReceiptError, SALT_BYTES};

/// Bytes of a chunk; the last one of a body can be shorter.
pub const CHUNK_BYTES: usize = 4096;

/// The longest body: longer paths than that of a tree whose leaves have numbers of 32 bits are not read.
pub(crate) const BODY_MAX_BYTES: u64 = CHUNK_BYTES_64 << 32;

const CHUNK_BYTES_64: u64 = CHUNK_BYTES as u64;
/// The kind of chunks, after those of leaves.
const CHUNK_KIND: u8 = 11;

const _: () = assert!(CHUNK_KIND as usize == Kind::ALL.len(), "a chunk is no leaf");

/// Which of the two bodies of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BodySide {
    /// What was sent.
    Request,
    /// What came.
    Response,
}

/// A body by its length and root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Body {
    /// Its length.
    pub bytes: u64,
    /// Number of its chunks.
    pub chunks: u64,
    /// Root of the Merkle tree over them (RFC 9162 §2.1).
    pub root: [u8; 32],
}

/// A body as it passes, on the way to a [`Body`]. It keeps less than a chunk, and a hash for each bit of the number of
/// chunks.
#[derive(Clone)]
pub struct RunningBody {
    secret: BodySecret,
    tree: Tree,
    /// The chunk that has begun. It is never full.
    begun: Vec<u8>,
    bytes: u64,
}

/// What is in a leaf of a body's tree.
pub(crate) struct Chunk<'a> {
    pub(crate) salt: [u8; SALT_BYTES],
    pub(crate) index: u64,
    pub(crate) bytes: &'a [u8],
}

impl BodySide {
    /// The kind of the leaf that a body is.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::Request => Kind::RequestBody,
            Self::Response => Kind::ResponseBody,
        }
    }

    pub(crate) fn from_number(number: u8) -> Option<Self> {
        [Self::Request, Self::Response].into_iter().find(|side| side.kind().number() == number)
    }
}

impl Body {
    /// Of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8], secret: &BodySecret) -> Self {
        let mut body = RunningBody::new(secret.clone());
        body.update(bytes);
        body.finish()
    }

    /// Whether this is the body, all of it. For long ones there is [`RunningBody`].
    ///
    /// # Errors
    /// [`ReceiptError::OtherBody`]: other bytes, or not the body's secret.
    pub fn check(&self, bytes: &[u8], secret: &BodySecret) -> Result<(), ReceiptError> {
        let found = Self::of(bytes, secret);
        if found != *self {
            return Err(ReceiptError::OtherBody { expected: self.bytes, found: found.bytes });
        }
        Ok(())
    }

    /// The chunks with these bytes of the body, ready to be shown. `bytes` is all of it.
    ///
    /// # Errors
    /// The range goes beyond the body, or as [`Self::check`].
    pub fn disclose(
        &self,
        side: BodySide,
        range: Range<u64>,
        bytes: &[u8],
        secret: &BodySecret,
    ) -> Result<Vec<Disclosure>, ReceiptError> {
        if range.start > range.end || range.end > self.bytes {
            return Err(ReceiptError::BodyRange { limit: self.bytes, start: range.start, end: range.end });
        }
        let hashes = chunks_of(bytes, secret).map(|chunk| leaf_hash(&chunk.encode())).collect();
        let levels = Levels::new(hashes);
        let found = count(bytes);
        if (found, levels.root()) != (self.bytes, self.root) {
            return Err(ReceiptError::OtherBody { expected: self.bytes, found });
        }
        let is_asked_for = |chunk: &Chunk<'_>| {
            let start = chunk.index.saturating_mul(CHUNK_BYTES_64);
            !range.is_empty() && start < range.end && range.start < start.saturating_add(CHUNK_BYTES_64)
        };
        let shown = chunks_of(bytes, secret).enumerate().filter(|(_, chunk)| is_asked_for(chunk));
        let disclosures = shown.filter_map(|(place, Chunk { salt, index, bytes })| {
            let path = levels.path(place)?;
            let bytes = bytes.to_vec();
            Some(Disclosure::Chunk(ChunkDisclosure { body: side, index, salt, bytes, path }))
        });
        Ok(disclosures.collect())
    }

    /// How many bytes chunk `index` has; `None` where there is no such chunk.
    pub(crate) fn chunk_bytes(&self, index: u64) -> Option<u64> {
        let rest = self.bytes.checked_sub(index.checked_mul(CHUNK_BYTES_64)?)?;
        (rest > 0).then_some(rest.min(CHUNK_BYTES_64))
    }

    pub(crate) fn read(decoder: &mut Decoder<'_>) -> Option<Self> {
        let (bytes, chunks) = (decoder.u64().ok()?, decoder.u64().ok()?);
        let root = decoder.bytes().ok()?.try_into().ok()?;
        (bytes <= BODY_MAX_BYTES && chunks == bytes.div_ceil(CHUNK_BYTES_64)).then_some(Self {
            bytes,
            chunks,
            root,
        })
    }
}

impl RunningBody {
    /// Without a byte so far.
    #[must_use]
    pub fn new(secret: BodySecret) -> Self {
        Self { secret, tree: Tree::default(), begun: Vec::new(), bytes: 0 }
    }

    /// The next bytes. In which pieces they come makes no difference.
    pub fn update(&mut self, bytes: &[u8]) {
        self.bytes = self.bytes.saturating_add(count(bytes));
        let mut rest = bytes;
        if !self.begun.is_empty() {
            let missing = CHUNK_BYTES.saturating_sub(self.begun.len());
            let (piece, after) = rest.split_at_checked(missing).unwrap_or((rest, &[]));
            self.begun.extend_from_slice(piece);
            rest = after;
            if self.begun.len() == CHUNK_BYTES {
                self.push_begun();
            }
        }
        let (whole, begun) = rest.as_chunks::<CHUNK_BYTES>();
        for chunk in whole {
            push(&mut self.tree, &self.secret, chunk);
        }
        self.begun.extend_from_slice(begun);
    }

    /// How many there were.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// All of them so far.
    #[must_use]
    pub fn finish(mut self) -> Body {
        if !self.begun.is_empty() {
            self.push_begun();
        }
        Body { bytes: self.bytes, chunks: self.tree.leaves(), root: self.tree.root() }
    }

    fn push_begun(&mut self) {
        push(&mut self.tree, &self.secret, &self.begun);
        self.begun.clear();
    }
}

/// Without what passed: bodies are often secrets.
impl fmt::Debug for RunningBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningBody").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl<'a> Chunk<'a> {
    /// The bytes of its leaf.
    pub(crate) fn encode(&self) -> Vec<u8> {
        written(|encoder| {
            encoder.array(4)?.bytes(&self.salt)?.u8(CHUNK_KIND)?;
            encoder.u64(self.index)?.bytes(self.bytes).map(drop)
        })
    }

    /// Reads [`Self::encode`]'s bytes and nothing else.
    pub(crate) fn decode(leaf: &'a [u8]) -> Option<Self> {
        let mut decoder = Decoder::new(leaf);
        read_array(&mut decoder, 4)?;
        let salt = decoder.bytes().ok()?.try_into().ok()?;
        let is_chunk = decoder.u8().ok()? == CHUNK_KIND;
        let chunk = Self { salt, index: decoder.u64().ok()?, bytes: decoder.bytes().ok()? };
        // Long forms and trailing bytes all end here.
        (is_chunk && chunk.encode() == leaf).then_some(chunk)
    }
}

fn push(tree: &mut Tree, secret: &BodySecret, bytes: &[u8]) {
    let index = tree.leaves();
    tree.push(leaf_hash(&Chunk { salt: secret.salt(index), index, bytes }.encode()));
}

fn chunks_of<'a>(bytes: &'a [u8], secret: &BodySecret) -> impl Iterator<Item = Chunk<'a>> {
    let numbered = (0..).zip(bytes.chunks(CHUNK_BYTES));
    numbered.map(|(index, bytes)| Chunk { salt: secret.salt(index), index, bytes })
}

#[cfg(test)]
#[expect(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "tests compute places in bodies that they made"
)]
mod tests;
