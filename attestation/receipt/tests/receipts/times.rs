//! When an exchange was, with measurements that belong to it and with such that do not.

use attestation_receipt::{
    Bound, CommitmentOpening, ReceiptError, TimeFinding, VerifiedReceipt, check_time, receipts_root,
};
use attestation_roughtime::{Verified, commitment, response_digest};

use crate::server::{RADIUS_S, measure, server_key};
use crate::world::Exchange;

const SALT: [u8; 32] = [0x51; 32];
/// Of the exchange in `world`.
const EARLIEST_S: u64 = 1_790_000_000;
const LATEST_S: u64 = 1_790_000_010;

/// A measurement, a receipt made after it among three others, and a measurement that commits to all four.
struct Boot {
    before: Verified,
    receipt: VerifiedReceipt,
    digests: [[u8; 32]; 4],
    opening: CommitmentOpening,
    after: Verified,
}

impl Boot {
    fn new() -> Self {
        Self::at(EARLIEST_S - 1, LATEST_S + 1)
    }

    /// With other times of servers.
    fn at(before_s: u64, after_s: u64) -> Self {
        let (before, response) = measure(None, &[([1; 32], before_s), ([2; 32], before_s)]);
        let mut exchange = Exchange::new([1; 32]);
        exchange.receipt.time.roughtime = Some(response_digest(&response));
        let receipt = exchange.signed().verify().unwrap();
        let digests = [[1; 32], [2; 32], *receipt.digest(), [4; 32]];
        let opening = CommitmentOpening::new(SALT, &digests, 2).unwrap();
        let blind = commitment(&SALT, &receipts_root(&digests));
        let exchanges = [([3; 32], after_s), (blind, after_s), ([5; 32], after_s)];
        let (after, _) = measure(Some(&response), &exchanges);
        Self { before, receipt, digests, opening, after }
    }

    fn check(&self) -> Result<TimeFinding, ReceiptError> {
        check_time(&self.receipt, Some(&self.before), Some((&self.after, &self.opening)))
    }
}

fn proven(second: u64) -> Bound {
    Bound::Proven { second, server: server_key() }
}

#[test]
fn both_ends_are_proven_by_what_belongs_to_the_receipt() {
    let boot = Boot::new();
    let radius = u64::from(RADIUS_S);
    let (not_before, not_after) = (proven(EARLIEST_S - 1 - radius), proven(LATEST_S + 1 + radius));
    assert_eq!(boot.check(), Ok(TimeFinding { not_before, not_after }));
    let only_before = check_time(&boot.receipt, Some(&boot.before), None);
    assert_eq!(only_before, Ok(TimeFinding { not_before, not_after: Bound::AssertedOnly }));
    let only_after = check_time(&boot.receipt, None, Some((&boot.after, &boot.opening)));
    assert_eq!(only_after, Ok(TimeFinding { not_before: Bound::AssertedOnly, not_after }));
}

#[test]
fn nothing_shown_is_nothing_proven() {
    let boot = Boot::new();
    let nothing = TimeFinding { not_before: Bound::AssertedOnly, not_after: Bound::AssertedOnly };
    assert_eq!(check_time(&boot.receipt, None, None), Ok(nothing));
}

#[test]
fn any_exchange_of_the_measurement_may_be_the_one() {
    let (_, first) = measure(None, &[([1; 32], EARLIEST_S)]);
    let (before, _) = measure(None, &[([1; 32], EARLIEST_S), ([2; 32], EARLIEST_S + 9)]);
    let mut exchange = Exchange::new([1; 32]);
    exchange.receipt.time.roughtime = Some(response_digest(&first));
    let receipt = exchange.signed().verify().unwrap();
    let found = check_time(&receipt, Some(&before), None).unwrap();
    assert_eq!(
        found.not_before,
        proven(EARLIEST_S - u64::from(RADIUS_S)),
        "the one that is named, not a later one"
    );
}

#[test]
fn swapped_measurements_are_refused() {
    let Boot { before, receipt, digests, opening, after } = Boot::new();
    let expected = receipt.receipt().time.roughtime.unwrap();
    let not_before = Err(ReceiptError::NotBefore { expected });
    assert_eq!(check_time(&receipt, Some(&after), None), not_before);
    let not_after = Err(ReceiptError::NotAfter { root: receipts_root(&digests) });
    assert_eq!(check_time(&receipt, None, Some((&before, &opening))), not_after);
    assert_eq!(check_time(&receipt, Some(&after), Some((&before, &opening))), not_before);
}

#[test]
fn measurements_of_others_are_refused() {
    let boot = Boot::new();
    let (foreign, _) = measure(None, &[([9; 32], EARLIEST_S)]);
    let expected = boot.receipt.receipt().time.roughtime.unwrap();
    assert_eq!(check_time(&boot.receipt, Some(&foreign), None), Err(ReceiptError::NotBefore { expected }));
    let refused = Err(ReceiptError::NotAfter { root: receipts_root(&boot.digests) });
    assert_eq!(check_time(&boot.receipt, None, Some((&foreign, &boot.opening))), refused);
    // What is right besides is no excuse.
    assert_eq!(check_time(&boot.receipt, Some(&boot.before), Some((&foreign, &boot.opening))), refused);
}

#[test]
fn a_receipt_that_names_no_response_takes_no_measurement() {
    let boot = Boot::new();
    let unnamed = Exchange::new([1; 32]).signed().verify().unwrap();
    assert_eq!(check_time(&unnamed, Some(&boot.before), None), Err(ReceiptError::NotBeforeUnnamed));
}

#[test]
fn openings_of_others_are_refused() {
    let boot = Boot::new();
    let check = |opening: CommitmentOpening| check_time(&boot.receipt, None, Some((&boot.after, &opening)));
    let is_unrelated = |opening| matches!(check(opening), Err(ReceiptError::NotAfter { .. }));
    assert!(is_unrelated(CommitmentOpening::new(SALT, &boot.digests, 1).unwrap()));
    assert!(is_unrelated(CommitmentOpening::new([0; 32], &boot.digests, 2).unwrap()));
    assert!(is_unrelated(CommitmentOpening::new(SALT, &boot.digests[..3], 2).unwrap()));
    let no_place = CommitmentOpening { index: 4, ..boot.opening.clone() };
    assert_eq!(check(no_place), Err(ReceiptError::NotAfterPath { index: 4, receipts: 4 }));
    let short = CommitmentOpening { path: vec![], ..boot.opening.clone() };
    assert_eq!(check(short), Err(ReceiptError::NotAfterPath { index: 2, receipts: 4 }));
    let read = CommitmentOpening::decode(&boot.opening.encode()).unwrap();
    assert!(check(read).is_ok());
}

#[test]
fn another_receipt_is_not_under_the_root() {
    let boot = Boot::new();
    let mut exchange = Exchange::new([2; 32]);
    exchange.receipt.time.roughtime = boot.receipt.receipt().time.roughtime;
    let other = exchange.signed().verify().unwrap();
    let refused = check_time(&other, Some(&boot.before), Some((&boot.after, &boot.opening)));
    assert!(matches!(refused, Err(ReceiptError::NotAfter { .. })));
}

#[test]
fn servers_who_contradict_the_guest_are_heard() {
    let contradiction = |before_s, after_s| Boot::at(before_s, after_s).check();
    let late = Err(ReceiptError::TimeContradiction { earliest: LATEST_S + 98, latest: LATEST_S });
    assert_eq!(contradiction(LATEST_S + 100, LATEST_S + 200), late);
    let early = Err(ReceiptError::TimeContradiction { earliest: EARLIEST_S, latest: EARLIEST_S - 98 });
    assert_eq!(contradiction(EARLIEST_S - 200, EARLIEST_S - 100), early);
    assert!(contradiction(LATEST_S + 2, LATEST_S + 200).is_ok(), "they touch");
}
