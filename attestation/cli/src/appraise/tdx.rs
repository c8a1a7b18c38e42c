//! TDX: which of the items are of use, and the way from bytes to the policy.

use attestation_recognise::{Item, Kind};
use attestation_verify::tdx::{
    Challenge, Collateral, Document, DocumentSubject, EventLog, TdxEvidence, UnverifiedDocument, read_quote,
    verify, verify_azure,
};
use attestation_verify::{Verified, VtpmChallenge};
use attestation_x509::intel::{PckFields, Role};
use attestation_x509::{Certificate, Crl, pem};

use super::{Question, azure, decide};
use crate::check::Verdict;

pub(super) fn quote(
    verdict: &mut Verdict,
    bytes: &[u8],
    question: &Question<'_>,
) -> Option<Verified<TdxEvidence>> {
    let challenge = match question.challenge.map(<[u8; 64]>::try_from) {
        None => Challenge::NotPosed,
        Some(Ok(expected)) => Challenge::ReportData(expected),
        Some(Err(_)) => {
            let found = format!("{} bytes", question.challenge.unwrap_or_default().len());
            verdict.fail("challenge", "REPORTDATA has 64 bytes", found);
            return None;
        }
    };
    let found = Found::among(verdict, bytes, question.items);
    let outcome =
        verify(Some(bytes), &found.collateral(), challenge, &question.roots.tdx, question.verifier());
    decide(verdict, outcome, |evidence| question.policy.decide_tdx(evidence))
}

/// The quote is among the items: the host's service makes it of what the blob holds.
pub(super) fn azure(verdict: &mut Verdict, bytes: &[u8], question: &Question<'_>) {
    let mut quotes = question.items.iter().filter(|item| item.kind == Kind::TdxQuote);
    let (Some(quote), None) = (quotes.next(), quotes.next()) else {
        return verdict.fail("evidence", "one TDX quote, as Azure's service returns it", "none or several");
    };
    let Some(bundle) = azure::bundle(verdict, bytes, question.items) else { return };
    let challenge = question.challenge.map_or(VtpmChallenge::NotPosed, VtpmChallenge::Nonce);
    let (found, quote) = (Found::among(verdict, &quote.bytes, question.items), Some(quote.bytes.as_slice()));
    let (roots, by) = (&question.roots.tdx, question.verifier());
    let outcome = verify_azure(quote, &bundle, &found.collateral(), challenge, roots, by);
    decide(verdict, outcome, |evidence| question.policy.decide_tdx(evidence));
}

/// Items that are Intel's, and of use for this quote. Files of several platforms may lie together: what is chosen here is
/// verified afterwards, so that a wrong choice can only refuse.
#[derive(Default)]
struct Found<'a> {
    pck_chain: Vec<&'a [u8]>,
    signing_chain: Vec<&'a [u8]>,
    tcb_info: Option<&'a [u8]>,
    qe_identity: Option<&'a [u8]>,
    lists: Vec<&'a [u8]>,
    event_log: Option<EventLog<'a>>,
}

impl<'a> Found<'a> {
    fn among(verdict: &mut Verdict, quote: &[u8], items: &'a [Item]) -> Self {
        let mut found = Self::default();
        let by_role = |wanted: &[Role]| -> Vec<&'a [u8]> {
            wanted.iter().flat_map(|role| certificates(items, *role)).collect()
        };
        found.pck_chain = by_role(&[Role::Pck, Role::PlatformCa, Role::ProcessorCa, Role::Root]);
        found.signing_chain = by_role(&[Role::TcbSigning, Role::Root]);
        let platform = platform(quote, &found.pck_chain);
        for item in items {
            match item.kind {
                Kind::TcbInfo if is_about(&item.bytes, platform.as_ref()) => {
                    found.tcb_info = Some(&item.bytes)
                }
                Kind::TcbInfo => verdict.note("not used: TCB info of another platform"),
                Kind::QeIdentity => found.qe_identity = Some(&item.bytes),
                Kind::RevocationList if is_of(&item.bytes, platform.as_ref()) => {
                    found.lists.push(&item.bytes)
                }
                Kind::RevocationList => verdict.note("not used: a revocation list of another authority"),
                Kind::EventLog if item.bytes.starts_with(b"[") => {
                    found.event_log = Some(EventLog::Digests(&item.bytes));
                }
                Kind::EventLog => found.event_log = Some(EventLog::Ccel(&item.bytes)),
                Kind::Rim => verdict.note("not used: a RIM, not about TDX"),
                _ => {}
            }
        }
        found
    }

    fn collateral(&self) -> Collateral<'_> {
        let document = |body| Document { body, issuer_chain: &self.signing_chain };
        Collateral {
            pck_chain: &self.pck_chain,
            tcb_info: self.tcb_info.map(document),
            qe_identity: self.qe_identity.map(document),
            crls: &self.lists,
            event_log: self.event_log,
        }
    }
}

/// Which kind of platform a quote is of, and who certified it, by its own account.
struct Platform {
    fmspc: [u8; 6],
    authority: Role,
}

fn platform(quote: &[u8], pck_chain: &[&[u8]]) -> Option<Platform> {
    let quote = read_quote(Some(quote)).ok()?;
    let inside = quote.signature_data.certification_pem().and_then(|pem| pem::certificates(pem).ok());
    let leaf = match inside.as_deref() {
        Some([leaf, ..]) => Certificate::parse(leaf).ok()?,
        _ => Certificate::parse(pck_chain.first()?).ok()?,
    };
    let fields = PckFields::read(&leaf).ok()?;
    Some(Platform { fmspc: fields.fmspc, authority: Role::of(leaf.issuer()).ok()? })
}

/// A document that nobody can read is kept: verification says what is wrong with it.
fn is_about(document: &[u8], platform: Option<&Platform>) -> bool {
    match UnverifiedDocument::read(document).map(|document| document.subject) {
        Ok(DocumentSubject::TcbInfo { fmspc, .. }) => platform.is_none_or(|platform| platform.fmspc == fmspc),
        _ => true,
    }
}

fn is_of(list: &[u8], platform: Option<&Platform>) -> bool {
    let role = Crl::parse(list).ok().and_then(|list| Role::of(list.issuer()).ok());
    let authority = platform.map(|platform| platform.authority);
    role.is_some_and(|role| role == Role::Root || authority.is_none_or(|authority| authority == role))
}

/// The certificates of a role, each once.
fn certificates(items: &[Item], role: Role) -> Vec<&[u8]> {
    let mut found: Vec<&[u8]> = Vec::new();
    for item in items.iter().filter(|item| item.kind == Kind::Certificate) {
        let is_of_role = Certificate::parse(&item.bytes)
            .is_ok_and(|certificate| Role::of(certificate.subject()).is_ok_and(|found| found == role));
        if is_of_role && !found.contains(&item.bytes.as_slice()) {
            found.push(&item.bytes);
        }
    }
    found
}
