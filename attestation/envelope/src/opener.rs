//! Opening an envelope while it comes.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::error::EnvelopeError;
use crate::head::{Content, Head, MAGIC};
use crate::key::ReaderKey;
use crate::open::open_secret;
use crate::record::{Cipher, LENGTH_BYTES, TAG_BYTES};

/// Takes an envelope in pieces of any length and gives what is in it, with the errors of [`open`](crate::open()). Holds at
/// most one record that has not come whole; nothing is allocated that a length asks for.
///
/// What it gave out before an error is what was sealed there, but not all of it: whoever uses that before [`Self::finish`]
/// has to be able to take it back.
pub struct Opener {
    key: Arc<ReaderKey>,
    expected: Content,
    stage: Stage,
    /// What came and is not opened.
    waiting: Vec<u8>,
    /// Where that begins in the envelope.
    offset: usize,
}

enum Stage {
    Head,
    Records { cipher: Box<Cipher>, limit: usize },
    Over,
    Failed(EnvelopeError),
}

/// A record's plaintext is behind its length.
struct Opened {
    is_last: bool,
    /// Of the record, from its length to its tag.
    bytes: usize,
}

impl Opener {
    /// Nothing has come.
    #[must_use]
    pub const fn new(key: Arc<ReaderKey>, expected: Content) -> Self {
        Self { key, expected, stage: Stage::Head, waiting: Vec::new(), offset: 0 }
    }

    /// What comes next; what it completes is appended to `plaintext`.
    ///
    /// # Errors
    /// The first thing that is wrong, and where; then and ever after.
    pub fn push(&mut self, piece: &[u8], plaintext: &mut Vec<u8>) -> Result<(), EnvelopeError> {
        self.waiting.extend_from_slice(piece);
        let mut done = 0;
        let outcome = self.advance(&mut done, plaintext);
        self.waiting.drain(..done.min(self.waiting.len()));
        self.offset = self.offset.saturating_add(done);
        if let Err(error) = outcome {
            self.stage = Stage::Failed(error);
            self.waiting = Vec::new();
        }
        outcome
    }

    /// Nothing comes any more.
    ///
    /// # Errors
    /// Its last record has not come.
    pub fn finish(&self) -> Result<(), EnvelopeError> {
        match &self.stage {
            Stage::Over => Ok(()),
            Stage::Failed(error) => Err(*error),
            // Only a head that has not come whole has stayed here.
            Stage::Head => Head::parse(&self.waiting).map(drop),
            Stage::Records { cipher, .. } => {
                Err(EnvelopeError::CutOff { record: cipher.next(), offset: self.offset })
            }
        }
    }

    /// Opens as much as has come whole, from `done`, which it moves.
    fn advance(&mut self, done: &mut usize, plaintext: &mut Vec<u8>) -> Result<(), EnvelopeError> {
        if let Stage::Failed(error) = &self.stage {
            return Err(*error);
        }
        if matches!(self.stage, Stage::Head) && !self.open_head(done)? {
            return Ok(());
        }
        while let Stage::Records { cipher, limit } = &mut self.stage {
            let offset = self.offset.saturating_add(*done);
            let rest = self.waiting.get_mut(*done..).unwrap_or_default();
            let Some(Opened { is_last, bytes }) = open_record(cipher, *limit, rest, offset)? else {
                return Ok(());
            };
            let sealed = rest.get(LENGTH_BYTES..bytes.saturating_sub(TAG_BYTES));
            plaintext.extend_from_slice(sealed.unwrap_or_default());
            *done = done.saturating_add(bytes);
            if is_last {
                self.stage = Stage::Over;
            }
        }
        if *done < self.waiting.len() {
            return Err(EnvelopeError::Trailing { offset: self.offset.saturating_add(*done) });
        }
        Ok(())
    }

    /// Whether the head has come whole.
    fn open_head(&mut self, done: &mut usize) -> Result<bool, EnvelopeError> {
        let head = match Head::parse(&self.waiting) {
            Ok(head) => head,
            Err(EnvelopeError::ShortHead { .. }) => return Ok(false),
            Err(EnvelopeError::NotAnEnvelope) if MAGIC.starts_with(&self.waiting) => return Ok(false),
            Err(error) => return Err(error),
        };
        let secret = open_secret(&head, &self.key, self.expected)?;
        *done = head.bytes.len();
        let cipher = Box::new(Cipher::new(&secret, head.salt, head.bytes));
        self.stage = Stage::Records { cipher, limit: head.content.record_max_bytes() };
        Ok(true)
    }
}

/// Opens the record that `bytes` begin with, in its place; `None` while it has not come whole.
fn open_record(
    cipher: &mut Cipher,
    limit: usize,
    bytes: &mut [u8],
    offset: usize,
) -> Result<Option<Opened>, EnvelopeError> {
    let record = cipher.next();
    let Some((length, rest)) = bytes.split_first_chunk_mut::<LENGTH_BYTES>() else { return Ok(None) };
    let found = u32::from_le_bytes(*length);
    let length = usize::try_from(found).unwrap_or(usize::MAX);
    if length > limit {
        return Err(EnvelopeError::RecordTooLong { record, offset, limit, found });
    }
    let sealed_bytes = length.saturating_add(TAG_BYTES);
    let Some(sealed) = rest.get_mut(..sealed_bytes) else { return Ok(None) };
    let is_last = length == 0;
    if !cipher.open(sealed, is_last) {
        return Err(EnvelopeError::Record { record, offset });
    }
    Ok(Some(Opened { is_last, bytes: LENGTH_BYTES.saturating_add(sealed_bytes) }))
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener").field("expected", &self.expected).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
