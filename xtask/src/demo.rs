//! `cargo xtask demo`: the whole path on a real ledger, with the commands that a person would type.

use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::image;
use crate::ledger::{self, ByteCount};
use crate::process::Tool;
use crate::setup::{self, Need};
use crate::workspace::Workspace;

/// The generated ledger: an honest company with a few slips.
const LEDGER: (ByteCount, u64, u64) = (ByteCount(10_500_000), 1, 3);
/// How long a guest may take to be ready, slow machines included.
const READY_TIMEOUT: Duration = Duration::from_secs(180);
/// How long a guest may take to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// Builds, launches, runs a job on `input` or a generated ledger, verifies, stops, and replays the job without the guest.
pub(crate) fn run(workspace: &Workspace, input: Option<PathBuf>) -> Result<()> {
    setup::ensure(workspace, &Need::TO_RUN)?;
    let programs = Programs::build(workspace)?;
    let dist = workspace.path("dist");
    println!("{}", image::build(workspace, None, &dist)?);
    let folder = workspace.scratch().join("demo");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let files = Files::new(workspace, &folder, dist, input)?;

    let guest = Guest::start(&programs, &files.dist)?;
    let job = guest.redoubt("job").arg("--input").arg(&files.input);
    let job = job.arg("--output").arg(&files.output).arg("--claim").arg(&files.claim);
    let job = job.arg("--transcript").arg(&files.transcript);
    succeed("redoubt job", job)?;
    let verdict = succeed("redoubt-verify check", files.check(&programs));
    guest.stop()?;
    verdict.context("the claim was refused")?;
    succeed("redoubt replay", files.replay(&programs)).context("the replay is not the job")?;
    print_report(&files.output)?;
    println!("report     {}", files.output.display());
    println!("claim      {}", files.claim.display());
    println!("transcript {}", files.transcript.display());
    Ok(())
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

struct Files {
    dist: PathBuf,
    input: PathBuf,
    output: PathBuf,
    claim: PathBuf,
    transcript: PathBuf,
}

impl Files {
    fn new(workspace: &Workspace, folder: &Path, dist: PathBuf, input: Option<PathBuf>) -> Result<Self> {
        let input = match input {
            Some(given) => given,
            None => {
                let (bytes, seed, faults) = LEDGER;
                let out = workspace.scratch().join("demo/ledger.csv");
                ledger::write(&ledger::Options { out: out.clone(), bytes, seed, faults })?;
                out
            }
        };
        let (output, claim) = (folder.join("report.json"), folder.join("claim.cbor"));
        Ok(Self { dist, input, output, claim, transcript: folder.join("report.transcript") })
    }

    fn replay(&self, programs: &Programs) -> Tool {
        let replay = Tool::new(&programs.redoubt).arg("replay").arg(&self.claim);
        let replay = replay.arg("--transcript").arg(&self.transcript).arg("--input").arg(&self.input);
        replay.arg("--component").arg(self.dist.join("component.wasm"))
    }

    fn check(&self, programs: &Programs) -> Tool {
        let check = Tool::new(&programs.verify).arg("check").arg(&self.claim);
        let check = check.arg("--input").arg(&self.input).arg("--output").arg(&self.output);
        let check = check.arg("--reference").arg(self.dist.join("reference-values.json"));
        let check = check.arg("--rom").arg(self.dist.join("redoubt.rom"));
        let check = check.arg("--manifest").arg(self.dist.join("manifest.json"));
        check.arg("--component").arg(self.dist.join("component.wasm")).arg("--allow-simulated")
    }
}

/// A running `redoubt run`. Ctrl-C reaches it too, since it is in our process group.
struct Guest {
    redoubt: PathBuf,
    /// Its sockets: in a short path, because socket names are limited.
    run_dir: PathBuf,
    child: Child,
    /// Removes it.
    _folder: TempDir,
}

impl Guest {
    fn start(programs: &Programs, dist: &Path) -> Result<Self> {
        let folder = TempDir::with_prefix("redoubt-demo-").context("cannot create a folder for sockets")?;
        // Made by the loader, which insists that nobody else may look into it.
        let run_dir = folder.path().join("run");
        let mut command = Command::new(&programs.redoubt);
        command.arg("--run-dir").arg(&run_dir).arg("run").arg(dist).args([
            "--tee",
            "sim",
            "--allow-simulated",
        ]);
        println!("$ redoubt run {} --tee sim --allow-simulated", dist.display());
        let child =
            command.spawn().with_context(|| format!("cannot start {}", programs.redoubt.display()))?;
        let mut guest = Self { redoubt: programs.redoubt.clone(), run_dir, child, _folder: folder };
        guest.wait_ready()?;
        Ok(guest)
    }

    fn redoubt(&self, verb: &str) -> Tool {
        Tool::new(&self.redoubt).arg("--run-dir").arg(&self.run_dir).arg(verb)
    }

    fn wait_ready(&mut self) -> Result<()> {
        let started = Instant::now();
        while self.redoubt("status").ask().is_none() {
            if let Some(status) = self.child.try_wait().context("cannot ask after redoubt run")? {
                bail!("redoubt run ended before the guest was ready ({status})");
            }
            ensure!(
                started.elapsed() < READY_TIMEOUT,
                "the guest was not ready after {} s",
                READY_TIMEOUT.as_secs()
            );
            thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    fn stop(mut self) -> Result<()> {
        succeed("redoubt stop", self.redoubt("stop"))?;
        let started = Instant::now();
        while self.child.try_wait().context("cannot ask after redoubt run")?.is_none() {
            ensure!(started.elapsed() < STOP_TIMEOUT, "redoubt run goes on after redoubt stop");
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Guest {
    /// However the demo ends, no guest is left behind.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _stopped = self.redoubt("stop").ask();
            thread::sleep(Duration::from_millis(500));
            let _killed = self.child.kill();
            let _reaped = self.child.wait();
        }
    }
}

/// Runs a command as a person would: shown, its output in sight.
fn succeed(name: &str, tool: Tool) -> Result<()> {
    println!("\n$ {}", tool.shown());
    let status = tool.run_in_sight()?;
    ensure!(status.success(), "{name} failed ({status})");
    Ok(())
}

fn print_report(report: &Path) -> Result<()> {
    let text = fs::read_to_string(report).with_context(|| format!("cannot read {}", report.display()))?;
    let json: Value =
        serde_json::from_str(&text).with_context(|| format!("{} is not JSON", report.display()))?;
    println!("\nledger audit");
    let names = [
        "balanced",
        "period",
        "transactions",
        "postings",
        "accounts",
        "malformed_lines",
        "unbalanced_transactions",
    ];
    for name in names {
        println!("  {name:<24}{}", json.get(name).unwrap_or(&Value::Null));
    }
    for finding in json.get("unbalanced").and_then(Value::as_array).into_iter().flatten() {
        println!("    {finding}");
    }
    Ok(())
}
