//! The same runtime natively on this machine: what an instance costs, and what recording does.

use core::fmt;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::process::Tool;
use crate::workspace::Workspace;

/// What the examples of `enclave/runtime` print as their last line.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Printed {
    /// Of a run, instance made and dropped.
    run_us: f64,
    /// Of writing its transcript once more, from the same entries.
    recording_us: f64,
    entries: u64,
    transcript_bytes: u64,
}

/// What the example of single calls prints of each kind of call.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Calls {
    name: String,
    calls: u64,
    shares: Printed,
}

impl Calls {
    /// Of the transcript, its head included, which many calls share.
    #[expect(clippy::cast_precision_loss, reason = "both are small")]
    fn bytes_each(&self) -> f64 {
        self.shares.transcript_bytes as f64 / self.calls as f64
    }
}

/// All examples.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Native {
    request: Printed,
    exchanges: Printed,
    job: Printed,
    calls: Vec<Calls>,
}

impl Native {
    /// Builds and runs them: a service, a job with its input, and what needs neither.
    pub(super) fn measure(workspace: &Workspace, service: &Path, job: &Path, input: &Path) -> Result<Self> {
        let compiler: &[&str] = &["--features", "compiler"];
        Ok(Self {
            request: example(workspace, "enclave-runtime", compiler, "requests", &[service])?,
            exchanges: example(workspace, "enclave-service", &[], "exchanges", &[])?,
            job: example(workspace, "enclave-runtime", compiler, "native", &[job, input])?,
            calls: example(workspace, "enclave-runtime", compiler, "calls", &[])?,
        })
    }

    /// A request, its instance made and dropped, in milliseconds.
    pub(super) fn request_ms(&self) -> f64 {
        self.request.run_us / 1000.0
    }

    /// What recording takes of the request's run, of that of the exchanges, and of the job's.
    pub(super) fn recording_percent(&self) -> [f64; 3] {
        [&self.request, &self.exchanges, &self.job]
            .map(|printed| 100.0 * printed.recording_us / printed.run_us)
    }
}

/// Builds and runs one, and reads the last line of what it prints.
fn example<T: DeserializeOwned>(
    workspace: &Workspace,
    package: &str,
    features: &[&str],
    name: &str,
    arguments: &[&Path],
) -> Result<T> {
    let printed = Tool::cargo(workspace)
        .args(["run", "--release", "--locked", "-p", package])
        .args(features)
        .args(["--example", name, "--"])
        .args(arguments)
        .run(&format!("measuring natively: {name}"))?;
    let line = printed.lines().last().unwrap_or_default();
    serde_json::from_str(line).with_context(|| format!("{name} printed {line:?}"))
}

impl fmt::Display for Native {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## Natively\n")?;
        writeln!(
            f,
            "The guest's runtime and machine code as a process of this machine, without emulation: \
             `cargo run --release -p enclave-runtime --features compiler --example requests`, `--example native` and \
             `--example calls`, and `cargo run --release -p enclave-service --example exchanges`. A request is one `GET \
             /health` with its instance made and dropped. The exchanges are 100 requests that a job sends, each over a \
             connection of its own to a server on loopback, and their answers of 10 kB: the guest's whole service, above \
             the TCP of this machine. The job that computes is `ledger-audit` on 10 MB. No run can be had without \
             recording, so recording is timed by itself: the writer that the guest uses writes the run's own entries \
             once more.\n"
        )?;
        writeln!(
            f,
            "| run | time | entries | transcript, bytes | recording | share |\n| --- | ---: | ---: | ---: | ---: | ---: |"
        )?;
        let shares = self.recording_percent();
        let runs = [("request", &self.request), ("exchanges", &self.exchanges), ("job", &self.job)];
        for ((name, printed), share) in runs.into_iter().zip(shares) {
            let Printed { run_us, recording_us, entries, transcript_bytes } = printed;
            writeln!(
                f,
                "| {name} | {run_us:.1} µs | {entries} | {transcript_bytes} | {recording_us:.1} µs | {share:.2} % |"
            )?;
        }
        self.write_calls(f)
    }
}

impl Native {
    fn write_calls(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n## What calls leave in a transcript\n\nBytes for one of many calls, with everything around it. Hosts answer \
             from memory at once, so the shares of recording are the largest that there can be.\n"
        )?;
        writeln!(f, "| call | bytes | time | of it recording |\n| --- | ---: | ---: | ---: |")?;
        for calls in &self.calls {
            #[expect(clippy::cast_precision_loss, reason = "they are few")]
            let each_us = calls.shares.run_us / calls.calls as f64;
            let share = 100.0 * calls.shares.recording_us / calls.shares.run_us;
            let (name, bytes) = (&calls.name, calls.bytes_each());
            writeln!(f, "| {name} | {bytes:.1} | {each_us:.2} µs | {share:.0} % |")?;
        }
        Ok(())
    }
}
