//! What the plaintext of a private job's input begins with.

use crate::PUBLIC_KEY_BYTES;
use crate::error::JobHeadError;

/// The eight bytes before the key; the last is the version.
pub(crate) const JOB_MAGIC: [u8; 8] = *b"RDBTJOB1";
/// Magic and key.
pub const JOB_HEAD_BYTES: usize = JOB_MAGIC.len() + PUBLIC_KEY_BYTES;

/// For whom a private job's results are sealed. It is inside of the envelope: the host learns nothing of who asks, and who
/// does not know the key can make no envelope that opens with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobHead {
    /// Public key of X25519, made for this job.
    pub reply_key: [u8; PUBLIC_KEY_BYTES],
}

impl JobHead {
    /// What comes before the input.
    #[must_use]
    pub fn encode(&self) -> [u8; JOB_HEAD_BYTES] {
        let mut bytes = [0; JOB_HEAD_BYTES];
        let (magic, key) = bytes.split_at_mut(JOB_MAGIC.len());
        magic.copy_from_slice(&JOB_MAGIC);
        key.copy_from_slice(&self.reply_key);
        bytes
    }

    /// Reads it.
    ///
    /// # Errors
    /// [`JobHeadError::Magic`]: another version, or something else.
    pub fn parse(bytes: &[u8; JOB_HEAD_BYTES]) -> Result<Self, JobHeadError> {
        let rest = bytes.strip_prefix(&JOB_MAGIC).ok_or(JobHeadError::Magic)?;
        let reply_key = rest.try_into().map_err(|_| JobHeadError::Magic)?;
        Ok(Self { reply_key })
    }
}
