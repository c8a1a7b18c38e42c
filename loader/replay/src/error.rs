//! Why nothing could be replayed.

use std::io;

use attestation_claim::ClaimError;
use attestation_claim::message::MessageError;
use attestation_manifest::ManifestError;
use attestation_transcript::TranscriptError;
use enclave_runtime::RuntimeError;

/// A replay that did not come about. It says nothing about whether the claim is true.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The claim is malformed, or not signed by the key in its evidence.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// The manifest in its evidence is none.
    #[error("claim: {0}")]
    Manifest(#[from] ManifestError),
    /// A file is not the one that the claim names. Whoever named it is guilty.
    #[error("{file}: the claim names SHA-256 {expected}, found {found}: use the file of this very claim")]
    OtherFile {
        /// What the file should be.
        file: &'static str,
        /// In the claim.
        expected: String,
        /// Of the file.
        found: String,
    },
    /// The claim was made with another engine: its fuel and its artefact are not comparable.
    #[error(
        "engine: the manifest pins {expected:?}, this build has {found:?}: use the release of that engine"
    )]
    Engine {
        /// In the manifest.
        expected: String,
        /// Of this build.
        found: &'static str,
    },
    /// The transcript is not the one that the claim names.
    #[error(transparent)]
    Transcript(#[from] TranscriptError),
    /// The engine refuses the component.
    #[error("component: {0}")]
    Runtime(#[from] RuntimeError),
    /// The input has the hash that the claim names, and is no request. Whoever signed the claim is guilty.
    #[error("input: {0}")]
    Message(#[from] MessageError),
    /// Likewise.
    #[error("input: {0}")]
    Request(String),
    /// The input cannot be read.
    #[error("input: {0}")]
    Input(#[source] io::Error),
    /// The output cannot be written.
    #[error("output: {0}")]
    Output(#[source] io::Error),
    /// This machine could not run it.
    #[error("this machine could not run the job to where its transcript ends: {0}")]
    Machine(String),
}

impl ReplayError {
    pub(crate) fn request(error: impl ToString) -> Self {
        Self::Request(error.to_string())
    }
}
