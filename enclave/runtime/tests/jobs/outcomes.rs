//! How jobs end: by themselves, by a trap, by the host.

use enclave_runtime::{InputRead, Limit, Outcome, Stop};

use crate::harness::{JOB, LIMITS, TestHost, component, load, run, run_twice, run_with, trap_message};

#[test]
fn returning_ok_is_exit_code_0() {
    let (report, _) = run(r#"(func (export "run") (result i32) i32.const 0)"#);
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
    assert_eq!((report.usage.input_bytes, report.usage.stdout_bytes, report.usage.stderr_bytes), (0, 0, 0));
    assert!(report.usage.fuel > 0);
    assert_eq!(report.usage.peak_memory_bytes, 2 * 65536);
}

#[test]
fn returning_an_error_is_exit_code_1() {
    let (report, _) = run(r#"(func (export "run") (result i32) i32.const 1)"#);
    assert_eq!(report.outcome, Outcome::Exited { code: 1 });
}

#[test]
fn exit_ends_the_job_where_it_is_called() {
    let exit = |call: &str| {
        run(&format!(
            r#"(import "wasi" "exit" (func $exit (param i32)))
               (import "wasi" "exit-with-code" (func $exit-with-code (param i32)))
               (func (export "run") (result i32) {call} unreachable)"#
        ))
        .0
        .outcome
    };
    assert_eq!(exit("(call $exit (i32.const 0))"), Outcome::Exited { code: 0 });
    assert_eq!(exit("(call $exit (i32.const 1))"), Outcome::Exited { code: 1 });
    assert_eq!(exit("(call $exit-with-code (i32.const 7))"), Outcome::Exited { code: 7 });
}

#[test]
fn a_trap_is_reported_with_its_backtrace() {
    let (report, _) = run(r#"(func $inner unreachable)
        (func $outer (export "run") (result i32) call $inner i32.const 0)"#);
    let message = trap_message(&report.outcome);
    assert!(message.contains("unreachable"), "{message}");
    assert!(message.contains("inner"), "{message}");
    assert!(message.contains("outer"), "{message}");
}

#[test]
fn memory_out_of_bounds_and_division_by_zero_trap() {
    let (report, _) = run(r#"(import "env" "memory" (memory 1))
        (func (export "run") (result i32) (i32.load (i32.const -4)))"#);
    assert!(trap_message(&report.outcome).contains("out of bounds memory access"));
    let (report, _) = run(r#"(func $d (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
        (func (export "run") (result i32) (call $d (i32.const 0)))"#);
    assert!(trap_message(&report.outcome).contains("divide by zero"));
}

#[test]
fn deep_recursion_traps() {
    let (report, _) = run(r#"(func $f (param i64) (result i64)
            (i64.add (local.get 0) (call $f (i64.add (local.get 0) (i64.const 1)))))
        (func (export "run") (result i32) (i32.wrap_i64 (call $f (i64.const 0))))"#);
    assert_eq!(report.outcome, Outcome::LimitExceeded { limit: Limit::CallStack });
}

#[test]
fn a_trap_message_is_bounded() {
    let name = "n".repeat(4000);
    let (report, _) = run(&format!(
        r#"(func ${name} (param i32)
            (if (i32.eqz (local.get 0)) (then unreachable))
            (call ${name} (i32.sub (local.get 0) (i32.const 1))))
        (func (export "run") (result i32) (call ${name} (i32.const 20)) i32.const 0)"#
    ));
    assert!(trap_message(&report.outcome).len() <= 8 * 1024);
}

#[test]
fn the_host_can_stop_a_spinning_component() {
    let host = TestHost { stops: Some((5, Stop::Cancelled)), ..TestHost::default() };
    let spin = component(r#"(func (export "run") (result i32) (loop $l (br $l)) i32.const 0)"#);
    let (report, host) = run_with(&spin, &LIMITS, host);
    assert_eq!(report.outcome, Outcome::Stopped { reason: Stop::Cancelled });
    assert_eq!(host.pumps, 5);
    assert!(report.usage.fuel >= 4 * 20_000_000, "{}", report.usage.fuel);
}

#[test]
fn the_host_can_stop_a_waiting_component() {
    let host = TestHost {
        input: vec![InputRead::Pending; 100].into(),
        stops: Some((10, Stop::ConnectionLost)),
        ..TestHost::default()
    };
    let (report, _) = run_with(&component(READ_ONCE), &LIMITS, host);
    assert_eq!(report.outcome, Outcome::Stopped { reason: Stop::ConnectionLost });
}

#[test]
fn a_program_runs_again_after_any_end() {
    let program = load(&component(READ_ONCE)).unwrap();
    let stopped = TestHost {
        input: vec![InputRead::Pending; 100].into(),
        stops: Some((1, Stop::Cancelled)),
        ..TestHost::default()
    };
    let (report, _) = run_twice(&program, &JOB, stopped);
    assert_eq!(report.outcome, Outcome::Stopped { reason: Stop::Cancelled });
    let (first, _) = run_twice(&program, &JOB, TestHost::default());
    let (second, _) = run_twice(&program, &JOB, TestHost::default());
    assert_eq!(first.outcome, Outcome::Exited { code: 0 });
    assert_eq!(first, second);
}

/// Reads standard input once and does not look at the answer.
const READ_ONCE: &str = r#"(import "wasi" "stdin" (func $stdin (result i32)))
    (import "wasi" "read" (func $read (param i32 i64 i32)))
    (func (export "run") (result i32)
        (call $read (call $stdin) (i64.const 100) (i32.const 0)) i32.const 0)"#;
