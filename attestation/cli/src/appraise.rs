//! Evidence of hardware: verified up to the vendor's pinned roots, then decided on by a policy. Every check of both is in
//! the verdict.

mod snp;
#[cfg(test)]
mod tests;

use attestation_policy::{Policy, Rule, terms::Hex, terms::OneOf};
use attestation_recognise::{Item, Kind};
use attestation_verify::Verified;
use attestation_verify::snp::SnpEvidence;
use attestation_x509::Instant;

use crate::check::Verdict;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Evidence and what came with it, in any order.
    pub items: &'a [Item],
    /// What is wanted.
    pub policy: &'a Policy,
    /// What the evidence has to answer, where it was asked for.
    pub challenge: Option<&'a [u8]>,
    /// For when.
    pub at: Instant,
}

/// Verifies the one piece of evidence among the items, and decides on it.
#[must_use]
pub fn appraise(question: &Question<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    verdict
        .note(format!("verified as of {}, decided on by the policy {:?}", question.at, question.policy.name));
    let evidence: Vec<&Item> = question.items.iter().filter(|item| is_evidence(item.kind)).collect();
    match evidence.as_slice() {
        [item] => appraise_item(&mut verdict, item, question),
        [] => verdict.fail("evidence", "a report, quote or blob", kinds(question.items)),
        several => {
            let kinds: Vec<&str> = several.iter().map(|item| item.kind.title()).collect();
            verdict.fail("evidence", "one piece", kinds.join(", "));
        }
    }
    verdict
}

fn appraise_item(verdict: &mut Verdict, item: &Item, question: &Question<'_>) {
    match item.kind {
        Kind::SnpReport => drop(snp_report(verdict, &item.bytes, question)),
        Kind::HclReport => snp::azure(verdict, &item.bytes, question),
        other => {
            verdict.fail("evidence", "SEV-SNP", format!("{}: not verified by this build", other.title()))
        }
    }
}

/// Verifies a report of SEV-SNP and decides on it; what the policy says is in the verdict. `None` when it is not authentic.
pub(crate) fn snp_report(
    verdict: &mut Verdict,
    report: &[u8],
    question: &Question<'_>,
) -> Option<Verified<SnpEvidence>> {
    snp::report(verdict, report, question)
}

/// What can be verified, as opposed to what helps to.
const fn is_evidence(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::SnpReport
            | Kind::HclReport
            | Kind::TdxQuote
            | Kind::SpdmReport
            | Kind::NvidiaEvidence
            | Kind::Evidence
            | Kind::Claim
    )
}

fn kinds(items: &[Item]) -> String {
    let titles: Vec<&str> = items.iter().map(|item| item.kind.title()).collect();
    titles.join(", ")
}

/// Admits this and nothing else, whatever the policy said: for values from the command line.
pub fn admit_only<const N: usize>(rule: &mut Rule<OneOf<Hex<N>>>, values: &[[u8; N]]) {
    if !values.is_empty() {
        *rule = Rule::Stated(OneOf(values.iter().copied().map(Hex).collect()));
    }
}
