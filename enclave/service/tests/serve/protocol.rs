//! The control protocol besides jobs, and loaders that break it.

use attestation_signature::SigningError;
use enclave_platform::LinkError;
use enclave_service::{Ended, ServiceError};
use enclave_wire::control::{Credit, PROTOCOL_VERSION, Probe, encode_body};
use enclave_wire::frame::FrameKind;

use crate::components::{ECHO, SPIN, TRAP, load};
use crate::loader::{Job, Loader, serve_loader, serve_unsigned, serve_with_largest_evidence};

fn probe(destination: &str, payload: &[u8]) -> (FrameKind, Vec<u8>) {
    let probe = Probe { destination: destination.into(), payload: payload.to_vec(), timeout_ms: 10 };
    (FrameKind::PROBE, encode_body(&probe))
}

#[test]
fn readiness_and_status_are_told() {
    let loader = Loader::new(vec![Job::with_input(b"x")], vec![(FrameKind::STATUS_REQUEST, Vec::new())]);
    assert_eq!(serve_loader(&load(ECHO), &loader), Ok(Ended::Shutdown));
    let state = loader.0.lock().unwrap();
    assert_eq!(state.ready.as_ref().unwrap().protocol, PROTOCOL_VERSION);
    assert_eq!(state.ready.as_ref().unwrap().seal_key_id.len(), 16);
    assert_eq!(state.status[0].address.as_deref(), Some("10.0.2.15/24"));
    assert_eq!(state.status[0].heap_total_bytes, 3);
}

#[test]
fn the_largest_evidence_is_announced_and_claimed() {
    let loader = Loader::new(vec![Job::with_input(b"x")], Vec::new());
    assert_eq!(serve_with_largest_evidence(&load(TRAP), &loader), Ok(Ended::Shutdown));
    let state = loader.0.lock().unwrap();
    assert!(state.ready.as_ref().unwrap().evidence.len() > 64 * 1024);
    assert_eq!(state.seen[0].claim().evidence().encode(), state.ready.as_ref().unwrap().evidence);
}

#[test]
fn a_guest_that_cannot_sign_ends() {
    let loader = Loader::new(vec![Job::with_input(b"x")], Vec::new());
    assert_eq!(serve_unsigned(&load(ECHO), &loader), Err(ServiceError::Signing(SigningError)));
    assert!(loader.0.lock().unwrap().seen.iter().all(|seen| seen.done.is_none()));
}

#[test]
fn probes_reach_only_what_the_manifest_lists() {
    let first = vec![probe("10.0.2.2:7", b"ping"), probe("10.0.2.2:8", b"ping"), probe("10.0.2.2:7", b"")];
    // The outcome of the first comes between frames, so a job gives it time.
    let loader = Loader::new(vec![Job::with_input(b"x")], first);
    assert_eq!(serve_loader(&load(ECHO), &loader), Ok(Ended::Shutdown));
    let state = loader.0.lock().unwrap();
    assert_eq!(state.probes.len(), 3);
    let errors: Vec<&str> = state.probes.iter().map(|probe| probe.error.as_str()).collect();
    assert!(state.probes.iter().any(|probe| probe.answer.as_deref() == Some(b"ping")));
    assert!(
        errors.iter().any(|error| error.contains("10.0.2.2:8 is not in the manifest's egress list")),
        "{errors:?}"
    );
    assert!(errors.iter().any(|error| error.contains("payload")), "{errors:?}");
}

fn outcome_of(jobs: Vec<Job>, first: Vec<(FrameKind, Vec<u8>)>) -> Result<Ended, ServiceError> {
    serve_loader(&load(ECHO), &Loader::new(jobs, first))
}

#[test]
fn input_beyond_the_credit_ends_the_guest() {
    // The component reads nothing, so no further credit excuses the loader.
    let job = Job { overrun: 100_000, ..Job::with_input(&vec![1; 3_500_000]) };
    let outcome = serve_loader(&load(SPIN), &Loader::new(vec![job], Vec::new()));
    assert!(matches!(outcome, Err(ServiceError::InputOverrun { job: 1, .. })), "{outcome:?}");
}

#[test]
fn input_beyond_the_stated_length_ends_the_guest() {
    let job = Job { stated_bytes: Some(10), overrun: 1, ..Job::with_input(&[1; 11]) };
    assert!(matches!(outcome_of(vec![job], Vec::new()), Err(ServiceError::InputOverrun { job: 1, .. })));
}

#[test]
fn credit_that_overflows_ends_the_guest() {
    let then = vec![(FrameKind::OUTPUT_CREDIT, encode_body(&Credit { bytes: u64::MAX }))];
    let job = Job { then, ..Job::with_input(b"x") };
    assert_eq!(outcome_of(vec![job], Vec::new()), Err(ServiceError::CreditOverflow { job: 1 }));
}

#[test]
fn frames_out_of_place_end_the_guest() {
    for kind in [FrameKind::READY, FrameKind::PSP_RESPONSE, FrameKind(0x7777), FrameKind::INPUT] {
        let outcome = outcome_of(Vec::new(), vec![(kind, Vec::new())]);
        assert_eq!(outcome, Err(ServiceError::Link(LinkError::UnexpectedFrame { found: kind.0 })));
    }
}

#[test]
fn job_numbers_only_rise() {
    let start = encode_body(&enclave_wire::control::JobStart {
        input_bytes: 0,
        wall_ns: 0,
        receipts: false,
        private: false,
    });
    assert_eq!(
        outcome_of(Vec::new(), vec![(FrameKind::JOB_START, start)]),
        Err(ServiceError::JobNumber { previous: 0, found: 0 })
    );
}

#[test]
fn bodies_that_do_not_decode_end_the_guest() {
    for kind in [FrameKind::PROBE, FrameKind::JOB_START] {
        let outcome = outcome_of(Vec::new(), vec![(kind, vec![0xFF; 9])]);
        assert!(matches!(outcome, Err(ServiceError::Link(LinkError::Body { .. }))), "{outcome:?}");
    }
}

#[test]
fn a_shutdown_during_a_job_ends_both() {
    let job = Job { then: vec![(FrameKind::SHUTDOWN, Vec::new())], ..Job::with_input(&vec![1; 3_000_000]) };
    let loader = Loader::new(vec![job], Vec::new());
    assert_eq!(serve_loader(&load(ECHO), &loader), Ok(Ended::Shutdown));
    assert!(loader.0.lock().unwrap().seen[0].done().claim.is_none());
}
