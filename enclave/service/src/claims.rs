//! The chain of claims that one guest signs.

use alloc::vec::Vec;

use attestation_claim::{
    CLAIM_MAX_BYTES, CLAIM_VERSION, Claim, Digested, Measured, Outcome, Transcript, Usage, claim_digest,
    sign_claim,
};
use attestation_manifest::Manifest;
use enclave_platform::Identity;
use enclave_runtime::{Recorded, RunName, Usage as RunUsage};
use enclave_wire::frame::FRAME_BODY_MAX_BYTES;

/// A trap's message (`enclave-runtime` caps it) and the rest of a `JobDone`, generously.
const JOB_DONE_BESIDES_CLAIM_BYTES: usize = 12 * 1024;
const _: () = assert!(
    CLAIM_MAX_BYTES + JOB_DONE_BESIDES_CLAIM_BYTES <= FRAME_BODY_MAX_BYTES,
    "the largest claim must fit a frame, or a guest could not deliver what it signed"
);

/// What never changes from one claim of a guest to the next, and the link to the last one.
pub struct ClaimChain {
    identity: Identity,
    component: [u8; 32],
    artefact: [u8; 32],
    manifest: [u8; 32],
    sequence: u64,
    previous: [u8; 32],
}

/// What one job did.
#[derive(Debug, Clone)]
pub(crate) struct JobFacts {
    pub(crate) input: Digested,
    pub(crate) output: Digested,
    pub(crate) outcome: Outcome,
    pub(crate) transcript: Recorded,
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
            previous: [0; 32],
        }
    }

    /// Who signs.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// How many claims were signed.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.sequence
    }

    /// How the transcript of the next claim's run names it.
    pub(crate) const fn next_run(&self) -> RunName {
        RunName { component: self.component, manifest: self.manifest, sequence: self.sequence }
    }

    /// Signs the next claim.
    pub(crate) fn sign(&mut self, facts: JobFacts) -> Vec<u8> {
        let claim = Claim {
            version: CLAIM_VERSION,
            component: self.component,
            artefact: self.artefact,
            manifest: self.manifest,
            input: facts.input,
            output: facts.output,
            outcome: facts.outcome,
            sequence: self.sequence,
            previous: self.previous,
            transcript: Transcript {
                root: facts.transcript.root.0,
                entries: facts.transcript.entries,
                bytes: facts.transcript.bytes,
            },
            receipts_root: None,
            usage: Usage {
                fuel: facts.usage.fuel,
                component_memory_bytes: facts.usage.peak_memory_bytes,
                error_output_bytes: facts.usage.stderr_bytes,
            },
            measured: facts.measured,
        };
        let signed = sign_claim(&claim, &self.identity.evidence, &self.identity.instance_key);
        self.sequence += 1;
        self.previous = claim_digest(&signed);
        signed
    }
}

impl core::fmt::Debug for ClaimChain {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ClaimChain").field("sequence", &self.sequence).finish_non_exhaustive()
    }
}
