//! Claims of runs on this machine, replayed; what a replay refutes, and what it refuses.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]
#![expect(clippy::expect_used, reason = "what cannot be set up fails the test")]

use core::task::Poll;
use std::io::{Cursor, Write, sink};
use std::sync::{Arc, Mutex};

use attestation_claim::message::{Field, Request, Response, encode_end};
use attestation_claim::{ChainPlace, Claim, Digested, Measured, Outcome, Transcript, Usage, sign_claim};
use attestation_evidence::{Evidence, Platform};
use attestation_manifest::{manifest_digest, parse_manifest};
use attestation_transcript::{Kind, MAGIC, Reader, Run, Writer};
use bytes::Bytes;
use enclave_runtime::enclave_http::{Fields, Method, Scheme};
use enclave_runtime::{
    Console, IncomingRequest, InputRead, Job, JobHost, JobLimits, JobReport, Output, Program, Stop, Tuning,
    begin_request, run_job,
};
use loader_replay::{Claimed, Pieces, ReplayError, Verdict, replay};
use p256::ecdsa::SigningKey;
use sha2::{Digest, Sha256};

const INPUT: &[u8] = b"what the component reads";

/// Reads, looks at the clock, and writes both.
const MAIN: &str = r#"(core module $Main
    (import "env" "memory" (memory 1))
    (import "wasi" "stdin" (func $stdin (result i32)))
    (import "wasi" "stdout" (func $stdout (result i32)))
    (import "wasi" "read" (func $read (param i32 i64 i32)))
    (import "wasi" "write-all" (func $write-all (param i32 i32 i32 i32)))
    (import "wasi" "now" (func $now (result i64)))
    (func (export "run") (result i32)
        (call $read (call $stdin) (i64.const 10) (i32.const 32))
        (i64.store (i32.const 0) (call $now))
        (call $write-all (call $stdout) (i32.const 0) (i32.const 64) (i32.const 256))
        i32.const 0))"#;

fn component(main: &str) -> Vec<u8> {
    let prelude = include_str!("../../../enclave/runtime/tests/jobs/prelude.wat");
    wat::parse_str(prelude.replace(";; MAIN\n", main)).expect("the test's text is valid")
}

fn manifest(component: &[u8], engine: &str) -> String {
    let component = hex::encode(Sha256::digest(component));
    format!(
        r#"{{"version":1,"name":"test","role":"workload","trust":"tee","component":{{"sha256":"{component}"}},
"artefact":{{"sha256":"{component}","engine":"{engine}"}},
"launch":{{"snp":{{"policy":"0x30000","vmpl":0}},"tdx":{{"attributes":"0x10000000","xfam":"0xe7"}}}},"memory_mib":64,
"limits":{{"component_memory_bytes":1048576,"fuel":500000000,"input_bytes":1000,"output_bytes":1000,"wall_ms":2000,
"transcript_bytes":10000,"call_stack_bytes":65536}},"wall_clock":"none","args":["one"],"env":[],"egress":[],"tls":{{"roots":"none","hosts":[]}},"time":[],
"service":null,"storage":{{"key_value_bytes":0,"files_bytes":0,"persist":false}},"logs":"public","readers":[]}}"#
    )
}

/// The host of the first run.
#[derive(Default)]
struct Host {
    given: bool,
    output: Vec<u8>,
    transcript: Vec<u8>,
}

impl Console for Host {
    fn pump(&mut self) -> Result<(), Stop> {
        Ok(())
    }

    fn read_input(&mut self, max_bytes: usize) -> InputRead {
        if core::mem::replace(&mut self.given, true) {
            return InputRead::End;
        }
        InputRead::Bytes(Bytes::from_static(&INPUT[..max_bytes.min(INPUT.len())]))
    }

    fn output_space(&mut self, _output: Output) -> usize {
        usize::MAX
    }

    fn write_output(&mut self, _output: Output, bytes: Bytes) {
        self.output.extend_from_slice(&bytes);
    }
}

impl JobHost for Host {
    fn monotonic_ns(&mut self) -> u64 {
        123_456
    }

    fn wall_ns(&mut self) -> Poll<Option<u64>> {
        Poll::Ready(None)
    }

    fn fill_random(&mut self, buffer: &mut [u8]) {
        buffer.fill(9);
    }

    fn can_record(&mut self) -> bool {
        true
    }

    fn record(&mut self, piece: &[u8]) {
        self.transcript.extend_from_slice(piece);
    }
}

/// A run with its signed claim, after `bend`.
struct Done {
    claim: Vec<u8>,
    transcript: Vec<u8>,
    output: Vec<u8>,
}

fn run(engine: &str, bend: impl FnOnce(&mut Claim)) -> Done {
    let component = component(MAIN);
    let text = manifest(&component, engine);
    let manifest = parse_manifest(text.as_bytes()).expect("the test's manifest parses");
    let run = Run {
        component: manifest.component.sha256.0,
        manifest: manifest_digest(text.as_bytes()),
        sequence: 0,
    };
    let job =
        Job { limits: JobLimits::of(&manifest), args: &["test", "one"], env: &[], keeps_files: false, run };
    let program = Program::compile(&component, Tuning::Guest, 65536, 1 << 20).expect("it compiles");
    let (report, host) = run_job(&program, &job, Host::default());
    let mut claim = claim(run, &report, digested(INPUT), digested(&host.output));
    bend(&mut claim);
    Done { claim: sign(&claim, &text), transcript: host.transcript, output: host.output }
}

fn digested(bytes: &[u8]) -> Digested {
    Digested { sha256: Sha256::digest(bytes).into(), bytes: bytes.len() as u64 }
}

fn claim(run: Run, report: &JobReport, input: Digested, output: Digested) -> Claim {
    let recorded = report.transcript.expect("the run has a transcript");
    Claim {
        component: run.component,
        artefact: run.component,
        manifest: run.manifest,
        input,
        output,
        outcome: Outcome::Exited { code: 0 },
        sequence: 0,
        transcript: Transcript { root: recorded.root.0, entries: recorded.entries, bytes: recorded.bytes },
        receipts_root: None,
        usage: Usage {
            fuel: report.usage.fuel,
            component_memory_bytes: report.usage.peak_memory_bytes,
            error_output_bytes: 0,
        },
        measured: Measured { run_us: 1, heap_peak_bytes: 2 },
    }
}

fn sign(claim: &Claim, manifest: &str) -> Vec<u8> {
    let key = SigningKey::from_slice(&[7; 32]).expect("a valid scalar");
    let instance_key = key.verifying_key().to_sec1_point(false).as_bytes().try_into().expect("65 bytes");
    let evidence = Evidence {
        platform: Platform::Simulated,
        report: vec![0; 8],
        endorsement: Vec::new(),
        instance_key,
        hpke_key: None,
        manifest: manifest.as_bytes().to_vec(),
    };
    sign_claim(claim, ChainPlace::default(), &evidence, &key).expect("a key that signs").0
}

/// Output that outlives the replay.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("one thread").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn replay_as(done: &Done, tuning: Tuning, input: &[u8], output: &Shared) -> Result<Verdict, ReplayError> {
    let pieces = Pieces {
        component: &component(MAIN),
        transcript: done.transcript.clone(),
        input: Box::new(Cursor::new(input.to_vec())),
        output: Box::new(output.clone()),
        error_output: Box::new(sink()),
        tuning,
    };
    replay(&Claimed::read(&done.claim)?, pieces)
}

fn verdict(bend: impl FnOnce(&mut Claim)) -> Verdict {
    let done = run(attestation_artefact::ENGINE, bend);
    replay_as(&done, Tuning::Guest, INPUT, &Shared::default()).expect("it can be replayed")
}

#[test]
fn an_honest_claim_is_equal_with_every_engine() {
    let done = run(attestation_artefact::ENGINE, |_| {});
    for tuning in [Tuning::Guest, Tuning::Baseline, Tuning::Interpreter] {
        let output = Shared::default();
        let verdict = replay_as(&done, tuning, INPUT, &output).expect("it can be replayed");
        assert!(verdict.is_equal(), "{tuning:?}: {verdict:?}");
        assert_eq!((verdict.entries, verdict.outcome.as_str()), (2, "exited with code 0"));
        assert_eq!(*output.0.lock().expect("one thread"), done.output);
    }
}

#[test]
fn every_false_field_is_named() {
    type Bend = fn(&mut Claim);
    let cases: [(Bend, &str); 6] = [
        (|claim| claim.outcome = Outcome::Trapped, "outcome"),
        (|claim| claim.output.sha256[0] ^= 1, "output, SHA-256"),
        (|claim| claim.output.bytes += 1, "output, bytes"),
        (|claim| claim.usage.fuel += 1, "fuel"),
        (|claim| claim.usage.component_memory_bytes += 65536, "component memory, peak bytes"),
        (|claim| claim.usage.error_output_bytes = 5, "error output, bytes"),
    ];
    for (bend, field) in cases {
        let verdict = verdict(bend);
        assert!(!verdict.is_equal());
        let fields: Vec<_> = verdict.differences.iter().map(|difference| difference.field).collect();
        assert_eq!(fields, [field]);
    }
    assert!(verdict(|claim| claim.measured.run_us += 1).is_equal(), "what was measured is no difference");
}

#[test]
fn files_of_other_claims_and_other_engines_are_refused() {
    let done = run(attestation_artefact::ENGINE, |_| {});
    let other = replay_as(&done, Tuning::Guest, b"something else", &Shared::default());
    assert!(matches!(other, Err(ReplayError::OtherFile { file: "input", .. })), "{other:?}");
    for place in [0, 60, done.transcript.len() - 1] {
        let mut transcript = done.transcript.clone();
        transcript[place] ^= 1;
        let damaged = Done { transcript, claim: done.claim.clone(), output: Vec::new() };
        let refused = replay_as(&damaged, Tuning::Guest, INPUT, &Shared::default());
        assert!(matches!(refused, Err(ReplayError::Transcript(_))), "byte {place}: {refused:?}");
    }
    let component_of_another = run(attestation_artefact::ENGINE, |claim| claim.component[0] ^= 1);
    let refused = replay_as(&component_of_another, Tuning::Guest, INPUT, &Shared::default());
    assert!(matches!(refused, Err(ReplayError::Transcript(_))), "{refused:?}");
    let older = run("wasmtime 47", |_| {});
    let refused = replay_as(&older, Tuning::Guest, INPUT, &Shared::default());
    assert!(matches!(refused, Err(ReplayError::Engine { .. })), "{refused:?}");
    let mut claim = done.claim.clone();
    let last = claim.len() - 1;
    claim[last] ^= 1;
    assert!(matches!(Claimed::read(&claim), Err(ReplayError::Claim(_))));
}

/// Gives back what it gets, at `/e`.
fn service() -> Vec<u8> {
    const HTTP: &str = include_str!("../../../enclave/runtime/tests/http/prelude.wat");
    const IMPORTS: &str = concat!(
        include_str!("../../../enclave/runtime/tests/http/kit-imports.wat"),
        include_str!("../../../enclave/runtime/tests/http/service-imports.wat")
    );
    const SERVICE: &str = include_str!("../../../enclave/service/tests/serve/service.wat");
    let text = HTTP
        .replace(";; MAIN\n", &format!("(core module $Main {IMPORTS} {SERVICE})"))
        .replace(";; KIT\n", include_str!("../../../enclave/runtime/tests/http/kit.wat"))
        .replace(";; EXPORT\n", include_str!("../../../enclave/runtime/tests/http/service-export.wat"));
    wat::parse_str(text).expect("the test's text is valid")
}

/// The verdict on an answer to a request whose kept file ends with `trailers`.
fn answer_verdict(trailers: Option<&[Field<'_>]>, response: &[u8]) -> Verdict {
    let component = service();
    let table = r#""service":{"port":80,"scheme":"http","open_requests_max":1,"request_wall_ms":1000,"request_body_bytes":1000,
"response_body_bytes":1000,"request_fuel":500000000,"request_memory_bytes":1048576}"#;
    let text = manifest(&component, attestation_artefact::ENGINE).replace(r#""service":null"#, table);
    let parsed = parse_manifest(text.as_bytes()).expect("the test's manifest parses");
    let service = parsed.service.as_ref().expect("it has one");
    let run =
        Run { component: parsed.component.sha256.0, manifest: manifest_digest(text.as_bytes()), sequence: 0 };
    let limits = JobLimits::of_request(&parsed, service);
    let job = Job { limits, args: &["test", "one"], env: &[], keeps_files: false, run };
    let program = Program::compile(&component, Tuning::Guest, 65536, 1 << 20).expect("it compiles");
    let request = IncomingRequest {
        method: Method::GET,
        scheme: Scheme::Http,
        authority: None,
        path_with_query: Some("/e".into()),
        fields: Fields::new(),
    };
    let mut running = begin_request(&program, &job, request, Host::default());
    let (report, host) = (0..1000).find_map(|_| running.step()).expect("it ends");
    let head = Request {
        method: "GET",
        scheme: "http",
        authority: None,
        path_with_query: Some("/e"),
        fields: Vec::new(),
    };
    let input = [&head.encode()[..], INPUT, &encode_end(trailers, INPUT.len() as u64)].concat();
    let claim = claim(run, &report, digested(&input), digested(response));
    let pieces = Pieces {
        component: &component,
        transcript: host.transcript,
        input: Box::new(Cursor::new(input)),
        output: Box::new(sink()),
        error_output: Box::new(sink()),
        tuning: Tuning::Guest,
    };
    let claimed = Claimed::read(&sign(&claim, &text)).expect("the claim is in order");
    replay(&claimed, pieces).expect("it can be replayed")
}

#[test]
fn a_request_is_answered_once_more() {
    let head = Response { status: 200, fields: Vec::new() }.encode();
    let body = [INPUT, b"hello"].concat();
    let response = [&head[..], &body, &encode_end(Some(&[]), body.len() as u64)].concat();
    let verdict = answer_verdict(Some(&[]), &response);
    assert!(verdict.is_equal(), "{verdict:?}");
    let verdict = answer_verdict(Some(&[]), &response[1..]);
    assert_eq!(verdict.differences[0].field, "output, bytes");
}

/// A guest that leaves out the only thing that its component learnt: the place is the call in the component as it is, not in
/// what is compiled.
#[test]
fn where_the_runs_part_is_a_place_in_the_component() {
    let done = run(attestation_artefact::ENGINE, |_| {});
    let mut reader = Reader::new(&done.transcript).expect("it is whole");
    let mut writer = Writer::new(&reader.header().clone());
    for entry in reader.by_ref().map(|entry| entry.expect("it is whole")) {
        if entry.kind != Kind::MONOTONIC_NOW {
            writer.append(entry.kind, entry.fuel, entry.payload).expect("the entry fits");
        }
    }
    let forged = writer.finish().expect("nothing is too long");
    let mut transcript = MAGIC.to_vec();
    forged.segments.iter().for_each(|segment| transcript.extend_from_slice(segment));
    let done = run(attestation_artefact::ENGINE, |claim| {
        claim.transcript.root = forged.root.0;
        claim.transcript.entries = forged.entries;
        claim.transcript.bytes = forged.bytes;
    });
    let done = Done { transcript, ..done };
    for tuning in [Tuning::Guest, Tuning::Baseline, Tuning::Interpreter] {
        let verdict = replay_as(&done, tuning, INPUT, &Shared::default()).expect("it can be replayed");
        let backtrace = verdict.parting.expect("they part").backtrace;
        let place = backtrace.split_once("0x").and_then(|(_, rest)| rest.split_once(" - "));
        let (place, _) = place.unwrap_or_else(|| unreachable!("{backtrace}"));
        let place = usize::from_str_radix(place, 16).expect("it is a number");
        let component = component(MAIN);
        // A call of function 4, `now`, and then `i64.store`.
        assert_eq!(component[place..place + 3], [0x10, 4, 0x37], "{backtrace}");
    }
}

/// A guest that lies about where its component stopped reading: the replay neither waits for ever nor believes it.
#[test]
fn a_component_that_reads_on_refutes_the_claim() {
    let verdict = answer_verdict(None, b"");
    assert!(!verdict.is_equal(), "{verdict:?}");
    let parting = verdict.parting.expect("the transcript ends otherwise");
    assert_eq!(parting.recorded.expect("it has an end").kind, Kind::END);
}
