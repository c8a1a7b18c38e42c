//! NVIDIA's manifests: the tree, its canonical form, and that a key vouches for nothing but the manifest that it signed.
#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::sync::LazyLock;

use attestation_rim::limits::{ATTRIBUTES_MAX, FILE_MAX_BYTES, TAGS_MAX};
use attestation_rim::{Rim, RimError, SignedRim};
use attestation_signature::{P384Point, RustCrypto};
use tests_fuzz::{Budget, Target, fixtures};

/// The tree reserves about 72 bytes for a node and for an attribute, twice while it grows, and puts the attributes of an
/// element into lists of its own and of ours. The numbers of both are limited.
const TREE_BYTES: usize = 512 * TAGS_MAX + 320 * ATTRIBUTES_MAX;

static KEY: LazyLock<P384Point> = LazyLock::new(fixtures::rim_key);

/// The only manifest that the key has signed. One that verifies and says something else would be a forgery, found by
/// wrapping or by two readings of one text: nobody finds one by breaking the signature.
static SIGNED: LazyLock<Option<Rim>> = LazyLock::new(|| {
    let signed = SignedRim::parse(include_bytes!("../../seeds/rim/driver")).ok()?;
    signed.verify(&KEY, &RustCrypto).ok()
});

fn main() -> ExitCode {
    assert!(SIGNED.is_some(), "the seed is not signed by the key of the fixtures");
    let budget = Budget::with(TREE_BYTES);
    Target { name: "rim", max_bytes: FILE_MAX_BYTES + 1, budget, run }.drive()
}

fn run(input: &[u8]) {
    let signed = match SignedRim::parse(input) {
        Ok(signed) => signed,
        Err(error) => return drop(error.to_string()),
    };
    match signed.verify(&KEY, &RustCrypto) {
        Ok(rim) => assert!(SIGNED.as_ref() == Some(&rim), "a forgery"),
        Err(error) => {
            assert!(
                !matches!(error, RimError::TooMuch { .. } | RimError::Xml { .. }),
                "parsed before: {error}"
            );
        }
    }
}
