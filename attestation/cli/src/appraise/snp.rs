//! SEV-SNP: which of the items are of use, and the way from bytes to the policy.

use attestation_recognise::{Item, Kind};
use attestation_verify::snp::{AUTHORITIES, Challenge, Collateral, SnpEvidence, verify, verify_azure};
use attestation_verify::{Verified, VtpmChallenge};
use attestation_x509::amd::{self, KeyKind};
use attestation_x509::{Certificate, Crl};

use super::{Question, azure, decide};
use crate::check::Verdict;

pub(super) fn report(
    verdict: &mut Verdict,
    bytes: &[u8],
    question: &Question<'_>,
) -> Option<Verified<SnpEvidence>> {
    let found = Found::among(verdict, question.items)?;
    let challenge = match question.challenge.map(<[u8; 64]>::try_from) {
        None => Challenge::NotPosed,
        Some(Ok(expected)) => Challenge::ReportData(expected),
        Some(Err(_)) => {
            let found = format!("{} bytes", question.challenge.unwrap_or_default().len());
            verdict.fail("challenge", "REPORT_DATA has 64 bytes", found);
            return None;
        }
    };
    let outcome =
        verify(Some(bytes), &found.collateral(), challenge, &question.roots.snp, question.verifier());
    decide(verdict, outcome, |evidence| question.policy.decide_snp(evidence))
}

pub(super) fn azure(verdict: &mut Verdict, bytes: &[u8], question: &Question<'_>) {
    let Some(found) = Found::among(verdict, question.items) else { return };
    let Some(bundle) = azure::bundle(verdict, bytes, question.items) else { return };
    let challenge = question.challenge.map_or(VtpmChallenge::NotPosed, VtpmChallenge::Nonce);
    let outcome =
        verify_azure(&bundle, &found.collateral(), challenge, &question.roots.snp, question.verifier());
    decide(verdict, outcome, |evidence| question.policy.decide_snp(evidence));
}

/// Items that are AMD's. AMD's own authorities are always at hand; they are verified like any that came along.
struct Found<'a> {
    vek: Option<&'a [u8]>,
    chain: Vec<&'a [u8]>,
    lists: Vec<&'a [u8]>,
}

impl<'a> Found<'a> {
    /// `None` after saying so, when it is not clear which certificate signs the report.
    fn among(verdict: &mut Verdict, items: &'a [Item]) -> Option<Self> {
        let mut found = Self { vek: None, chain: AUTHORITIES.to_vec(), lists: Vec::new() };
        for item in items {
            match item.kind {
                Kind::Certificate => found.take_certificate(verdict, &item.bytes)?,
                Kind::RevocationList if is_amd_list(&item.bytes) => found.lists.push(&item.bytes),
                Kind::RevocationList | Kind::TcbInfo | Kind::QeIdentity | Kind::Rim | Kind::EventLog => {
                    verdict.note(format!("not used: {}, not about SEV-SNP", item.kind.title()));
                }
                _ => {}
            }
        }
        Some(found)
    }

    fn take_certificate(&mut self, verdict: &mut Verdict, bytes: &'a [u8]) -> Option<()> {
        let certificate = Certificate::parse(bytes).ok()?;
        let Ok(name) = amd::common_name(certificate.subject()) else {
            verdict.note(format!("not used: certificate of {}, not AMD's", certificate.subject()));
            return Some(());
        };
        let is_vek = [KeyKind::Vcek, KeyKind::Vlek].iter().any(|kind| kind.common_name() == name);
        if !is_vek {
            if !self.chain.contains(&bytes) {
                self.chain.push(bytes);
            }
            return Some(());
        }
        if self.vek.is_some_and(|earlier| earlier != bytes) {
            verdict.fail("VEK", "one VCEK or VLEK", "several");
            return None;
        }
        self.vek = Some(bytes);
        Some(())
    }

    fn collateral(&self) -> Collateral<'_> {
        Collateral { vek: self.vek, chain: &self.chain, crls: &self.lists }
    }
}

fn is_amd_list(bytes: &[u8]) -> bool {
    Crl::parse(bytes).is_ok_and(|list| amd::common_name(list.issuer()).is_ok())
}
