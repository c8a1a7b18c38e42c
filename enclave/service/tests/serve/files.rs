//! Files that one job leaves to the next, in this guest and in a later one.

use std::sync::LazyLock;

use enclave_runtime::{Files, Program};
use enclave_service::Ended;
use enclave_wire::control::JobOutcome;
use enclave_wire::frame::FrameKind;

use crate::components::load_component;
use crate::loader::{self, Job, Loader, Seen, serve_stored};

pub(crate) const KEY_VALUE_BYTES: u64 = 500_000;
pub(crate) const FILES_BYTES: u64 = 2_000_000;

/// One that keeps both.
pub(crate) static MANIFEST: LazyLock<String> = LazyLock::new(|| {
    let storage =
        format!(r#""key_value_bytes":{KEY_VALUE_BYTES},"files_bytes":{FILES_BYTES},"persist":true"#);
    loader::MANIFEST.replace(r#""key_value_bytes":4096,"files_bytes":0,"persist":false"#, &storage)
});

fn tally() -> Program {
    load_component(
        &wat::parse_str(include_str!("../../../runtime/tests/files/tally.wat")).expect("it is valid"),
    )
}

fn jobs(commands: &[&str]) -> Vec<Job> {
    commands.iter().map(|command| Job::with_input(command.as_bytes())).collect()
}

/// What the loader saw, and the states that it got.
fn serve(state: Option<Vec<u8>>, jobs: Vec<Job>) -> (Vec<Seen>, Vec<(usize, Vec<u8>)>) {
    let loader = Loader::new(jobs, Vec::new());
    assert_eq!(serve_stored(&MANIFEST, state, &tally(), &loader), Ok(Ended::Shutdown));
    let state = loader.0.lock().expect("one thread");
    (state.seen.clone(), state.saved.clone())
}

fn printed(seen: &[Seen]) -> Vec<String> {
    seen.iter().map(|seen| String::from_utf8(seen.output.clone()).expect("it is text")).collect()
}

#[test]
fn the_next_job_begins_with_what_the_last_one_left_and_the_next_guest_too() {
    let (seen, saved) = serve(None, jobs(&["x", "y", "t", "e", "z"]));
    assert_eq!(printed(&seen), ["", "x", "xy", "xy", "xye"]);
    assert_eq!(seen[2].done().outcome, JobOutcome::Trapped);
    assert_eq!(saved.iter().map(|(job, _)| *job).collect::<Vec<_>>(), [1, 2, 4, 5], "a trap changes nothing");
    for seen in &seen {
        let entries = seen.verify_transcript().entries;
        assert_eq!(entries, if seen.done().outcome == JobOutcome::Trapped { 2 } else { 3 });
    }
    let (_, last) = saved.last().expect("there is one");
    let (seen, _) = serve(Some(last.clone()), jobs(&["d", "x"]));
    assert_eq!(printed(&seen), ["xyez", ""]);
}

/// Its claim is not signed, so nobody could tell where the files of the next one come from.
#[test]
fn a_job_that_is_cancelled_leaves_nothing() {
    let cancelled = Job { then: vec![(FrameKind::JOB_CANCEL, Vec::new())], ..Job::with_input(b"y") };
    let jobs = [Job::with_input(b"x"), cancelled, Job::with_input(b"z")];
    let (seen, saved) = serve(None, jobs.into());
    assert_eq!(seen[1].done().outcome, JobOutcome::Cancelled);
    assert_eq!((printed(&seen)[2].as_str(), saved.len()), ("x", 2));
}

/// It has ended by itself, and its transcript is on the way.
#[test]
fn a_job_that_is_cancelled_at_its_end_leaves_nothing() {
    let cancelled = Job { credit_step: Some(10), cancels_late: true, ..Job::with_input(b"y") };
    let jobs = [Job::with_input(b"x"), cancelled, Job::with_input(b"z")];
    let (seen, saved) = serve(None, jobs.into());
    assert_eq!((&seen[1].done().outcome, seen[1].output.as_slice()), (&JobOutcome::Cancelled, &b"x"[..]));
    assert_eq!((printed(&seen)[2].as_str(), saved.len()), ("x", 2));
}

#[test]
fn long_files_wait_for_the_loader() {
    let slow = Job { credit_step: Some(10_000), ..Job::with_input(b"x") };
    let (seen, _) = serve(None, vec![Job::with_input(b"b"), slow]);
    assert_eq!(seen[1].output, b"b");
    assert!(seen[1].verify_transcript().bytes > 150_000);
}

/// A snapshot with one file that takes almost all there may be.
pub(crate) fn one_file(byte: u8) -> Vec<u8> {
    let bytes = vec![byte + 1; 29 * 65_536];
    snapshot(&["file".into()], &bytes)
}

/// A snapshot of almost as many files as there may be.
pub(crate) fn many_files(byte: u8) -> Vec<u8> {
    let names: Vec<String> = (100..580).map(|name: u32| name.to_string()).collect();
    snapshot(&names, &[byte + 1; 2000])
}

/// The format is that of `enclave/filesystem/src/snapshot.rs`. Each file has the same bytes.
fn snapshot(names: &[String], bytes: &[u8]) -> Vec<u8> {
    let number = |number: usize| (number as u64).to_le_bytes();
    let mut snapshot = b"redoubt-files-1\n\x01\x00".to_vec();
    snapshot.extend(number(names.len()));
    for (name, record) in names.iter().zip(1..) {
        snapshot.push(2);
        snapshot.extend([number(record), number(name.len())].concat());
        snapshot.extend(name.as_bytes());
    }
    for _ in names {
        snapshot.extend([2, 0]);
        snapshot.extend([number(bytes.len()), number(bytes.len().div_ceil(65_536))].concat());
        for (block, bytes) in bytes.chunks(65_536).enumerate() {
            snapshot.extend([number(block), number(bytes.len())].concat());
            snapshot.extend(bytes);
        }
    }
    assert!(Files::read(&snapshot, FILES_BYTES / 2).is_err(), "it is large");
    snapshot
}
