//! Every limit ends the job and is named.

use attestation_artefact::CALL_STACK_DEFAULT_BYTES;
use enclave_runtime::{InputRead, JobLimits, Limit, Machine, Outcome, Stop};

use crate::harness::{JOB, LIMITS, TestHost, component, load_on, run, run_twice, run_with, trap_message};

const SPIN: &str = r#"(func (export "run") (result i32) (loop $l (br $l)) i32.const 0)"#;

/// Writes 4096 bytes to standard output and to standard error, for ever.
const FLOOD: &str = r#"(import "wasi" "stdout" (func $stdout (result i32)))
    (import "wasi" "stderr" (func $stderr (result i32)))
    (import "wasi" "write-all" (func $write-all (param i32 i32 i32 i32)))
    (func (export "run") (result i32) (local $out i32) (local $err i32)
        (local.set $out (call $stdout))
        (local.set $err (call $stderr))
        (loop $l
            (call $write-all (local.get $out) (i32.const 0) (i32.const 4096) (i32.const 8192))
            (call $write-all (local.get $err) (i32.const 0) (i32.const 4096) (i32.const 8192))
            (br $l))
        i32.const 0)"#;

/// Reads standard input to its end.
const DRAIN: &str = r#"(import "wasi" "stdin" (func $stdin (result i32)))
    (import "wasi" "read" (func $read (param i32 i64 i32)))
    (import "env" "memory" (memory 1))
    (func (export "run") (result i32) (local $in i32)
        (local.set $in (call $stdin))
        (loop $l
            (call $read (local.get $in) (i64.const 1000) (i32.const 0))
            (br_if $l (i32.eqz (i32.load8_u (i32.const 0)))))
        i32.const 0)"#;

#[test]
fn fuel() {
    let limits = JobLimits { fuel: 50_000_000, ..LIMITS };
    let (report, host) = run_with(&component(SPIN), &limits, TestHost::default());
    assert_eq!(report.outcome, exceeded(Limit::Fuel));
    assert_eq!(report.usage.fuel, limits.fuel);
    assert!(host.pumps >= 2, "preempted between slices");
}

#[test]
fn fuel_used_is_the_same_every_time() {
    let program = component(
        r#"(func (export "run") (result i32) (local $n i32)
        (local.set $n (i32.const 10000000))
        (loop $l (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))) i32.const 0)"#,
    );
    let (first, _) = run_with(&program, &LIMITS, TestHost::default());
    let (second, _) = run_with(&program, &LIMITS, TestHost::default());
    assert_eq!(first.outcome, Outcome::Exited { code: 0 });
    assert_eq!(first, second);
}

#[test]
fn wall_time_of_a_spinning_component() {
    let host = TestHost { tick_ns: 400_000_000, ..TestHost::default() };
    let (report, host) = run_with(&component(SPIN), &LIMITS, host);
    assert_eq!(report.outcome, exceeded(Limit::Wall));
    assert_eq!(host.pumps, 3);
}

/// Each look at the clock is an entry; the time limit never strikes.
#[test]
fn the_transcript() {
    let clock = component(
        r#"(import "wasi" "now" (func $now (result i64)))
        (func (export "run") (result i32) (loop $l (drop (call $now)) (br $l)) i32.const 0)"#,
    );
    let limits = JobLimits { transcript_bytes: 10_000, ..LIMITS };
    let (report, host) = run_with(&clock, &limits, TestHost::default());
    assert_eq!(report.outcome, exceeded(Limit::Transcript));
    assert!((10_000..10_100).contains(&host.transcript.len()), "{}", host.transcript.len());
}

#[test]
fn wall_time_of_a_waiting_component() {
    let host = TestHost {
        tick_ns: 1_000_000,
        input: vec![InputRead::Pending; 10_000].into(),
        ..TestHost::default()
    };
    let (report, _) = run_with(&component(DRAIN), &LIMITS, host);
    assert_eq!(report.outcome, exceeded(Limit::Wall));
}

/// Calls that take the host long and the component no fuel to speak of.
#[test]
fn wall_time_of_a_component_that_only_calls_the_host() {
    let calls = r#"(import "wasi" "random-u64" (func $random (result i64)))
        (func (export "run") (result i32) (loop $l (drop (call $random)) (br $l)) i32.const 0)"#;
    let host = TestHost { look_ns: 1_000_000, ..TestHost::default() };
    let (report, host) = run_with(&component(calls), &LIMITS, host);
    assert_eq!(report.outcome, exceeded(Limit::Wall));
    // A second of the job's time; the host was pumped every few milliseconds of it.
    assert!((900..1200).contains(&host.looks) && host.pumps > 100, "{} {}", host.looks, host.pumps);
    assert!(report.usage.fuel < 100_000, "{report:?}");

    let host = TestHost { look_ns: 1_000_000, stops: Some((3, Stop::Cancelled)), ..TestHost::default() };
    let (report, _) = run_with(&component(calls), &LIMITS, host);
    assert_eq!(report.outcome, Outcome::Stopped { reason: Stop::Cancelled });
}

#[test]
fn tables_grow_a_little_and_then_no_more() {
    let (report, _) = run(r#"(table $table 100000 funcref)
        (func (export "run") (result i32)
            (if (i32.ne (table.grow $table (ref.null func) (i32.const 10000)) (i32.const 100000)) (then unreachable))
            (i32.ne (table.grow $table (ref.null func) (i32.const 1000000)) (i32.const -1)))"#);
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
}

#[test]
fn streams_that_are_never_dropped() {
    let (report, _) = run(r#"(import "wasi" "stdin" (func $stdin (result i32)))
        (func (export "run") (result i32) (loop $l (drop (call $stdin)) (br $l)) i32.const 0)"#);
    assert!(trap_message(&report.outcome).contains("table"), "{report:?}");
}

#[test]
fn a_trap_with_endless_names_is_cut() {
    let name = "é".repeat(40_000);
    let (report, _) = run(&format!(
        r#"(func $"{name}" (param i32)
            (if (local.get 0) (then (call $"{name}" (i32.sub (local.get 0) (i32.const 1))))) unreachable)
        (func (export "run") (result i32) (call $"{name}" (i32.const 20)) i32.const 0)"#
    ));
    let message = trap_message(&report.outcome);
    assert!((8_000..=8192).contains(&message.len()) && message.contains("éé"), "{}", message.len());
}

#[test]
fn growing_memory_beyond_the_limit() {
    let (report, _) = run(r#"(import "env" "memory" (memory 1))
        (func (export "run") (result i32)
            (loop $l (br_if $l (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) i32.const 0)"#);
    assert_eq!(report.outcome, exceeded(Limit::ComponentMemory));
    assert_eq!(report.usage.peak_memory_bytes, LIMITS.component_memory_bytes);
}

#[test]
fn all_memories_count_together() {
    let second_memory = r#"(memory 32) (func (export "run") (result i32) i32.const 0)"#;
    let (report, _) = run(second_memory);
    assert_eq!(report.usage.peak_memory_bytes, 34 * 65536);
    let limits = JobLimits { component_memory_bytes: 33 * 65536, ..LIMITS };
    let (report, _) = run_with(&component(second_memory), &limits, TestHost::default());
    assert_eq!(report.outcome, exceeded(Limit::ComponentMemory));
}

#[test]
fn initial_memory_and_tables_count() {
    let limits = JobLimits { component_memory_bytes: 65536, ..LIMITS };
    let nothing = r#"(func (export "run") (result i32) i32.const 0)"#;
    let (report, _) = run_with(&component(nothing), &limits, TestHost::default());
    assert_eq!(report.outcome, exceeded(Limit::ComponentMemory));
    let (report, _) = run(r#"(table 2000000 funcref) (func (export "run") (result i32) i32.const 0)"#);
    assert_eq!(report.outcome, exceeded(Limit::ComponentMemory));
}

#[test]
fn a_machine_with_less_memory_than_the_limit_is_told_from_the_limit() {
    let grow = component(
        r#"(import "env" "memory" (memory 1))
        (func (export "run") (result i32) (i32.eq (memory.grow (i32.const 32)) (i32.const -1)))"#,
    );
    for linear_memory_bytes in [0, 1 << 62] {
        let program = load_on(Machine::hosted(linear_memory_bytes, CALL_STACK_DEFAULT_BYTES), &grow).unwrap();
        let (report, _) = run_twice(&program, &JOB, TestHost::default());
        let Outcome::Failed { message } = &report.outcome else { panic!("{report:?}") };
        assert!(message.contains("out of memory") || message.contains("failed to allocate"), "{message}");
        assert_eq!(report.transcript, None, "nobody could replay it");
    }
}

#[test]
fn a_components_own_maximum_is_no_limit_of_the_job() {
    let (report, _) = run(r#"(memory 1 2)
        (func (export "run") (result i32)
            (i32.ne (memory.grow (i32.const 2)) (i32.const -1)))"#);
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
}

#[test]
fn output_of_both_streams_together() {
    let limits = JobLimits { output_bytes: 10_000, ..LIMITS };
    let (report, host) = run_with(&component(FLOOD), &limits, TestHost::default());
    assert_eq!(report.outcome, exceeded(Limit::Output));
    assert_eq!((report.usage.stdout_bytes, report.usage.stderr_bytes), (4096, 4096));
    assert_eq!((host.stdout.len(), host.stderr.len()), (4096, 4096));
}

#[test]
fn output_up_to_the_limit_passes() {
    let two_writes = FLOOD.replace("(br $l)", "");
    let limits = JobLimits { output_bytes: 8192, ..LIMITS };
    let (report, _) = run_with(&component(&two_writes), &limits, TestHost::default());
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
    let limits = JobLimits { output_bytes: 8191, ..LIMITS };
    let (report, _) = run_with(&component(&two_writes), &limits, TestHost::default());
    assert_eq!(report.outcome, exceeded(Limit::Output));
}

#[test]
fn input() {
    let host = || TestHost {
        input: vec![InputRead::Bytes(vec![1; 5000].into()), InputRead::Bytes(vec![2; 5000].into())].into(),
        ..TestHost::default()
    };
    let limits = JobLimits { input_bytes: 10_000, ..LIMITS };
    let (report, _) = run_with(&component(DRAIN), &limits, host());
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
    assert_eq!(report.usage.input_bytes, 10_000);
    let limits = JobLimits { input_bytes: 9_999, ..LIMITS };
    let (report, _) = run_with(&component(DRAIN), &limits, host());
    assert_eq!(report.outcome, exceeded(Limit::Input));
}

#[test]
fn a_huge_argument_of_a_host_function_traps() {
    let (report, host) = run(r#"(import "env" "memory" (memory 1))
        (import "wasi" "stdout" (func $stdout (result i32)))
        (import "wasi" "write" (func $write (param i32 i32 i32 i32)))
        (func (export "run") (result i32)
            (drop (memory.grow (i32.const 64)))
            (call $write (call $stdout) (i32.const 0) (i32.const 4000000) (i32.const 0))
            i32.const 0)"#);
    assert!(matches!(report.outcome, Outcome::Trapped { .. }), "{:?}", report.outcome);
    assert!(host.stdout.is_empty());
}

#[test]
fn holding_too_many_resources_traps() {
    let (report, _) = run(r#"(import "wasi" "stdin" (func $stdin (result i32)))
        (func (export "run") (result i32) (loop $l (drop (call $stdin)) (br $l)) i32.const 0)"#);
    assert!(matches!(report.outcome, Outcome::Trapped { .. }), "{:?}", report.outcome);
}

#[test]
fn limits_are_named_as_in_the_manifest() {
    let names = [
        Limit::ComponentMemory,
        Limit::Fuel,
        Limit::Input,
        Limit::Output,
        Limit::Wall,
        Limit::Transcript,
        Limit::CallStack,
    ]
    .map(Limit::as_str);
    assert_eq!(
        names,
        [
            "limits.component_memory_bytes",
            "limits.fuel",
            "limits.input_bytes",
            "limits.output_bytes",
            "limits.wall_ms",
            "limits.transcript_bytes",
            "limits.call_stack_bytes"
        ]
    );
}

fn exceeded(limit: Limit) -> Outcome {
    Outcome::LimitExceeded { limit }
}
