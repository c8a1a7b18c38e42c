//! What a component cannot use up, whatever it tries.

use bytes::Bytes;
use enclave_runtime::{Job, JobLimits, Limit, Outcome};

use crate::harness::{JOB, LIMITS, Piece, Script, TestHost, run, run_with};

/// The 33rd request at once is an error, and so are all that follow; when one is over, there is room for another.
#[test]
fn a_thousand_open_requests_are_an_error_to_the_component() {
    let open = r#"(import "wasi" "drop-future-incoming-response" (func $drop-future (param i32)))
        (func (export "run") (result i32) (local $left i32) (local $future i32) (local $opened i32) (local $last i32)
            (local.set $left (i32.const 1000))
            (loop $again
                (local.set $future (call $send (call $request (i32.const 4096) (i32.const 11))))
                (if (i32.ge_s (local.get $future) (i32.const 0))
                    (then
                        (local.set $last (local.get $future))
                        (local.set $opened (i32.add (local.get $opened) (i32.const 1))))
                    (else (if (i32.ne (local.get $future) (i32.const -111)) (then unreachable))))
                (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
            (call $say (local.get $opened))
            (call $drop-future (local.get $last))
            (call $say (i32.ge_s (call $send (call $request (i32.const 4096) (i32.const 11))) (i32.const 0)))
            i32.const 0)"#;
    let (report, host) = run(open, TestHost::with(vec![Script { head_after: 1000, ..Script::ok("") }; 40]));
    assert_eq!((report.outcome, host.said()), (Outcome::Exited { code: 0 }, "32\n1\n"));
    assert_eq!(host.seen.len(), 33);
    assert!(host.seen.iter().all(|seen| seen.is_closed), "the run's end is theirs");
}

#[test]
fn requests_that_are_held_and_not_sent_are_bounded() {
    let hold = r#"(func (export "run") (result i32)
        (loop $again (drop (call $request (i32.const 4096) (i32.const 11))) (br $again)) i32.const 0)"#;
    let (report, _) = run(hold, TestHost::default());
    let Outcome::Trapped { message } = &report.outcome else { panic!("{report:?}") };
    assert!(message.contains("more than 256 KiB of requests, responses and fields"), "{message}");
}

#[test]
fn fields_are_bounded_in_number_and_length() {
    let append = |bytes: u32| {
        format!(
            r#"(data (i32.const 5000) "x")
            (func (export "run") (result i32) (local $fields i32)
                (memory.fill (i32.const 8192) (i32.const 97) (i32.const 8192))
                (local.set $fields (call $new-fields))
                (loop $again
                    (call $append (local.get $fields) (i32.const 5000) (i32.const 1)
                        (i32.const 8192) (i32.const {bytes}) (i32.const 5104))
                    (if (i32.load8_u (i32.const 5104)) (then unreachable))
                    (call $say (i32.const 1))
                    (br $again))
                i32.const 0)"#
        )
    };
    for (bytes, count) in [(0, 100), (1638, 9), (8191, 2)] {
        let (report, host) = run(&append(bytes), TestHost::default());
        let Outcome::Trapped { message } = &report.outcome else { panic!("{report:?}") };
        assert!(message.contains("more than 100, or more than 16 KiB"), "{message}");
        assert_eq!(host.stdout.len(), 2 * count, "{bytes}");
    }
}

#[test]
fn a_hundred_megabytes_that_come_end_at_the_transcripts_limit() {
    let piece = Bytes::from(vec![b'x'; 1 << 20]);
    let script = Script { body: vec![Piece::Bytes(piece); 100].into(), ..Script::ok("") };
    let drain = r#"(func (export "run") (result i32) (local $stream i32)
        (local.set $stream (call $stream (call $body (call $fetch (i32.const 4096) (i32.const 11)))))
        (loop $again
            (br_if $again (i32.ge_s (call $pull (local.get $stream) (i64.const 1000000)) (i32.const 0))))
        i32.const 0)"#;
    let (report, host) = run(drain, TestHost::with([script]));
    assert_eq!(report.outcome, Outcome::LimitExceeded { limit: Limit::Transcript });
    let most = LIMITS.transcript_bytes + (65 << 10);
    assert!((LIMITS.transcript_bytes..most).contains(&(host.transcript.len() as u64)));
    assert!(host.seen[0].is_closed);
}

#[test]
fn a_hundred_megabytes_that_go_end_at_the_outputs_limit() {
    let flood = r#"(func (export "run") (result i32) (local $request i32) (local $out i32)
        (local.set $request (call $request (i32.const 4096) (i32.const 11)))
        (local.set $out (call $writer (call $outgoing (local.get $request))))
        (drop (call $send (local.get $request)))
        (loop $again
            (br_if $again (i32.eqz (call $put (local.get $out) (i32.const 8192) (i32.const 65536)))))
        i32.const 0)"#;
    let limits = JobLimits { output_bytes: 1 << 20, ..LIMITS };
    let (report, host) = run_with(flood, &Job { limits, ..JOB }, TestHost::with([Script::ok("")]));
    assert_eq!(report.outcome, Outcome::LimitExceeded { limit: Limit::Output });
    assert_eq!((report.usage.request_bytes, host.seen[0].body.len()), (1 << 20, 1 << 20));
    assert!(host.seen[0].is_closed && host.seen[0].finished.is_none());
}

#[test]
fn a_server_that_says_nothing_ends_at_the_time_limit() {
    let wait = r#"(func (export "run") (result i32)
        (drop (call $fetch (i32.const 4096) (i32.const 11))) i32.const 0)"#;
    let limits = JobLimits { wall_ms: 20, ..LIMITS };
    let host = TestHost::with([Script { head_after: u32::MAX, ..Script::ok("") }]);
    let (report, host) = run_with(wait, &Job { limits, ..JOB }, host);
    assert_eq!(report.outcome, Outcome::LimitExceeded { limit: Limit::Wall });
    assert!(host.seen[0].is_closed);
}

/// A replay passes on exactly what the first run had passed on when time ended it.
#[test]
fn output_that_waits_ends_at_the_same_byte_in_a_replay() {
    let write = r#"(func (export "run") (result i32)
        (loop $again (call $print (i32.const 8192) (i32.const 4000)) (br $again)) i32.const 0)"#;
    let limits = JobLimits { wall_ms: 20, ..LIMITS };
    let host = TestHost { bytes_per_pump: Some(333), ..TestHost::default() };
    let (report, host) = run_with(write, &Job { limits, ..JOB }, host);
    assert_eq!(report.outcome, Outcome::LimitExceeded { limit: Limit::Wall });
    assert_eq!(host.stdout.len(), 21 * 333);
}

#[test]
fn bodies_that_wait_for_their_heads_are_bounded_together() {
    let hold = r#"(func (export "run") (result i32) (local $out i32) (local $left i32)
        (local.set $left (i32.const 3))
        (loop $again
            (local.set $out (call $writer (call $outgoing (call $request (i32.const 4096) (i32.const 11)))))
            (call $say (call $put (local.get $out) (i32.const 8192) (i32.const 65536)))
            (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
        i32.const 0)"#;
    let (report, host) = run(hold, TestHost::default());
    let Outcome::Trapped { message } = &report.outcome else { panic!("{report:?}") };
    assert!(message.contains("128 KiB in all such bodies"), "{message}");
    assert_eq!(host.said(), "0\n0\n");
}
