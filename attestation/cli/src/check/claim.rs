//! The claim's content: what ran, on which input, with which output.

use attestation_claim::{Digested, VerifiedClaim};
use attestation_manifest::HexDigest;

use super::{FileDigest, Inputs, Verdict};

pub(super) fn check_claim(verdict: &mut Verdict, verified: &VerifiedClaim, inputs: &Inputs<'_>) {
    let (claim, batch, reference) = (verified.claim(), verified.batch(), inputs.reference);
    // Next to its evidence: `SignedClaim::verify` has compared the two.
    verdict.compare("manifest in the claim", reference.manifest.sha256, HexDigest(claim.manifest));
    verdict.compare("component in the claim", reference.component.sha256, HexDigest(claim.component));
    verdict.compare("artefact in the claim", reference.artefact.sha256, HexDigest(claim.artefact));
    verdict.compare("input", file_digest(&claim.input), inputs.input);
    verdict.compare("output", file_digest(&claim.output), inputs.output);
    verdict.compare("outcome", "exited with code 0", &claim.outcome);
    if batch.number > 0 {
        verdict.note(format!(
            "signature {} of its boot: earlier ones were not shown; the one before has digest {}",
            batch.number,
            HexDigest(batch.previous)
        ));
    }
    if batch.claims > 1 {
        verdict.note(format!(
            "one of {} claims that were signed together; the others were not shown",
            batch.claims
        ));
    }
}

fn file_digest(digested: &Digested) -> FileDigest {
    FileDigest { sha256: digested.sha256, bytes: digested.bytes }
}
