//! What the claim of a run says of its receipts: that all of them are under one root.

use attestation_claim::{Claim, SignedClaim, VerifiedClaim};
use attestation_receipt::{CommitmentOpening, VerifiedReceipt, receipts_root};

use super::{Fetched, Given, Inputs, label};
use crate::check::Verdict;

/// Holds every receipt against the claims of its run, where any were given.
pub(super) fn check_claims(verdict: &mut Verdict, fetched: &[Fetched], inputs: &Inputs<'_>) {
    let openings = inputs.commitments.iter().map(|given| CommitmentOpening::decode(&given.bytes));
    // Those that cannot be read are in the verdict with the proofs of the time.
    let openings: Vec<CommitmentOpening> = openings.filter_map(Result::ok).collect();
    for given in inputs.claims {
        let Some(claim) = verify(verdict, given) else { continue };
        let of_run: Vec<&Fetched> =
            fetched.iter().filter(|fetched| is_of_run(&fetched.receipt, &claim)).collect();
        let shown: Vec<[u8; 32]> = of_run.iter().map(|fetched| *fetched.receipt.digest()).collect();
        let is_all = claim.claim().receipts_root == Some(receipts_root(&shown));
        for Fetched { name, receipt, .. } in of_run {
            let mut own = Verdict::default();
            check_root(&mut own, receipt.digest(), claim.claim(), is_all, &openings);
            verdict.absorb(label(name, inputs), own);
        }
    }
}

fn verify(verdict: &mut Verdict, given: &Given) -> Option<VerifiedClaim> {
    let verified = SignedClaim::parse(&given.bytes).and_then(SignedClaim::verify);
    verified.map_err(|error| verdict.fail("claim", "signed by its instance key", error)).ok()
}

/// Numbers of runs begin anew with each boot, and so does the key.
fn is_of_run(receipt: &VerifiedReceipt, claim: &VerifiedClaim) -> bool {
    receipt.evidence().instance_key == claim.evidence().instance_key
        && receipt.receipt().run.sequence == claim.claim().sequence
}

fn check_root(
    verdict: &mut Verdict,
    digest: &[u8; 32],
    claim: &Claim,
    is_all: bool,
    openings: &[CommitmentOpening],
) {
    let (what, expected) = ("receipt in the claim of its run", "under its receipts root");
    let is_opened = || openings.iter().any(|opening| opening.root(digest) == claim.receipts_root);
    match claim.receipts_root {
        None => verdict.fail(what, expected, "the claim says that there is no receipt"),
        Some(_) if is_all => verdict.pass(what, expected, "yes, with all others"),
        Some(_) if is_opened() => verdict.pass(what, expected, "yes"),
        Some(_) => verdict.note(
            "claim: whether it covers the receipt was not established; its --commitment shows that, or all \
             receipts of the run",
        ),
    }
}
