//! Random components in the guest, twice each, and their claims replayed outside of it.
//!
//! What components of other numbers do outside of the guest is in `tests/random-components`.

use core::num::NonZeroUsize;
use core::ops::Range;
use std::io::{self, Cursor};
use std::path::Path;

use attestation_artefact::{CALL_STACK_MIN_BYTES, base_config, instrument};
use attestation_claim::Outcome;
use loader_replay::{Claimed, Pieces, ReplayError, Tuning, Verdict, replay};
use tests_random_components::{Campaign, Finding, RandomComponent};
use wasmtime::Engine;

use crate::harness::{JobResult, PATIENCE, Site, build_image_of, rom, run_job};

/// Ways to end that have to come up among some sixty numbers.
const ENDINGS: [&str; 4] = ["exited", "limits.call_stack_bytes", "limits.fuel", "trapped"];

/// Limits that random components reach.
fn app(random: &RandomComponent) -> String {
    let wall_clock = if random.wall_clock { "host" } else { "none" };
    format!(
        r#"name = "test"
memory_mib = 64
egress = []
wall_clock = "{wall_clock}"
[env]
[limits]
component_memory_bytes = 2097152
fuel = 4000000
input_bytes = 1000
output_bytes = 2000
transcript_bytes = 20000
wall_ms = 20000
call_stack_bytes = {CALL_STACK_MIN_BYTES}
"#
    )
}

#[test]
fn what_random_components_do_in_the_guest_is_found_outside() {
    campaign(0..60);
}

#[test]
#[ignore = "long: hundreds of guests"]
fn what_any_component_does_in_the_guest_is_found_outside() {
    campaign(60..600);
}

fn campaign(seeds: Range<u64>) {
    let Some(rom) = rom() else { return };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("random-components");
    Campaign::new(seeds, &folder).run(NonZeroUsize::MIN, &ENDINGS, |_, random| judge(rom, random));
}

/// The second job comes after the first in the same guest: nothing of that one may be left.
fn judge(rom: &[u8], random: &RandomComponent) -> Finding {
    let guest = Site::new(&build_image_of(rom, &random.bytes, &app(random))).launch();
    let jobs = [run_job(&guest, &random.input), run_job(&guest, &random.input)];
    if !guest.stop(PATIENCE).is_clean() {
        return Err("the guest did not end in order".to_owned());
    }
    for (job, number) in jobs.iter().zip(1..) {
        for tuning in [Tuning::Guest, Tuning::Interpreter] {
            let verdict = replayed(job, random, tuning);
            let verdict = verdict.map_err(|error| format!("job {number}, {tuning:?}: no replay: {error}"))?;
            if !verdict.is_equal() {
                return Err(format!("job {number}, {tuning:?}: {verdict:?}"));
            }
        }
    }
    Ok(jobs.iter().map(kind).collect())
}

fn replayed(job: &JobResult, random: &RandomComponent, tuning: Tuning) -> Result<Verdict, ReplayError> {
    let pieces = Pieces {
        component: &random.bytes,
        transcript: job.transcript.clone(),
        input: Box::new(Cursor::new(random.input.clone())),
        output: Box::new(io::sink()),
        error_output: Box::new(io::sink()),
        tuning,
    };
    replay(&Claimed::read(job.claim_bytes())?, pieces)
}

fn kind(job: &JobResult) -> String {
    match &job.claim().claim().outcome {
        Outcome::Exited { .. } => "exited".to_owned(),
        Outcome::LimitExceeded { limit } => limit.to_string(),
        Outcome::Trapped => "trapped".to_owned(),
    }
}

/// The same component compiled by an engine that leaves NaNs as the processor makes them: a guest that runs this says
/// something else than everybody who replays its claim.
#[test]
fn nans_of_the_processors_own_refute_a_claim() {
    let Some(rom) = rom() else { return };
    // One that comes to where its witness makes a NaN.
    let exits = (0..40).find_map(|seed| {
        let random = RandomComponent::of(seed);
        let job = run_with_nans_of_the_processor(rom, &random);
        (kind(&job) == "exited").then_some((random, job))
    });
    let (random, job) = exits.expect("some components end by themselves");
    for tuning in [Tuning::Guest, Tuning::Interpreter] {
        let verdict = replayed(&job, &random, tuning).expect("it can be replayed");
        assert!(!verdict.is_equal(), "{tuning:?}: {verdict:?}");
    }
}

fn run_with_nans_of_the_processor(rom: &[u8], random: &RandomComponent) -> JobResult {
    let site = Site::new(&build_image_of(rom, &random.bytes, &app(random)));
    site.replace_artefact(&with_nans_of_the_processor(&random.bytes));
    let guest = site.launch();
    let job = run_job(&guest, &random.input);
    assert!(guest.stop(PATIENCE).is_clean());
    job
}

fn with_nans_of_the_processor(component: &[u8]) -> Vec<u8> {
    let mut config = base_config(CALL_STACK_MIN_BYTES);
    config.target("x86_64-unknown-none").expect("the compiler knows the guest");
    config.cranelift_nan_canonicalization(false);
    let engine = Engine::new(&config).expect("the settings fit together");
    let instrumented = instrument(component, CALL_STACK_MIN_BYTES).expect("the component is valid");
    engine.precompile_component(&instrumented).expect("the component is valid")
}
