//! A claim covers the receipts of its run, or says that it does not.

use attestation_claim::Claim;
use attestation_receipt::{Receipt, receipts_root};

use super::exchange::Exchange;
use super::{Case, given};
use crate::check::tests::world::Bend;

const WHAT: &str = "receipt in the claim of its run";

/// The claim of the receipts' run, with this root.
fn claimed(exchange: &Exchange, root: Option<[u8; 32]>, sequence: u64, case: Case) -> Case {
    let bend = |claim: &mut Claim| {
        claim.receipts_root = root;
        claim.sequence = sequence;
    };
    let claim = exchange.world.claim_with(&Bend { claim: Some(&bend), ..Bend::default() });
    Case { claims: vec![given("claim", claim)], ..case }
}

fn root_of(receipts: &[&Receipt]) -> Option<[u8; 32]> {
    let digests: Vec<[u8; 32]> = receipts.iter().map(|receipt| receipt.digest()).collect();
    Some(receipts_root(&digests))
}

#[test]
fn all_receipts_of_a_run_are_under_its_root() {
    let exchange = Exchange::good();
    let sequence = exchange.receipt.run.sequence;
    let case = Case { commitments: vec![], ..Case::of(&exchange) };
    let case = Case { proofs: case.proofs[..1].to_vec(), ..case };
    let all = claimed(&exchange, root_of(&[&exchange.receipt]), sequence, case.clone());
    assert_eq!(all.failures(), [] as [&str; 0]);
    assert!(all.check().verdict.checks.iter().any(|check| check.what == WHAT && check.ok));

    let next = exchange.next();
    let one_of_two = claimed(&exchange, root_of(&[&exchange.receipt, &next]), sequence, case.clone());
    assert_eq!(one_of_two.failures(), [] as [&str; 0]);
    assert!(one_of_two.notes().iter().any(|note| note.starts_with("claim: whether it covers")));

    let none = claimed(&exchange, None, sequence, case.clone());
    assert_eq!(none.failure(WHAT), "the claim says that there is no receipt");

    let other_run = claimed(&exchange, None, sequence + 1, case);
    assert_eq!(other_run.failures(), [] as [&str; 0]);
}

#[test]
fn the_opening_of_a_commitment_shows_it_for_one_of_several() {
    let exchange = Exchange::good();
    let (sequence, next) = (exchange.receipt.run.sequence, exchange.next());
    let both = [&exchange.receipt, &next];
    let (after, commitment) = Exchange::committed(&both, 0);
    let case = Case::of(&exchange);
    let case = Case {
        proofs: vec![case.proofs[0].clone(), given("after", after.encode())],
        commitments: vec![given("commitment", commitment.encode())],
        ..case
    };
    let covers = |root| {
        let claimed = claimed(&exchange, root, sequence, case.clone());
        assert_eq!(claimed.failures(), [] as [&str; 0]);
        claimed.check().verdict.checks.iter().any(|check| check.what == WHAT)
    };
    assert!(covers(root_of(&both)));
    assert!(!covers(root_of(&[&next, &exchange.receipt])), "another root is not shown");
}

#[test]
fn a_claim_that_nobody_signed_says_nothing() {
    let exchange = Exchange::good();
    let sequence = exchange.receipt.run.sequence;
    let mut case = claimed(&exchange, root_of(&[&exchange.receipt]), sequence, Case::of(&exchange));
    *case.claims[0].bytes.last_mut().unwrap() ^= 1;
    assert_eq!(case.failures(), ["claim"]);
}
