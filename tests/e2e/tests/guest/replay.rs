//! Claims of the guest, run once more without it.

use std::io;

use attestation_transcript::{Kind, Reader};
use enclave_wire::control::JobOutcome;
use loader_replay::{Claimed, Pieces, ReplayError, Tuning, Verdict, replay};

use crate::harness::components::{self, component};
use crate::harness::{APP, JobResult, PATIENCE, Site, build_image_as, rom, run_job};

const TUNINGS: [Tuning; 3] = [Tuning::Guest, Tuning::Baseline, Tuning::Interpreter];

/// Everything that a job can learn: time, randomness, what is ready; and its input.
const LEARN: &str = r#"(import "env" "memory" (memory 1))
    (import "wasi" "stdin" (func $stdin (result i32)))
    (import "wasi" "stdout" (func $stdout (result i32)))
    (import "wasi" "read" (func $read (param i32 i64 i32)))
    (import "wasi" "write-all" (func $write-all (param i32 i32 i32 i32)))
    (import "wasi" "now" (func $now (result i64)))
    (import "wasi" "wall-now" (func $wall-now (param i32)))
    (import "wasi" "random-u64" (func $random (result i64)))
    (import "wasi" "subscribe-duration" (func $subscribe (param i64) (result i32)))
    (import "wasi" "block" (func $block (param i32)))
    (func (export "run") (result i32)
        (i64.store (i32.const 0) (call $now))
        (i64.store (i32.const 8) (call $random))
        (call $block (call $subscribe (i64.const 2000000)))
        (i64.store (i32.const 16) (call $now))
        (call $wall-now (i32.const 24))
        (call $read (call $stdin) (i64.const 64) (i32.const 48))
        (call $write-all (call $stdout) (i32.const 0) (i32.const 48) (i32.const 64))
        i32.const 0)"#;

fn replayed(job: &JobResult, fields: &str, input: &[u8], tuning: Tuning) -> Result<Verdict, ReplayError> {
    replayed_from(job, job.transcript.clone(), &component(fields), input, tuning)
}

fn replayed_from(
    job: &JobResult,
    transcript: Vec<u8>,
    component: &[u8],
    input: &[u8],
    tuning: Tuning,
) -> Result<Verdict, ReplayError> {
    let claimed = Claimed::read(job.claim_bytes())?;
    let input = Box::new(io::Cursor::new(input.to_vec()));
    let (output, error_output) = (Box::new(io::sink()), Box::new(io::sink()));
    replay(&claimed, Pieces { component, transcript, input, output, error_output, tuning })
}

fn assert_replays(job: &JobResult, fields: &str, input: &[u8]) {
    assert_replays_of(job, &component(fields), input);
}

/// Runs a job once more in every way there is, and expects the same of each.
pub(crate) fn assert_replays_of(job: &JobResult, component: &[u8], input: &[u8]) {
    assert_replays_by(job, component, input, &TUNINGS);
}

/// Likewise, in these ways.
pub(crate) fn assert_replays_by(job: &JobResult, component: &[u8], input: &[u8], tunings: &[Tuning]) {
    for &tuning in tunings {
        let verdict = replayed_from(job, job.transcript.clone(), component, input, tuning)
            .unwrap_or_else(|error| panic!("{tuning:?}: {error}"));
        assert!(verdict.is_equal(), "{tuning:?}: {verdict:?}");
    }
}

#[test]
fn what_the_guest_learnt_is_replayed_by_every_engine() {
    let Some(rom) = rom() else { return };
    let app = APP.replace("egress = []", "egress = []\nwall_clock = \"host\"");
    let guest = Site::new(&build_image_as(rom, LEARN, &app)).launch();
    let (first, second) = (run_job(&guest, b"some input"), run_job(&guest, b"some input"));
    assert!(guest.stop(PATIENCE).is_clean());
    for job in [&first, &second] {
        job.assert_success();
        assert_replays(job, LEARN, b"some input");
    }
    assert_ne!(first.output, second.output, "time and randomness differ from run to run");
    let kinds: Vec<Kind> = Reader::new(&first.transcript).unwrap().map(|entry| entry.unwrap().kind).collect();
    let now = Kind::MONOTONIC_NOW;
    assert_eq!(kinds, [now, now, now, Kind::WALL_NOW, Kind::END]);

    // A transcript of another run, another input, another component: each is called that.
    let other =
        replayed_from(&first, second.transcript.clone(), &component(LEARN), b"some input", Tuning::Guest);
    assert!(matches!(other, Err(ReplayError::Transcript(_))), "{other:?}");
    let other = replayed(&first, LEARN, b"more input", Tuning::Guest);
    assert!(matches!(other, Err(ReplayError::OtherFile { file: "input", .. })), "{other:?}");
    let other = replayed(&first, components::NOTHING, b"some input", Tuning::Guest);
    assert!(matches!(other, Err(ReplayError::OtherFile { file: "component", .. })), "{other:?}");
}

#[test]
fn runs_that_ended_badly_are_replayed_to_their_end() {
    let Some(rom) = rom() else { return };
    for (fields, limit) in [(components::SPIN, "limits.wall_ms"), (RECURSE, "limits.call_stack_bytes")] {
        let app = APP.replace("wall_ms = 30000", "wall_ms = 300");
        let guest = Site::new(&build_image_as(rom, fields, &app)).launch();
        let job = run_job(&guest, b"");
        assert!(guest.stop(PATIENCE).is_clean());
        assert_eq!(
            job.done.outcome,
            JobOutcome::LimitExceeded { limit: limit.to_owned() },
            "{}",
            job.done.detail
        );
        assert_replays(&job, fields, b"");
    }
}

#[test]
fn every_way_to_end_is_replayed() {
    let Some(rom) = rom() else { return };
    let app = APP.replace("fuel = 10000000000", "fuel = 300000000");
    let guest = Site::new(&build_image_as(rom, components::MOODY, &app)).launch();
    for mood in [&b"s"[..], b"g", b"o", b"t", b"h", b"b", b"x", b"y", b""] {
        let job = run_job(&guest, mood);
        let verdict = replayed(&job, components::MOODY, mood, Tuning::Guest).unwrap();
        assert!(verdict.is_equal(), "{mood:?}: {verdict:?}");
    }
    assert!(guest.stop(PATIENCE).is_clean());
}

/// Uses up the stack.
const RECURSE: &str = r#"(func $f (param i64) (result i64)
        (i64.add (local.get 0) (call $f (i64.add (local.get 0) (i64.const 1)))))
    (func (export "run") (result i32) (i32.wrap_i64 (call $f (i64.const 0))))"#;
