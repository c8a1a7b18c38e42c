//! Bodies that came apart from the receipt, and what opens it.

use attestation_manifest::HexDigest;
use attestation_receipt::{Body, BodySide, Opening, ReceiptError, VerifiedReceipt};

use crate::check::Verdict;

/// What opens a receipt, with bodies that should be its.
#[derive(Debug, Clone)]
pub struct Opened {
    /// As it was read.
    pub opening: Result<Opening, ReceiptError>,
    /// What files have, hashed with the secrets of the opening.
    pub bodies: Vec<(BodySide, Body)>,
}

/// With the receipt among these that it opens.
pub(super) fn check_opened<'r>(
    verdict: &mut Verdict,
    opened: &Opened,
    receipts: impl Iterator<Item = &'r VerifiedReceipt>,
) {
    let what = "opening";
    let opening = match &opened.opening {
        Ok(opening) => opening,
        Err(error) => return verdict.fail(what, "an opening of a receipt", error),
    };
    let leaves = opening.leaves();
    let mut roots = receipts.map(|receipt| receipt.receipt().leaves);
    let first = roots.next();
    let opens = first.into_iter().chain(roots).find(|receipt| *receipt == leaves).or(first);
    // Without a receipt that is signed there is nothing to open, and the verdict refuses anyway.
    let Some(receipt) = opens else { return };
    verdict.compare(what, HexDigest(receipt.root), HexDigest(leaves.root));
    for (side, found) in &opened.bodies {
        let what = match side {
            BodySide::Request => "request body's file",
            BodySide::Response => "response body's file",
        };
        match opening.body(*side) {
            Some(expected) => verdict.compare(what, described(expected), described(found)),
            None => verdict.fail(what, "the body of the opening", "an opening without one"),
        }
    }
}

/// The root is over salted pieces of it: it is no hash that other tools know.
fn described(body: &Body) -> String {
    format!("{} {} B", HexDigest(body.root), body.bytes)
}
