//! Evidence of TDX with all that belongs to it, owned.

#[path = "../support/each.rs"]
pub(crate) mod each;

use attestation_verify::tdx::{Challenge, Collateral, Document, EventLog, Roots, TdxEvidence, verify};
use attestation_verify::{Kind, Rejection, Trail, Verified};
use attestation_x509::Instant;
use each::by_each;

pub(crate) type Outcome = Result<Verified<TdxEvidence>, Rejection>;

/// A document and the chain that signs it.
#[derive(Debug, Clone, Default)]
pub(crate) struct SignedDocument {
    pub(crate) body: Vec<u8>,
    pub(crate) issuer_chain: Vec<Vec<u8>>,
}

/// A log in one of its formats.
#[derive(Debug, Clone)]
pub(crate) enum Log {
    Ccel(Vec<u8>),
    Digests(Vec<u8>),
}

/// Everything that is verified together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bundle {
    pub(crate) quote: Option<Vec<u8>>,
    pub(crate) pck_chain: Vec<Vec<u8>>,
    pub(crate) tcb_info: Option<SignedDocument>,
    pub(crate) qe_identity: Option<SignedDocument>,
    pub(crate) crls: Vec<Vec<u8>>,
    pub(crate) event_log: Option<Log>,
}

impl Bundle {
    pub(crate) fn verify(&self, roots: &Roots<'_>, challenge: Challenge, at: Instant) -> Outcome {
        let quote = self.quote.as_deref();
        with_collateral(self, |collateral| by_each(at, |by| verify(quote, collateral, challenge, roots, by)))
    }
}

/// Hands over everything but the quote, borrowed.
pub(crate) fn with_collateral<T>(bundle: &Bundle, verify: impl FnOnce(&Collateral<'_>) -> T) -> T {
    let chain = |document: &Option<SignedDocument>| {
        document.as_ref().map(|document| document.issuer_chain.clone()).unwrap_or_default()
    };
    let (tcb_chain, qe_chain) = (chain(&bundle.tcb_info), chain(&bundle.qe_identity));
    let (tcb_chain, qe_chain) = (slices(&tcb_chain), slices(&qe_chain));
    let tcb_info = bundle.tcb_info.as_ref();
    let tcb_info = tcb_info.map(|document| Document { body: &document.body, issuer_chain: &tcb_chain });
    let qe_identity = bundle.qe_identity.as_ref();
    let qe_identity = qe_identity.map(|document| Document { body: &document.body, issuer_chain: &qe_chain });
    let (crls, pck_chain) = (slices(&bundle.crls), slices(&bundle.pck_chain));
    let event_log = bundle.event_log.as_ref().map(|log| match log {
        Log::Ccel(bytes) => EventLog::Ccel(bytes),
        Log::Digests(bytes) => EventLog::Digests(bytes),
    });
    verify(&Collateral { pck_chain: &pck_chain, tcb_info, qe_identity, crls: &crls, event_log })
}

fn slices(list: &[Vec<u8>]) -> Vec<&[u8]> {
    list.iter().map(Vec::as_slice).collect()
}

/// What was checked, whatever the end.
pub(crate) fn trail(outcome: &Outcome) -> &Trail {
    match outcome {
        Ok(verified) => verified.trail(),
        Err(rejection) => rejection.trail(),
    }
}

/// Names of what was found, of all kinds or of one.
pub(crate) fn codes(outcome: &Outcome, kind: Option<Kind>) -> std::collections::BTreeSet<&'static str> {
    let findings = trail(outcome).findings().map(|(code, _)| code);
    findings.filter(|code| kind.is_none_or(|kind| code.kind() == kind)).map(|code| code.as_str()).collect()
}
