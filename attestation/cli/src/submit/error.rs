//! Why a job was not submitted, or nothing is known of it.

use std::io;
use std::path::PathBuf;

use crate::files::FileError;
use crate::terms::TermError;

/// A command that came to no verdict. Nothing in it is of the job's content.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// A word means nothing.
    #[error(transparent)]
    Term(#[from] TermError),
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file of collateral is none.
    #[error("{}: {problem}", path.display())]
    Collateral {
        /// Which.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// Two results would go to one file.
    #[error("{} is named for two different files: choose another name for one", path.display())]
    SameFile {
        /// Its name.
        path: PathBuf,
    },
    /// The input is not a file, whose length is known beforehand.
    #[error("input {}: expected a file: its length has to be known before it is sent", path.display())]
    NotAFile {
        /// What was named.
        path: PathBuf,
    },
    /// The input became another while it was sent.
    #[error("input {}: expected {expected} bytes, as it had when the job began: it was changed meanwhile", path.display())]
    InputChanged {
        /// Which file.
        path: PathBuf,
        /// Its length at first.
        expected: u64,
    },
    /// The image takes no such input.
    #[error("input: {found} bytes, but limits.input_bytes of this image is {limit}; nothing was sent")]
    InputTooLong {
        /// The manifest's.
        limit: u64,
        /// The file's.
        found: u64,
    },
    /// The host cannot be reached, or hung up.
    #[error("{to}: {what}: {source}")]
    Connection {
        /// As it was typed.
        to: String,
        /// What was being done.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// What answers is not `redoubt run --submissions`.
    #[error("{to}: expected an answer of HTTP/1.1 as `redoubt run --submissions` gives it, found {found}")]
    NotHttp {
        /// As it was typed.
        to: String,
        /// What came.
        found: &'static str,
    },
    /// The host declines.
    #[error("{to}: declined with status {status}: {text}")]
    Declined {
        /// As it was typed.
        to: String,
        /// Its status.
        status: u16,
        /// Its words.
        text: String,
    },
    /// Too many jobs are there.
    #[error("{to}: too many jobs are there already{}", .after_s.map(|s| format!(": try again in {s} s")).unwrap_or_default())]
    Busy {
        /// As it was typed.
        to: String,
        /// When to come again.
        after_s: Option<u32>,
    },
    /// The system gives no randomness.
    #[error("no randomness for a new key: {0}")]
    Randomness(getrandom::Error),
}
