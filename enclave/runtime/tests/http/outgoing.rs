//! Requests that a component sends, and what comes back.

use bytes::Bytes;
use enclave_http::{BodyPlan, Fields, Method, Scheme};
use enclave_runtime::{HttpFailure, HttpTimeouts, JobReport, Outcome};

use crate::harness::{Piece, Script, TestHost, data, fields, run};

/// Says the status, shows the body, and says how it ended.
const GET: &str = r#"(func (export "run") (result i32) (local $response i32)
    (local.set $response (call $fetch (i32.const 4096) (i32.const 11)))
    (if (i32.lt_s (local.get $response) (i32.const 0))
        (then (call $say (local.get $response)) (return (i32.const 1))))
    (call $say (call $status (local.get $response)))
    (call $say (call $show (call $stream (call $body (local.get $response)))))
    i32.const 0)"#;

fn get(script: Script) -> (JobReport, TestHost) {
    run(GET, TestHost::with([script]))
}

#[test]
fn a_response_comes_as_the_server_gives_it() {
    let (report, host) = get(Script::ok("hello\n"));
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
    assert_eq!(host.said(), "200\nhello\n-1\n");
    let seen = &host.seen[0];
    assert_eq!((&seen.request.method, &seen.request.scheme), (&Method::GET, &Scheme::Http));
    assert_eq!(seen.request.authority.to_string(), "a.example");
    assert_eq!(seen.request.path_with_query, "/path?query");
    assert_eq!((&seen.request.fields, seen.request.body), (&Fields::new(), BodyPlan::None));
    assert!(seen.is_closed && seen.body.is_empty());
}

#[test]
fn a_slow_response_is_waited_for() {
    let long = "0123456789".repeat(1000);
    let body = [
        Piece::Silence(2),
        Piece::Bytes(Bytes::from_static(b"begin ")),
        Piece::Silence(5),
        Piece::Bytes(Bytes::from(long.clone())),
        Piece::Bytes(Bytes::from_static(b" end\n")),
        Piece::Silence(1),
        Piece::End(Fields::new()),
    ];
    let script = Script { head_after: 3, body: body.into(), ..Script::ok("") };
    let (report, host) = get(script);
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
    assert_eq!(host.said(), format!("200\nbegin {long} end\n-1\n"));
    assert!(host.pumps >= 11, "{}", host.pumps);
}

#[test]
fn failures_have_their_codes() {
    for (failure, code) in [
        (HttpFailure::DnsTimeout, -100),
        (HttpFailure::DnsError, -101),
        (HttpFailure::ConnectionRefused, -106),
        (HttpFailure::ResponseHeaderSectionSize, -126),
        (HttpFailure::ProtocolError, -135),
        (HttpFailure::TlsProtocolError, -112),
        (HttpFailure::TlsCertificateError, -113),
        (HttpFailure::TlsAlertReceived, -114),
        (HttpFailure::TimeUnknown, -138),
    ] {
        let (report, host) = get(Script::failed(failure));
        assert_eq!(report.outcome, Outcome::Exited { code: 1 });
        assert_eq!(host.said(), format!("{code}\n"), "{failure}");
        assert!(host.seen[0].is_closed);
    }
}

#[test]
fn what_the_manifest_forbids_is_an_error_and_in_the_log() {
    let (report, host) = get(Script::refused(HttpFailure::RequestDenied));
    assert_eq!(report.outcome, Outcome::Exited { code: 1 });
    assert_eq!((host.said(), host.logged()), ("-115\n", "WARN egress: refused GET http://a.example\n"));
    let (_, host) = get(Script::refused(HttpFailure::TimeUnknown));
    assert_eq!((host.said(), host.logged()), ("-138\n", ""));
}

#[test]
fn a_body_that_breaks_off_is_told_from_one_that_ends() {
    let body = [Piece::Bytes(Bytes::from_static(b"half\n")), Piece::Failed(HttpFailure::ResponseIncomplete)];
    let (report, host) = get(Script { body: body.into(), ..Script::ok("") });
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
    assert_eq!(host.said(), "200\nhalf\n-125\n");
}

/// Whether the body was read to its end or not at all.
#[test]
fn trailers_come_after_the_body() {
    let fetch = |reading: &str| {
        format!(
            r#"(func (export "run") (result i32) (local $body i32) (local $stream i32)
            (local.set $body (call $body (call $fetch (i32.const 4096) (i32.const 11))))
            {reading}
            (call $say (i32.ne (call $trailers (local.get $body)) (i32.const 0)))
            i32.const 0)"#
        )
    };
    let whole = fetch(
        r#"(local.set $stream (call $stream (local.get $body)))
            (call $say (call $show (local.get $stream)))
            (call $drop-in (local.get $stream))"#,
    );
    let part = fetch(
        r#"(local.set $stream (call $stream (local.get $body)))
            (call $say (call $pull (local.get $stream) (i64.const 4)))
            (call $drop-in (local.get $stream))"#,
    );
    for (component, said) in [(&whole, "hello\n-1\n"), (&part, "4\n"), (&fetch(""), "")] {
        for (trailers, has_any) in [(fields(&[("checksum", "1")]), 1), (Fields::new(), 0)] {
            let body =
                [Piece::Bytes(Bytes::from_static(b"hello\n")), Piece::Silence(3), Piece::End(trailers)];
            let script = Script { body: body.into(), ..Script::ok("") };
            let (report, host) = run(component, TestHost::with([script]));
            assert_eq!(report.outcome, Outcome::Exited { code: 0 });
            assert_eq!(host.said(), format!("{said}{has_any}\n"));
            assert!(host.seen[0].is_closed);
        }
    }
    let body = [Piece::Silence(1), Piece::Failed(HttpFailure::ConnectionTerminated)];
    let (report, _) = run(&fetch(""), TestHost::with([Script { body: body.into(), ..Script::ok("") }]));
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
}

#[test]
fn a_future_is_taken_once_and_only_when_it_is_ready() {
    let peek = r#"(import "wasi" "subscribe-future" (func $subscribe (param i32) (result i32)))
        (import "wasi" "ready" (func $ready (param i32) (result i32)))
        (import "wasi" "subscribe-duration" (func $sleep (param i64) (result i32)))
        (import "wasi" "block" (func $block (param i32)))
        (func (export "run") (result i32) (local $future i32) (local $pollable i32)
            (local.set $future (call $send (call $request (i32.const 4096) (i32.const 11))))
            (local.set $pollable (call $subscribe (local.get $future)))
            (call $say (call $peek (local.get $future)))
            (call $say (call $ready (local.get $pollable)))
            (call $block (call $sleep (i64.const 5000000)))
            (call $say (call $ready (local.get $pollable)))
            (call $say (i32.gt_s (call $peek (local.get $future)) (i32.const 0)))
            (call $say (call $peek (local.get $future)))
            (call $say (call $ready (local.get $pollable)))
            i32.const 0)"#;
    let (report, host) = run(peek, TestHost::with([Script { head_after: 4, ..Script::ok("") }]));
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
    assert_eq!(host.said(), "0\n0\n1\n1\n-200\n1\n");
}

#[test]
fn the_first_of_two_responses_is_the_one_that_comes_first() {
    let race = r#"(import "wasi" "subscribe-future" (func $subscribe (param i32) (result i32)))
        (import "wasi" "poll" (func $poll (param i32 i32 i32)))
        (func (export "run") (result i32) (local $first i32) (local $second i32)
            (local.set $first (call $send (call $request (i32.const 4096) (i32.const 11))))
            (local.set $second (call $send (call $request (i32.const 4096) (i32.const 5))))
            (i32.store (i32.const 5000) (call $subscribe (local.get $first)))
            (i32.store (i32.const 5004) (call $subscribe (local.get $second)))
            (call $poll (i32.const 5000) (i32.const 2) (i32.const 5008))
            (call $say (i32.load (i32.const 5012)))
            (call $say (i32.load (i32.load (i32.const 5008))))
            (call $say (i32.gt_s (call $await (local.get $second)) (i32.const 0)))
            (call $say (i32.gt_s (call $await (local.get $first)) (i32.const 0)))
            i32.const 0)"#;
    let scripts = [Script { head_after: 9, ..Script::ok("") }, Script { head_after: 2, ..Script::ok("") }];
    let (report, host) = run(race, TestHost::with(scripts));
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
    assert_eq!(host.said(), "1\n1\n1\n1\n");
    assert_eq!(host.seen[1].request.path_with_query, "/path");
}

/// Reads that do not wait give nothing as often as there is nothing.
#[test]
fn reads_that_do_not_wait_are_the_same_in_a_replay() {
    let read = r#"(import "wasi" "read" (func $read (param i32 i64 i32)))
        (import "wasi" "subscribe-in" (func $subscribe (param i32) (result i32)))
        (import "wasi" "block" (func $block (param i32)))
        (func (export "run") (result i32) (local $stream i32) (local $pollable i32) (local $left i32)
            (local.set $stream (call $stream (call $body (call $fetch (i32.const 4096) (i32.const 11)))))
            (local.set $pollable (call $subscribe (local.get $stream)))
            (local.set $left (i32.const 6))
            (loop $again
                (call $read (local.get $stream) (i64.const 100) (i32.const 5000))
                (call $say (select (i32.const -1) (i32.load (i32.const 5008)) (i32.load8_u (i32.const 5000))))
                (if (i32.eq (local.get $left) (i32.const 4)) (then (call $block (local.get $pollable))))
                (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
            i32.const 0)"#;
    let body = [Piece::Silence(3), Piece::Bytes(Bytes::from_static(b"hello")), Piece::End(Fields::new())];
    let (report, host) = run(read, TestHost::with([Script { body: body.into(), ..Script::ok("") }]));
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
    assert_eq!(host.said(), "0\n0\n0\n5\n-1\n-1\n");
}

#[test]
fn what_is_set_is_what_is_sent() {
    let set = r#"(import "wasi" "set-method" (func $set-method (param i32 i32 i32 i32) (result i32)))
        (import "wasi" "new-request-options" (func $options (result i32)))
        (import "wasi" "set-connect-timeout" (func $connect (param i32 i32 i64) (result i32)))
        (import "wasi" "set-first-byte-timeout" (func $first-byte (param i32 i32 i64) (result i32)))
        (import "wasi" "set-between-bytes-timeout" (func $between (param i32 i32 i64) (result i32)))
        (import "wasi" "handle" (func $handle (param i32 i32 i32 i32)))
        (data (i32.const 5000) "X-CountPURGE12")
        (func (export "run") (result i32) (local $fields i32) (local $request i32) (local $options i32)
            (local.set $fields (call $new-fields))
            (call $append (local.get $fields) (i32.const 5000) (i32.const 7) (i32.const 5012) (i32.const 1) (i32.const 0))
            (call $append (local.get $fields) (i32.const 5000) (i32.const 7) (i32.const 5013) (i32.const 1) (i32.const 0))
            (local.set $request (call $request-with (i32.const 4096) (i32.const 11) (local.get $fields)))
            (call $say (call $set-method (local.get $request) (i32.const 9) (i32.const 5007) (i32.const 5)))
            (local.set $options (call $options))
            (call $say (call $connect (local.get $options) (i32.const 1) (i64.const 1)))
            (call $say (call $first-byte (local.get $options) (i32.const 1) (i64.const 2)))
            (call $say (call $between (local.get $options) (i32.const 1) (i64.const 3)))
            (call $handle (local.get $request) (i32.const 1) (local.get $options) (i32.const 5104))
            (i32.load8_u (i32.const 5104)))"#;
    let (report, host) = run(set, TestHost::with([Script::ok("")]));
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
    let request = &host.seen[0].request;
    assert_eq!(request.method.as_str(), "PURGE");
    assert_eq!(request.fields, fields(&[("x-count", "1"), ("x-count", "2")]));
    let timeouts = HttpTimeouts { connect_ns: Some(1), first_byte_ns: Some(2), between_bytes_ns: Some(3) };
    assert_eq!(request.timeouts, timeouts);
    assert_eq!(host.said(), "0\n0\n0\n0\n");
}

#[test]
fn what_no_server_takes_cannot_be_set() {
    let (texts, mut at) = (
        [
            ("method", "GE T", 1),
            ("method", "", 1),
            ("method", "M-SEARCH", 0),
            ("path", "no/slash", 1),
            ("path", "/a b", 1),
            ("path", "/a#b", 1),
            ("path", "?only=query", 0),
            ("path", "", 0),
            ("scheme", "1http", 1),
            ("scheme", "gopher", 0),
            ("authority", "a b", 1),
            ("authority", "a.example:", 1),
            ("authority", "user@a.example", 1),
            ("authority", "[::1]:8080", 0),
        ],
        5000,
    );
    let (mut datas, mut calls) = (String::new(), String::new());
    for (name, text, _) in texts {
        datas += &data(at, text);
        let place = format!("(i32.const {at}) (i32.const {})", text.len());
        let call = match name {
            "method" => format!("(call $method (local.get $r) (i32.const 9) {place})"),
            "scheme" => format!("(call $scheme (local.get $r) (i32.const 1) (i32.const 2) {place})"),
            _ => format!("(call ${name} (local.get $r) (i32.const 1) {place})"),
        };
        calls += &format!("(call $say {call})");
        at += text.len();
    }
    let component = format!(
        r#"(import "wasi" "set-method" (func $method (param i32 i32 i32 i32) (result i32)))
        (import "wasi" "set-path" (func $path (param i32 i32 i32 i32) (result i32)))
        (import "wasi" "set-scheme" (func $scheme (param i32 i32 i32 i32 i32) (result i32)))
        (import "wasi" "set-authority" (func $authority (param i32 i32 i32 i32) (result i32)))
        {datas}
        (func (export "run") (result i32) (local $r i32)
            (local.set $r (call $request (i32.const 4096) (i32.const 11)))
            {calls} i32.const 0)"#
    );
    let (report, host) = run(&component, TestHost::default());
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
    let expected: String = texts.iter().map(|(_, _, refused)| format!("{refused}\n")).collect();
    assert_eq!(host.said(), expected);
}

/// Unless a component says otherwise it is `https`, and without an authority nobody knows whom to ask.
#[test]
fn requests_that_cannot_be_sent_are_refused_before_the_host_sees_them() {
    let sends = |scheme: &str, authority: &str| {
        let component = format!(
            r#"(import "wasi" "new-outgoing-request" (func $new (param i32) (result i32)))
            (import "wasi" "set-scheme" (func $scheme (param i32 i32 i32 i32 i32) (result i32)))
            (import "wasi" "set-authority" (func $authority (param i32 i32 i32 i32) (result i32)))
            (data (i32.const 5000) "ftpa.example")
            (func (export "run") (result i32) (local $r i32)
                (local.set $r (call $new (call $new-fields)))
                {scheme} {authority}
                (call $say (call $send (local.get $r))) i32.const 0)"#
        );
        let (report, host) = run(&component, TestHost::with([Script::refused(HttpFailure::TimeUnknown)]));
        assert_eq!(report.outcome, Outcome::Exited { code: 0 });
        (host.said().to_owned(), host.scripts.is_empty())
    };
    let ftp =
        "(drop (call $scheme (local.get $r) (i32.const 1) (i32.const 2) (i32.const 5000) (i32.const 3)))";
    let authority = "(drop (call $authority (local.get $r) (i32.const 1) (i32.const 5003) (i32.const 9)))";
    assert_eq!(sends("", authority), ("-138\n".into(), true));
    assert_eq!(sends("", ""), ("-119\n".into(), false));
    assert_eq!(sends(ftp, authority), ("-135\n".into(), false));
}
