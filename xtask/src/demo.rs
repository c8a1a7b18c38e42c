//! `cargo xtask demo`: the whole path on a real ledger, once more in private, on expenses at rates that the guest fetches, and
//! to a service that proves where its TLS ends; with the commands that a person would type.

mod guest;
mod job;
mod rates;
mod service;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::image;
use crate::ledger::{self, ByteCount};
use crate::process::Tool;
use crate::setup::{self, Need};
use crate::workspace::Workspace;

use guest::Guest;
use job::{Job, Summary};

/// The generated ledger: an honest company with a few slips.
const LEDGER: (ByteCount, u64, u64) = (ByteCount(10_500_000), 1, 3);

const AUDIT: Summary = Summary {
    title: "ledger audit",
    members: &[
        "balanced",
        "period",
        "transactions",
        "postings",
        "accounts",
        "malformed_lines",
        "unbalanced_transactions",
    ],
    list: "unbalanced",
};

/// Builds, launches, runs a job on `input` or a generated ledger, submits it as a private one too, verifies, stops, and
/// replays the job without the guest; then a job that asks a server over HTTPS, and a service.
pub(crate) fn run(workspace: &Workspace, input: Option<PathBuf>, rates_url: Option<String>) -> Result<()> {
    setup::ensure(workspace, &Need::TO_RUN)?;
    let programs = Programs::build(workspace)?;
    let folder = workspace.scratch().join("demo");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    audit(workspace, &programs, &folder, input)?;
    rates::run(workspace, &programs, &folder.join("rates"), rates_url)?;
    service::run(workspace, &programs, &folder.join("service"))
}

fn audit(workspace: &Workspace, programs: &Programs, folder: &Path, input: Option<PathBuf>) -> Result<()> {
    let dist = workspace.path("dist");
    println!("{}", image::build(workspace, None, &dist)?);
    let input = match input {
        Some(given) => given,
        None => generated_ledger(folder.join("ledger.csv"))?,
    };
    let job = Job::new(folder, dist, input);

    let submissions = Guest::free_address()?;
    let guest = Guest::start(programs, &job.dist, &["--submissions", &submissions])?;
    succeed("redoubt job", job.start(&guest))?;
    let verdict = succeed("redoubt-verify check", job.check(programs));
    let private = folder.join("private-report.json");
    let submitted = succeed("redoubt-verify submit", job.submit(programs, &submissions, &private));
    guest.stop()?;
    verdict.context("the claim was refused")?;
    submitted.context("the private job failed")?;
    job.compare(&private)?;
    succeed("redoubt replay", job.replay(programs)).context("the replay is not the job")?;
    AUDIT.print(&job.output)?;
    println!("{job}");
    Ok(())
}

fn generated_ledger(out: PathBuf) -> Result<PathBuf> {
    let (bytes, seed, faults) = LEDGER;
    ledger::write(&ledger::Options { out: out.clone(), bytes, seed, faults })?;
    Ok(out)
}

struct Programs {
    redoubt: PathBuf,
    verify: PathBuf,
}

impl Programs {
    fn build(workspace: &Workspace) -> Result<Self> {
        let build = Tool::cargo(workspace).args(["build", "--locked", "--package", "loader-cli"]);
        build.args(["--package", "attestation-cli"]).run("building redoubt and redoubt-verify")?;
        let folder = workspace.target().join("debug");
        Ok(Self { redoubt: folder.join("redoubt"), verify: folder.join("redoubt-verify") })
    }
}

/// Runs a command as a person would: shown, its output in sight.
fn succeed(name: &str, tool: Tool) -> Result<()> {
    println!("\n$ {}", tool.shown());
    let status = tool.run_in_sight()?;
    ensure!(status.success(), "{name} failed ({status})");
    Ok(())
}
