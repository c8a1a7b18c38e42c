//! `redoubt preflight`: what this host can do.

use std::io::{self, Write};

use anyhow::anyhow;
use attestation_cli::progress::{Audience, Progress};
use loader_vmm::host::{Finding, inspect};
use serde::Serialize;

use crate::arguments::PreflightArguments;
use crate::failure::{FAILED, Failure, Outcome};

#[derive(Debug, Serialize)]
struct Report {
    /// Whether a guest can be launched under `--tee sim`.
    simulated_guests: bool,
    /// Whether a guest can be launched under protection. Not by this build.
    protected_guests: bool,
    findings: Vec<Finding>,
}

pub(crate) fn preflight(arguments: &PreflightArguments) -> Outcome {
    let progress = Progress::waiting("trying guests", Audience::of_json(arguments.json));
    let findings = inspect(None);
    drop(progress);
    let simulated_guests = findings.iter().all(|finding| finding.ok || !finding.required);
    let report = Report { simulated_guests, protected_guests: false, findings };
    let mut out = io::stdout().lock();
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        print(&mut out, &report)?;
    }
    if simulated_guests {
        return Ok(());
    }
    let missing: Vec<_> = report
        .findings
        .iter()
        .filter(|finding| finding.required && !finding.ok)
        .map(|finding| finding.name)
        .collect();
    Err(Failure::new(FAILED, anyhow!("this host cannot run guests: {} missing", missing.join(", "))))
}

fn print(out: &mut impl Write, report: &Report) -> io::Result<()> {
    for finding in &report.findings {
        let mark = match (finding.ok, finding.required) {
            (true, _) => "ok",
            (false, true) => "MISSING",
            (false, false) => "no",
        };
        writeln!(out, "{:<8} {mark:<8} {}", finding.name, finding.found)?;
        if let Some(remedy) = finding.remedy {
            writeln!(out, "{:<17} {remedy}", "")?;
        }
    }
    writeln!(out)?;
    let verdict = if report.simulated_guests {
        "simulated guests can run here (--tee sim)"
    } else {
        "no guest can run here"
    };
    writeln!(out, "{verdict}; this build launches no protected guests yet")
}
