//! What libFuzzer says while it runs and what came of it.

use core::fmt::Write as _;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::process::Progress;
use crate::workspace::Workspace;

/// Lines of a failure that are kept: a panic's message comes first, libFuzzer's own state after it.
const KEPT_LINES: usize = 40;
/// Of each line: an assertion on two pages of bytes has a very long one.
const KEPT_CHARACTERS: usize = 400;

/// The run of one target.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    name: String,
    started: Instant,
    seconds: f64,
    executions: u64,
    coverage: u64,
    /// What libFuzzer calls the failure.
    failure: Option<String>,
    input: Option<PathBuf>,
    said: Vec<String>,
}

impl Outcome {
    pub(super) fn begin(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            started: Instant::now(),
            seconds: 0.0,
            executions: 0,
            coverage: 0,
            failure: None,
            input: None,
            said: Vec::new(),
        }
    }

    /// A target that could not be run, and why.
    pub(super) fn not_run(name: &str, error: &anyhow::Error) -> Self {
        Self { failure: Some("not run".to_owned()), said: vec![format!("{error:#}")], ..Self::begin(name) }
    }

    /// Takes in a line of output; returns the coverage so far.
    pub(super) fn read(&mut self, line: &str) -> u64 {
        if let Some(count) = line.strip_prefix("stat::number_of_executed_units:") {
            self.executions = count.trim().parse().unwrap_or(self.executions);
        } else if let Some(file) = after(line, "Test unit written to ") {
            self.input = Some(PathBuf::from(file));
        } else if let Some(summary) = line.strip_prefix("SUMMARY: libFuzzer: ") {
            self.failure = Some(if summary == "deadly signal" { "crash" } else { summary }.to_owned());
        } else if line.starts_with('#') {
            let count = after(line, " cov: ").and_then(|rest| rest.split(' ').next());
            self.coverage = count.and_then(|count| count.parse().ok()).unwrap_or(self.coverage);
        } else if !is_noise(line) && self.failure.is_none() && self.said.len() < KEPT_LINES {
            self.said.push(line.chars().take(KEPT_CHARACTERS).collect());
        }
        self.coverage
    }

    /// The target's process is gone. Returns a line that says how it went.
    pub(super) fn end(&mut self, is_success: bool) -> String {
        self.seconds = self.started.elapsed().as_secs_f64();
        if is_success {
            self.failure = None;
        } else {
            self.failure.get_or_insert_with(|| "ended early".to_owned());
        }
        let Self { name, seconds, executions, coverage, .. } = &*self;
        format!("{name}: {}, {executions} executions in {seconds:.0} s, coverage {coverage}", self.result())
    }

    /// Whether nothing was found.
    pub(super) const fn is_clean(&self) -> bool {
        self.failure.is_none()
    }

    fn result(&self) -> &str {
        self.failure.as_deref().unwrap_or("ok")
    }
}

/// Prints the table, then what failed and how to see it again.
pub(super) fn report(workspace: &Workspace, mut outcomes: Vec<Outcome>) -> Result<()> {
    outcomes.sort_by(|a, b| a.name.cmp(&b.name));
    println!("{}", table(&outcomes));
    let failed: Vec<&Outcome> = outcomes.iter().filter(|outcome| !outcome.is_clean()).collect();
    for outcome in &failed {
        eprint!("{}", explain(workspace, outcome));
    }
    match failed.as_slice() {
        [] => Ok(()),
        failed => {
            let names: Vec<&str> = failed.iter().map(|outcome| outcome.name.as_str()).collect();
            bail!("failed: {}", names.join(", "))
        }
    }
}

fn table(outcomes: &[Outcome]) -> String {
    let mut table =
        format!("\n{:<20}{:>8}{:>12}{:>10}  result", "target", "seconds", "executions", "coverage");
    for outcome in outcomes {
        let Outcome { name, seconds, executions, coverage, .. } = outcome;
        let result = outcome.result();
        // Writing to a `String` cannot fail.
        let _infallible = write!(table, "\n{name:<20}{seconds:>8.0}{executions:>12}{coverage:>10}  {result}");
    }
    table
}

fn explain(workspace: &Workspace, outcome: &Outcome) -> String {
    let Outcome { name, input, said, .. } = outcome;
    let mut text = format!("\n{name}: {}\n", outcome.result());
    said.iter().for_each(|line| text.extend(["  ", line.as_str(), "\n"]));
    if let Some(input) = input {
        let input = input.strip_prefix(workspace.root()).unwrap_or(input).display();
        text.push_str(&format!("  input: {input}\n"));
        text.push_str(&format!("  again: cargo xtask fuzz {name} --reproduce {input}\n"));
    }
    text
}

/// Greetings, addresses without names, dumps of the input.
fn is_noise(line: &str) -> bool {
    const STARTS: [&str; 17] = [
        "INFO:",
        "WARNING: Failed to find function",
        "\tNEW_FUNC",
        "      Combine libFuzzer",
        "MS:",
        "NOTE:",
        "Base64:",
        "Done ",
        "artifact_prefix=",
        "stat::",
        "0x",
        "    #",
        "\\",
        "\"",
        "######",
        "Dictionary:",
        "==",
    ];
    line.trim().is_empty() || STARTS.iter().any(|start| line.starts_with(start))
}

fn after<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    line.split_once(mark).map(|(_, rest)| rest)
}

/// Shows all running targets in one line.
#[derive(Debug)]
pub(super) struct Watcher<'a> {
    progress: &'a Progress,
    running: Mutex<BTreeMap<String, u64>>,
}

impl<'a> Watcher<'a> {
    pub(super) const fn new(progress: &'a Progress) -> Self {
        Self { progress, running: Mutex::new(BTreeMap::new()) }
    }

    /// A target runs and covers this much.
    pub(super) fn see(&self, name: &str, coverage: u64) {
        self.change(|running| running.insert(name.to_owned(), coverage) != Some(coverage));
    }

    /// A target ended; `line` begins with its name.
    pub(super) fn end(&self, line: &str) {
        self.progress.note(line);
        self.change(|running| running.remove(line.split(':').next().unwrap_or_default()).is_some());
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, u64>) -> bool) {
        let Ok(mut running) = self.running.lock() else { return };
        if change(&mut running) {
            let shown: Vec<String> = running.iter().map(|(name, count)| format!("{name} {count}")).collect();
            self.progress.detail(&shown.join(", "));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &str, is_success: bool) -> Outcome {
        let mut outcome = Outcome::begin("claim");
        for line in lines.lines() {
            outcome.read(line);
        }
        let _line = outcome.end(is_success);
        outcome
    }

    const RUN: &str = "INFO: Seed: 1
#2\tINITED cov: 3 ft: 4 corp: 1/1b exec/s: 0 rss: 29Mb
#65536\tpulse  cov: 120 ft: 4 corp: 1/1b lim: 4 exec/s: 0 rss: 29Mb
#70000\tDONE   cov: 121 ft: 4 corp: 1/1b lim: 4 exec/s: 0 rss: 29Mb
stat::number_of_executed_units: 70000
";

    const CRASH: &str = "#2\tINITED cov: 3 ft: 4 corp: 1/1b exec/s: 0 rss: 29Mb

thread 'main' panicked at src/bin/claim.rs:9:5:
attempt to subtract with overflow
==123== ERROR: libFuzzer: deadly signal
    #0 0x55 (/x+0x1)
NOTE: libFuzzer has rudimentary signal handlers.
SUMMARY: libFuzzer: deadly signal
MS: 0 ; base unit: 000
0x41,
A
artifact_prefix='t/'; Test unit written to t/crash-00
Base64: QQ==
stat::number_of_executed_units: 17
";

    #[test]
    fn figures_are_read() {
        let outcome = read(RUN, true);
        assert_eq!((outcome.executions, outcome.coverage, outcome.is_clean()), (70_000, 121, true));
        let table = table(&[outcome]);
        assert!(table.ends_with("\nclaim                      0       70000       121  ok"), "{table}");
    }

    #[test]
    fn a_crash_is_explained() {
        let outcome = read(CRASH, false);
        assert_eq!((outcome.executions, outcome.result()), (17, "crash"));
        let workspace = Workspace::locate().unwrap();
        let text = explain(&workspace, &outcome);
        let expected = "\nclaim: crash\n  thread 'main' panicked at src/bin/claim.rs:9:5:\n  \
            attempt to subtract with overflow\n  input: t/crash-00\n  \
            again: cargo xtask fuzz claim --reproduce t/crash-00\n";
        assert_eq!(text, expected);
        let error = report(&workspace, vec![outcome, read(RUN, true)]).unwrap_err();
        assert_eq!(error.to_string(), "failed: claim");
    }

    #[test]
    fn a_target_that_just_ends_or_never_begins_has_failed() {
        assert_eq!(read("", false).result(), "ended early");
        let lost = Outcome::not_run("claim", &anyhow::anyhow!("no such file"));
        assert!(!lost.is_clean());
        assert_eq!(explain(&Workspace::locate().unwrap(), &lost), "\nclaim: not run\n  no such file\n");
    }
}
