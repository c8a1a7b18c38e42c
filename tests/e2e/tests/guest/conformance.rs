//! The component of `tests/conformance` in the guest: its outcomes are those that are written down, and its runs replay.

use std::path::PathBuf;
use std::{env, fs, io};

use enclave_wire::control::JobOutcome;
use image_builder::{AppToml, Sources, build};
use loader_replay::{Claimed, Pieces, Tuning, replay};
use tests_needs::Need;

use crate::harness::{APP, JobResult, PATIENCE, Site, rom, run_job};

const EXPECTED: &str = include_str!("../../../conformance/expected.txt");

#[test]
fn the_guest_does_what_other_engines_do() {
    let Some(rom) = rom() else { return };
    let Some(component) = env::var_os("REDOUBT_CONFORMANCE").map(PathBuf::from) else {
        return Need::Conformance.missing("REDOUBT_CONFORMANCE names no component");
    };
    let component = fs::read(component).expect("the component can be read");
    let app = APP
        .replace("name = \"test\"", "name = \"job\"\nargs = [\"one\"]\nwall_clock = \"host\"")
        .replace("[env]", "[env]\nNAME = \"value\"\n[storage]\nfiles_bytes = 1048576");
    let app = AppToml::parse(&app).expect("the test's app.toml is valid");
    let image = build(Sources { component: &component, app: &app, rom }).expect("an image");
    let guest = Site::new(&image).launch();
    let jobs = ["everything", "exit-with-code"].map(|input| (input, run_job(&guest, input.as_bytes())));
    assert!(guest.stop(PATIENCE).is_clean());
    let mut output = String::new();
    for ((input, job), code) in jobs.iter().zip([0, 7]) {
        output.push_str(&String::from_utf8_lossy(&job.output));
        assert_eq!(job.done.outcome, JobOutcome::Exited { code }, "{}\n{output}", job.done.detail);
        assert_replays(job, &component, input);
    }
    for (found, expected) in output.lines().zip(EXPECTED.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(output, EXPECTED);
}

fn assert_replays(job: &JobResult, component: &[u8], input: &str) {
    let claimed = Claimed::read(job.claim_bytes()).expect("the claim is whole");
    for tuning in [Tuning::Guest, Tuning::Baseline, Tuning::Interpreter] {
        let input = Box::new(io::Cursor::new(input.as_bytes().to_vec()));
        let (output, error_output) = (Box::new(io::sink()), Box::new(io::sink()));
        let transcript = job.transcript.clone();
        let pieces = Pieces { component, transcript, input, output, error_output, tuning };
        let verdict = replay(&claimed, pieces).unwrap_or_else(|error| panic!("{tuning:?}: {error}"));
        assert!(verdict.is_equal(), "{tuning:?}: {verdict:?}");
    }
}
