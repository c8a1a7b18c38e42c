//! What a component sees of the outside, and what it does not.

use attestation_artefact::CALL_STACK_DEFAULT_BYTES;
use enclave_runtime::{InputRead, JobLimits, Machine, Outcome, Program, RuntimeError, inspect};

use crate::harness::{LIMITS, TestHost, component, load, run, run_with, trap_message};

/// Copies standard input to standard output until the end, then exits with 0.
const ECHO: &str = include_str!("echo.wat");

#[test]
fn echo() {
    let text: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    let mut input: Vec<_> = text.chunks(30_000).map(|part| InputRead::Bytes(part.to_vec().into())).collect();
    input.insert(1, InputRead::Pending);
    input.insert(3, InputRead::Pending);
    let host = TestHost { input: input.into(), bytes_per_pump: Some(1000), ..TestHost::default() };
    let (report, host) = run_with(&component(ECHO), &LIMITS, host);
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
    assert!(host.stdout == text, "what went in came out");
    assert_eq!((report.usage.input_bytes, report.usage.stdout_bytes), (400_000, 400_000));
}

#[test]
fn echo_of_nothing() {
    let (report, host) = run(ECHO);
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
    assert!(host.stdout.is_empty());
}

#[test]
fn input_may_be_left_alone() {
    let host = TestHost { input: vec![InputRead::Bytes(vec![1; 10].into())].into(), ..TestHost::default() };
    let nothing = component(r#"(func (export "run") (result i32) i32.const 0)"#);
    let (report, host) = run_with(&nothing, &LIMITS, host);
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
    assert_eq!(report.usage.input_bytes, 0);
    assert_eq!(host.input.len(), 1);
}

/// The permission does not depend on the host's pace: a writer learns nothing by it.
#[test]
fn writing_more_than_permitted_traps() {
    let host = TestHost { bytes_per_pump: Some(10), ..TestHost::default() };
    let writer = |bytes: u32| {
        component(&format!(
            r#"(import "wasi" "stdout" (func $stdout (result i32)))
        (import "wasi" "write" (func $write (param i32 i32 i32 i32)))
        (import "env" "memory" (memory 1))
        (func (export "run") (result i32)
            (drop (memory.grow (i32.const 2)))
            (call $write (call $stdout) (i32.const 0) (i32.const {bytes}) (i32.const 131072)) i32.const 0)"#
        ))
    };
    let (report, written) = run_with(&writer(65536), &LIMITS, host.clone());
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
    assert_eq!(written.stdout.len(), 65536);
    let (report, written) = run_with(&writer(65537), &LIMITS, host);
    assert!(trap_message(&report.outcome).contains("more bytes written than `check-write` permitted"));
    assert!(written.stdout.is_empty());
}

#[test]
fn arguments_and_environment() {
    let dump = |list: &str, strings: u32| {
        // Lists of strings, or of pairs of them, are `strings` consecutive (address, length) pairs.
        let (report, host) = run(&format!(
            r#"(import "env" "memory" (memory 1))
            (import "wasi" "stdout" (func $stdout (result i32)))
            (import "wasi" "write-all" (func $write-all (param i32 i32 i32 i32)))
            (import "wasi" "{list}" (func $list (param i32)))
            (func (export "run") (result i32) (local $out i32) (local $at i32) (local $end i32)
                (local.set $out (call $stdout))
                (call $list (i32.const 0))
                (local.set $at (i32.load (i32.const 0)))
                (local.set $end (i32.add (local.get $at) (i32.const {})))
                (loop $l
                    (call $write-all (local.get $out)
                        (i32.load (local.get $at)) (i32.load offset=4 (local.get $at)) (i32.const 64))
                    (local.set $at (i32.add (local.get $at) (i32.const 8)))
                    (br_if $l (i32.lt_u (local.get $at) (local.get $end))))
                i32.const 0)"#,
            strings * 8
        ));
        assert_eq!(report.outcome, Outcome::Exited { code: 0 });
        String::from_utf8(host.stdout).unwrap()
    };
    assert_eq!(dump("arguments", 2), "jobone");
    assert_eq!(dump("environment", 2), "NAMEvalue");
}

#[test]
fn sleeping_waits_for_the_hosts_clock() {
    let sleep = component(
        r#"(import "wasi" "now" (func $now (result i64)))
        (import "wasi" "subscribe-duration" (func $subscribe (param i64) (result i32)))
        (import "wasi" "block" (func $block (param i32)))
        (func (export "run") (result i32) (local $start i64)
            (local.set $start (call $now))
            (call $block (call $subscribe (i64.const 5000000)))
            (i64.lt_u (i64.sub (call $now) (local.get $start)) (i64.const 5000000)))"#,
    );
    let host = TestHost { tick_ns: 1_000_000, ..TestHost::default() };
    let (report, host) = run_with(&sleep, &LIMITS, host);
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
    assert_eq!(host.pumps, 5);
}

#[test]
fn sleeping_for_ever_ends_at_the_time_limit() {
    let sleep = component(
        r#"(import "wasi" "subscribe-duration" (func $subscribe (param i64) (result i32)))
        (import "wasi" "block" (func $block (param i32)))
        (func (export "run") (result i32) (call $block (call $subscribe (i64.const -1))) i32.const 0)"#,
    );
    let host = TestHost { tick_ns: 1_000_000, ..TestHost::default() };
    let limits = JobLimits { wall_ms: 20, ..LIMITS };
    let (report, _) = run_with(&sleep, &limits, host);
    assert!(matches!(report.outcome, Outcome::LimitExceeded { .. }), "{:?}", report.outcome);
}

#[test]
fn the_wall_clock_is_the_hosts_where_the_manifest_says_so() {
    let look = component(
        r#"(import "wasi" "wall-now" (func $now (param i32)))
        (import "env" "memory" (memory 1))
        (func (export "run") (result i32)
            (call $now (i32.const 0))
            (i32.or
                (i64.ne (i64.load (i32.const 0)) (i64.const 1700000000))
                (i32.ne (i32.load (i32.const 8)) (i32.const 7))))"#,
    );
    let host = TestHost { wall_ns: Some(1_700_000_000_000_000_007), ..TestHost::default() };
    let (report, _) = run_with(&look, &LIMITS, host);
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
    let (report, _) = run_with(&look, &LIMITS, TestHost::default());
    assert!(trap_message(&report.outcome).contains("the manifest has `wall_clock"), "{report:?}");
}

/// The seed is the test's, so the numbers are known: the first 8 bytes of ChaCha20's stream under the key `a5…a5`, as any
/// implementation gives it (`openssl enc -chacha20 -K a5… -iv 0…` of zeros).
#[test]
fn randomness_is_a_stream_from_the_hosts_seed() {
    let (report, _) = run(r#"(import "wasi" "random-u64" (func $random (result i64)))
        (func (export "run") (result i32) (i64.ne (call $random) (i64.const 0xef2d8ed93ce3cea0)))"#);
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
    let (report, _) = run(r#"(import "wasi" "random-bytes" (func $random (param i64 i32)))
        (func (export "run") (result i32) (call $random (i64.const 1048577) (i32.const 0)) i32.const 0)"#);
    assert!(trap_message(&report.outcome).contains("random: at most 1 MiB"));
}

#[test]
fn every_unsupported_import_is_named() {
    let text = r#"(component
        (import "wasi:nn/graph@0.2.0" (instance))
        (import "wasi:cli/stdin@0.2.0" (instance))
        (import "wasi:sockets/tcp@0.2.0" (instance))
        (import "wasi:sockets/udp@0.3.0" (instance)))"#;
    let names = ["wasi:nn/graph@0.2.0", "wasi:sockets/udp@0.3.0"].map(str::to_owned).to_vec();
    let expected = RuntimeError::UnsupportedImports { names };
    let bytes = wat::parse_str(text).unwrap();
    assert_eq!(inspect(&bytes), Err(expected.clone()));
    assert_eq!(load(&bytes).map(drop), Err(expected));
}

#[test]
fn an_unknown_function_of_an_offered_interface_is_refused() {
    let text = r#"(component (import "wasi:cli/exit@0.2.0" (instance (export "explode" (func))))
        (core module $M (func (export "run") (result i32) i32.const 0))
        (core instance $m (instantiate $M))
        (func $run (result (result)) (canon lift (core func $m "run")))
        (instance $command (export "run" (func $run)))
        (export "wasi:cli/run@0.2.0" (instance $command)))"#;
    let error = inspect(&wat::parse_str(text).unwrap()).unwrap_err();
    assert!(matches!(&error, RuntimeError::Mismatch { reason } if reason.contains("explode")), "{error}");
}

#[test]
fn a_component_without_an_entry_point_is_refused() {
    let error = inspect(&wat::parse_str("(component)").unwrap()).unwrap_err();
    assert!(error.to_string().contains("wasi:cli/run"), "{error}");
}

#[test]
fn inspection_accepts_what_runs_and_refuses_other_bytes() {
    assert!(inspect(&component(ECHO)).is_ok());
    assert!(matches!(inspect(b"not a component"), Err(RuntimeError::Component { .. })));
}

#[test]
fn damaged_artefacts_are_refused() {
    let artefact =
        attestation_artefact::compile_for_linux(&component(ECHO), CALL_STACK_DEFAULT_BYTES).unwrap();
    let load = |bytes: &[u8]| {
        // SAFETY: every piece is refused before any of it is used as code.
        unsafe { Program::load_copy(Machine::hosted(0, CALL_STACK_DEFAULT_BYTES), bytes) }.map(drop)
    };
    assert!(matches!(load(&[]), Err(RuntimeError::Artefact { .. })));
    assert!(matches!(load(&artefact[..artefact.len() / 2]), Err(RuntimeError::Artefact { .. })));
    let guest = attestation_artefact::compile(&component(ECHO), CALL_STACK_DEFAULT_BYTES).unwrap();
    let error = load(&guest).unwrap_err().to_string();
    assert!(error.contains("operating system 'none'"), "{error}");
}

#[test]
fn an_artefact_in_place_must_be_page_aligned() {
    let mut bytes = [0_u8; 16];
    let artefact = core::ptr::NonNull::from(&mut bytes[1..]);
    // SAFETY: the address is refused before anything is read.
    let result = unsafe { Program::load(Machine::hosted(0, CALL_STACK_DEFAULT_BYTES), artefact) };
    assert!(matches!(result, Err(RuntimeError::Misaligned { .. })));
}
