//! Receipts after each other, and what is wrong where.

use attestation_evidence::Evidence;
use p256::ecdsa::SigningKey;

use super::*;
use crate::fixtures::{bare, evidence, key, public_key, receipt, sha256};
use crate::{Receipt, sign_receipt};

/// As many as there are places, from number 0.
fn receipts<const N: usize>() -> [Receipt; N] {
    let mut next = Receipt { number: 0, previous: [0; 32], ..receipt() };
    [(); N].map(|()| {
        let this = next.clone();
        (next.number, next.previous) = (this.number.saturating_add(1), this.digest());
        this
    })
}

fn verified(receipt: &Receipt) -> VerifiedReceipt {
    bare(receipt).verify_with(evidence()).unwrap()
}

fn check<const N: usize>(receipts: [&Receipt; N]) -> Result<(), ReceiptError> {
    check_chain(&receipts.map(verified))
}

#[test]
fn receipts_of_a_boot_are_a_chain() {
    let [first, second, third] = &receipts();
    assert_eq!(check([]), Ok(()));
    assert_eq!(check([first]), Ok(()));
    assert_eq!(check([first, second, third]), Ok(()));
    assert_eq!(check([second, third]), Ok(()), "others were before");
}

#[test]
fn whatever_is_missing_moved_or_repeated_is_found() {
    let [first, second, third, fourth] = &receipts();
    let number = |place, expected, found| Err(ReceiptError::ChainNumber { place, expected, found });
    assert_eq!(check([first, third]), number(1, 1, 2));
    assert_eq!(check([first, second, fourth]), number(2, 2, 3));
    assert_eq!(check([second, first]), number(1, 2, 0));
    assert_eq!(check([first, second, second]), number(2, 2, 1));
}

#[test]
fn another_receipt_with_the_right_number_is_found() {
    let [first, second, third] = &receipts();
    let mut other = second.clone();
    other.peer.port = 8443;
    let (expected, found) = (other.digest(), second.digest());
    assert_eq!(check([first, &other, third]), Err(ReceiptError::ChainPrevious { place: 2, expected, found }));
}

#[test]
fn receipts_of_two_boots_are_no_chain() {
    let [first, second] = &receipts();
    let other = SigningKey::from_slice(&[8; 32]).unwrap();
    let evidence = Evidence { instance_key: public_key(&other), ..evidence() };
    let signed = sign_receipt(second, &sha256(&evidence.encode()), &other).unwrap();
    let foreign = signed.verify_with(evidence).unwrap();
    assert_ne!(key(), other);
    assert_eq!(check_chain(&[verified(first), foreign]), Err(ReceiptError::ChainKey { place: 1 }));
}

/// By Python: H(01 ‖ H(01 ‖ a ‖ b) ‖ c), a = H(00 ‖ 32 times 1) and so on.
#[test]
fn roots_are_over_digests() {
    let root = receipts_root(&[[1; 32], [2; 32], [3; 32]]);
    assert_eq!(::hex::encode(root), "df896896c799531f1fd1e556cea26a6989ab06853bcbfdd3e4f5097a611f658f");
    assert_eq!(receipts_root(&[[1; 32]]), leaf_hash(&[1; 32]));
    assert_eq!(receipts_root(&[]), sha256(&[]));
    let mut running = RunningRoot::default();
    assert_eq!((running.receipts(), running.root()), (0, None));
    (1..=3).for_each(|byte| running.push(&[byte; 32]));
    assert_eq!((running.receipts(), running.root()), (3, Some(root)));
}
