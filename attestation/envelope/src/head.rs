//! What an envelope begins with.

use core::fmt;

use crate::error::EnvelopeError;
use crate::{INPUT_RECORD_MAX_BYTES, PUBLIC_KEY_BYTES, READERS_MAX, RECORD_MAX_BYTES};

/// What every envelope begins with. Not text, so that nothing takes it for text and changes ends of lines unseen.
pub const MAGIC: [u8; 8] = *b"\x89RDBTE1\n";

pub(crate) const SECRET_BYTES: usize = 32;
pub(crate) const SALT_BYTES: usize = 32;
const WRAPPED_BYTES: usize = SECRET_BYTES + 16;
pub(crate) const STANZA_BYTES: usize = PUBLIC_KEY_BYTES + WRAPPED_BYTES;
/// Before the stanzas.
const FIXED_BYTES: usize = MAGIC.len() + 2;
pub(crate) const HEAD_MAX_BYTES: usize = head_bytes(READERS_MAX);

/// With so many readers.
pub(crate) const fn head_bytes(readers: usize) -> usize {
    FIXED_BYTES.saturating_add(readers.saturating_mul(STANZA_BYTES)).saturating_add(SALT_BYTES)
}

/// What is in an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// The transcript of a run.
    Transcript,
    /// The message that a service was asked.
    Request,
    /// What somebody gives to a private job: [`JobHead`](crate::JobHead), then its input.
    PrivateInput,
    /// What a private job wrote to standard output.
    PrivateOutput,
    /// The signed claim of a private job.
    PrivateClaim,
    /// What a job wrote to standard error, and its log.
    Log,
}

impl Content {
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Transcript => 1,
            Self::Request => 2,
            Self::PrivateInput => 3,
            Self::PrivateOutput => 4,
            Self::PrivateClaim => 5,
            Self::Log => 6,
        }
    }

    /// The longest plaintext of a record. Whoever opens an envelope as it comes holds one record of it: of what strangers
    /// send to a guest, that is to be little.
    pub(crate) const fn record_max_bytes(self) -> usize {
        match self {
            Self::PrivateInput => INPUT_RECORD_MAX_BYTES,
            _ => RECORD_MAX_BYTES,
        }
    }

    const fn of_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Transcript),
            2 => Some(Self::Request),
            3 => Some(Self::PrivateInput),
            4 => Some(Self::PrivateOutput),
            5 => Some(Self::PrivateClaim),
            6 => Some(Self::Log),
            _ => None,
        }
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Transcript => "a transcript",
            Self::Request => "a request",
            Self::PrivateInput => "the input of a private job",
            Self::PrivateOutput => "the output of a private job",
            Self::PrivateClaim => "the claim of a private job",
            Self::Log => "a log",
        })
    }
}

/// What an envelope says to everybody. Nothing of it is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head<'a> {
    /// What is in it.
    pub content: Content,
    /// All of the head.
    pub(crate) bytes: &'a [u8],
    stanzas: &'a [[u8; STANZA_BYTES]],
    pub(crate) salt: &'a [u8; SALT_BYTES],
}

impl<'a> Head<'a> {
    /// The head of an envelope.
    ///
    /// # Errors
    /// It has none.
    pub fn parse(envelope: &'a [u8]) -> Result<Self, EnvelopeError> {
        let rest = envelope.strip_prefix(&MAGIC).ok_or(EnvelopeError::NotAnEnvelope)?;
        let short = |expected| EnvelopeError::ShortHead { expected, found: envelope.len() };
        let (&[content, readers], rest) = rest.split_first_chunk().ok_or(short(FIXED_BYTES))?;
        let content = Content::of_number(content).ok_or(EnvelopeError::UnknownContent { found: content })?;
        let count = usize::from(readers);
        if !(1..=READERS_MAX).contains(&count) {
            return Err(EnvelopeError::Readers { found: readers });
        }
        let stanza_bytes = count.saturating_mul(STANZA_BYTES);
        let length = head_bytes(count);
        let (stanzas, rest) = rest.split_at_checked(stanza_bytes).ok_or(short(length))?;
        let (salt, _) = rest.split_first_chunk().ok_or(short(length))?;
        let bytes = envelope.get(..length).ok_or(short(length))?;
        Ok(Self { content, bytes, stanzas: stanzas.as_chunks().0, salt })
    }

    /// How many can read it.
    #[must_use]
    pub const fn readers(&self) -> usize {
        self.stanzas.len()
    }

    /// Encapsulated keys and wrapped secrets.
    pub(crate) fn stanzas(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.stanzas.iter().map(|stanza| stanza.split_at(PUBLIC_KEY_BYTES))
    }
}
