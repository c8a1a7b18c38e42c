//! When it was.

use attestation_manifest::parse_manifest;
use tests_servers::{Clock, TimeServer};

use super::super::time::{Evidence, TimeServers};
use super::super::{Bounds, Given, KnownBound};
use super::exchange::{Exchange, NOW_S, measure, measure_with};
use super::{Case, bent, flipped, given};
use crate::check::Verdict;

fn bounds(case: &Case) -> Bounds {
    case.check().fetched[0].bounds.clone().unwrap()
}

/// Where a bound is from: a server, or the guest.
fn server(bound: &KnownBound) -> &str {
    if let KnownBound::Proven { server, .. } = bound { server } else { "the guest" }
}

#[test]
fn both_bounds_are_proven() {
    let Bounds { not_before, not_after } = bounds(&Case::of(&Exchange::good()));
    assert_eq!(
        (server(&not_before), server(&not_after)),
        ("time-3.example.org:2002", "time-2.example.org:2002")
    );
    assert_eq!((not_before.second(), not_after.second()), (NOW_S - 2, NOW_S + 62));
}

#[test]
fn what_is_not_shown_is_only_asserted() {
    let case = Case::of_none(&Exchange::good());
    let asserted = (KnownBound::Asserted { second: NOW_S - 2 }, KnownBound::Asserted { second: NOW_S + 3 });
    let Bounds { not_before, not_after } = bounds(&case);
    assert_eq!((not_before, not_after), asserted);
    assert_eq!(case.failures(), [""; 0]);
    let notes = case.notes();
    assert!(notes[0].starts_with("not before 2025-06-15T15:06:38Z: only asserted by the guest"), "{notes:?}");
    assert!(notes[1].starts_with("not after 2025-06-15T15:06:43Z: only asserted by the guest"), "{notes:?}");
    let checked = case.check();
    assert!(checked.verdict.checks.iter().all(|check| !check.what.starts_with("not ")));
    let case = bent(|receipt| receipt.time.roughtime = None);
    assert!(
        Case { proofs: vec![], commitments: vec![], ..case }.notes()[0]
            .contains("names no time server's reply")
    );
}

/// An honest proof of the same servers, some other day.
#[test]
fn proofs_of_something_else_are_refused() {
    let exchange = Exchange::good();
    let other = measure(NOW_S + 1000, &[[7; 32], [8; 32], [9; 32]]).encode();
    let mut case = Case { proofs: vec![given("other", other.clone())], ..Case::of_none(&exchange) };
    assert!(case.failure("time proof of a receipt").starts_with("of none"));
    case.proofs.push(given("before", exchange.before.encode()));
    assert_eq!(case.failures(), ["other: time proof of a receipt"]);
    // One that commits is of no use without what shows it, and the other way round.
    let (after, commitment) = Exchange::committed(&[&exchange.receipt], 0);
    let mut case = Case { proofs: vec![given("after", after.encode())], ..Case::of_none(&exchange) };
    assert_eq!(case.failures(), ["time proof of a receipt"]);
    case.proofs = vec![given("before", exchange.before.encode())];
    case.commitments = vec![given("commitment", commitment.encode())];
    assert_eq!(case.failures(), ["commitment to a receipt"]);
    let (others_proof, others) = Exchange::committed(&[&exchange.next()], 0);
    case.proofs = vec![given("after", others_proof.encode())];
    case.commitments = vec![given("commitment", others.encode())];
    assert_eq!(case.failures(), ["time proof of a receipt", "commitment to a receipt"]);
}

#[test]
fn only_servers_of_the_manifest_count() {
    let exchange = Exchange::good();
    let strangers: Vec<TimeServer> =
        (7..=9).map(|number| TimeServer::new(number, Clock::Still(NOW_S))).collect();
    let proof = measure_with(&strangers, &[[1; 32], [2; 32], [3; 32]]);
    let case = Case { proofs: vec![given("proof", proof.encode())], ..Case::of_none(&exchange) };
    let found = case.failure("time proof");
    assert!(found.contains("exchange 0"), "{found}");
}

/// A server that is late contradicts one that was asked before.
#[test]
fn servers_that_contradict_each_other_prove_nothing() {
    let exchange = Exchange::good();
    let servers = [(1, NOW_S), (2, NOW_S - 100), (3, NOW_S)];
    let servers = servers.map(|(number, now_s)| TimeServer::new(number, Clock::Still(now_s)));
    let proof = measure_with(&servers, &[[1; 32], [2; 32], [3; 32]]);
    let mut receipt = exchange.receipt.clone();
    let response = &proof.exchanges()[2].response;
    receipt.time.roughtime = Some(attestation_roughtime::response_digest(response));
    let case = Case {
        proofs: vec![given("proof", proof.encode())],
        commitments: vec![],
        ..Case::with(&exchange, &receipt)
    };
    let found = case.failure("time contradictions");
    assert!(found.contains("time-1.example.org:2002 is later than reply 1 of time-2"), "{found}");
}

#[test]
fn proofs_that_contradict_the_guest_are_refused() {
    let exchange = Exchange::good();
    let mut receipt = exchange.receipt.clone();
    (receipt.time.earliest_s, receipt.time.latest_s) = (NOW_S - 1000, NOW_S - 900);
    let case = Case { commitments: vec![], ..Case::with(&exchange, &receipt) };
    let case = Case { proofs: case.proofs[..1].to_vec(), ..case };
    let found = case.failure("time of the exchange");
    assert!(found.contains(&format!("not before second {}", NOW_S - 2)), "{found}");
    assert!(case.check().fetched[0].bounds.is_none());
}

/// Without the checks of everything else, which are not about them.
#[test]
fn every_byte_of_proofs_and_commitments_matters() {
    let exchange = Exchange::good();
    let receipt = exchange.signed().verify_with(exchange.evidence.clone()).unwrap();
    let servers = TimeServers::of(&parse_manifest(&exchange.evidence.manifest).unwrap());
    let is_accepted = |proofs: &[Given], commitments: &[Given]| {
        let mut verdict = Verdict::default();
        let mut evidence = Evidence::read(&mut verdict, proofs, commitments, &servers);
        evidence.check(&mut verdict, &receipt);
        evidence.check_used(&mut verdict);
        verdict.is_accepted()
    };
    let Case { proofs, commitments, .. } = Case::of(&exchange);
    assert!(is_accepted(&proofs, &commitments) && is_accepted(&proofs[..1], &[]));
    for (index, forged) in flipped(&proofs[0].bytes) {
        assert!(!is_accepted(&[given("before", forged)], &[]), "byte {index}");
    }
    for (index, forged) in flipped(&commitments[0].bytes) {
        assert!(!is_accepted(&proofs[1..], &[given("commitment", forged)]), "byte {index}");
    }
}

/// One proof for all, and each receipt at its place under the root.
#[test]
fn receipts_share_proofs() {
    let exchange = Exchange::good();
    let next = exchange.next();
    let both = [&exchange.receipt, &next];
    let commitments = [0, 1].map(|index| Exchange::committed(&both, index));
    let receipts =
        both.map(|receipt| given(&receipt.number.to_string(), exchange.signed_as(receipt).encode()));
    let case = Case {
        receipts: receipts.to_vec(),
        proofs: vec![given("before", exchange.before.encode()), given("after", commitments[0].0.encode())],
        commitments: commitments.iter().map(|(_, opening)| given("opening", opening.encode())).collect(),
        ..Case::of_none(&exchange)
    };
    assert_eq!(case.failures(), [""; 0]);
    assert_eq!(case.notes(), [""; 0]);
    let one = Case { commitments: case.commitments[..1].to_vec(), ..case };
    assert_eq!(one.failures(), [""; 0]);
    let notes = one.notes();
    assert!(notes[0].starts_with("1: not after") && notes.len() == 1, "{notes:?}");
}
