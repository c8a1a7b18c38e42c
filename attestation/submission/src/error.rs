//! What can be wrong with an answer.

use crate::{PART_MAX_BYTES, TEXT_MAX_BYTES};

/// Why an answer is none. Whoever sent it is guilty, or whoever cut it off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// A part of a kind that there is not.
    #[error("answer, byte {offset}: expected a part of kind 1 to 5, found {found}")]
    Kind {
        /// Where it begins.
        offset: u64,
        /// What it says.
        found: u8,
    },
    /// A part that is longer than any.
    #[error("answer, byte {offset}: expected a part of at most {PART_MAX_BYTES} bytes, found {found}")]
    PartTooLong {
        /// Where it begins.
        offset: u64,
        /// What it says.
        found: u32,
    },
    /// A second claim.
    #[error("answer, byte {offset}: expected one claim, found another")]
    SecondClaim {
        /// Where it begins.
        offset: u64,
    },
    /// An end without an ending that there is, or with a text that is none.
    #[error("answer, byte {offset}: expected an ending of 0 to 4 and at most {TEXT_MAX_BYTES} bytes of text")]
    End {
        /// Where it begins.
        offset: u64,
    },
    /// A claim of a job that did not run, or none of one that did.
    #[error("answer, byte {offset}: expected a claim of a job that ran, and none of another")]
    Claim {
        /// Where its end begins.
        offset: u64,
    },
    /// Bytes after the end.
    #[error("answer, byte {offset}: expected nothing after the end")]
    Trailing {
        /// Where they begin.
        offset: u64,
    },
    /// The end is missing.
    #[error("answer, byte {offset}: cut off")]
    CutOff {
        /// Where the part begins, or should, that has not come.
        offset: u64,
    },
}
