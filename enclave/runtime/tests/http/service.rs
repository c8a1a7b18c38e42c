//! Requests that a service answers.

use bytes::Bytes;
use enclave_http::{BodyPlan, Fields, Method, StatusCode};
use enclave_runtime::{
    InputRead, Job, JobLimits, JobReport, Limit, Outcome, ProgramKind, Responded, Stop, Tuning, begin_job,
    begin_request, run_job,
};

use crate::harness::{JOB, LIMITS, Script, TestHost, answer, answer_with, fields, get, job, load, service};

/// What the services of these tests need besides the kit.
const IMPORTS: &str = include_str!("service-imports.wat");

/// A service that does this; `$request`, `$out`, `$response`, `$body` and `$stream` are its variables, and `$response` is
/// there already.
fn does(steps: &str) -> String {
    format!(
        r#"{IMPORTS}
        (func (export "handle") (param $request i32) (param $out i32)
            (local $response i32) (local $body i32) (local $stream i32) (local $fields i32)
            (local.set $response (call $new-response (call $new-fields)))
            {steps})"#
    )
}

const GIVE: &str = "(call $give (local.get $out) (local.get $response))";
const BODY: &str = "(local.set $body (call $body-of (local.get $response)))";
const OPEN: &str = "(local.set $stream (call $writer (local.get $body)))";
const HELLO: &str = "(call $say (call $put (local.get $stream) (i32.const 8192) (i32.const 5)))";
const CLOSE: &str = "(call $drop-out (local.get $stream))";
const FINISH: &str = "(call $say (call $finished (local.get $body)))";

fn steps(steps: &[&str]) -> String {
    does(&steps.join(" "))
}

fn simple(component: &str) -> (JobReport, TestHost) {
    answer(component, &get(), TestHost::default())
}

#[test]
fn a_response_leaves_as_it_is_written() {
    let (report, host) = simple(&steps(&[BODY, GIVE, OPEN, HELLO, HELLO, CLOSE, FINISH]));
    assert_eq!((report.outcome, report.response), (Outcome::Exited { code: 0 }, Responded::Complete));
    let head = host.head.as_ref().unwrap();
    assert_eq!((head.status, &head.fields, head.body), (StatusCode::OK, &Fields::new(), BodyPlan::Unknown));
    assert_eq!((host.said(), host.logged()), ("hellohello", "0\n0\n0\n"));
    assert_eq!(host.response_trailers, Some(Fields::new()));
    assert_eq!((report.usage.stdout_bytes, report.usage.stderr_bytes), (10, 6));
}

#[test]
fn what_is_written_before_the_head_leaves_after_it() {
    let (report, host) = simple(&steps(&[BODY, OPEN, HELLO, GIVE, HELLO, CLOSE, FINISH]));
    assert_eq!((report.response, host.said()), (Responded::Complete, "hellohello"));
    assert_eq!(host.head.unwrap().body, BodyPlan::Unknown);
    let (report, host) = simple(&steps(&[BODY, OPEN, HELLO, CLOSE, FINISH, GIVE]));
    assert_eq!((report.response, host.said()), (Responded::Complete, "hello"));
    assert_eq!(host.head.unwrap().body, BodyPlan::Length(5));
    for nothing in [steps(&[GIVE]), steps(&[BODY, FINISH, GIVE])] {
        let (report, host) = simple(&nothing);
        assert_eq!((report.response, host.said()), (Responded::Complete, ""));
        assert_eq!((host.head.unwrap().body, host.response_trailers), (BodyPlan::None, Some(Fields::new())));
    }
}

#[test]
fn a_client_that_reads_slowly_is_waited_for() {
    let write = "(drop (call $put (local.get $stream) (i32.const 8192) (i32.const 50000)))";
    let host = TestHost { bytes_per_pump: Some(1000), ..TestHost::default() };
    let (report, host) = answer(&steps(&[BODY, GIVE, OPEN, write, CLOSE, FINISH]), &get(), host);
    assert_eq!((report.response, host.stdout.len()), (Responded::Complete, 50_000));
    assert!(host.pumps >= 49, "{}", host.pumps);
}

#[test]
fn the_request_is_what_was_asked() {
    let show = |call: &str, at: &str| {
        format!(
            "(call ${call} (local.get $request) (i32.const 5104)) (call $say (i32.load8_u (i32.const 5104)))
            {at}"
        )
    };
    let text = "(call $print (i32.load (i32.const 5108)) (i32.load (i32.const 5112)))";
    let steps = does(&format!(
        r#"{} {} {} {}
        (local.set $fields (call $headers (local.get $request)))
        (call $entries (local.get $fields) (i32.const 5104)) (call $say (i32.load (i32.const 5108)))
        (call $append (local.get $fields) (i32.const 5000) (i32.const 14) (i32.const 5020) (i32.const 1) (i32.const 5104))
        (call $say (i32.load8_u (i32.const 5105)))
        {GIVE}"#,
        show("method", text),
        show("path", text),
        show("scheme", ""),
        show("authority", text),
    ));
    let mut request = get();
    request.method = Method::new("REPORT").unwrap();
    request.path_with_query = Some("/a?b\n".into());
    request.fields = fields(&[("x", "1"), ("transfer-encoding", "chunked"), ("host", "h"), ("y", "2")]);
    let (report, host) = answer(&steps, &request, TestHost::default());
    assert_eq!(report.response, Responded::Complete);
    let logged = host.logged();
    assert_eq!(
        logged, "9\nREPORT1\n/a?b\n1\n1\nservice.example2\n2\n",
        "two fields are left, which nobody changes"
    );
}

const ECHO: &str = r#"(call $consume (local.get $request) (i32.const 5104))
    (local.set $fields (call $stream (i32.load (i32.const 5108))))
    (call $say (call $relay (local.get $fields) (local.get $stream)))
    (call $drop-in (local.get $fields))
    (call $say (call $trailers (i32.load (i32.const 5108))))"#;

/// Whatever the network's pace, a service gets the same pieces.
#[test]
fn the_requests_body_comes_in_the_pieces_that_are_asked_for() {
    let text: Vec<u8> = (0..20_000_u32).flat_map(u32::to_le_bytes).collect();
    let echo = steps(&[BODY, GIVE, OPEN, ECHO, CLOSE, FINISH]);
    let mut fuel = Vec::new();
    for piece_bytes in [100_000, 333] {
        let mut input: Vec<_> =
            text.chunks(piece_bytes).map(|part| InputRead::Bytes(part.to_vec().into())).collect();
        input.insert(0, InputRead::Pending);
        let trailers = fields(&[("checksum", "1")]);
        let host = TestHost { input: input.into(), input_trailers: trailers, ..TestHost::default() };
        let (report, host) = answer(&echo, &get(), host);
        assert_eq!((report.outcome, report.response), (Outcome::Exited { code: 0 }, Responded::Complete));
        assert!(host.stdout == text);
        assert_eq!((report.usage.input_bytes, report.transcript.unwrap().entries), (80_000, 1));
        fuel.push(report.usage.fuel);
    }
    assert_eq!(fuel[0], fuel[1]);
}

#[test]
fn trailers_of_both_sides() {
    let trailers = format!(
        r#"{ECHO} {CLOSE}
        (local.set $fields (call $new-fields))
        (call $append (local.get $fields) (i32.const 5021) (i32.const 0) (i32.const 5020) (i32.const 1) (i32.const 5200))
        (call $append (local.get $fields) (i32.const 8192) (i32.const 5) (i32.const 5020) (i32.const 1) (i32.const 5200))
        (call $finish (local.get $body) (i32.const 1) (local.get $fields) (i32.const 5200))"#
    );
    let (report, host) = simple(&steps(&[BODY, GIVE, OPEN, &trailers]));
    assert_eq!(report.response, Responded::Complete);
    assert_eq!(host.response_trailers, Some(fields(&[("hello", "5")])));
    assert_eq!(host.logged(), "-1\n0\n", "the request has none");
}

#[test]
fn half_a_response_is_told_from_a_whole_one() {
    let drop = "(call $drop-body (local.get $body))";
    let length = r#"(local.set $fields (call $new-fields))
        (call $append (local.get $fields) (i32.const 5000) (i32.const 14) (i32.const 5020) (i32.const 1) (i32.const 5200))
        (local.set $response (call $new-response (local.get $fields)))"#;
    let write = |bytes: u32| {
        format!("(call $say (call $put (local.get $stream) (i32.const 8192) (i32.const {bytes})))")
    };
    for (component, said) in [
        (steps(&[BODY, GIVE]), ""),
        (steps(&[BODY, GIVE, OPEN, HELLO]), "hello"),
        (steps(&[BODY, GIVE, OPEN, HELLO, CLOSE, drop]), "hello"),
        (steps(&[BODY, OPEN, HELLO, CLOSE, drop, GIVE]), ""),
        (steps(&[length, BODY, GIVE, OPEN, &write(4), CLOSE, FINISH]), "hell"),
        (steps(&[length, BODY, GIVE, OPEN, &write(6), CLOSE, FINISH]), ""),
    ] {
        let (report, host) = simple(&component);
        assert_eq!((report.outcome, report.response), (Outcome::Exited { code: 0 }, Responded::Truncated));
        assert_eq!((host.said(), &host.response_trailers), (said, &None));
    }
    // HEAD promises the length of what GET would give.
    let head = steps(&[length, BODY, GIVE, FINISH]);
    let (report, _) = simple(&head);
    assert_eq!(report.response, Responded::Truncated);
    let mut request = get();
    request.method = Method::HEAD;
    let (report, host) = answer(&head, &request, TestHost::default());
    assert_eq!(
        (report.response, host.head.unwrap().fields),
        (Responded::Complete, fields(&[("content-length", "5")]))
    );
}

#[test]
fn no_response_at_all() {
    let drop = "(call $drop-outparam (local.get $out))";
    for component in [steps(&[]), steps(&[drop])] {
        let (report, host) = simple(&component);
        assert_eq!((report.outcome, report.response), (Outcome::Exited { code: 0 }, Responded::Nothing));
        assert!(host.head.is_none());
    }
    let refuse = r#"(call $respond (local.get $out) (i32.const 1) (i32.const 38) (i32.const 1)
        (i64.const 8192) (i32.const 5) (i32.const 0) (i32.const 0) (i32.const 0))"#;
    let (report, host) = simple(&steps(&[refuse]));
    let Responded::Refused { error } = &report.response else { panic!("{report:?}") };
    assert!(error.contains("InternalError") && error.contains("hello"), "{error}");
    assert!(host.head.is_none());
    let interim = "(drop (call $set-status (local.get $response) (i32.const 103)))";
    let (report, host) = simple(&steps(&[interim, GIVE]));
    assert_eq!(report.response, Responded::Refused { error: "status 103: expected 200 to 999".into() });
    assert!(host.head.is_none());
    let invalid = "(call $say (call $set-status (local.get $response) (i32.const 1000)))";
    assert_eq!(simple(&steps(&[invalid, GIVE])).1.logged(), "1\n");
}

#[test]
fn a_trap_leaves_what_was_sent_before() {
    for (component, response) in [
        (steps(&["unreachable"]), Responded::Nothing),
        (steps(&[BODY, GIVE, OPEN, HELLO, "unreachable"]), Responded::Truncated),
        (steps(&[GIVE, "unreachable"]), Responded::Complete),
    ] {
        let (report, _) = simple(&component);
        assert!(matches!(report.outcome, Outcome::Trapped { .. }), "{report:?}");
        assert_eq!(report.response, response);
        assert!(report.transcript.is_some());
    }
}

/// A service's standard input is empty, and what it writes is its log.
#[test]
fn standard_streams_are_for_the_log() {
    let read = "(call $say (call $pull (call $stdin) (i64.const 10)))";
    let host =
        TestHost { input: [InputRead::Bytes(Bytes::from_static(b"body"))].into(), ..TestHost::default() };
    let (report, host) = answer(&steps(&[read, GIVE]), &get(), host);
    assert_eq!((report.usage.input_bytes, host.said(), host.logged()), (0, "", "-1\n"));
}

#[test]
fn a_service_asks_others_while_it_answers() {
    let proxy = r#"(local.set $fields (call $fetch (i32.const 4096) (i32.const 11)))
        (call $say (call $relay (call $stream (call $body (local.get $fields))) (local.get $stream)))"#;
    let host = TestHost::with([Script { head_after: 3, ..Script::ok("from elsewhere") }]);
    let (report, host) = answer(&steps(&[BODY, GIVE, OPEN, proxy, CLOSE, FINISH]), &get(), host);
    assert_eq!((report.response, host.said()), (Responded::Complete, "from elsewhere"));
}

#[test]
fn a_client_that_goes_away_ends_the_run() {
    let host = TestHost { bytes_per_pump: Some(0), stops_at: Some(5), ..TestHost::default() };
    let (report, _) = answer(&steps(&[BODY, GIVE, OPEN, HELLO, CLOSE, FINISH]), &get(), host);
    assert_eq!(report.outcome, Outcome::Stopped { reason: Stop::ConnectionLost });
    assert_eq!((report.response, report.transcript), (Responded::Truncated, None));
}

#[test]
fn limits_hold_for_each_request() {
    let spin = steps(&["(loop $l (br $l))"]);
    let limits = JobLimits { fuel: 10_000_000, ..LIMITS };
    let (report, host) = answer_with(&spin, &Job { limits, ..JOB }, &get(), TestHost::default());
    assert_eq!(report.outcome, Outcome::LimitExceeded { limit: Limit::Fuel });
    assert!((4..=5).contains(&host.pumps), "a pause for each 2,000,000: {}", host.pumps);
    let flood = steps(&[BODY, GIVE, OPEN, "(loop $l", HELLO, "(br $l))"]);
    let limits = JobLimits { output_bytes: 1000, ..LIMITS };
    let (report, host) = answer_with(&flood, &Job { limits, ..JOB }, &get(), TestHost::default());
    assert_eq!(report.outcome, Outcome::LimitExceeded { limit: Limit::Output });
    assert_eq!((report.response, host.stdout.len() + host.stderr.len()), (Responded::Truncated, 999));
}

/// One spins, one waits for its client; both go on, step by step.
#[test]
fn requests_take_turns() {
    let spin = "(local.set $fields (i32.const 3000000))
        (loop $l (br_if $l (local.tee $fields (i32.sub (local.get $fields) (i32.const 1)))))";
    let busy = load(&service(&steps(&[spin, BODY, GIVE, OPEN, HELLO, CLOSE, FINISH])), Tuning::Guest);
    let waiting = load(&service(&steps(&[BODY, GIVE, OPEN, HELLO, HELLO, CLOSE, FINISH])), Tuning::Guest);
    let slow = TestHost { bytes_per_pump: Some(1), ..TestHost::default() };
    let mut first = begin_request(&busy, &JOB, get(), TestHost::default());
    let mut second = begin_request(&waiting, &JOB, get(), slow);
    let (mut steps_of_first, mut steps_of_second, mut done) = (0, 0, Vec::new());
    while done.len() < 2 {
        if let Some((report, host)) = first.step() {
            assert!(steps_of_first >= 4 && steps_of_second >= 4, "{steps_of_first} {steps_of_second}");
            assert_eq!((report.response, host.said()), (Responded::Complete, "hello"));
            done.push("first");
        }
        steps_of_first += 1;
        if let Some((report, host)) = second.step() {
            assert_eq!((report.response, host.said()), (Responded::Complete, "hellohello"));
            done.push("second");
        }
        steps_of_second += 1;
    }
    assert_eq!(done, ["first", "second"]);
}

/// 256 at once, each in an instance of its own; one that is dropped half way takes nobody with it.
#[test]
fn many_requests_are_open_at_once() {
    let program = load(&service(&steps(&[BODY, GIVE, OPEN, HELLO, CLOSE, FINISH])), Tuning::Guest);
    let host = TestHost { bytes_per_pump: Some(2), ..TestHost::default() };
    let mut open: Vec<_> = (0..256).map(|_| begin_request(&program, &JOB, get(), host.clone())).collect();
    for running in &mut open {
        assert!(running.step().is_none());
    }
    drop(open.split_off(200));
    let mut complete = 0;
    while complete < 200 {
        for running in &mut open {
            if let Some((report, host)) = running.step() {
                assert_eq!((report.response, host.said()), (Responded::Complete, "hello"));
                complete += 1;
            }
        }
    }
}

#[test]
fn programs_say_what_they_are() {
    let service = load(&service(&steps(&[GIVE])), Tuning::Guest);
    let job = load(&job(r#"(func (export "run") (result i32) i32.const 0)"#), Tuning::Guest);
    assert_eq!((service.kind(), job.kind()), (ProgramKind::Service, ProgramKind::Job));
    let (report, _) = run_job(&service, &JOB, TestHost::default());
    assert_eq!(report.outcome, Outcome::Failed { message: "the program is a service, not a job".into() });
    let mut running = begin_request(&job, &JOB, get(), TestHost::default());
    let (report, _) = running.step().unwrap();
    assert_eq!(report.outcome, Outcome::Failed { message: "the program is a job, not a service".into() });
    assert_eq!(report.transcript, None);
    let (report, _) = begin_job(&job, &JOB, TestHost::default()).step().unwrap();
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
}
