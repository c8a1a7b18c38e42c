//! The input of a job while it comes: as it is, or sealed for this guest.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use attestation_envelope::{
    Content, EnvelopeError, JOB_HEAD_BYTES, JobHead, JobHeadError, KeyError, Opener, ReaderKey,
};

/// How much of a job's input has come.
#[derive(Debug)]
pub(crate) struct Intake {
    /// In all, as the loader said.
    bytes: u64,
    received: u64,
    sealed: Option<Box<Sealed>>,
}

/// An input in an envelope.
#[derive(Debug)]
struct Sealed {
    opener: Opener,
    /// What is before the input.
    head: Vec<u8>,
    reply_key: Option<[u8; 32]>,
    input_bytes: u64,
    limit: u64,
}

/// Why a private job is not done. Whoever sealed the input is guilty, or the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("{0}")]
    Envelope(#[from] EnvelopeError),
    #[error("{0}")]
    Head(#[from] JobHeadError),
    #[error("private input: limits.input_bytes is {limit}, but there is more in the envelope")]
    TooLong { limit: u64 },
    #[error("private input, key for the reply: {0}")]
    ReplyKey(#[from] KeyError),
}

impl Intake {
    /// So many bytes, as they are.
    pub(crate) const fn open(bytes: u64) -> Self {
        Self { bytes, received: 0, sealed: None }
    }

    /// An envelope of so many bytes, with at most `limit` bytes of input in it.
    pub(crate) fn sealed(bytes: u64, key: Arc<ReaderKey>, limit: u64) -> Self {
        let opener = Opener::new(key, Content::PrivateInput);
        let sealed = Sealed { opener, head: Vec::new(), reply_key: None, input_bytes: 0, limit };
        Self { bytes, received: 0, sealed: Some(Box::new(sealed)) }
    }

    /// How many bytes have not come.
    pub(crate) const fn owed(&self) -> u64 {
        self.bytes.saturating_sub(self.received)
    }

    /// For whom the results are; known before any of the input is.
    pub(crate) fn reply_key(&self) -> Option<[u8; 32]> {
        self.sealed.as_ref().and_then(|sealed| sealed.reply_key)
    }

    /// What is input of what came.
    pub(crate) fn accept(&mut self, body: Vec<u8>) -> Result<Vec<u8>, Refusal> {
        self.received = self.received.saturating_add(body.len() as u64);
        let is_whole = self.owed() == 0;
        match &mut self.sealed {
            None => Ok(body),
            Some(sealed) => sealed.accept(&body, is_whole),
        }
    }
}

impl Sealed {
    fn accept(&mut self, body: &[u8], is_whole: bool) -> Result<Vec<u8>, Refusal> {
        let mut opened = Vec::new();
        self.opener.push(body, &mut opened)?;
        if is_whole {
            self.opener.finish()?;
        }
        if self.reply_key.is_none() {
            self.read_head(&mut opened, is_whole)?;
        }
        self.input_bytes = self.input_bytes.saturating_add(opened.len() as u64);
        if self.input_bytes > self.limit {
            return Err(Refusal::TooLong { limit: self.limit });
        }
        Ok(opened)
    }

    /// Takes what is missing of it.
    fn read_head(&mut self, opened: &mut Vec<u8>, is_whole: bool) -> Result<(), Refusal> {
        let missing = JOB_HEAD_BYTES.saturating_sub(self.head.len()).min(opened.len());
        self.head.extend(opened.drain(..missing));
        if let Some(head) = self.head.as_array() {
            self.reply_key = Some(JobHead::parse(head)?.reply_key);
        } else if is_whole {
            return Err(JobHeadError::Short { found: self.head.len() }.into());
        }
        Ok(())
    }
}
