//! Services: what clients get, the polite and the others, and what is claimed of it.

use attestation_claim::message::{parse_request, parse_response};
use attestation_claim::{Outcome, SignedClaim, open_claims};
use attestation_manifest::parse_manifest;
use attestation_transcript::{Root, Run, verify_run};
use enclave_platform::ControlLink;
use enclave_runtime::Program;
use enclave_service::{Ended, ServiceError, Vault, serve};
use enclave_wire::control::{JobDone, JobStart, RequestFigures, Status, decode_body};
use enclave_wire::frame::{Frame, FrameKind};
use enclave_wire::network::SPARE_CONNECTIONS;
use sha2::{Digest, Sha256};

use crate::components::{load_counting_service, load_service};
use crate::loader::{MANIFEST, chain_of};
use crate::street::{ServiceLoader, Step, Town};
use Step::{Expect, ExpectEnd, Finish, Send, StopReading, Vanish, Wait};

/// A microsecond with each look.
pub(crate) const LOOK_NS: u64 = 1_000;

const OK_CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

pub(crate) fn manifest_text(open_requests_max: u32) -> String {
    MANIFEST.replace(
        r#""service":null"#,
        &format!(
            r#""service":{{"port":80,"scheme":"http","open_requests_max":{open_requests_max},"request_wall_ms":500,
            "request_body_bytes":100000,"response_body_bytes":200000,"request_fuel":400000000,
            "request_memory_bytes":1048576}}"#
        ),
    )
}

pub(crate) struct Served {
    town: Town,
    pub(crate) frames: Vec<Frame>,
}

impl Served {
    pub(crate) fn figures(&self) -> RequestFigures {
        let status = self.frames.iter().find(|frame| frame.kind == FrameKind::STATUS).expect("a status");
        decode_body::<Status>(&status.body).expect("it decodes").requests.expect("a service")
    }

    /// All that came of this kind for this request.
    pub(crate) fn bytes(&self, kind: FrameKind, number: u32) -> Vec<u8> {
        let ours = |frame: &&Frame| frame.kind == kind && frame.job == number;
        self.frames.iter().filter(ours).flat_map(|frame| frame.body.clone()).collect()
    }
}

fn serve_with(scripts: Vec<Vec<Step>>, open_requests_max: u32, look_ns: u64, keep: bool) -> Served {
    serve_program(&program(), scripts, open_requests_max, look_ns, keep)
}

fn serve_program(
    program: &Program,
    scripts: Vec<Vec<Step>>,
    open_requests_max: u32,
    look_ns: u64,
    keep: bool,
) -> Served {
    let text = manifest_text(open_requests_max);
    serve_from(&text, None, program, &Town::new(scripts, look_ns), keep)
}

/// Likewise, with another manifest and with what an earlier guest has stored.
pub(crate) fn serve_from(
    text: &str,
    state: Option<Vec<u8>>,
    program: &Program,
    town: &Town,
    keep: bool,
) -> Served {
    let manifest = parse_manifest(text.as_bytes()).expect("the test's manifest parses");
    let loader = ServiceLoader::new(town, keep);
    let mut chain = chain_of(text, &manifest);
    let mut vault = Vault::new(&manifest, chain.identity());
    if let Some(state) = state {
        vault.restore(state).expect("an earlier guest's");
    }
    let ended = serve(ControlLink::new(loader.clone()), town.clone(), program, &manifest, &mut chain, vault);
    assert_eq!(ended, Ok(Ended::Shutdown));
    Served { town: town.clone(), frames: loader.frames() }
}

pub(crate) fn program() -> Program {
    load_service(include_str!("service.wat"))
}

fn serve_scripts(scripts: Vec<Vec<Step>>) -> Served {
    serve_with(scripts, 8, LOOK_NS, false)
}

pub(crate) fn get(path: &str) -> Step {
    Send(format!("GET /{path} HTTP/1.1\r\nhost: a\r\n\r\n").into_bytes())
}

pub(crate) fn post(path: &str, body: &str) -> Step {
    let length = body.len();
    Send(format!("POST /{path} HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes())
}

#[test]
fn one_connection_carries_many_requests() {
    let served = serve_scripts(vec![vec![
        get("a"),
        Expect(OK_CHUNKED),
        Expect("5\r\nhello\r\n0\r\n\r\n"),
        // Two at once: the second waits for its turn.
        post("e", "other"),
        get("a"),
        Expect("5\r\nother\r\n"),
        Expect("0\r\n\r\n"),
        Expect("HTTP/1.1 200 OK"),
        Expect("0\r\n\r\n"),
        // The last.
        Send(b"GET /a HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n".to_vec()),
        Expect("connection: close"),
        ExpectEnd,
    ]]);
    assert_eq!(served.figures(), RequestFigures { open: 0, answered: 4, failed: 0 });
}

#[test]
fn bodies_come_in_every_form() {
    let chunked =
        "POST /e HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    let patient = "POST /e HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\nexpect: 100-continue\r\n\r\n";
    let served = serve_scripts(vec![
        vec![Send(chunked.into()), Expect("abcde"), get("a"), Expect("HTTP/1.1 200 OK")],
        vec![
            Send(patient.into()),
            Expect("HTTP/1.1 100 Continue\r\n\r\n"),
            Send(b"xyz".to_vec()),
            Expect("xyz"),
        ],
        // A component that never reads never asks for it, and the connection cannot go on.
        vec![Send(patient.replace("/e", "/a").into()), Expect("200 OK"), Expect("0\r\n\r\n"), ExpectEnd],
        vec![post("a", "unread"), Expect("0\r\n\r\n"), get("a"), Expect("0\r\n\r\n")],
        vec![
            Send(b"HEAD /a HTTP/1.1\r\nhost: a\r\n\r\n".to_vec()),
            Expect("200 OK"),
            get("a"),
            Expect("0\r\n\r\n"),
        ],
        vec![Send(b"GET /a HTTP/1.0\r\n\r\n".to_vec()), Expect("connection: close\r\n\r\nhello"), ExpectEnd],
    ]);
    assert!(!served.town.got(2).contains("100 Continue"), "{}", served.town.got(2));
    assert_eq!(served.figures().failed, 0);
}

#[test]
fn what_is_no_request_is_told_so() {
    let long = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(9000));
    let many = format!("GET / HTTP/1.1\r\nhost: a\r\n{}\r\n", "a: b\r\n".repeat(101));
    let chunk = "POST /e HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n";
    let cases = [
        ("nonsense\r\n\r\n", "HTTP/1.1 400 "),
        ("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "),
        ("GET / HTTP/2.0\r\n\r\n", "HTTP/1.1 505 "),
        ("CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n", "HTTP/1.1 501 "),
        ("POST /e HTTP/1.1\r\nhost: a\r\ncontent-length: 100001\r\n\r\n", "HTTP/1.1 413 "),
        ("GET / HTTP/1.1\r\nhost: a\r\nexpect: magic\r\n\r\n", "HTTP/1.1 417 "),
        (&long, "HTTP/1.1 414 "),
        (&many, "HTTP/1.1 431 "),
        // The component has already begun to answer: the end is missing, and nothing else.
        (chunk, OK_CHUNKED),
    ];
    let script = |(text, expected): &(&str, &'static str)| {
        vec![Send(text.as_bytes().to_vec()), Expect(expected), ExpectEnd]
    };
    let served = serve_scripts(cases.iter().map(script).collect());
    for (client, _) in cases.iter().enumerate() {
        assert!(!served.town.got(client).ends_with("0\r\n\r\n"), "{}", served.town.got(client));
    }
    assert_eq!(served.figures(), RequestFigures { open: 0, answered: 0, failed: 1 });
}

#[test]
fn components_that_fail_harm_nobody_else() {
    let bad = [
        ("t", "HTTP/1.1 500 Internal Server Error"),
        ("r", "HTTP/1.1 500 Internal Server Error"),
        ("n", "HTTP/1.1 500 Internal Server Error"),
        ("l", "HTTP/1.1 500 Internal Server Error"),
        ("g", OK_CHUNKED),
        ("h", OK_CHUNKED),
    ];
    let mut scripts: Vec<_> =
        bad.iter().map(|(path, expected)| vec![get(path), Expect(expected), ExpectEnd]).collect();
    scripts.push(vec![get("a"), Expect("0\r\n\r\n"), get("a"), Expect("0\r\n\r\n")]);
    let served = serve_scripts(scripts);
    let half = served.town.got(5);
    assert!(half.contains("5\r\nhello\r\n") && !half.contains("0\r\n\r\n"), "{half}");
    assert!(!served.town.got(4).ends_with("0\r\n\r\n"), "a response that exceeds its limit has no end");
    assert_eq!(served.figures(), RequestFigures { open: 0, answered: 2, failed: 6 });
}

#[test]
fn clients_that_dawdle_or_vanish_are_let_go() {
    // A third of a millisecond with each look, so that time limits strike within some thousand turns.
    let slow = [
        // Half a head, a body that does not come, a response that nobody reads.
        vec![Send(b"GET / HT".to_vec()), Expect("HTTP/1.1 408 "), ExpectEnd],
        vec![Send(b"POST /e HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc".to_vec()), ExpectEnd],
        vec![StopReading, get("g"), ExpectEnd],
        // Idle after its answer: closed without a word.
        vec![get("a"), Expect("0\r\n\r\n"), ExpectEnd],
        vec![Send(b"POST /e HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc".to_vec()), Wait(9), Vanish],
        vec![
            Send(b"POST /e HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc".to_vec()),
            Finish,
            ExpectEnd,
        ],
        vec![Vanish],
        vec![Finish, ExpectEnd],
    ];
    let served = serve_with(slow.to_vec(), 8, 300_000, false);
    assert!(served.town.got(3).ends_with("0\r\n\r\n"), "{}", served.town.got(3));
    assert!(served.town.unreleased() <= 2, "{} are still there", served.town.unreleased());
}

#[test]
fn more_clients_than_places_wait_and_are_served() {
    let scripts: Vec<_> =
        (0..300).map(|_| vec![get("a"), Expect("0\r\n\r\n"), get("a"), Expect("0\r\n\r\n")]).collect();
    let served = serve_with(scripts, 16, 10 * LOOK_NS, false);
    assert_eq!(served.figures(), RequestFigures { open: 0, answered: 600, failed: 0 });
    let most = served.town.lock().most_accepted;
    assert!((17..=16 + SPARE_CONNECTIONS).contains(&most), "{most}");
}

/// All of them are connected before the first says something, and some more wait.
#[test]
fn a_first_request_may_be_late() {
    let late = || vec![Wait(4_000), get("a"), Expect("0\r\n\r\n")];
    let scripts = (0..2 * (16 + SPARE_CONNECTIONS)).map(|_| late()).collect();
    let served = serve_with(scripts, 16, 50 * LOOK_NS, false);
    assert_eq!(served.figures(), RequestFigures { open: 0, answered: 96, failed: 0 });
}

/// Those whose last request is answered make room, but only as many as others need.
#[test]
fn who_is_idle_makes_room_for_who_waits() {
    let places = 16 + SPARE_CONNECTIONS;
    let mut scripts: Vec<_> = (0..places).map(|_| vec![get("a"), Expect("0\r\n\r\n"), Wait(9_000)]).collect();
    scripts.extend((0..5).map(|_| vec![get("a"), Expect("0\r\n\r\n"), Wait(9_000)]));
    let served = serve_with(scripts, 16, 50 * LOOK_NS, false);
    assert_eq!(served.figures(), RequestFigures { open: 0, answered: places as u64 + 5, failed: 0 });
    let sent_away = places + 5 - served.town.unreleased();
    assert_eq!(sent_away, 5);
}

#[test]
fn a_request_that_computes_for_long_does_not_keep_others_waiting() {
    // The first never ends by itself; the others are answered long before its fuel is.
    let mut scripts = vec![vec![get("l"), Expect("HTTP/1.1 500 "), ExpectEnd]];
    scripts.extend((0..7).map(|_| vec![Wait(20), get("a"), Expect("0\r\n\r\n")]));
    let served = serve_with(scripts, 8, 1, true);
    let claimed: Vec<u32> = served
        .frames
        .iter()
        .filter(|frame| frame.kind == FrameKind::REQUEST_CLAIM)
        .map(|frame| frame.job)
        .collect();
    assert_eq!(claimed.len(), 8);
    assert_eq!(claimed.last(), Some(&0), "{claimed:?}");
}

#[test]
fn every_request_is_claimed_and_the_claim_says_what_passed() {
    let scripts = vec![
        vec![post("e", "hello"), Expect("0\r\n\r\n")],
        vec![Wait(50), get("t"), Expect("HTTP/1.1 500 "), ExpectEnd],
        vec![
            Wait(200),
            Send(b"POST /e HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc".to_vec()),
            Wait(50),
            Vanish,
        ],
    ];
    let served = serve_with(scripts, 8, LOOK_NS, true);
    let claims: Vec<_> = [0, 1].map(|number| served.bytes(FrameKind::REQUEST_CLAIM, number)).into();
    assert_eq!(served.bytes(FrameKind::REQUEST_CLAIM, 2), b"", "nothing is claimed for a client that left");
    assert!(served.frames.iter().any(|frame| (frame.kind, frame.job) == (FrameKind::REQUEST_DROPPED, 2)));
    let batches: Vec<_> = served.frames.iter().filter(|frame| frame.kind == FrameKind::BATCH).collect();
    assert_eq!(batches.len(), 1, "signed together at the end");
    let files = open_claims(&batches[0].body, &claims).expect("the batch is of these claims");
    let files: Vec<_> = files.collect();
    for (number, file) in (0..).zip(&files) {
        let verified = SignedClaim::parse(file).expect("it parses").verify().expect("it is signed");
        let claim = verified.claim();
        let (request, transcript) =
            (served.bytes(FrameKind::REQUEST, number), served.bytes(FrameKind::TRANSCRIPT, number));
        assert_eq!(claim.input.sha256, <[u8; 32]>::from(Sha256::digest(&request)));
        assert_eq!(claim.input.bytes, request.len() as u64);
        let run = Run { component: claim.component, manifest: claim.manifest, sequence: number.into() };
        let summary = verify_run(&transcript, &Root(claim.transcript.root), &run);
        assert_eq!(summary.expect("the transcript is the claim's").bytes as u64, claim.transcript.bytes);
    }
    let request = served.bytes(FrameKind::REQUEST, 0);
    let request = parse_request(&request).expect("a request");
    assert_eq!((request.head.method, request.head.path_with_query), ("POST", Some("/e")));
    assert_eq!((request.body, request.trailers), (&b"hello"[..], Some(vec![])));
    // What the component answered, by the rules of `message`.
    let response = [&b"\x82\x18\xC8\x80"[..], b"hellohello", b"\x80", &10_u64.to_be_bytes()].concat();
    assert!(parse_response(&response).is_ok());
    let outcome = |file: &[u8]| SignedClaim::parse(file).expect("it parses").unverified_claim().clone();
    assert_eq!(outcome(&files[0]).output.sha256, <[u8; 32]>::from(Sha256::digest(&response)));
    assert_eq!(outcome(&files[0]).outcome, Outcome::Exited { code: 0 });
    let nothing = [&b"\xF6\xF6"[..], &0_u64.to_be_bytes()].concat();
    assert_eq!(outcome(&files[1]).output.sha256, <[u8; 32]>::from(Sha256::digest(&nothing)));
    assert_eq!(outcome(&files[1]).outcome, Outcome::Trapped);
}

/// Adds one in the store, and answers with the sum's digit. A request for `/t` traps once it has counted.
const COUNT: &str = r#"(func (export "handle") (param $request i32) (param $out i32)
        (local $response i32) (local $body i32) (local $stream i32)
        (call $open (i32.const 8192) (i32.const 5) (i32.const 60000))
        (call $increment (i32.load (i32.const 60004)) (i32.const 8192) (i32.const 5) (i64.const 1) (i32.const 60016))
        (call $path (local.get $request) (i32.const 5104))
        (if (i32.eq (i32.load8_u offset=1 (i32.load (i32.const 5108))) (i32.const 116)) (then unreachable))
        (local.set $response (call $new-response (call $new-fields)))
        (local.set $body (call $body-of (local.get $response)))
        (call $give (local.get $out) (local.get $response))
        (local.set $stream (call $writer (local.get $body)))
        (i32.store8 (i32.const 60100) (i32.add (i32.const 48) (i32.load8_u (i32.const 60024))))
        (drop (call $put (local.get $stream) (i32.const 60100) (i32.const 1)))
        (call $drop-out (local.get $stream))
        (drop (call $finished (local.get $body))))"#;

/// Each request is an instance of its own; the store is the guest's.
#[test]
fn requests_count_together() {
    let client = || vec![get("a"), Expect("0\r\n\r\n"), get("a"), Expect("0\r\n\r\n")];
    let trapped = vec![get("t"), Expect("HTTP/1.1 500 "), ExpectEnd];
    let last = vec![Wait(300), get("a"), Expect("1\r\n8\r\n")];
    let scripts = vec![client(), client(), client(), trapped, last];
    let served = serve_program(&load_counting_service(COUNT), scripts, 8, LOOK_NS, false);
    let got: String = (0..3).map(|client| served.town.got(client)).collect();
    let mut sums: Vec<&str> = got.split("\r\n1\r\n").skip(1).filter_map(|rest| rest.get(..1)).collect();
    sums.sort_unstable();
    sums.dedup();
    assert_eq!(sums.len(), 6, "no two got the same: {sums:?}");
    assert_eq!(served.figures().failed, 1);
}

/// Now and then while they come, and all of it at the end.
#[test]
fn what_requests_store_outlasts_the_guest() {
    let text = manifest_text(8).replace(r#""persist":false"#, r#""persist":true"#);
    let program = load_counting_service(COUNT);
    let count = |sum: &'static str| vec![get("a"), Expect(sum), Expect("0\r\n\r\n")];
    let slow =
        Town::new(vec![[count("\r\n1\r\n"), vec![Wait(15_000)], count("\r\n2\r\n")].concat()], 100 * LOOK_NS);
    let first = serve_from(&text, None, &program, &slow, false);
    let states = states(&first.frames);
    assert_eq!(states.len(), 2, "once for each request, a second and more apart");

    let next = Town::new(vec![count("\r\n3\r\n")], LOOK_NS);
    let second = serve_from(&text, states.last().cloned(), &program, &next, false);
    assert_eq!(self::states(&second.frames).len(), 1);
    // Three in less than a second: the first is given out at once, the others together when the guest ends.
    let quick = [count("\r\n1\r\n"), count("\r\n2\r\n"), count("\r\n3\r\n")].concat();
    let quick = serve_from(&text, None, &program, &Town::new(vec![quick], LOOK_NS), false);
    let quick = self::states(&quick.frames);
    assert_eq!(quick.len(), 2);
    let fourth = Town::new(vec![count("\r\n4\r\n")], LOOK_NS);
    serve_from(&text, quick.last().cloned(), &program, &fourth, false);
    // Whoever gets an old state counts from there.
    let again = Town::new(vec![count("\r\n2\r\n")], LOOK_NS);
    serve_from(&text, states.first().cloned(), &program, &again, false);
    // Nothing is given out where nothing is to last.
    let forgets = serve_program(&program, vec![count("\r\n1\r\n")], 8, LOOK_NS, false);
    assert_eq!(self::states(&forgets.frames), Vec::<Vec<u8>>::new());
}

/// Each state that the guest has given out.
fn states(frames: &[Frame]) -> Vec<Vec<u8>> {
    let (mut states, mut open) = (Vec::new(), Vec::new());
    for frame in frames {
        match frame.kind {
            FrameKind::STATE => open.extend_from_slice(&frame.body),
            FrameKind::STATE_END => states.push(core::mem::take(&mut open)),
            _ => {}
        }
    }
    states
}

#[test]
fn a_guest_without_a_network_does_not_pretend_to_serve() {
    let text = manifest_text(8).replace(r#""port":80,"#, r#""port":81,"#);
    let manifest = parse_manifest(text.as_bytes()).expect("the test's manifest parses");
    // This network opens port 80 alone.
    let town = Town::new(Vec::new(), LOOK_NS);
    let loader = ServiceLoader::new(&town, false);
    let mut chain = chain_of(&text, &manifest);
    let vault = Vault::new(&manifest, chain.identity());
    let ended = serve(ControlLink::new(loader), town, &program(), &manifest, &mut chain, vault);
    assert_eq!(ended, Err(ServiceError::Port { port: 81 }));
}

#[test]
fn a_guest_of_a_service_takes_no_jobs() {
    let town = Town::new(vec![vec![get("a"), Expect("0\r\n\r\n")]], LOOK_NS);
    let text = manifest_text(8);
    let manifest = parse_manifest(text.as_bytes()).expect("the test's manifest parses");
    let loader = ServiceLoader::with_job(
        &town,
        &JobStart { input_bytes: 0, wall_ns: 0, receipts: false, private: false },
    );
    let mut chain = chain_of(&text, &manifest);
    let vault = Vault::new(&manifest, chain.identity());
    let ended = serve(ControlLink::new(loader.clone()), town, &program(), &manifest, &mut chain, vault);
    assert_eq!(ended, Ok(Ended::Shutdown));
    let frames = loader.frames();
    let done = frames.iter().find(|frame| frame.kind == FrameKind::JOB_DONE).expect("an answer");
    let done: JobDone = decode_body(&done.body).expect("it decodes");
    assert!(done.detail.contains("answers requests on port 80"), "{done:?}");
}
