//! `redoubt:enclave`: what a confidential guest offers beyond WASI.
//!
//! Evidence and whatever was sealed or opened are learnt: nobody else can make them again. The digest of the manifest is
//! not, because the run is named after it. Receipts, inference and checkpoints are not offered yet, and nobody has to be
//! asked to say so.
#![expect(unreachable_pub, reason = "the generated bindings re-export these types")]

mod asked;
mod learnt;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::bindings::redoubt::enclave::{checkpoint, evidence, failures, inference, receipts, sealing};
use crate::io::PIECE_BYTES;
use crate::limits::RunEnd;
use crate::state::State;

/// The longest context of a sealed blob.
pub const SEAL_CONTEXT_MAX_BYTES: usize = 64;
/// The longest blob: one entry of a transcript holds it.
pub const SEALED_MAX_BYTES: usize = PIECE_BYTES;
/// The longest plaintext; what a blob has besides is less than 256 bytes.
pub const PLAINTEXT_MAX_BYTES: usize = SEALED_MAX_BYTES - 256;
/// The longest evidence.
pub const EVIDENCE_MAX_BYTES: usize = 4 * PIECE_BYTES;

/// The longest receipt, and the longest opening of one.
pub const RECEIPT_MAX_BYTES: usize = 16 * PIECE_BYTES;

/// Why a function of `redoubt:enclave` has no answer. Texts are for people; what is longer than 512 bytes is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnclaveFailure {
    /// It is not offered.
    Unsupported(String),
    /// The manifest forbids it.
    Forbidden(String),
    /// The component passed something that cannot be used.
    Invalid(String),
}

/// What was in a sealed blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsealed {
    /// The counter that it was sealed with.
    pub counter: u64,
    /// At most [`PLAINTEXT_MAX_BYTES`].
    pub plaintext: Vec<u8>,
}

/// Why a function failed.
#[derive(Debug)]
pub enum EnclaveError {
    /// The component is told.
    Failed(EnclaveFailure),
    /// The component is ended.
    Trap(wasmtime::Error),
}

type EnclaveResult<T> = Result<T, EnclaveError>;

impl From<EnclaveFailure> for EnclaveError {
    fn from(failure: EnclaveFailure) -> Self {
        Self::Failed(failure)
    }
}

impl From<RunEnd> for EnclaveError {
    fn from(end: RunEnd) -> Self {
        Self::Trap(end.into())
    }
}

impl failures::Host for State {
    fn convert_failure(&mut self, error: EnclaveError) -> wasmtime::Result<failures::Failure> {
        match error {
            EnclaveError::Failed(EnclaveFailure::Unsupported(text)) => {
                Ok(failures::Failure::Unsupported(text))
            }
            EnclaveError::Failed(EnclaveFailure::Forbidden(text)) => Ok(failures::Failure::Forbidden(text)),
            EnclaveError::Failed(EnclaveFailure::Invalid(text)) => Ok(failures::Failure::Invalid(text)),
            EnclaveError::Trap(error) => Err(error),
        }
    }
}

impl evidence::Host for State {
    fn manifest_digest(&mut self) -> wasmtime::Result<Vec<u8>> {
        Ok(self.manifest.to_vec())
    }

    fn attestation(&mut self) -> wasmtime::Result<Vec<u8>> {
        self.outside.lock().evidence()?.ok_or_else(|| {
            wasmtime::Error::msg(
                "evidence: nothing that a platform could show: this is no confidential guest",
            )
        })
    }
}

impl sealing::Host for State {
    fn seal(&mut self, context: String, counter: u64, plaintext: Vec<u8>) -> EnclaveResult<Vec<u8>> {
        at_most("context", SEAL_CONTEXT_MAX_BYTES, context.len())?;
        at_most("plaintext", PLAINTEXT_MAX_BYTES, plaintext.len())?;
        Ok(self.outside.lock().seal(&context, counter, &plaintext)??)
    }

    fn unseal(
        &mut self,
        context: String,
        least_counter: u64,
        blob: Vec<u8>,
    ) -> EnclaveResult<sealing::Opened> {
        at_most("context", SEAL_CONTEXT_MAX_BYTES, context.len())?;
        at_most("blob", SEALED_MAX_BYTES, blob.len())?;
        let opened = self.outside.lock().unseal(&context, least_counter, &blob)??;
        Ok(sealing::Opened { counter: opened.counter, plaintext: opened.plaintext })
    }
}

impl receipts::Host for State {
    fn newest(&mut self) -> EnclaveResult<Vec<u8>> {
        Ok(self.outside.lock().receipt()??)
    }

    fn opening(&mut self) -> EnclaveResult<Vec<u8>> {
        Ok(self.outside.lock().receipt_opening()??)
    }
}

impl inference::Host for State {
    fn complete(
        &mut self,
        _prompt: String,
        _max_tokens: u32,
        _seed: u64,
    ) -> EnclaveResult<inference::Completion> {
        Err(not_yet("inference.complete", "the inference engine"))
    }
}

impl checkpoint::Host for State {
    fn save(&mut self) -> EnclaveResult<u64> {
        Err(not_yet("checkpoint.save", "checkpoints"))
    }
}

fn not_yet(function: &str, with: &str) -> EnclaveError {
    EnclaveFailure::Unsupported(format!("{function}: offered with {with}, which this release does not have"))
        .into()
}

fn at_most(what: &str, most: usize, found: usize) -> Result<(), EnclaveFailure> {
    if found <= most {
        return Ok(());
    }
    Err(EnclaveFailure::Invalid(format!("{what}: expected at most {most} bytes, found {found}")))
}
