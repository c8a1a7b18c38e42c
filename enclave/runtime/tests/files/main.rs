//! Files that a job leaves to the next: what both see of them, and what transcripts say of it.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]
#![expect(clippy::expect_used, reason = "what cannot be set up fails the test")]

mod harness;

use attestation_transcript::Kind;
use enclave_runtime::{Files, Job, JobLimits, Limit, Outcome};

use crate::harness::{Entry, Host, JOB, forge, kinds, part_from, run, run_as};

/// Runs the tally once after the other on the files of the one before.
fn run_all(commands: &str) -> Host {
    commands.bytes().fold(Host::default(), |host, command| run(command, &host).1)
}

#[test]
fn a_job_begins_with_what_the_one_before_ended_with() {
    let mut host = Host::default();
    for (command, printed) in [(b'x', ""), (b'y', "x"), (b'e', "xy"), (b'z', "xye")] {
        let (report, next) = run(command, &host);
        let code = if command == b'e' { 3 } else { 0 };
        assert_eq!(report.outcome, Outcome::Exited { code });
        assert_eq!(String::from_utf8_lossy(&next.stdout), printed);
        assert_eq!(kinds(&next.transcript), [Kind::FILES, Kind::FILES, Kind::END]);
        host = next;
    }
    // All that there is, is in the next one's transcript: whoever has that needs nothing else.
    let (_, next) = run(b'd', &host);
    let holds = |bytes: &[u8]| next.transcript.windows(bytes.len()).any(|window| window == bytes);
    assert!(holds(&host.files) && holds(b"xyez"));
    assert_eq!(run(b'x', &next).1.stdout, b"", "the file was taken away");
}

#[test]
fn a_job_that_does_not_end_by_itself_leaves_nothing() {
    let host = run_all("x");
    for (command, limit) in [(b't', None), (b'l', Some(Limit::Fuel))] {
        let (report, next) = run(command, &host);
        match (limit, report.outcome) {
            (None, Outcome::Trapped { .. }) => {}
            (Some(limit), found) => assert_eq!(found, Outcome::LimitExceeded { limit }),
            (None, found) => panic!("expected a trap, found {found:?}"),
        }
        assert_eq!((next.keeps, kinds(&next.transcript)), (1, vec![Kind::FILES, Kind::END]));
        assert_eq!(next.files, host.files);
        assert_eq!(run(b'x', &next).1.stdout, b"x");
    }
}

#[test]
fn long_files_come_in_pieces_as_the_host_takes_them() {
    let host = run_all("b");
    assert!(host.files.len() > 150_000);
    let (_, next) = run(b'x', &host);
    assert_eq!(next.stdout, b"b");
    assert_eq!(kinds(&next.transcript), [Kind::FILES, Kind::FILES, Kind::FILES, Kind::FILES, Kind::END]);
    let slow = Host { pieces_per_pump: Some(1), ..host.clone() };
    let (_, slow) = run(b'x', &slow);
    assert!(slow.transcript == next.transcript && slow.pumps >= 3, "{} pumps", slow.pumps);
    assert_eq!(slow.files, next.files);
}

/// The harness replays these as well.
#[test]
fn time_and_length_can_end_a_job_that_has_not_begun() {
    let host = run_all("b");
    let never = Host { pieces_per_pump: Some(0), tick_ns: 100_000_000, ..host.clone() };
    let (report, next) = run(b'x', &never);
    assert_eq!(report.outcome, Outcome::LimitExceeded { limit: Limit::Wall });
    assert_eq!(kinds(&next.transcript), [Kind::STRUCK, Kind::END]);

    let limits = JobLimits { transcript_bytes: 100_000, ..JOB.limits };
    let (report, next) = run_as(&Job { limits, ..JOB }, b'x', &host);
    assert_eq!(report.outcome, Outcome::LimitExceeded { limit: Limit::Transcript });
    assert_eq!(kinds(&next.transcript), [Kind::FILES, Kind::FILES, Kind::STRUCK, Kind::END]);
    assert_eq!((next.keeps, report.usage.fuel), (1, 0));
}

#[test]
fn a_run_that_keeps_none_says_nothing_of_them() {
    let host = run_all("x");
    let (_, next) = run_as(&Job { keeps_files: false, ..JOB }, b'y', &host);
    assert_eq!((next.stdout.as_slice(), next.keeps), (&b""[..], 1));
    assert_eq!(kinds(&next.transcript), [Kind::END]);
}

/// Kept by nobody who looked at them: the machine's fault.
#[test]
fn files_that_do_not_open_are_no_components_fault() {
    let host = Host { files: b"redoubt-files-1\nwhat".to_vec(), ..Host::default() };
    let (report, _) = run(b'x', &host);
    assert!(matches!(report.outcome, Outcome::Failed { .. }), "{:?}", report.outcome);
    assert!(report.transcript.is_none());
}

#[test]
fn what_a_lying_guest_says_of_files_is_refuted() {
    let host = run_all("x");
    let (_, next) = run(b'y', &host);
    assert_eq!(part_from(b'y', forge(&next, |_| {})), None, "unchanged");
    let parting = |change: fn(&mut Vec<Entry>)| {
        let parting = part_from(b'y', forge(&next, change)).expect("they part");
        assert_eq!(parting.found.kind, Kind::FILES, "{parting}");
        (parting.entry, parting.found.detail)
    };
    // Other files at the start make others at the end.
    let (entry, detail) = parting(|entries| {
        let place = entries[0].2.iter().rposition(|byte| *byte == b'x').expect("the tally's byte");
        entries[0].2[place] = b'w';
    });
    assert_eq!((entry, detail.as_str()), (1, "with other files at its end"));
    let (entry, _) = parting(|entries| entries[1].2[7] ^= 1);
    assert_eq!(entry, 1, "others at the end alone");
    let (entry, _) = parting(|entries| drop(entries.remove(1)));
    assert_eq!(entry, 1, "nothing said of the end");
    let (entry, detail) = parting(|entries| entries[0].2.truncate(40));
    assert_eq!(entry, 0);
    assert!(detail.contains("snapshot, ") && detail.contains("makes no sense"), "{detail}");
    let (entry, _) = parting(|entries| entries[0].2[0] = 0);
    assert_eq!(entry, 1, "more was to come");
    let (entry, _) = parting(|entries| entries[0].2[0] = 3);
    assert_eq!(entry, 0, "no piece");
    let (entry, _) = parting(|entries| drop(entries.remove(0)));
    assert_eq!(entry, 0, "they are not there");
}

#[test]
fn snapshots_are_those_of_the_limit() {
    let host = run_all("b");
    let files = Files::read(&host.files, 1 << 20).expect("they fit");
    assert_eq!(files.snapshot(), host.files);
    assert!(Files::read(&host.files, 100_000).is_err(), "they are more than that");
}
