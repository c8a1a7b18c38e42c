//! What tests expect of findings and rejections.

use std::collections::BTreeSet;

use attestation_verify::{Code, Rejection, Trail};

pub(crate) fn codes(trail: &Trail) -> BTreeSet<Code> {
    trail.findings().map(|(code, _)| code).collect()
}

/// That the reason is `code`, in a check named like `what` whose two sides are like `expected` and `found`.
#[track_caller]
pub(crate) fn check(rejection: &Rejection, code: Code, what: &str, expected: &str, found: &str) {
    let (reason, check) = rejection.reason().unwrap();
    assert_eq!(reason, code, "{rejection}");
    assert!(check.what.contains(what), "{what}: {check}");
    assert!(check.expected.contains(expected) && check.found.contains(found), "{check}");
}
