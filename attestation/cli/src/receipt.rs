//! What makes receipts acceptable: every check, by name, with both sides.
//!
//! The chain of reasons runs receipt → instance key → report → measurement, manifest → roots and keys that count for a
//! host, servers whose time counts → certificates of the server, bounds of the time. What the server said is at no end of
//! it: that is the guest's word, which the verdict notes every time. A link that does not hold never hides the checks that
//! do not depend on it.
//!
//! [`check`] reads no file, no clock and no network; [`command`] does the reading.

pub mod arguments;
mod bodies;
mod claims;
pub mod command;
mod fetched;
pub mod files;
mod origin;
mod text;
mod time;
pub(crate) mod tls_names;

#[cfg(test)]
mod tests;

use attestation_evidence::Evidence;
use attestation_manifest::{HexDigest, parse_manifest};
use attestation_receipt::{
    BodyEnd, ReceiptError, RequestOutcome, ResponseOutcome, SignedReceipt, VerifiedReceipt, check_chain,
};
use attestation_tls_trust::Trust;
use sha2::{Digest, Sha256};

use crate::check::evidence::check_evidence;
use crate::check::{Expected, Verdict};

pub use bodies::Opened;
pub use fetched::json;
pub use text::table;
pub use time::{Bounds, KnownBound};

/// Whom to believe what a body says.
const NOBODY_SIGNED: &str = "origin: a server signs its handshake, and nothing of what it says; who vouches for the \
                             bodies is the enclave alone, by its hardware and its image";

/// A file, under the name by which it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// What a relying party has at hand.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// One receipt, or several of one boot in their order.
    pub receipts: &'a [Given],
    /// Evidence that came apart from them.
    pub evidence: &'a [Given],
    /// Claims of the runs that they are of.
    pub claims: &'a [Given],
    /// Proofs of the time.
    pub proofs: &'a [Given],
    /// Openings of what proofs commit to.
    pub commitments: &'a [Given],
    /// What opens one of the receipts.
    pub opened: Option<&'a Opened>,
    /// What evidence is held against.
    pub expected: Expected<'a>,
}

/// A verdict, and what it is about.
#[derive(Debug, Clone)]
pub struct Checked {
    /// On all receipts together.
    pub verdict: Verdict,
    /// What receipts say that are signed. It is to be believed if the verdict accepts.
    pub fetched: Vec<Fetched>,
}

/// One exchange.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Name of the receipt's file.
    pub name: String,
    /// What it says.
    pub receipt: VerifiedReceipt,
    /// When it was; `None` where proofs contradict it.
    pub bounds: Option<Bounds>,
}

/// Makes every check that the inputs allow.
#[must_use]
pub fn check(inputs: &Inputs<'_>) -> Checked {
    let mut verdict = Verdict::default();
    let mut fetched = verify_all(&mut verdict, inputs);
    if let Some(first) = fetched.first().map(|first| first.receipt.evidence().clone()) {
        check_evidence(&mut verdict, &first, &inputs.expected);
        check_together(&mut verdict, &first, &fetched, inputs);
        check_each(&mut verdict, &first, &mut fetched, inputs);
        claims::check_claims(&mut verdict, &fetched, inputs);
    }
    if let Some(opened) = inputs.opened {
        let receipts = fetched.iter().map(|fetched| &fetched.receipt);
        bodies::check_opened(&mut verdict, opened, receipts);
    }
    verdict.note(NOBODY_SIGNED);
    Checked { verdict, fetched }
}

/// Those that are signed. The verdict has the others.
fn verify_all(verdict: &mut Verdict, inputs: &Inputs<'_>) -> Vec<Fetched> {
    let mut evidence = Vec::new();
    for given in inputs.evidence {
        match Evidence::decode(&given.bytes) {
            Ok(decoded) => evidence.push(decoded),
            Err(error) => verdict.fail("evidence file", "evidence of a guest, or a claim", error),
        }
    }
    let mut fetched = Vec::new();
    for given in inputs.receipts {
        let mut own = Verdict::default();
        let (what, expected) = ("receipt signature", "signed by its instance key");
        match verify(&given.bytes, &evidence) {
            Ok(receipt) => {
                own.pass(what, expected, "yes");
                fetched.push(Fetched { name: given.name.clone(), receipt, bounds: None });
            }
            Err(error @ ReceiptError::NoEvidence) => {
                own.fail(what, expected, format!("{error}: --evidence FILE names it"));
            }
            Err(error) => own.fail(what, expected, error),
        }
        verdict.absorb(label(&given.name, inputs), own);
    }
    fetched
}

/// With the evidence that was given, where any was. One that is not the receipt's is a mistake, not a choice.
fn verify(receipt: &[u8], given: &[Evidence]) -> Result<VerifiedReceipt, ReceiptError> {
    let signed = SignedReceipt::parse(receipt)?;
    let is_other = |evidence: &&Evidence| {
        let digest: [u8; 32] = Sha256::digest(evidence.encode()).into();
        digest != *signed.evidence_digest()
    };
    match given.iter().find(is_other).or_else(|| given.first()) {
        Some(evidence) => signed.verify_with(evidence.clone()),
        None => signed.verify(),
    }
}

/// Which file a check is about, where there are several receipts.
fn label<'a>(name: &'a str, inputs: &Inputs<'_>) -> Option<&'a str> {
    (inputs.receipts.len() > 1).then_some(name)
}

/// What is about all receipts: that they are of one boot, and that none is missing between them.
fn check_together(verdict: &mut Verdict, evidence: &Evidence, fetched: &[Fetched], inputs: &Inputs<'_>) {
    let receipts: Vec<VerifiedReceipt> = fetched.iter().map(|fetched| fetched.receipt.clone()).collect();
    if inputs.receipts.len() > 1 {
        let others = receipts.iter().filter(|receipt| receipt.evidence() != evidence).count();
        verdict.compare("receipts with other evidence", 0, others);
        let (what, expected) = ("chain of receipts", "none missing in between");
        match check_chain(&receipts) {
            Ok(()) if receipts.len() == inputs.receipts.len() => verdict.pass(what, expected, "yes"),
            Ok(()) => verdict.fail(what, expected, "not all of them are signed"),
            Err(error) => verdict.fail(what, expected, error),
        }
    }
    if let Some(first) = receipts.first().map(VerifiedReceipt::receipt).filter(|first| first.number > 0) {
        verdict.note(format!(
            "receipt {} of its boot: earlier ones were not shown; the one before has digest {}",
            first.number,
            HexDigest(first.previous)
        ));
    }
}

/// Each receipt by what the manifest in the evidence says.
fn check_each(verdict: &mut Verdict, evidence: &Evidence, fetched: &mut [Fetched], inputs: &Inputs<'_>) {
    let manifest = match parse_manifest(&evidence.manifest) {
        Ok(manifest) => manifest,
        // The check of the evidence has said why.
        Err(_) => return,
    };
    let trust = match Trust::of(&manifest) {
        Ok(trust) => trust,
        Err(error) => return verdict.fail("roots in the manifest", "certificates and keys", error),
    };
    let servers = time::TimeServers::of(&manifest);
    let mut times = time::Evidence::read(verdict, inputs.proofs, inputs.commitments, &servers);
    for Fetched { name, receipt, bounds } in fetched {
        let mut own = Verdict::default();
        check_run(&mut own, receipt, inputs);
        origin::check_origin(&mut own, receipt, &trust, manifest.tls.roots);
        *bounds = times.check(&mut own, receipt);
        check_outcome(&mut own, receipt);
        verdict.absorb(label(name, inputs), own);
    }
    times.check_used(verdict);
}

/// Next to its evidence: `SignedReceipt::verify_with` has compared the manifests of both.
fn check_run(verdict: &mut Verdict, receipt: &VerifiedReceipt, inputs: &Inputs<'_>) {
    let (run, reference) = (&receipt.receipt().run, inputs.expected.reference);
    verdict.compare("manifest in the receipt", reference.manifest.sha256, HexDigest(run.manifest));
    verdict.compare("component in the receipt", reference.component.sha256, HexDigest(run.component));
}

fn check_outcome(verdict: &mut Verdict, receipt: &VerifiedReceipt) {
    match receipt.receipt().request {
        RequestOutcome::Sent => verdict.pass("request", "sent whole", "sent whole"),
        RequestOutcome::Cut => {
            verdict.note("request: cut; the server answered before all was sent, or stopped reading");
        }
    }
    let (what, expected) = ("response", "complete");
    match receipt.receipt().response {
        ResponseOutcome::Complete { end } => verdict.pass(what, expected, end_of(end)),
        ResponseOutcome::Truncated => {
            verdict.fail(what, expected, "truncated: the body is what came of it before its end");
        }
    }
}

const fn end_of(end: BodyEnd) -> &'static str {
    match end {
        BodyEnd::Length => "complete, by its length",
        BodyEnd::Chunked => "complete, by chunks",
        BodyEnd::Closed => "complete, by close_notify",
    }
}
