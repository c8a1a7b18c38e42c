//! Bodies that a component sends.

use enclave_http::{BodyPlan, Fields};
use enclave_runtime::{HttpFailure, Outcome};

use crate::harness::{Script, TestHost, fields, run};

/// A POST to `/path?query` whose body BEFORE works on before the head is sent and AFTER afterwards; both find the body in
/// `$body`. Then it says how the response ends.
fn post(content_length: Option<&str>, before: &str, after: &str) -> String {
    let length = content_length.map_or(String::new(), |length| {
        format!(
            r#"(call $append (local.get $fields) (i32.const 5000) (i32.const 14)
                (i32.const 5020) (i32.const {}) (i32.const 0))"#,
            length.len()
        )
    });
    format!(
        r#"(import "wasi" "set-method" (func $set-method (param i32 i32 i32 i32) (result i32)))
        (import "wasi" "check-write" (func $check-write (param i32 i32)))
        (import "wasi" "write" (func $write (param i32 i32 i32 i32)))
        (import "wasi" "finish" (func $finish (param i32 i32 i32 i32)))
        (import "wasi" "drop-outgoing-body" (func $drop-body (param i32)))
        (import "wasi" "subscribe-out" (func $subscribe-out (param i32) (result i32)))
        (import "wasi" "block" (func $block (param i32)))
        (import "wasi" "drop-pollable" (func $drop-pollable (param i32)))
        (data (i32.const 5000) "content-length")
        (data (i32.const 5020) "{}")
        (data (i32.const 5040) "checksum")
        (data (i32.const 8192) "hello")
        (func (export "run") (result i32)
            (local $fields i32) (local $request i32) (local $body i32) (local $out i32) (local $future i32)
            (local $n i32) (local $pollable i32)
            (local.set $fields (call $new-fields))
            {length}
            (local.set $request (call $request-with (i32.const 4096) (i32.const 11) (local.get $fields)))
            (drop (call $set-method (local.get $request) (i32.const 2) (i32.const 0) (i32.const 0)))
            (local.set $body (call $outgoing (local.get $request)))
            {before}
            (local.set $future (call $send (local.get $request)))
            (if (i32.lt_s (local.get $future) (i32.const 0))
                (then (call $say (local.get $future)) (return (i32.const 1))))
            {after}
            (local.set $future (call $await (local.get $future)))
            (if (i32.lt_s (local.get $future) (i32.const 0))
                (then (call $say (local.get $future)) (return (i32.const 1))))
            (call $say (call $show (call $stream (call $body (local.get $future)))))
            i32.const 0)"#,
        content_length.unwrap_or_default()
    )
}

const OPEN: &str = "(local.set $out (call $writer (local.get $body)))";
const HELLO: &str = "(call $say (call $put (local.get $out) (i32.const 8192) (i32.const 5)))";
const CLOSE: &str = "(call $drop-out (local.get $out))";
const FINISH: &str = "(call $say (call $finished (local.get $body)))";

#[test]
fn a_body_goes_out_as_fast_as_the_server_takes_it() {
    let write = format!(
        "{OPEN} (call $say (call $put (local.get $out) (i32.const 8192) (i32.const 50000))) {CLOSE} {FINISH}"
    );
    let script = Script { bytes_per_pump: 1000, ..Script::ok("") };
    let (report, host) = run(&post(None, "", &write), TestHost::with([script]));
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
    assert_eq!(host.said(), "0\n0\n-1\n");
    let seen = &host.seen[0];
    assert_eq!(seen.request.body, BodyPlan::Unknown);
    assert_eq!((seen.body.len(), &seen.body[..6]), (50_000, &b"hello\0"[..]));
    assert_eq!(seen.finished, Some(Fields::new()));
    assert_eq!(report.usage.request_bytes, 50_000);
    assert!(host.pumps >= 49, "{}", host.pumps);
}

#[test]
fn what_is_written_before_the_head_is_sent_goes_out_after_it() {
    let before = format!("{OPEN} {HELLO} {HELLO} {CLOSE}");
    let whole = run(&post(None, &format!("{before} {FINISH}"), ""), TestHost::with([Script::ok("")]));
    let part = run(&post(None, &before, FINISH), TestHost::with([Script::ok("")]));
    for ((report, host), plan) in [(whole, BodyPlan::Length(10)), (part, BodyPlan::Unknown)] {
        assert_eq!(report.outcome, Outcome::Exited { code: 0 });
        assert_eq!(host.said(), "0\n0\n0\n-1\n");
        let seen = &host.seen[0];
        assert_eq!((seen.request.body, &seen.body[..]), (plan, &b"hellohello"[..]));
        assert_eq!(seen.finished, Some(Fields::new()));
    }
    let (report, host) = run(&post(None, FINISH, ""), TestHost::with([Script::ok("")]));
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
    assert_eq!((host.seen[0].request.body, &host.seen[0].finished), (BodyPlan::None, &None));
}

#[test]
fn more_than_64_kib_before_the_head_would_wait_for_ever() {
    let before =
        format!("{OPEN} (call $say (call $put (local.get $out) (i32.const 8192) (i32.const 65536)))");
    let (report, _) =
        run(&post(None, &before, &format!("{CLOSE} {FINISH}")), TestHost::with([Script::ok("")]));
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
    let (report, host) = run(&post(None, &format!("{before} {HELLO}"), ""), TestHost::with([Script::ok("")]));
    let Outcome::Trapped { message } = &report.outcome else { panic!("{report:?}") };
    assert!(message.contains("at most 64 KiB before"), "{message}");
    assert!(host.seen.is_empty());
}

#[test]
fn trailers_go_out_at_the_end() {
    let finish = format!(
        r#"{OPEN} {HELLO} {CLOSE}
        (local.set $fields (call $new-fields))
        (call $append (local.get $fields) (i32.const 5040) (i32.const 8) (i32.const 8192) (i32.const 5) (i32.const 0))
        (call $finish (local.get $body) (i32.const 1) (local.get $fields) (i32.const 5104))
        (call $say (i32.load8_u (i32.const 5104)))"#
    );
    let (report, host) = run(&post(None, "", &finish), TestHost::with([Script::ok("")]));
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
    assert_eq!(host.seen[0].finished, Some(fields(&[("checksum", "hello")])));
}

#[test]
fn a_promised_length_is_kept_or_the_request_fails() {
    let write = format!("{OPEN} {HELLO} {CLOSE} {FINISH}");
    let (report, host) = run(&post(Some("5"), "", &write), TestHost::with([Script::ok("")]));
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
    assert_eq!(host.said(), "0\n0\n-1\n");
    for (length, before, said) in
        [("6", "", "0\n-117\n-117\n"), ("4", "", "-117\n-117\n-117\n"), ("6", &*write, "0\n-117\n-117\n")]
    {
        let after = if before.is_empty() { &write } else { "" };
        let (report, host) = run(&post(Some(length), before, after), TestHost::with([Script::ok("")]));
        assert_eq!(report.outcome, Outcome::Exited { code: 1 });
        assert_eq!(host.said(), said, "content-length: {length}");
        assert!(
            host.seen.iter().all(|seen| seen.is_closed && seen.finished.is_none() && seen.body.len() <= 5)
        );
    }
    // Without a body there is nothing that could have a length.
    let none = r#"(data (i32.const 5000) "content-length5")
        (func (export "run") (result i32) (local $fields i32)
            (local.set $fields (call $new-fields))
            (call $append (local.get $fields) (i32.const 5000) (i32.const 14) (i32.const 5014) (i32.const 1) (i32.const 0))
            (call $say (call $send (call $request-with (i32.const 4096) (i32.const 11) (local.get $fields))))
            i32.const 0)"#;
    let (_, host) = run(none, TestHost::with([Script::ok("")]));
    assert_eq!((host.said(), host.seen.len()), ("-117\n", 0));
}

/// A body that is dropped is no complete body, whatever was written.
#[test]
fn a_body_that_is_dropped_fails_the_request() {
    let drop = "(call $drop-body (local.get $body))";
    let write = format!("{OPEN} {HELLO} {CLOSE} {drop}");
    let (report, host) = run(&post(None, "", &write), TestHost::with([Script::ok("")]));
    assert_eq!((report.outcome, host.said()), (Outcome::Exited { code: 1 }, "0\n-117\n"));
    assert!(host.seen[0].is_closed && host.seen[0].finished.is_none());
    let (report, host) = run(&post(None, &write, ""), TestHost::with([Script::ok("")]));
    assert_eq!((report.outcome, host.said()), (Outcome::Exited { code: 1 }, "0\n-117\n"));
    assert!(host.seen.is_empty(), "its head was never sent");
}

#[test]
fn writing_without_waiting_follows_the_permission() {
    let check =
        "(call $check-write (local.get $out) (i32.const 5104)) (call $say (i32.load (i32.const 5112)))";
    let write = |bytes: u32| {
        format!(
            "(call $write (local.get $out) (i32.const 8192) (i32.const {bytes}) (i32.const 5104))
            (call $say (i32.load8_u (i32.const 5104)))"
        )
    };
    let wait = r#"(local.set $pollable (call $subscribe-out (local.get $out)))
        (call $block (local.get $pollable)) (call $drop-pollable (local.get $pollable))"#;
    let steps = |steps: &[&str]| format!("{OPEN} {} {CLOSE} {FINISH}", steps.join(" "));
    let polite = steps(&[check, &write(600), &write(400), check, wait, check, &write(10)]);
    let script = || Script { bytes_per_pump: 1000, ..Script::ok("") };
    let (report, host) = run(&post(None, "", &polite), TestHost::with([script()]));
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
    assert_eq!(host.said(), "1000\n0\n0\n0\n1000\n0\n0\n-1\n");
    assert_eq!(host.seen[0].body.len(), 1010);
    for rude in
        [steps(&[&write(1)]), steps(&[check, &write(1001)]), steps(&[check, &write(900), &write(101)])]
    {
        let (report, _) = run(&post(None, "", &rude), TestHost::with([script()]));
        let Outcome::Trapped { message } = &report.outcome else { panic!("{report:?}") };
        assert!(message.contains("more bytes written than `check-write` permitted"), "{message}");
    }
}

/// The component that lets go of a response does not want it: the request ends where it is.
#[test]
fn whoever_drops_the_future_ends_the_request() {
    let write = format!(
        r#"{OPEN} {HELLO} (call $drop-future (local.get $future))
        (call $say (call $put (local.get $out) (i32.const 8192) (i32.const 5)))
        {CLOSE} {FINISH} (return (i32.const 0))"#
    );
    let component = format!(
        r#"(import "wasi" "drop-future-incoming-response" (func $drop-future (param i32))) {}"#,
        post(None, "", &write)
    );
    let (report, host) = run(&component, TestHost::with([Script { head_after: 100, ..Script::ok("") }]));
    assert_eq!((report.outcome, host.said()), (Outcome::Exited { code: 0 }, "0\n-1\n0\n"));
    let seen = &host.seen[0];
    assert!(seen.is_closed && seen.finished.is_none() && seen.body == b"hello");
}

#[test]
fn a_response_can_be_passed_on_as_a_request() {
    let proxy = r#"(import "wasi" "splice" (func $splice (param i32 i32 i64 i32)))
        (func (export "run") (result i32) (local $from i32) (local $to i32) (local $request i32) (local $body i32)
            (local.set $from (call $stream (call $body (call $fetch (i32.const 4096) (i32.const 11)))))
            (local.set $request (call $request (i32.const 4096) (i32.const 11)))
            (local.set $body (call $outgoing (local.get $request)))
            (local.set $to (call $writer (local.get $body)))
            (local.set $request (call $send (local.get $request)))
            (loop $pieces
                (call $splice (local.get $to) (local.get $from) (i64.const 4096) (i32.const 5104))
                (br_if $pieces (i32.eqz (i32.load8_u (i32.const 5104)))))
            (call $drop-out (local.get $to))
            (call $say (call $finished (local.get $body)))
            (call $say (call $show (call $stream (call $body (call $await (local.get $request))))))
            i32.const 0)"#;
    let long = "0123456789".repeat(2000);
    let scripts = [Script::ok(&long), Script { bytes_per_pump: 3000, ..Script::ok("done\n") }];
    let (report, host) = run(proxy, TestHost::with(scripts));
    assert_eq!((report.outcome, host.said()), (Outcome::Exited { code: 0 }, "0\ndone\n-1\n"));
    assert!(host.seen[1].body == long.as_bytes());
}

#[test]
fn a_refused_request_takes_nothing_of_its_body() {
    let write = format!("{OPEN} {HELLO}");
    let host = TestHost::with([Script::refused(HttpFailure::RequestDenied)]);
    let (report, host) = run(&post(None, &write, ""), host);
    assert_eq!((report.outcome, host.said()), (Outcome::Exited { code: 1 }, "0\n-115\n"));
    assert_eq!(host.logged(), "WARN egress: refused POST http://a.example\n");
}
