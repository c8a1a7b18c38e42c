//! Runs other programs: clean environment, visible progress, whole output when they fail.

use core::time::Duration;
use std::collections::VecDeque;
use std::env;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

use crate::workspace::Workspace;

/// Lines of output that a failure shows.
const SHOWN_LINES: usize = 80;

/// How a test's line begins that says what it left out.
const SKIPPED: &str = "skipped: ";

/// Settings of the user's cargo that children keep. Everything else that begins with `CARGO` or `RUST` was put there
/// by the cargo that runs us, or would change the bytes that are built.
const KEPT: [&str; 9] = [
    "CARGO_HOME",
    "CARGO_BUILD_JOBS",
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_REGISTR",
    "CARGO_SOURCE_",
    "CARGO_TERM_",
    "RUSTUP_",
    "RUST_BACKTRACE",
];

/// A program about to be run.
#[derive(Debug)]
pub(crate) struct Tool {
    command: Command,
}

impl Tool {
    /// A program from the search path.
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        for (name, _) in env::vars_os() {
            let name = name.to_string_lossy();
            let foreign = name.starts_with("CARGO") || name.starts_with("RUST") || name == "OUT_DIR";
            let kept = KEPT.iter().any(|kept| name.starts_with(kept)) && name != "RUSTUP_TOOLCHAIN";
            if foreign && !kept {
                command.env_remove(name.as_ref());
            }
        }
        command.stdin(Stdio::null());
        Self { command }
    }

    /// Cargo of the host toolchain, which `rust-toolchain.toml` chooses by directory, at the top of the checkout.
    /// It builds where we look for what it built, whatever the user's settings say.
    pub(crate) fn cargo(workspace: &Workspace) -> Self {
        let cargo = Self::new("cargo").dir(workspace.root()).env("CARGO_INCREMENTAL", "0");
        // Stronger than `build.target-dir` of any config file, weaker than `--target-dir`.
        cargo.env("CARGO_TARGET_DIR", workspace.target())
    }

    /// Adds an argument.
    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Adds arguments.
    pub(crate) fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Sets the directory to run in.
    pub(crate) fn dir(mut self, directory: &Path) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs to the end and returns standard output. `what` names the work in progress and in errors.
    pub(crate) fn run(self, what: &str) -> Result<String> {
        self.run_tests(what).map(|(stdout, _)| stdout)
    }

    /// Like [`Self::run`], and returns what its tests said about being skipped.
    pub(crate) fn run_tests(self, what: &str) -> Result<(String, Vec<String>)> {
        let line = self.shown();
        let Finished { status, stdout, tail, skipped } = self.finish(what)?;
        if status.success() {
            let printed = stdout.lines().filter(|line| line.starts_with(SKIPPED)).map(str::to_owned);
            let skipped = skipped.into_iter().chain(printed).collect();
            return Ok((stdout, skipped));
        }
        let output = tail.into_iter().collect::<Vec<_>>().join("\n");
        bail!("{what} failed ({status})\n  command: {line}\n{output}");
    }

    /// Runs to the end; its output goes straight to the terminal.
    pub(crate) fn run_in_sight(mut self) -> Result<ExitStatus> {
        let line = self.shown();
        self.command.status().with_context(|| format!("cannot start {line}"))
    }

    /// Runs to the end and hands over each line of standard error as it comes. Shows nothing itself.
    pub(crate) fn watch(mut self, mut see: impl FnMut(&str)) -> Result<ExitStatus> {
        let line = self.shown();
        let command = self.command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot start {line}"))?;
        let stderr = child.stderr.take().context("no standard error")?;
        let lines = BufReader::new(stderr).split(b'\n').map_while(Result::ok);
        lines.for_each(|line| see(&String::from_utf8_lossy(&line)));
        child.wait().with_context(|| format!("cannot wait for {line}"))
    }

    /// Asks a quick question; `None` when the program is missing or says no.
    pub(crate) fn ask(mut self) -> Option<String> {
        let output = self.command.output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn finish(mut self, what: &str) -> Result<Finished> {
        let line = self.shown();
        let progress = Progress::start(what);
        let mut child = self
            .command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {line}"))?;
        let stdout = child.stdout.take().context("no standard output")?;
        let reader = thread::spawn(move || read_all(stdout));
        let stderr = child.stderr.take().context("no standard error")?;
        let (mut tail, skipped) = follow(stderr, &progress);
        let stdout = reader.join().unwrap_or_default();
        let status = child.wait().with_context(|| format!("cannot wait for {line}"))?;
        if !status.success() {
            tail.extend(excerpt(&stdout).into_iter().map(str::to_owned));
        }
        progress.end(status.success());
        Ok(Finished { status, stdout, tail, skipped })
    }

    /// The command as a person would type it: without the program's folder.
    pub(crate) fn shown(&self) -> String {
        let program = self.command.get_program();
        let program = Path::new(program).file_name().unwrap_or(program);
        let words = core::iter::once(program).chain(self.command.get_args());
        words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
    }
}

struct Finished {
    status: ExitStatus,
    stdout: String,
    tail: VecDeque<String>,
    skipped: Vec<String>,
}

/// One line that says what is going on and for how long. On a pipe: a line at the start and one at the end.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    what: String,
    started: Instant,
}

impl Progress {
    /// Begins to show.
    pub(crate) fn start(what: &str) -> Self {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} ({elapsed}) {wide_msg:.dim}") {
            bar.set_style(style);
        }
        bar.set_prefix(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        if bar.is_hidden() {
            eprintln!("{what} ...");
        }
        Self { bar, what: what.to_owned(), started: Instant::now() }
    }

    /// Shows a detail of the moment.
    pub(crate) fn detail(&self, text: &str) {
        self.bar.set_message(text.trim().to_owned());
    }

    /// A line that stays, above the one that moves.
    pub(crate) fn note(&self, text: &str) {
        if self.bar.is_hidden() { eprintln!("{text}") } else { self.bar.println(text) }
    }

    /// Ends with one line that stays.
    pub(crate) fn end(self, done: bool) {
        self.bar.finish_and_clear();
        let seconds = self.started.elapsed().as_secs_f64();
        let mark = if done { "done" } else { "FAILED" };
        eprintln!("{}: {mark} in {seconds:.1} s", self.what);
    }
}

fn read_all(mut stream: impl Read) -> String {
    let mut bytes = Vec::new();
    // A broken pipe ends the output early; the exit status tells whether that matters.
    let _ended_early = stream.read_to_end(&mut bytes).is_err();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Of a failed program's output its end, and of tests also what the first that failed had to say: behind it may be a long
/// list of names.
fn excerpt(stdout: &str) -> Vec<&str> {
    let lines: Vec<&str> = stdout.lines().collect();
    let last = lines.len().saturating_sub(SHOWN_LINES);
    let reports = lines.iter().position(|line| *line == "failures:").unwrap_or(last);
    let first = lines.iter().skip(reports).take(SHOWN_LINES);
    let rest = lines.iter().skip(last.max(reports.saturating_add(SHOWN_LINES)));
    first.chain(rest).copied().collect()
}

/// Shows each line as it comes; keeps the last ones, and those that say what a test skipped.
fn follow(stream: impl Read, progress: &Progress) -> (VecDeque<String>, Vec<String>) {
    let (mut tail, mut skipped) = (VecDeque::new(), Vec::new());
    for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        progress.detail(&line);
        if line.starts_with(SKIPPED) {
            skipped.push(line.clone());
        }
        if tail.len() == SHOWN_LINES {
            tail.pop_front();
        }
        tail.push_back(line);
    }
    (tail, skipped)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn failures_show_the_command_and_both_outputs() {
        let script = Tool::new("sh").args(["-c", "echo on-stdout; echo on-stderr >&2; exit 3"]);
        let error = format!("{:#}", script.run("a test").unwrap_err());
        for part in ["a test failed", "exit status: 3", "on-stdout", "on-stderr"] {
            assert!(error.contains(part), "{part} is missing in {error}");
        }
        assert!(Tool::new("no-such-program-anywhere").run("a test").is_err());
        assert_eq!(Tool::new("sh").args(["-c", "echo yes"]).ask().as_deref(), Some("yes"));
        assert_eq!(Tool::new("false").ask(), None);
    }

    #[test]
    fn what_the_first_failed_test_said_is_shown_before_a_long_list_of_names() {
        let names: String = (0..1000).map(|number| format!("    name {number}\n")).collect();
        let output =
            format!("running\ntest a ... FAILED\n\nfailures:\n\n---- a stdout ----\nwhy\n{names}the end\n");
        let shown = excerpt(&output);
        assert!(shown.starts_with(&["failures:", "", "---- a stdout ----", "why"]), "{shown:?}");
        assert_eq!((shown.len(), shown.last()), (2 * SHOWN_LINES, Some(&"the end")));
        assert_eq!(excerpt("one\ntwo"), ["one", "two"]);
        assert_eq!(excerpt(&names).len(), SHOWN_LINES);
        assert_eq!(excerpt("failures:\nwhy"), ["failures:", "why"]);
    }

    #[test]
    fn lines_are_seen_as_they_come() {
        let mut seen = Vec::new();
        let script = Tool::new("sh").args(["-c", "echo one >&2; echo no; echo two >&2; exit 3"]);
        let status = script.watch(|line| seen.push(line.to_owned())).unwrap();
        assert_eq!((seen, status.code()), (vec!["one".to_owned(), "two".to_owned()], Some(3)));
    }

    #[test]
    fn children_do_not_see_the_cargo_that_runs_us() {
        // `cargo test` sets CARGO_MANIFEST_DIR, as `cargo run` does.
        assert!(env::var_os("CARGO_MANIFEST_DIR").is_some());
        let seen =
            Tool::new("sh").args(["-c", "echo ${CARGO_MANIFEST_DIR-none}${RUSTUP_TOOLCHAIN-none}"]).ask();
        assert_eq!(seen.as_deref(), Some("nonenone"));
    }

    #[test]
    fn cargo_builds_where_we_look() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(folder.path());
        let elsewhere = "[build]\ntarget-dir = \"elsewhere\"\n";
        let manifest = "[package]\nname = \"tiny\"\nedition = \"2024\"\n";
        for (file, text) in [
            (".cargo/config.toml", elsewhere),
            ("Cargo.toml", manifest),
            ("rust-toolchain.toml", include_str!("../../rust-toolchain.toml")),
            ("src/main.rs", "fn main() {}"),
        ] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Tool::cargo(&workspace).args(["build", "--offline"]).run("building a tiny program").unwrap();
        assert!(workspace.target().join("debug/tiny").is_file());
        assert!(!folder.path().join("elsewhere").exists());
    }
}
