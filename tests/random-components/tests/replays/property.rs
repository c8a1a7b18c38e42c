//! What holds for every number, and that it would be noticed if it did not.

use core::num::NonZeroUsize;
use core::ops::Range;
use std::path::Path;
use std::thread;

use enclave_runtime::{Limit, Outcome, Tuning};
use tests_random_components::{Campaign, Finding, RandomComponent};

use crate::claims::{Recorded, Site};

/// What has to come up among a few hundred numbers.
const KINDS: [&str; 13] = [
    "exited with code 0",
    "exited with code 1",
    "exited with another code",
    "limits.call_stack_bytes",
    "limits.component_memory_bytes",
    "limits.fuel",
    "limits.output_bytes",
    "limits.transcript_bytes",
    "limits.wall_ms",
    "replayed by Baseline",
    "trap: out of bounds memory access",
    "trap: wasm `unreachable` instruction executed",
    "trap: undefined element: out of bounds table access",
];

#[test]
fn whoever_runs_a_component_finds_the_same() {
    campaign(0..300);
}

#[test]
#[ignore = "long: twenty minutes"]
fn whoever_runs_any_component_finds_the_same() {
    campaign(300..6000);
}

fn campaign(seeds: Range<u64>) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("random-components");
    let threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    Campaign::new(seeds, &folder).run(threads, &KINDS, judge);
}

fn judge(seed: u64, random: &RandomComponent) -> Finding {
    let site = Site::new(seed, random);
    let (native, interpreted) = (site.record(Tuning::Guest)?, site.record(Tuning::Interpreter)?);
    // Where time is up the two may differ: they do not look at the clock equally often. Replays need not.
    let is_out_of_time = native.report.outcome == Outcome::LimitExceeded { limit: Limit::Wall };
    if native != interpreted && !is_out_of_time {
        return Err(format!("native code: {native:?}\n  the interpreter: {interpreted:?}"));
    }
    let claim = site.sign(&native)?;
    let mut kinds = vec![ending(&native)];
    for tuning in [Tuning::Guest, Tuning::Baseline, Tuning::Interpreter] {
        match site.replay(&claim, &native, tuning) {
            Ok(verdict) if verdict.is_equal() => kinds.push(format!("replayed by {tuning:?}")),
            Ok(verdict) => return Err(format!("{tuning:?}: {verdict:?}")),
            // That is said, and is no verdict on the claim.
            Err(error) if tuning == Tuning::Baseline && error.to_string().contains("fused") => {}
            Err(error) => return Err(format!("{tuning:?}: no replay: {error}")),
        }
    }
    Ok(kinds)
}

fn ending(recorded: &Recorded) -> String {
    match &recorded.report.outcome {
        Outcome::Exited { code: code @ (0 | 1) } => format!("exited with code {code}"),
        Outcome::Exited { .. } => "exited with another code".to_owned(),
        Outcome::Trapped { message } => format!("trap: {message}"),
        Outcome::LimitExceeded { limit } => limit.as_str().to_owned(),
        other => format!("{other:?}"),
    }
}
