//! Where a run and its transcript part, and that the place is named.

use attestation_transcript::{Header, Kind, MAGIC, Reader, Root, Writer};
use enclave_runtime::{Job, JobLimits, JobReport, Limit, Outcome, Parting, Program, Transcript, replay_job};

use crate::harness::{JOB, LIMITS, TestHost, component, load, replay, run_with};

/// Looks at the clock three times, with `between` before the third.
fn clock(between: &str) -> String {
    format!(
        r#"(import "wasi" "now" (func $now (result i64)))
        (import "wasi" "random-u64" (func $random (result i64)))
        (func $look (drop (call $now)))
        (func (export "run") (result i32) (call $look) (call $look) {between} (call $look) i32.const 0)"#
    )
}

fn program(fields: &str) -> Program {
    load(&component(fields)).expect("the test's component loads")
}

fn record(fields: &str) -> (JobReport, TestHost) {
    run_with(&component(fields), &LIMITS, TestHost { look_ns: 7, ..TestHost::default() })
}

fn part(recorded: &(JobReport, TestHost), fields: &str) -> Parting {
    let (report, host) = recorded;
    let (replayed, _) = replay(&program(fields), &JOB, report, &host.transcript, [].into());
    replayed.parting.expect("the runs part")
}

/// The same entries but for what `change` makes of them, under a root of their own: what a lying guest could sign.
fn forge(host: &TestHost, change: impl Fn(u64, &mut Vec<(Kind, u64, Vec<u8>)>)) -> (Vec<u8>, Root) {
    let mut reader = Reader::new(&host.transcript).expect("it is whole");
    let header: Header = *reader.header();
    let mut entries = Vec::new();
    for entry in reader.by_ref().map(Result::unwrap) {
        entries.push((entry.kind, entry.fuel, entry.payload.to_vec()));
        change(entry.number, &mut entries);
    }
    let mut writer = Writer::new(&header);
    for (kind, fuel, payload) in &entries {
        writer.append(*kind, *fuel, payload).expect("the entry fits");
    }
    let finished = writer.finish().expect("nothing is too long");
    let mut bytes = MAGIC.to_vec();
    finished.segments.iter().for_each(|segment| bytes.extend_from_slice(segment));
    (bytes, finished.root)
}

fn part_from(fields: &str, (bytes, root): (Vec<u8>, Root)) -> Option<Parting> {
    let transcript = Transcript::read(bytes, &root, &JOB.run).expect("it is whole");
    replay_job(&program(fields), &JOB, transcript, TestHost::default()).0.parting
}

#[test]
fn another_instruction_shows_at_the_next_call() {
    let recorded = record(&clock(""));
    for between in ["nop (drop (i32.const 1))", "(drop (call $random)) "] {
        let parting = part(&recorded, &clock(between));
        assert_eq!((parting.entry, parting.found.kind), (2, Kind::MONOTONIC_NOW));
        let expected = parting.recorded.as_ref().unwrap();
        assert_eq!(expected.kind, Kind::MONOTONIC_NOW);
        assert!(expected.fuel_used < parting.found.fuel_used, "{parting}");
        assert!(parting.backtrace.contains("look"), "{parting}");
    }
}

#[test]
fn another_call_is_named() {
    let wall = r#"(import "wasi" "now" (func $now (result i64)))
        (import "wasi" "wall-now" (func $wall (param i32)))
        (func $look (drop (call $now)))
        (func (export "run") (result i32) (call $look) (call $wall (i32.const 0)) i32.const 0)"#;
    let parting = part(&record(&clock("")), wall);
    assert_eq!((parting.entry, parting.found.kind), (1, Kind::WALL_NOW));
    let text = parting.to_string();
    assert!(
        text.contains("entry 1") && text.contains("wall-now") && text.contains("monotonic-now"),
        "{text}"
    );
}

#[test]
fn more_and_fewer_calls_are_named() {
    let recorded = record(&clock(""));
    let more = part(&recorded, &clock("(call $look)"));
    assert_eq!(more.entry, 3, "{more}");
    let fewer = r#"(import "wasi" "now" (func $now (result i64)))
        (func $look (drop (call $now)))
        (func (export "run") (result i32) (call $look) (call $look) i32.const 0)"#;
    let fewer = part(&recorded, fewer);
    assert_eq!((fewer.entry, fewer.found.kind), (2, Kind::END), "{fewer}");
}

#[test]
fn entries_that_a_lying_guest_removed_swapped_added_or_changed_are_named() {
    let fields = clock("(drop (call $random))");
    let (_, host) = record(&fields);
    assert_eq!(part_from(&fields, forge(&host, |_, _| {})), None, "unchanged");
    let removed = forge(&host, |number, entries| {
        if number == 1 {
            entries.pop();
        }
    });
    assert_eq!(part_from(&fields, removed).map(|parting| parting.entry), Some(1));
    let added = forge(&host, |number, entries| {
        if number == 1 {
            entries.push(entries[1].clone());
        }
    });
    assert_eq!(part_from(&fields, added).map(|parting| parting.entry), Some(2));
    let kind = forge(&host, |number, entries| {
        if number == 1 {
            entries[1].0 = Kind::WALL_NOW;
        }
    });
    assert_eq!(part_from(&fields, kind).map(|parting| parting.entry), Some(1));
    let payload = forge(&host, |number, entries| {
        if number == 1 {
            entries[1].2 = vec![1; 9];
        }
    });
    let parting = part_from(&fields, payload).unwrap();
    assert_eq!(parting.entry, 1);
    assert!(parting.found.detail.contains("makes no sense"), "{parting}");
    let outcome = forge(&host, |_, entries| {
        if let Some((Kind::END, _, payload)) = entries.last_mut() {
            *payload = vec![0, 1];
        }
    });
    assert_eq!(part_from(&fields, outcome).map(|parting| parting.found.kind), Some(Kind::END));
}

/// A guest that says its run ended by time, or somewhere else than it did.
#[test]
fn an_end_by_time_is_found_again_or_refuted() {
    let spin = r#"(func (export "run") (result i32) (loop $l (br $l)) i32.const 0)"#;
    let limits = JobLimits { wall_ms: 3, fuel: 200_000_000, ..LIMITS };
    let host = TestHost { tick_ns: 1_000_000, ..TestHost::default() };
    let (report, host) = run_with(&component(spin), &limits, host);
    assert_eq!(report.outcome, Outcome::LimitExceeded { limit: Limit::Wall });
    let job = Job { limits, ..JOB };
    let struck = |slices: u8| {
        let (bytes, root) = forge(&host, |_, entries| {
            if let Some((Kind::STRUCK, _, payload)) = entries.last_mut() {
                payload[2] = slices;
            }
        });
        let transcript = Transcript::read(bytes, &root, &job.run).unwrap();
        replay_job(&program(spin), &job, transcript, TestHost::default()).0.parting
    };
    let slices = host.pumps.try_into().unwrap();
    assert_eq!(struck(slices), None, "where it was");
    for wrong in [slices - 1, slices + 1, 0] {
        assert!(struck(wrong).is_some(), "{wrong} slices");
    }
}

/// In native code a trap is a call of the engine's, after which time can be up; the interpreter makes no such call.
#[test]
fn time_that_is_up_in_a_trap() {
    let host = TestHost { look_ns: 600_000_000, ..TestHost::default() };
    let trap = component(r#"(func (export "run") (result i32) unreachable)"#);
    let (report, _) = run_with(&trap, &LIMITS, host);
    assert_eq!(report.outcome, Outcome::LimitExceeded { limit: Limit::Wall });
}
