//! Measures what single calls leave in a transcript, and what recording takes of runs that do little else, on this machine.
//!
//! `cargo run --release -p enclave-runtime --features compiler --example calls`
//! Standard output is one line of JSON for `cargo xtask bench services`. Hosts answer from memory: of what recording takes,
//! these are the largest shares that there can be.
#![expect(unsafe_code, reason = "loading native code has no safe form, which the tests' harness does")]
#![expect(clippy::expect_used, clippy::panic, reason = "what cannot be measured ends the program")]

#[path = "../tests/http/harness.rs"]
#[expect(dead_code, reason = "the tests need more of it")]
mod http;
#[path = "../tests/jobs/harness.rs"]
#[expect(dead_code, reason = "the tests need more of it")]
mod jobs;
mod recording;
#[path = "../tests/vault/script.rs"]
#[expect(dead_code, reason = "the tests need more of it")]
mod script;
#[path = "../tests/vault/harness.rs"]
#[expect(dead_code, reason = "the tests need more of it")]
mod vault;

use core::error::Error;
use core::time::Duration;
use std::time::Instant;

use enclave_http::Field;
use enclave_runtime::{JobReport, Outcome, Tuning, run_job};
use recording::{Shares, median};

/// Runs for a median.
const RUNS: usize = 21;
const EXCHANGES: usize = 100;
const BODY_BYTES: usize = 10_000;
const VALUES: usize = 200;
const CLOCKS: usize = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    let cases = [
        ("outgoing HTTP: a response with a body of 10 kB", EXCHANGES, exchanges as fn() -> Run),
        ("key-value store: a value of 20 bytes", VALUES, values),
        ("monotonic clock", CLOCKS, clocks),
        ("randomness: 8 bytes", CLOCKS, numbers),
    ];
    let mut lines = Vec::new();
    for (name, calls, run) in cases {
        let (mut times, mut transcript) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            let (time, report, recorded) = run();
            assert_eq!(report.outcome, Outcome::Exited { code: 0 }, "{name}");
            times.push(time);
            transcript = recorded;
        }
        let shares = Shares::of(median(&mut times), &transcript)?;
        eprintln!("{name}: {:?} a call", shares.run / u32::try_from(calls)?);
        lines.push(format!("{{\"name\":\"{name}\",\"calls\":{calls},\"shares\":{}}}", shares.to_json()));
    }
    println!("[{}]", lines.join(","));
    Ok(())
}

/// How long a run took, its report and its transcript.
type Run = (Duration, JobReport, Vec<u8>);

/// Sends requests one after the other, and reads each body to its end.
fn exchanges() -> Run {
    let fields = include_str!("../tests/http/fetch-many.wat").replace("EXCHANGES", &EXCHANGES.to_string());
    let program = http::load(&http::job(&fields), Tuning::Guest);
    let body = "0123456789".repeat(BODY_BYTES / 10);
    let mut answer = http::Script::ok(&body);
    let named = [
        ("content-type", "application/json"),
        ("server", "example"),
        ("date", "Mon, 30 Nov 2026 12:00:00 GMT"),
    ];
    let head = answer.head.as_mut().expect("it is an answer");
    let fields = named.map(|(name, value)| Field::new(name, value.as_bytes()).expect("it is a field"));
    fields.into_iter().for_each(|field| head.fields.push(field));
    let host = http::TestHost::with(vec![answer; EXCHANGES]);
    let started = Instant::now();
    let (report, host) = run_job(&program, &http::JOB, host);
    (started.elapsed(), report, host.transcript)
}

/// Asks for the same value again and again.
fn values() -> Run {
    let script = script::Script::new().open("a").set("key", "a value of 20 bytes.");
    let script = script.repeat(VALUES - 1, |script, _| script.get("key"));
    let program = vault::load(&script.component(), Tuning::Guest);
    let started = Instant::now();
    let (report, host) = run_job(&program, &vault::JOB, vault::Vault::default());
    (started.elapsed(), report, host.transcript)
}

fn clocks() -> Run {
    calls("now")
}

fn numbers() -> Run {
    calls("random-u64")
}

/// Calls a function without arguments again and again.
fn calls(function: &str) -> Run {
    let fields = format!(
        r#"(import "wasi" "{function}" (func $call (result i64)))
        (func (export "run") (result i32) (local $left i32)
            (local.set $left (i32.const {CLOCKS}))
            (loop $calls
              (drop (call $call))
              (local.set $left (i32.sub (local.get $left) (i32.const 1)))
              (br_if $calls (local.get $left)))
            i32.const 0)"#
    );
    let program = jobs::load(&jobs::component(&fields)).expect("the component loads");
    // A clock with nanoseconds that mean something.
    let host = jobs::TestHost { look_ns: 1_234, ..jobs::TestHost::default() };
    let started = Instant::now();
    let (report, host) = run_job(&program, &jobs::JOB, host);
    (started.elapsed(), report, host.transcript)
}
