//! Where a replay parts from a transcript that is not the run's.

use attestation_transcript::{Kind, Reader, Writer, verify_run};
use bytes::Bytes;
use enclave_http::Fields;
use enclave_runtime::{JobReport, Parting, Program, Transcript, Tuning, replay_job, run_job};

use crate::harness::{JOB, Piece, Script, TestHost, job, load};

/// Sends a request with a body and shows the response twice: as it is, and what is left of it after the letter `x`.
const EXCHANGE: &str = r#"(func $exchange (result i32) (local $request i32) (local $body i32) (local $out i32)
        (local.set $request (call $request (i32.const 4096) (global.get $length)))
        (local.set $body (call $outgoing (local.get $request)))
        (local.set $out (call $writer (local.get $body)))
        (local.set $request (call $send (local.get $request)))
        (if (i32.lt_s (local.get $request) (i32.const 0)) (then (return (local.get $request))))
        (drop (call $put (local.get $out) (i32.const 4096) (global.get $written)))
        (call $drop-out (local.get $out))
        (drop (call $finished (local.get $body)))
        (call $await (local.get $request)))
    (func (export "run") (result i32) (local $stream i32) (local $response i32)
        (local.set $response (call $exchange))
        (if (i32.lt_s (local.get $response) (i32.const 0)) (then (return (i32.const 1))))
        (local.set $stream (call $stream (call $body (local.get $response))))
        (loop $again
            (br_if $again (i32.ge_s (call $pull (local.get $stream) (i64.const 100)) (i32.const 0)))
            ;; What came last decides how much is done.
            (if (i32.eq (i32.load8_u (call $at)) (i32.const 120)) (then (call $say (i32.const 0)))))
        i32.const 0)"#;

/// The component, whose request has a path of this length and a body of this length.
fn component(path_bytes: usize, body_bytes: usize) -> Vec<u8> {
    job(&format!(
        "(global $length i32 (i32.const {path_bytes})) (global $written i32 (i32.const {body_bytes})) {EXCHANGE}"
    ))
}

struct Run {
    program: Program,
    report: JobReport,
    transcript: Vec<u8>,
}

fn run() -> Run {
    let program = load(&component(11, 5), Tuning::Guest);
    let body = [Piece::Silence(2), Piece::Bytes(Bytes::from_static(b"hello")), Piece::End(Fields::new())];
    let script = Script { head_after: 2, body: body.into(), ..Script::ok("") };
    let (report, host) = run_job(&program, &JOB, TestHost::with([script]));
    Run { program, report, transcript: host.transcript }
}

/// Kind, fuel and payload.
type Entry = (Kind, u64, Vec<u8>);

/// The entries of a run's transcript, changed, in a transcript that is whole.
fn changed(run: &Run, change: impl FnOnce(&mut Vec<Entry>)) -> Transcript {
    let root = run.report.transcript.as_ref().expect("a run has a transcript").root;
    let header = verify_run(&run.transcript, &root, &JOB.run).expect("it is whole").header;
    let entries = Reader::new(&run.transcript).expect("it is whole").map(|entry| entry.expect("it is whole"));
    let mut entries: Vec<Entry> =
        entries.map(|entry| (entry.kind, entry.fuel, entry.payload.to_vec())).collect();
    change(&mut entries);
    let mut writer = Writer::new(&header);
    for (kind, fuel, payload) in entries {
        writer.append(kind, fuel, &payload).expect("the entry fits");
    }
    let finished = writer.finish().expect("nothing is too long");
    let mut bytes = attestation_transcript::MAGIC.to_vec();
    finished.segments.iter().for_each(|segment| bytes.extend_from_slice(segment));
    Transcript::read(bytes, &finished.root, &JOB.run).expect("it is whole")
}

fn parting(program: &Program, transcript: Transcript) -> Parting {
    let (report, _) = replay_job(program, &JOB, transcript, TestHost::default());
    report.parting.expect("the run is not that of the transcript")
}

/// The place of the first entry of this kind.
fn place(entries: &[Entry], kind: Kind) -> usize {
    entries.iter().position(|entry| entry.0 == kind).expect("it has one")
}

#[test]
fn the_transcript_has_what_was_learnt_and_what_was_sent() {
    let run = run();
    let mut kinds = Vec::new();
    let whole = changed(&run, |entries| kinds.extend(entries.iter().map(|entry| entry.0)));
    assert_eq!(
        kinds,
        [
            Kind::HTTP_REQUEST,
            Kind::HTTP_REQUEST,
            Kind::HTTP_RESPONSE,
            Kind::HTTP_RESPONSE,
            Kind::STREAM_READ,
            Kind::STREAM_READ,
            Kind::END
        ],
        "head and body; nothing yet, and the head; the body's only piece, and its end"
    );
    let (report, _) = replay_job(&run.program, &JOB, whole, TestHost::default());
    assert_eq!(report.parting, None);
}

#[test]
fn a_changed_byte_of_a_recorded_body() {
    let run = run();
    let mut number = 0;
    let transcript = changed(&run, |entries| {
        number = place(entries, Kind::STREAM_READ);
        assert_eq!(entries[number].2, b"\x01hello");
        entries[number].2[1] = b'x';
    });
    let parting = parting(&run.program, transcript);
    // The component does something else with the other byte; the next thing that was recorded is the end.
    assert_eq!(parting.entry, number as u64 + 2);
    assert_eq!(parting.recorded.map(|step| step.kind), Some(Kind::END));
    assert!(parting.found.detail.contains("Exited"), "{}", parting.found);
}

#[test]
fn an_entry_that_is_removed_or_repeated() {
    let run = run();
    let mut number = 0;
    let removed = changed(&run, |entries| {
        number = place(entries, Kind::HTTP_RESPONSE);
        entries.remove(number);
    });
    let parting_of_removed = parting(&run.program, removed);
    assert_eq!(parting_of_removed.entry, number as u64);
    assert_eq!(parting_of_removed.found.kind, Kind::HTTP_RESPONSE);
    assert!(parting_of_removed.backtrace.contains("Kit!peek"), "{parting_of_removed}");
    let repeated = changed(&run, |entries| {
        let entry = entries[number].clone();
        entries.insert(number, entry);
    });
    let parting_of_repeated = parting(&run.program, repeated);
    assert_eq!(parting_of_repeated.entry, number as u64 + 1);
}

#[test]
fn another_request_or_another_body() {
    let run = run();
    let whole = || changed(&run, |_| {});
    let other_path = load(&component(10, 5), Tuning::Guest);
    let parting_of_path = parting(&other_path, whole());
    assert_eq!(parting_of_path.entry, 0);
    assert_eq!(parting_of_path.found.detail, "another request: GET to a.example");
    assert!(parting_of_path.backtrace.contains("Kit!send"), "{parting_of_path}");
    let other_body = load(&component(11, 6), Tuning::Guest);
    let parting_of_body = parting(&other_body, whole());
    assert_eq!(parting_of_body.entry, 1);
    assert_eq!(parting_of_body.found.detail, "another request's body");
}

#[test]
fn another_answer_to_the_request_or_none() {
    let run = run();
    let refused = changed(&run, |entries| {
        // 0 for the head, its digest, and 1 for an exchange that began.
        assert_eq!((entries[0].2.len(), entries[0].2[0], entries[0].2[33]), (34, 0, 1));
        entries[0].2.truncate(33);
        entries[0].2.extend([0, 11]);
    });
    let parting_of_refused = parting(&run.program, refused);
    assert_eq!((parting_of_refused.entry, parting_of_refused.found.kind), (1, Kind::END));
    let senseless = changed(&run, |entries| entries[0].2.truncate(33));
    let parting_of_senseless = parting(&run.program, senseless);
    assert_eq!(parting_of_senseless.entry, 0);
    assert_eq!(parting_of_senseless.found.detail, "whose content makes no sense");
}
