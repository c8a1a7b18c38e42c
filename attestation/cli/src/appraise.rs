//! Evidence of hardware: verified up to the vendor's pinned roots, then decided on by a policy. Every check of both is in
//! the verdict.

mod azure;
mod nvidia;
mod roots;
mod snp;
mod tdx;
#[cfg(test)]
mod tests;

use attestation_policy::nvidia::Binding;
use attestation_policy::{Decision, Policy, Rule, terms::Hex, terms::OneOf};
use attestation_recognise::{Item, Kind};
use attestation_report::SnpReport;
use attestation_report::tdx::Quote;
use attestation_ring::Ring;
use attestation_verify::snp::SnpEvidence;
use attestation_verify::tdx::TdxEvidence;
use attestation_verify::{Code, Rejection, Verified, Verifier};
use attestation_x509::Instant;

pub use roots::TrustedRoots;

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
    /// Whom to believe in the end.
    pub roots: TrustedRoots<'a>,
}

impl Question<'_> {
    /// As fast as signatures go: a command runs on an operating system.
    const fn verifier(&self) -> Verifier<'static> {
        Verifier { signatures: &Ring, at: self.at }
    }

    /// Time and policy, without which a verdict says little.
    pub(crate) fn note_in(&self, verdict: &mut Verdict) {
        verdict.note(format!("verified as of {}, decided on by the policy {:?}", self.at, self.policy.name));
    }
}

/// Verifies the one piece of evidence among the items, and decides on it.
#[must_use]
pub fn appraise(question: &Question<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    question.note_in(&mut verdict);
    let evidence = pieces(question.items);
    match evidence.as_slice() {
        [item] => {
            appraise_item(&mut verdict, item, question);
            if is_device(item) {
                verdict.decision(&question.policy.decide_binding(Binding::Alone));
            }
        }
        [] => verdict.fail("evidence", "a report, quote or blob", kinds(question.items)),
        several if is_pair(several) => {
            appraise_pair(&mut verdict, several, question);
        }
        several => {
            let kinds: Vec<&str> = several.iter().map(|item| item.kind.title()).collect();
            verdict.fail("evidence", "one piece, or a CPU's and its GPUs'", kinds.join(", "));
        }
    }
    verdict
}

/// What can be verified by itself. The quote of a guest on Azure is part of what its virtual TPM says.
fn pieces(items: &[Item]) -> Vec<&Item> {
    let has_azure =
        items.iter().any(|item| item.kind == Kind::HclReport && azure::is_before_tdx(&item.bytes));
    let is_part = |item: &Item| has_azure && item.kind == Kind::TdxQuote;
    items.iter().filter(|item| is_evidence(item.kind) && !is_part(item)).collect()
}

/// Evidence of one CPU and of devices.
fn is_pair(evidence: &[&Item]) -> bool {
    evidence.len() == 2 && evidence.iter().filter(|item| is_device(item)).count() == 1
}

const fn is_device(item: &Item) -> bool {
    matches!(item.kind, Kind::SpdmReport | Kind::NvidiaEvidence)
}

/// Two pieces that were handed over together prove nothing of each other: a device answers whoever asks it. Where the CPU
/// binds the nonce, the device answers the CPU, and the CPU the verifier.
fn appraise_pair(verdict: &mut Verdict, evidence: &[&Item], question: &Question<'_>) {
    let nonce = evidence.iter().find_map(|item| nvidia::nonce(item));
    let bound = evidence.iter().find_map(|item| report_data(item));
    let is_bound =
        nonce.zip(bound).is_some_and(|(nonce, data)| data.starts_with(&nonce) || data.ends_with(&nonce));
    let nonce = nonce.filter(|_| is_bound);
    for item in evidence {
        let challenge =
            if is_device(item) { nonce.as_ref().map(<[u8; 32]>::as_slice) } else { question.challenge };
        appraise_item(verdict, item, &Question { challenge, ..*question });
    }
    if !is_bound {
        let expected = "REPORT_DATA of the CPU holds the nonce that the GPU answered";
        verdict.find(Code::UnboundPair, "CPU and GPU evidence", expected, "nothing ties them to each other");
    }
    let binding = if is_bound { Binding::Bound } else { Binding::Unbound };
    verdict.decision(&question.policy.decide_binding(binding));
}

/// What a CPU's report binds, before anybody has verified it: the verdict fails where that fails.
fn report_data(item: &Item) -> Option<[u8; 64]> {
    match item.kind {
        Kind::SnpReport => SnpReport::parse_structure(&item.bytes).ok().map(|report| report.report_data),
        Kind::TdxQuote => Quote::parse(&item.bytes).ok().map(|quote| quote.body.report().report_data),
        _ => None,
    }
}

fn appraise_item(verdict: &mut Verdict, item: &Item, question: &Question<'_>) {
    match item.kind {
        Kind::SnpReport => drop(snp_report(verdict, &item.bytes, question)),
        Kind::HclReport => azure::report(verdict, &item.bytes, question),
        Kind::TdxQuote => drop(tdx_quote(verdict, &item.bytes, question)),
        Kind::SpdmReport => nvidia::report(verdict, &item.bytes, question),
        Kind::NvidiaEvidence => nvidia::sdk(verdict, &item.bytes, question),
        other => verdict.fail("evidence", "of hardware", format!("{}, which is no such", other.title())),
    }
}

/// Records what verification came to, and asks the policy about what is authentic; `None` where nothing is.
fn decide<E>(
    verdict: &mut Verdict,
    outcome: Result<Verified<E>, Rejection>,
    policy: impl FnOnce(&Verified<E>) -> Decision,
) -> Option<Verified<E>> {
    match outcome {
        Ok(verified) => {
            verdict.trail(verified.trail());
            verdict.decision(&policy(&verified));
            Some(verified)
        }
        Err(rejection) => {
            verdict.trail(rejection.trail());
            verdict.note("the policy was not asked: what is not authentic is nothing to decide on");
            None
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

/// Verifies a quote of TDX and decides on it; what the policy says is in the verdict. `None` when it is not authentic.
pub(crate) fn tdx_quote(
    verdict: &mut Verdict,
    quote: &[u8],
    question: &Question<'_>,
) -> Option<Verified<TdxEvidence>> {
    tdx::quote(verdict, quote, question)
}

/// What can be verified, as opposed to what helps to.
#[must_use]
pub const fn is_evidence(kind: Kind) -> bool {
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

/// Admits this and nothing else, unless the policy names others: what somebody wrote down is not widened by what comes
/// from elsewhere. An empty list is one to fill in.
pub(crate) fn narrow_to<const N: usize>(rule: &mut Rule<OneOf<Hex<N>>>, value: [u8; N]) {
    let names_others =
        matches!(rule, Rule::Stated(OneOf(list)) if !list.is_empty() && !list.contains(&Hex(value)));
    if !names_others {
        admit_only(rule, &[value]);
    }
}
