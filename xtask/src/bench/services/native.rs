//! The same runtime natively on this machine: what an instance costs, and what recording does.

use core::fmt;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

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

/// Both examples.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Native {
    request: Printed,
    job: Printed,
}

impl Native {
    /// Builds and runs them: a service, and a job with its input.
    pub(super) fn measure(workspace: &Workspace, service: &Path, job: &Path, input: &Path) -> Result<Self> {
        let example = |name: &str, arguments: &[&Path]| {
            let printed = Tool::cargo(workspace)
                .args(["run", "--release", "--locked", "-p", "enclave-runtime", "--features", "compiler"])
                .args(["--example", name, "--"])
                .args(arguments)
                .run(&format!("measuring natively: {name}"))?;
            let line = printed.lines().last().unwrap_or_default();
            serde_json::from_str(line).with_context(|| format!("{name} printed {line:?}"))
        };
        Ok(Self { request: example("requests", &[service])?, job: example("native", &[job, input])? })
    }

    /// A request, its instance made and dropped, in milliseconds.
    pub(super) fn request_ms(&self) -> f64 {
        self.request.run_us / 1000.0
    }

    /// What recording takes of the request's run, and of the job's.
    pub(super) fn recording_percent(&self) -> [f64; 2] {
        [&self.request, &self.job].map(|printed| 100.0 * printed.recording_us / printed.run_us)
    }
}

impl fmt::Display for Native {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## Natively\n")?;
        writeln!(
            f,
            "The guest's runtime and machine code as a process of this machine, without emulation: \
             `cargo run --release -p enclave-runtime --features compiler --example requests` and `--example native`. A \
             request is one `GET /health` with its instance made and dropped; the job is `ledger-audit` on 10 MB. No run \
             can be had without recording, so recording is timed by itself: the writer that the guest uses writes the \
             run's own entries once more.\n"
        )?;
        writeln!(
            f,
            "| run | time | entries | transcript, bytes | recording | share |\n| --- | ---: | ---: | ---: | ---: | ---: |"
        )?;
        let shares = self.recording_percent();
        for ((name, printed), share) in
            [("request", &self.request), ("job", &self.job)].into_iter().zip(shares)
        {
            let Printed { run_us, recording_us, entries, transcript_bytes } = printed;
            writeln!(
                f,
                "| {name} | {run_us:.1} µs | {entries} | {transcript_bytes} | {recording_us:.1} µs | {share:.2} % |"
            )?;
        }
        Ok(())
    }
}
