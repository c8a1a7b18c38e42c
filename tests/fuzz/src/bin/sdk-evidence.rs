//! Evidence as NVIDIA's SDK writes it: the array, and the report and the chain of each device up to the roots.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use attestation_signature::RustCrypto;
use attestation_verify::Verifier;
use attestation_verify::nvidia::{Challenge, RimFiles, Roots, SdkEvidence};
use attestation_x509::Instant;
use tests_fuzz::{Budget, Target};

/// The trail keeps what was checked, with both sides as text, and certificates are decoded next to their DER.
const TRAIL_BYTES: usize = 64 * 1024;

fn main() -> ExitCode {
    let budget = Budget::with(TRAIL_BYTES);
    Target { name: "sdk-evidence", max_bytes: 64 * 1024, budget, run }.drive()
}

fn run(input: &[u8]) {
    let evidence = match SdkEvidence::parse(input) {
        Ok(evidence) => evidence,
        Err(error) => return drop(error.to_string()),
    };
    let by = Verifier { signatures: &RustCrypto, at: Instant::from_unix_seconds(1_780_000_000) };
    let outcome = evidence.verify(|_| RimFiles::default(), Challenge::NotPosed, &Roots::default(), by);
    match outcome {
        Ok(verified) => assert_eq!(verified.evidence().devices().len(), evidence.devices().len()),
        Err(rejection) => assert!(rejection.reason().is_some(), "{rejection}"),
    }
}
