//! What a program stores, from one guest to the next.

use std::fs;

use enclave_wire::boot::ExitCode;
use enclave_wire::control::JobOutcome;
use image_builder::{AppToml, Image, Sources, build};
use loader_vmm::launch;

use crate::harness::{APP, JobResult, PATIENCE, Site, rom, run_job};
use crate::kept::assert_replays;
use crate::script::Script;

/// Counts its runs, and keeps something long beside.
pub(crate) fn counter() -> Vec<u8> {
    let value = "v".repeat(60_000);
    Script::new().open("a").increment("runs", 1).set("large", &value).exists("large").component()
}

pub(crate) fn image(rom: &[u8], component: &[u8], name: &str) -> Image {
    let storage = "[storage]\nkey_value_bytes = 200000\npersist = true\n";
    let text = format!("{}{storage}", APP.replace("\"test\"", name));
    let app = AppToml::parse(&text).expect("it is valid");
    build(Sources { component, app: &app, rom }).expect("an image")
}

fn site(image: &Image) -> Site {
    let mut site = Site::new(image);
    site.keeps_state = true;
    site
}

/// Starts a guest, runs one job and ends the guest in order.
fn run_once(site: &Site) -> JobResult {
    let guest = site.launch();
    let job = run_job(&guest, b"");
    job.assert_success();
    assert!(guest.stop(PATIENCE).is_clean());
    job
}

#[track_caller]
fn assert_sum(job: &JobResult, sum: u32) {
    let said = String::from_utf8_lossy(&job.output);
    assert!(said.starts_with(&format!("opened\nsum {sum}\n")), "{said}");
}

#[test]
fn what_is_stored_outlasts_the_guest() {
    let Some(rom) = rom() else { return };
    let component = counter();
    let site = site(&image(rom, &component, "\"test\""));
    let jobs = [run_once(&site), run_once(&site)];
    // One that is killed has given out what its last job stored, before it said that it was done.
    let guest = site.launch();
    assert_sum(&run_job(&guest, b""), 3);
    assert_sum(&run_job(&guest, b""), 4);
    guest.kill();
    assert_sum(&run_once(&site), 5);
    for (job, sum) in jobs.iter().zip(1..) {
        assert_sum(job, sum);
        // What was read is in the transcript, so a replay needs no state.
        assert_replays(job, &component, b"");
    }
    let sealed = fs::read(site.state_file()).expect("the state is there");
    assert!(sealed.len() > 60_000 && !sealed.windows(20).any(|bytes| bytes == [b'v'; 20]), "nobody reads it");
    // An old state is one that the host may give back. It is told by its number.
    assert!(site.log().contains("state number 4: "), "{}", site.log());
}

/// A job that keeps a tally in a file: it prints what is there, and appends its input.
#[test]
fn files_outlast_the_guest() {
    let Some(rom) = rom() else { return };
    let text = include_str!("../../../../enclave/runtime/tests/files/tally.wat");
    let component = wat::parse_str(text).expect("the test's text is valid");
    let app = format!("{APP}[storage]\nfiles_bytes = 1000000\npersist = true\n");
    let app = AppToml::parse(&app).expect("it is valid");
    let site = site(&build(Sources { component: &component, app: &app, rom }).expect("an image"));
    // What the last one ended with.
    let mut left = None;
    let mut assert_prints = |job: &JobResult, input: &str, printed: &str| {
        job.assert_success();
        assert_eq!(String::from_utf8_lossy(&job.output), printed);
        let files = assert_replays(job, &component, input.as_bytes()).expect("it keeps files");
        assert_eq!(files.began_with, left);
        left = files.ended_with;
        assert!(left.is_some());
    };
    let guest = site.launch();
    assert_prints(&run_job(&guest, b"x"), "x", "");
    assert_prints(&run_job(&guest, b"b"), "b", "x");
    // One that traps leaves what it found.
    let trapped = run_job(&guest, b"t");
    assert_eq!(trapped.done.outcome, JobOutcome::Trapped);
    let files = assert_replays(&trapped, &component, b"t").expect("it keeps files");
    assert!(files.began_with.is_some() && files.ended_with.is_none());
    assert!(guest.stop(PATIENCE).is_clean());

    let sealed = fs::read(site.state_file()).expect("the state is there");
    assert!(
        sealed.len() > 150_000 && !sealed.windows(20).any(|bytes| bytes == [b'B'; 20]),
        "nobody reads it"
    );
    let guest = site.launch();
    let job = run_job(&guest, b"y");
    assert_prints(&job, "y", "xb");
    assert!(job.transcript.len() > 150_000, "it began with all of them");
    guest.kill();
    assert!(site.log().contains("state number 2: 0 bytes of keys and values, 150"), "{}", site.log());
}

#[test]
fn a_state_opens_for_its_image_on_its_chip_alone() {
    let Some(rom) = rom() else { return };
    let component = counter();
    let site = site(&image(rom, &component, "\"test\""));
    run_once(&site);
    let state = fs::read(site.state_file()).expect("the state is there");
    let refused = |state: &[u8]| {
        fs::write(site.state_file(), state).expect("the state is written");
        let ending = site.failed_launch();
        ending.assert(ExitCode::Refused, &["state: "]);
        assert_eq!(
            fs::read(site.state_file()).expect("it is there"),
            state,
            "what was refused stays as it was"
        );
    };
    let mut changed = state.clone();
    changed[state.len() / 2] ^= 1;
    refused(&changed);
    refused(&state[..state.len() - 1]);
    refused(b"");
    // More than the store can be: nothing of it is looked at.
    fs::write(site.state_file(), vec![0; 200_000 + 4096 + 1]).expect("the state is written");
    site.failed_launch().assert(ExitCode::Refused, &["opt/redoubt/state", "expected at most 204096 bytes"]);
    fs::write(site.state_file(), &state).expect("the state is written");
    assert_sum(&run_once(&site), 2);

    // Another manifest, and another chip.
    let other = self::site(&image(rom, &component, "\"other\""));
    fs::write(other.state_file(), &state).expect("the state is written");
    other.failed_launch().assert(ExitCode::Refused, &["state: "]);
    fs::remove_file(site.path().join("chip")).expect("there was a chip");
    site.failed_launch().assert(ExitCode::Refused, &["state: "]);
}

#[test]
fn the_file_is_named_when_it_is_needed_and_only_then() {
    let Some(rom) = rom() else { return };
    let component = counter();
    let mut site = site(&image(rom, &component, "\"test\""));
    let _guest = site.launch();
    let second = launch(&site.config()).expect_err("another guest has the state").to_string();
    assert!(second.contains("is the state of another guest that runs"), "{second}");
    site.keeps_state = false;
    let without = launch(&site.config()).expect_err("nowhere to keep it").to_string();
    assert!(without.contains("--state"), "{without}");
    let app = AppToml::parse(APP).expect("it is valid");
    let forgets = build(Sources { component: &component, app: &app, rom }).expect("an image");
    let with = launch(&self::site(&forgets).config()).expect_err("nothing to keep").to_string();
    assert!(with.contains("storage.persist is false"), "{with}");
}
