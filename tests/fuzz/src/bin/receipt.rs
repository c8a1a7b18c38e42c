//! Receipts and what opens them: what parses has one spelling, and taking things out of it leaves what parses.
#![forbid(unsafe_code)]
#![expect(clippy::expect_used, reason = "that it fails is the finding")]

use std::process::ExitCode;

use attestation_receipt::{CommitmentOpening, Opening, Receipt, SignedReceipt, redact};
use tests_fuzz::{Budget, Target};

fn main() -> ExitCode {
    Target { name: "receipt", max_bytes: 64 << 10, budget: Budget::DEFAULT, run }.drive()
}

/// The first byte says what the rest is.
fn run(input: &[u8]) {
    let Some((choice, rest)) = input.split_first() else { return };
    match choice & 3 {
        0 => read_signed(rest),
        1 => {
            if let Ok(receipt) = Receipt::decode(rest) {
                assert!(receipt.encode() == rest && receipt.check().is_ok());
            }
        }
        2 => {
            if let Ok(opening) = Opening::decode(rest) {
                assert!(*opening.encode() == rest);
                let shown = opening.disclose(|_| true);
                assert_eq!(shown.len(), opening.values().len());
                assert_eq!(u64::try_from(shown.len()), Ok(opening.leaves().count));
            }
        }
        _ => {
            if let Ok(opening) = CommitmentOpening::decode(rest) {
                assert!(opening.encode() == rest);
            }
        }
    }
}

fn read_signed(bytes: &[u8]) {
    let Ok(signed) = SignedReceipt::parse(bytes) else { return };
    assert!(signed.encode() == bytes, "a receipt has one spelling");
    let shown = signed.unverified_disclosures().len();
    let hidden = redact(bytes, |_| false).expect("nothing is shown");
    let hidden = SignedReceipt::parse(&hidden).expect("it parses still");
    assert!(
        hidden.unverified_disclosures().is_empty()
            && hidden.unverified_receipt() == signed.unverified_receipt()
    );
    let leaves = redact(bytes, |shown| shown.as_leaf().is_some()).expect("leaves are shown");
    let leaves = SignedReceipt::parse(&leaves).expect("it parses still");
    assert!(leaves.unverified_disclosures().len() <= shown);
}
