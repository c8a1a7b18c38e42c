//! The chain of claims that one guest signs.

use alloc::vec::Vec;

use attestation_claim::{
    CLAIM_MAX_BYTES, ChainPlace, Claim, Digested, Measured, Outcome, SignedBatch, Transcript, Usage,
    sign_claim, sign_claims,
};
use attestation_envelope::envelope_bytes_max;
use attestation_manifest::Manifest;
use attestation_signature::SigningError;
use enclave_platform::Identity;
use enclave_runtime::{Recorded, RunName, Usage as RunUsage};
use enclave_wire::frame::FRAME_BODY_MAX_BYTES;

/// A trap's message (`enclave-runtime` caps it) and the rest of a `JobDone`, generously.
const JOB_DONE_BESIDES_CLAIM_BYTES: usize = 12 * 1024;
const _: () = assert!(
    CLAIM_MAX_BYTES + JOB_DONE_BESIDES_CLAIM_BYTES <= FRAME_BODY_MAX_BYTES,
    "the largest claim must fit a frame, or a guest could not deliver what it signed"
);
/// With nothing of its end in words.
const PRIVATE_JOB_DONE_BESIDES_CLAIM_BYTES: u64 = 1024;
const _: () = assert!(
    envelope_bytes_max(CLAIM_MAX_BYTES as u64) + PRIVATE_JOB_DONE_BESIDES_CLAIM_BYTES
        <= FRAME_BODY_MAX_BYTES as u64,
    "the largest claim must fit a frame in its envelope, too"
);

/// What never changes from one claim of a guest to the next, and the link to the last one.
pub struct ClaimChain {
    identity: Identity,
    component: [u8; 32],
    artefact: [u8; 32],
    manifest: [u8; 32],
    /// Number of the next run.
    sequence: u64,
    place: ChainPlace,
}

/// What one run did.
#[derive(Debug, Clone)]
pub(crate) struct JobFacts {
    pub(crate) input: Digested,
    pub(crate) output: Digested,
    pub(crate) outcome: Outcome,
    pub(crate) transcript: Recorded,
    /// Over the receipts of what was fetched under TLS.
    pub(crate) receipts_root: Option<[u8; 32]>,
    pub(crate) usage: RunUsage,
    pub(crate) measured: Measured,
}

impl ClaimChain {
    /// A chain without claims. `manifest_digest` is the SHA-256 of the exact bytes.
    #[must_use]
    pub const fn new(identity: Identity, manifest: &Manifest<'_>, manifest_digest: [u8; 32]) -> Self {
        Self {
            identity,
            component: manifest.component.sha256.0,
            artefact: manifest.artefact.sha256.0,
            manifest: manifest_digest,
            sequence: 0,
            place: ChainPlace { number: 0, previous: [0; 32] },
        }
    }

    /// Who signs.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// How the transcript of the next run names it. A run of which nothing is signed gives its number back, unless another
    /// one has begun.
    pub(crate) const fn next_run(&self) -> RunName {
        RunName { component: self.component, manifest: self.manifest, sequence: self.sequence }
    }

    /// Takes the next number.
    pub(crate) const fn begin_run(&mut self) -> RunName {
        let run = self.next_run();
        self.sequence = run.sequence.wrapping_add(1);
        run
    }

    /// What is claimed of a run.
    pub(crate) fn claim(&self, run: RunName, facts: JobFacts) -> Claim {
        Claim {
            component: self.component,
            artefact: self.artefact,
            manifest: self.manifest,
            input: facts.input,
            output: facts.output,
            outcome: facts.outcome,
            sequence: run.sequence,
            transcript: Transcript {
                root: facts.transcript.root.0,
                entries: facts.transcript.entries,
                bytes: facts.transcript.bytes,
            },
            receipts_root: facts.receipts_root,
            usage: Usage {
                fuel: facts.usage.fuel,
                component_memory_bytes: facts.usage.peak_memory_bytes,
                error_output_bytes: facts.usage.stderr_bytes,
            },
            measured: facts.measured,
        }
    }

    /// Signs the claim of the next run alone.
    ///
    /// # Errors
    /// The instance key signs nothing.
    pub(crate) fn sign(&mut self, facts: JobFacts) -> Result<Vec<u8>, SigningError> {
        let run = self.begin_run();
        let Identity { evidence, instance_key, .. } = &self.identity;
        let (signed, digest) =
            sign_claim(&self.claim(run, facts), self.place, evidence, instance_key.as_ref())?;
        self.advance(digest);
        Ok(signed)
    }

    /// Signs claims together.
    ///
    /// # Errors
    /// The instance key signs nothing.
    pub(crate) fn sign_batch(&mut self, claims: &[Vec<u8>]) -> Result<SignedBatch, SigningError> {
        let Identity { evidence, instance_key, .. } = &self.identity;
        let signed = sign_claims(claims, self.place, evidence, instance_key.as_ref())?;
        self.advance(signed.digest);
        Ok(signed)
    }

    const fn advance(&mut self, digest: [u8; 32]) {
        self.place = ChainPlace { number: self.place.number + 1, previous: digest };
    }
}

impl core::fmt::Debug for ClaimChain {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ClaimChain").field("sequence", &self.sequence).finish_non_exhaustive()
    }
}
