//! `cargo xtask fuzz`: every target of `tests/fuzz`, from one instrumented build.

mod build;
mod outcome;
mod targets;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::process::{Progress, Tool};
use crate::workspace::Workspace;
use outcome::{Outcome, Watcher};
use targets::Target;

/// An input that takes longer is a finding: the slowest honest one takes a tenth of it.
const TIMEOUT_SECONDS: u32 = 10;
/// Corpus included. What one input may make the code allocate is counted exactly, in `tests/fuzz/src/memory.rs`.
const RSS_LIMIT_MIB: u32 = 2048;

/// Options of `cargo xtask fuzz`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Options {
    /// Only these targets [default: all]
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// How long each target runs
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// How many targets run at a time [default: one per processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    at_once: Option<u16>,
    /// Print the targets and what they read
    #[arg(long, conflicts_with = "reproduce")]
    list: bool,
    /// Run the target on this file only, for instance on one that made it crash
    #[arg(long, value_name = "FILE", requires = "targets")]
    reproduce: Option<PathBuf>,
}

impl Options {
    /// All targets, for so long each.
    pub(crate) fn all(seconds: u32) -> Self {
        Self { seconds, ..Self::default() }
    }
}

/// Does what the options say.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let all = targets::read(workspace)?;
    if options.list {
        all.iter().for_each(|Target { name, drives }| println!("{name:<20}{drives}"));
        return Ok(());
    }
    let chosen = targets::choose(all, &options.targets)?;
    match (&options.reproduce, chosen.as_slice()) {
        (None, _) => fuzz(workspace, chosen, options),
        (Some(file), [target]) => reproduce(workspace, target, file),
        (Some(_), _) => bail!("--reproduce takes exactly one target"),
    }
}

/// What tests of `tests/fuzz` there are besides the fuzzing: that memory is counted, that seeds are current.
pub(crate) fn test(workspace: &Workspace) -> Result<Vec<String>> {
    let (_, skipped) = build::cargo(workspace, "test")?
        .args(["--lib", "--test", "*", "--", "--show-output"])
        .run_tests("cargo test in tests/fuzz")?;
    Ok(skipped)
}

fn reproduce(workspace: &Workspace, target: &Target, file: &Path) -> Result<()> {
    let file = fs::canonicalize(file).with_context(|| format!("cannot find {}", file.display()))?;
    let programs = build::build(workspace)?;
    let status = Tool::new(programs.join(&target.name))
        .args(limits())
        .arg(&file)
        .env("RUST_BACKTRACE", "1")
        .run_in_sight()?;
    if status.success() {
        println!("{}: fine", target.name);
        return Ok(());
    }
    bail!("{} fails on {}", target.name, file.display())
}

fn fuzz(workspace: &Workspace, targets: Vec<Target>, options: &Options) -> Result<()> {
    let programs = build::build(workspace)?;
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let at_once = options.at_once.map_or(processors, usize::from).min(targets.len());
    let progress = Progress::start(&format!("fuzzing, {} s per target", options.seconds));
    let watcher = Watcher::new(&progress);
    let (waiting, done) = (Mutex::new(targets.iter()), Mutex::new(Vec::new()));
    let next = || waiting.lock().ok().and_then(|mut waiting| waiting.next());
    let work = || {
        while let Some(target) = next() {
            let outcome = fuzz_one(workspace, &programs, &target.name, options.seconds, &watcher);
            // One target that cannot run must not hide what the others found.
            let outcome = outcome.unwrap_or_else(|error| Outcome::not_run(&target.name, &error));
            if let Ok(mut done) = done.lock() {
                done.push(outcome);
            }
        }
    };
    thread::scope(|scope| (0..at_once).for_each(|_| drop(scope.spawn(work))));
    let outcomes = done.into_inner().unwrap_or_default();
    progress.end(outcomes.len() == targets.len() && outcomes.iter().all(Outcome::is_clean));
    outcome::report(workspace, outcomes)
}

fn fuzz_one(
    workspace: &Workspace,
    programs: &Path,
    name: &str,
    seconds: u32,
    watcher: &Watcher<'_>,
) -> Result<Outcome> {
    let arguments = arguments(workspace, name, seconds)?;
    let mut outcome = Outcome::begin(name);
    let tool = Tool::new(programs.join(name)).args(arguments);
    let status = tool.watch(|line| watcher.see(name, outcome.read(line)))?;
    watcher.end(&outcome.end(status.success()));
    Ok(outcome)
}

/// What libFuzzer is told: limits, where findings go, and the folders that it reads.
fn arguments(workspace: &Workspace, name: &str, seconds: u32) -> Result<Vec<String>> {
    let corpus = workspace.target().join("fuzz-corpus").join(name);
    let artefacts = workspace.target().join("fuzz-artifacts").join(name);
    for folder in [&corpus, &artefacts] {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let mut arguments = limits().to_vec();
    arguments.push(format!("-max_total_time={seconds}"));
    arguments.push("-print_final_stats=1".to_owned());
    arguments.push(format!("-artifact_prefix={}/", artefacts.display()));
    let package = workspace.path(targets::FOLDER);
    let dictionary = package.join("dictionaries").join(format!("{name}.dict"));
    if dictionary.is_file() {
        arguments.push(format!("-dict={}", dictionary.display()));
    }
    // New inputs go to the first folder; those that follow are only read.
    arguments.push(corpus.display().to_string());
    let seeds = package.join("seeds").join(name);
    if seeds.is_dir() {
        arguments.push(seeds.display().to_string());
    }
    Ok(arguments)
}

fn limits() -> [String; 2] {
    [format!("-timeout={TIMEOUT_SECONDS}"), format!("-rss_limit_mb={RSS_LIMIT_MIB}")]
}
