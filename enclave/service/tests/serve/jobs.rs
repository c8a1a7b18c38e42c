//! Jobs: what claims say of them.

use attestation_claim::Outcome;
use attestation_manifest::manifest_digest;
use enclave_wire::control::{CREDIT_WINDOW_BYTES, JobOutcome};
use enclave_wire::frame::FrameKind;
use sha2::{Digest, Sha256};

use crate::components::{ECHO, NOTHING, SPIN, TRAP, load};
use crate::loader::{Job, MANIFEST, run_jobs};

fn bytes(count: usize) -> Vec<u8> {
    (0..251).cycle().take(count).collect()
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// SHA-256 of nothing, from FIPS 180-4's examples.
const SHA256_EMPTY: [u8; 32] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
    0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

#[test]
fn a_claim_says_what_ran_on_what_with_which_result() {
    let input = bytes(3_000_000);
    let seen = &run_jobs(&load(ECHO), vec![Job::with_input(&input)])[0];
    assert_eq!(seen.done().outcome, JobOutcome::Exited { code: 0 });
    assert!(seen.output == input);
    let verified = seen.claim();
    let claim = verified.claim();
    assert_eq!((claim.component, claim.artefact), ([0x11; 32], [0x22; 32]));
    assert_eq!(claim.manifest, manifest_digest(MANIFEST.as_bytes()));
    assert_eq!((claim.input.bytes, claim.output.bytes), (3_000_000, 3_000_000));
    assert_eq!(claim.input.sha256, sha256(&input));
    assert_eq!(claim.input.sha256, claim.output.sha256);
    assert_eq!(claim.outcome, Outcome::Exited { code: 0 });
    assert_eq!(claim.usage.fuel, seen.done().usage.fuel);
    assert_eq!((claim.measured.run_us, claim.measured.heap_peak_bytes), (seen.done().usage.run_us, 2));
    assert_eq!(seen.verify_transcript().entries, 1, "an echo learns nothing but its input");
    assert!(seen.most_input_credit <= CREDIT_WINDOW_BYTES, "never more than a window under way");
}

#[test]
fn claims_form_a_chain() {
    let program = load(ECHO);
    let seen = run_jobs(&program, vec![Job::with_input(b"one"), Job::with_input(b"two"), Job::default()]);
    let mut previous = [0; 32];
    for (sequence, seen) in (0..).zip(&seen) {
        let verified = seen.claim();
        assert_eq!((verified.claim().sequence, verified.batch().previous), (sequence, previous));
        previous = *verified.digest();
    }
    assert_eq!(seen[2].claim().claim().input.sha256, SHA256_EMPTY);
    assert_eq!(seen[2].claim().claim().output.sha256, SHA256_EMPTY);
}

#[test]
fn input_that_the_component_ignores_is_hashed_all_the_same() {
    let input = bytes(2_500_000);
    let seen = &run_jobs(&load(NOTHING), vec![Job::with_input(&input)])[0];
    assert_eq!(seen.claim().claim().input.bytes, 2_500_000);
    assert_eq!(seen.claim().claim().input.sha256, sha256(&input));
}

#[test]
fn output_waits_for_credit() {
    let input = bytes(100_000);
    let job = Job { credit_step: Some(1_000), ..Job::with_input(&input) };
    let seen = &run_jobs(&load(ECHO), vec![job])[0];
    assert!(seen.output == input);
    seen.verify_transcript();
}

/// The transcript is longer than what may wait in the guest, and the credit smaller than one segment.
#[test]
fn a_transcript_waits_for_credit() {
    let clock = r#"(import "wasi" "now" (func $now (result i64)))
        (func (export "run") (result i32) (local $n i32)
            (local.set $n (i32.const 20000))
            (loop $l
                (drop (call $now))
                (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))) i32.const 0)"#;
    for credit_step in [None, Some(1_000)] {
        let seen = &run_jobs(&load(clock), vec![Job { credit_step, ..Job::default() }])[0];
        assert_eq!(seen.done().outcome, JobOutcome::Exited { code: 0 }, "{}", seen.done().detail);
        let summary = seen.verify_transcript();
        assert_eq!(summary.entries, 20_001);
        assert!(summary.bytes > 128 * 1024, "{}", summary.bytes);
    }
}

#[test]
fn ended_jobs_have_transcripts_too() {
    for program in [TRAP, SPIN] {
        let seen = &run_jobs(&load(program), vec![Job::default()])[0];
        assert_eq!(seen.verify_transcript().entries, 1);
    }
}

#[test]
fn a_trap_ends_the_job_with_a_claim_and_a_backtrace_and_the_guest_goes_on() {
    let seen = run_jobs(&load(TRAP), vec![Job::default(), Job::default()]);
    for seen in &seen {
        assert_eq!(seen.done().outcome, JobOutcome::Trapped);
        assert!(seen.done().detail.contains("ledger_overflow"), "{}", seen.done().detail);
        assert_eq!(seen.claim().claim().outcome, Outcome::Trapped);
    }
}

#[test]
fn limits_end_the_job_and_are_named() {
    let seen = &run_jobs(&load(SPIN), vec![Job::default()])[0];
    // The test's clock moves 1 us a look, so the fuel is used up first.
    assert_eq!(seen.done().outcome, JobOutcome::LimitExceeded { limit: "limits.fuel".into() });
    assert_eq!(seen.claim().claim().outcome, Outcome::LimitExceeded { limit: "limits.fuel".into() });
}

#[test]
fn input_over_the_limit_is_refused_by_name() {
    let job = Job { stated_bytes: Some(2 << 30), ..Job::default() };
    let seen = run_jobs(&load(ECHO), vec![job, Job::with_input(b"next")]);
    assert_eq!(seen[0].done().outcome, JobOutcome::Refused);
    assert!(seen[0].done().claim.is_none());
    assert!(seen[0].done().detail.contains("limits.input_bytes is 4000000"), "{}", seen[0].done().detail);
    // A refused job leaves no gap in the chain.
    assert_eq!(seen[1].claim().claim().sequence, 0);
}

#[test]
fn a_cancelled_job_has_no_claim_and_the_next_one_runs() {
    let cancelled =
        Job { then: vec![(FrameKind::JOB_CANCEL, Vec::new())], ..Job::with_input(&bytes(3_000_000)) };
    let seen = run_jobs(&load(ECHO), vec![cancelled, Job::with_input(b"next")]);
    assert_eq!(seen[0].done().outcome, JobOutcome::Cancelled);
    assert!(seen[0].done().claim.is_none());
    assert_eq!(seen[1].output, b"next");
    assert_eq!(seen[1].claim().claim().sequence, 0);
}
