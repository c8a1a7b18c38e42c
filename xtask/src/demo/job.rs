//! A job of the demo: its files, and the commands on them.

use core::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::Programs;
use super::guest::Guest;
use crate::process::Tool;

/// What goes in and what comes out.
pub(super) struct Job {
    /// Folder of the image.
    pub(super) dist: PathBuf,
    pub(super) output: PathBuf,
    pub(super) claim: PathBuf,
    input: PathBuf,
    transcript: PathBuf,
}

impl Job {
    /// One whose results go into `folder`.
    pub(super) fn new(folder: &Path, dist: PathBuf, input: PathBuf) -> Self {
        let (output, claim) = (folder.join("report.json"), folder.join("claim.cbor"));
        Self { dist, input, output, claim, transcript: folder.join("report.transcript") }
    }

    pub(super) fn reference(&self) -> PathBuf {
        self.dist.join("reference-values.json")
    }

    pub(super) fn start(&self, guest: &Guest) -> Tool {
        let job = guest.redoubt("job").arg("--input").arg(&self.input);
        let job = job.arg("--output").arg(&self.output).arg("--claim").arg(&self.claim);
        job.arg("--transcript").arg(&self.transcript)
    }

    /// The same job, of which the loader learns nothing.
    pub(super) fn submit(&self, programs: &Programs, to: &str, output: &Path) -> Tool {
        let submit = Tool::new(&programs.verify).arg("submit").arg("--to").arg(to);
        let submit = submit.arg("--reference").arg(self.reference()).arg("--input").arg(&self.input);
        submit.arg("--output").arg(output).arg("--allow-simulated")
    }

    /// Whether another run gave the same output.
    pub(super) fn compare(&self, other: &Path) -> Result<()> {
        let read = |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
        let (ours, theirs) = (read(&self.output)?, read(other)?);
        ensure!(ours == theirs, "{} differs from {}", other.display(), self.output.display());
        Ok(())
    }

    pub(super) fn replay(&self, programs: &Programs) -> Tool {
        let replay = Tool::new(&programs.redoubt).arg("replay").arg(&self.claim);
        let replay = replay.arg("--transcript").arg(&self.transcript).arg("--input").arg(&self.input);
        replay.arg("--component").arg(self.dist.join("component.wasm"))
    }

    pub(super) fn check(&self, programs: &Programs) -> Tool {
        let check = Tool::new(&programs.verify).arg("check").arg(&self.claim);
        let check = check.arg("--input").arg(&self.input).arg("--output").arg(&self.output);
        let check = check.arg("--reference").arg(self.reference());
        let check = check.arg("--rom").arg(self.dist.join("redoubt.rom"));
        let check = check.arg("--manifest").arg(self.dist.join("manifest.json"));
        check.arg("--component").arg(self.dist.join("component.wasm")).arg("--allow-simulated")
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "report     {}", self.output.display())?;
        writeln!(f, "claim      {}", self.claim.display())?;
        write!(f, "transcript {}", self.transcript.display())
    }
}

/// What of a report is shown.
pub(super) struct Summary {
    pub(super) title: &'static str,
    pub(super) members: &'static [&'static str],
    /// The member whose entries are shown, one a line.
    pub(super) list: &'static str,
}

impl Summary {
    pub(super) fn print(&self, report: &Path) -> Result<()> {
        let text = fs::read_to_string(report).with_context(|| format!("cannot read {}", report.display()))?;
        let json: Value =
            serde_json::from_str(&text).with_context(|| format!("{} is not JSON", report.display()))?;
        println!("\n{}", self.title);
        for name in self.members {
            println!("  {name:<24}{}", json.get(name).unwrap_or(&Value::Null));
        }
        for entry in json.get(self.list).and_then(Value::as_array).into_iter().flatten() {
            println!("    {entry}");
        }
        Ok(())
    }
}
