//! Each check bites: one part is bent at a time, and the verdict must refuse and name it.

#[path = "../../tests/exchange/mod.rs"]
mod exchange;

mod bodies;
mod claims;
mod origin;
mod shown;
mod time;

use attestation_manifest::reference::ReferenceValues;
use attestation_receipt::{Receipt, RequestOutcome, ResponseOutcome, SignedReceipt};
use attestation_x509::Instant;

use self::exchange::{Exchange, Setting};
use super::{Checked, Given, Inputs, Opened, check};
use crate::appraise::TrustedRoots;
use crate::check::tests::hardware::snp::Case as SnpCase;
use crate::check::tests::{POLICY, world};
use crate::check::{Expected, Hardware, SimulatedEvidence};

/// What a relying party gives to the command.
#[derive(Clone)]
struct Case {
    receipts: Vec<Given>,
    evidence: Vec<Given>,
    claims: Vec<Given>,
    proofs: Vec<Given>,
    commitments: Vec<Given>,
    opened: Option<Opened>,
    reference: ReferenceValues,
}

impl Case {
    /// The receipt, evidence and both bounds of the time.
    fn of(exchange: &Exchange) -> Self {
        Self::with(exchange, &exchange.receipt)
    }

    /// The same about another receipt, which the guest has signed all the same.
    fn with(exchange: &Exchange, receipt: &Receipt) -> Self {
        let (after, commitment) = Exchange::committed(&[receipt], 0);
        Self {
            receipts: vec![given("receipt", exchange.signed_as(receipt).encode())],
            evidence: vec![given("evidence", exchange.evidence.encode())],
            claims: vec![],
            proofs: vec![given("before", exchange.before.encode()), given("after", after.encode())],
            commitments: vec![given("commitment", commitment.encode())],
            opened: None,
            reference: exchange.world.reference.clone(),
        }
    }

    fn inputs<'a>(&'a self, simulated: SimulatedEvidence, hardware: Hardware<'a>) -> Inputs<'a> {
        Inputs {
            receipts: &self.receipts,
            evidence: &self.evidence,
            claims: &self.claims,
            proofs: &self.proofs,
            commitments: &self.commitments,
            opened: self.opened.as_ref(),
            expected: Expected { reference: &self.reference, simulated, hardware },
        }
    }

    fn check(&self) -> Checked {
        check(&self.inputs(SimulatedEvidence::Allowed, no_hardware()))
    }

    /// Names of the checks that failed.
    fn failures(&self) -> Vec<String> {
        self.check().verdict.failures().map(|check| check.what.to_string()).collect()
    }

    /// What is found in the only check that failed.
    #[track_caller]
    fn failure(&self, what: &str) -> String {
        let checked = self.check();
        let failures: Vec<_> = checked.verdict.failures().collect();
        let [failure] = failures.as_slice() else { panic!("{what}: {failures:#?}") };
        assert_eq!(failure.what, what, "{failure:#?}");
        failure.found.clone()
    }

    /// Notes but for the one that is always there.
    fn notes(&self) -> Vec<String> {
        let mut notes = self.check().verdict.notes;
        assert!(notes.pop().unwrap().starts_with("origin: "), "{notes:?}");
        notes
    }
}

fn given(name: &str, bytes: Vec<u8>) -> Given {
    Given { name: name.to_owned(), bytes }
}

fn no_hardware() -> Hardware<'static> {
    let at = Instant::from_unix_seconds(1_790_000_000);
    Hardware { items: &[], policy: &POLICY, at, roots: TrustedRoots::of_vendors() }
}

fn flipped(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..bytes.len()).map(|index| {
        let mut forged = bytes.to_vec();
        forged[index] ^= 1;
        (index, forged)
    })
}

/// The same exchange with a receipt that says something else.
fn bent(bend: impl FnOnce(&mut Receipt)) -> Case {
    let exchange = Exchange::good();
    let mut receipt = exchange.receipt.clone();
    bend(&mut receipt);
    Case::with(&exchange, &receipt)
}

#[test]
fn a_good_receipt_is_accepted() {
    let case = Case::of(&Exchange::good());
    let checked = case.check();
    assert!(checked.verdict.is_accepted(), "{:#?}", checked.verdict);
    assert!(checked.verdict.simulated && checked.fetched.len() == 1);
    assert_eq!(case.notes(), [""; 0]);
    let refused = check(&case.inputs(SimulatedEvidence::Refused, no_hardware()));
    let failed: Vec<_> = refused.verdict.failures().map(|check| check.what.to_string()).collect();
    assert_eq!(failed, ["platform"]);
}

#[test]
fn evidence_can_be_enclosed() {
    let exchange = Exchange::good();
    let enclosed = exchange.signed().with_evidence(exchange.evidence.clone()).unwrap();
    let case = Case { receipts: vec![given("receipt", enclosed.encode())], ..Case::of(&exchange) };
    assert_eq!(case.failures(), [""; 0]);
    assert_eq!(Case { evidence: vec![], ..case }.failures(), [""; 0]);
    let without = Case { evidence: vec![], ..Case::of(&exchange) };
    assert!(without.failure("receipt signature").contains("--evidence FILE"));
}

/// Those that are not shown any more as well: what is taken out leaves no byte that could be changed.
#[test]
fn every_byte_of_a_receipt_matters() {
    let exchange = Exchange::good();
    let enclosed = exchange.signed().with_evidence(exchange.evidence.clone()).unwrap();
    let shown = enclosed.clone().redacted(|shown| shown.as_leaf().is_some_and(|leaf| leaf.index % 2 == 0));
    for receipt in [enclosed, shown.without_certificates()] {
        for (index, forged) in flipped(&receipt.encode()) {
            let case = Case { receipts: vec![given("receipt", forged)], ..Case::of_none(&exchange) };
            assert_eq!(case.failures(), ["receipt signature"], "byte {index}");
        }
    }
}

impl Case {
    /// Without proofs, which would have to be made each time.
    fn of_none(exchange: &Exchange) -> Self {
        Self {
            receipts: vec![given("receipt", exchange.signed().encode())],
            evidence: vec![given("evidence", exchange.evidence.encode())],
            proofs: vec![],
            claims: vec![],
            commitments: vec![],
            opened: None,
            reference: exchange.world.reference.clone(),
        }
    }
}

#[test]
fn every_byte_of_the_evidence_matters() {
    let exchange = Exchange::good();
    for (index, forged) in flipped(&exchange.evidence.encode()) {
        let case = Case { evidence: vec![given("evidence", forged)], ..Case::of_none(&exchange) };
        let failures = case.failures();
        assert!(failures.iter().any(|what| what == "receipt signature"), "byte {index}: {failures:?}");
    }
}

/// Of the same image, of another boot.
#[test]
fn evidence_of_others_is_refused() {
    let exchange = Exchange::good();
    let bend = |report: &mut attestation_report::SnpReport| report.report_id[0] ^= 1;
    let other = world::Bend { report: Some(&bend), ..world::Bend::default() };
    let other = exchange.world.evidence_with(&other).encode();
    let swapped = Case { evidence: vec![given("other", other.clone())], ..Case::of(&exchange) };
    assert!(swapped.failure("receipt signature").contains("expected the evidence with digest"));
    // Nor does it help that the right one is there too.
    let enclosed = exchange.signed().with_evidence(exchange.evidence.clone()).unwrap();
    let case = Case { receipts: vec![given("receipt", enclosed.encode())], ..swapped };
    assert_eq!(case.failures(), ["receipt signature"]);
}

/// What checks of evidence say of a claim's they say of a receipt's.
#[test]
fn reports_that_say_something_else_are_refused() {
    let mut exchange = Exchange::good();
    let bend = |report: &mut attestation_report::SnpReport| report.measurement[0] ^= 1;
    let other = world::Bend { report: Some(&bend), ..world::Bend::default() };
    exchange.evidence = exchange.world.evidence_with(&other);
    assert_eq!(Case::of(&exchange).failures(), ["measurement"]);
}

#[test]
fn another_image_is_not_the_one_that_was_expected() {
    let exchange = Exchange::good();
    let mut case = Case::of(&exchange);
    case.reference.component.sha256.0[0] ^= 1;
    assert_eq!(case.failures(), ["component in the manifest", "component in the receipt"]);
    let mut case = Case::of(&exchange);
    case.reference.manifest.sha256.0[0] ^= 1;
    assert_eq!(case.failures(), ["manifest", "manifest in the receipt"]);
    let case = bent(|receipt| receipt.run.component[0] ^= 1);
    assert_eq!(case.failures(), ["component in the receipt"]);
    let case = bent(|receipt| receipt.run.manifest[0] ^= 1);
    assert_eq!(case.failures(), ["receipt signature"]);
}

#[test]
fn truncated_responses_are_refused_and_cut_requests_are_noted() {
    let case = bent(|receipt| receipt.response = ResponseOutcome::Truncated);
    assert!(case.failure("response").starts_with("truncated"));
    let case = bent(|receipt| receipt.request = RequestOutcome::Cut);
    assert_eq!(case.failures(), [""; 0]);
    let notes = case.notes();
    assert!(notes[0].starts_with("request: cut") && notes.len() == 1, "{notes:?}");
}

#[test]
fn later_receipts_say_that_earlier_ones_are_missing() {
    let case = bent(|receipt| (receipt.number, receipt.previous) = (4, [9; 32]));
    assert_eq!(case.failures(), [""; 0]);
    assert!(case.notes()[0].starts_with("receipt 4 of its boot: earlier ones were not shown"));
}

#[test]
fn receipts_of_one_boot_are_a_chain() {
    let exchange = Exchange::good();
    let mut receipts = vec![exchange.receipt.clone(), exchange.next()];
    receipts.push(Receipt { number: 2, previous: receipts[1].digest(), ..receipts[0].clone() });
    let given_as = |receipt: &SignedReceipt, name: &str| given(name, receipt.encode());
    let case = |places: &[usize]| {
        let all = places
            .iter()
            .map(|place| given_as(&exchange.signed_as(&receipts[*place]), &format!("{place}.cbor")));
        Case { receipts: all.collect(), ..Case::of_none(&exchange) }
    };
    let whole = case(&[0, 1, 2]);
    assert_eq!(whole.failures(), [""; 0]);
    let verdict = whole.check().verdict;
    for name in ["0.cbor: server's certificates", "2.cbor: receipt signature", "chain of receipts"] {
        assert!(verdict.checks.iter().any(|check| check.what == name && check.ok), "{name}: {verdict:#?}");
    }
    assert!(case(&[0, 2]).failure("chain of receipts").contains("expected receipt 1, found 2"));
    assert_eq!(case(&[1, 0]).failures(), ["chain of receipts"]);
    assert_eq!(case(&[1, 1]).failures(), ["chain of receipts"]);
    assert!(case(&[1, 2]).notes()[0].starts_with("receipt 1 of its boot"));

    let mut broken = case(&[0, 1, 2]);
    broken.receipts[1].bytes[200] ^= 1;
    assert_eq!(broken.failures()[0], "1.cbor: receipt signature");
    assert!(broken.failures().contains(&"chain of receipts".to_owned()));
    let mut broken = case(&[0, 1, 2]);
    broken.receipts[2].bytes[200] ^= 1;
    assert_eq!(broken.failures(), ["2.cbor: receipt signature", "chain of receipts"]);
}

/// Boots of one image, each with evidence of its own.
#[test]
fn receipts_of_two_boots_are_no_chain() {
    let mut exchange = Exchange::good();
    let first = exchange.signed().with_evidence(exchange.evidence.clone()).unwrap();
    let bend = |report: &mut attestation_report::SnpReport| report.report_id[0] ^= 1;
    let other = world::Bend { report: Some(&bend), ..world::Bend::default() };
    exchange.evidence = exchange.world.evidence_with(&other);
    let second = exchange.signed_as(&exchange.next()).with_evidence(exchange.evidence.clone()).unwrap();
    let receipts = vec![given("0", first.encode()), given("1", second.encode())];
    let case = Case { receipts, evidence: vec![], ..Case::of_none(&exchange) };
    assert_eq!(case.failures(), ["receipts with other evidence"]);
}

/// By AMD as the verifier's tests play it, with a policy that asks for everything.
#[test]
fn evidence_of_hardware_is_verified_as_for_claims() {
    let mut exchange = Exchange::of(&Setting { policy: SnpCase::POLICY, ..Setting::default() });
    let machine = SnpCase::of(exchange.world.clone());
    exchange.evidence = machine.evidence();
    let case = Case::of(&exchange);
    machine.with_hardware(|hardware| {
        let checked = check(&case.inputs(SimulatedEvidence::Refused, hardware));
        assert!(checked.verdict.is_accepted(), "{:#?}", checked.verdict);
        assert!(!checked.verdict.simulated);
        let without_list = Hardware { items: &[], ..hardware };
        let checked = check(&case.inputs(SimulatedEvidence::Refused, without_list));
        assert!(!checked.verdict.is_accepted(), "{:#?}", checked.verdict);
    });
}
