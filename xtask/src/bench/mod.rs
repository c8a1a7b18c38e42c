//! `cargo xtask bench`: the figures of `docs/benchmarks.md` and `docs/benchmarks-services.md`, both systems on the same
//! QEMU in one run, those of `docs/benchmarks-languages.md`, and those of `docs/benchmarks-verification.md`, all
//! verifiers in one process.

mod cpio;
mod kernel;
mod linux;
mod machine;
mod redoubt;
mod report;
mod services;
mod sizes;
mod statistics;
mod target;
mod verification;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use clap::Args;

use crate::process::Progress;
use crate::setup::{self, Need};
use crate::workspace::Workspace;
use crate::{component, draft, guest, ledger};
use linux::LinuxGuest;
use machine::Machine;
use redoubt::Redoubt;
use report::{Boot, Report, Speed};

pub(crate) use verification::{FOLDER as PEERS, TARGET as PEERS_TARGET};

/// The ledger's size in bytes: the 10 MB that the targets speak of.
const LEDGER_BYTES: u64 = 10_000_000;
/// What the auditor says of an empty input: the first thing that the boot benchmark sees of it.
const FIRST_LINE: &str = "ledger-audit:";

/// What there is to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Subject {
    /// Boot time, run speed, memory and size of the guest, beside a minimal Linux guest
    Guest,
    /// Size and cold start of the examples in every language
    Languages,
    /// Requests per second, memory and recording of a service, beside `wasmtime serve` in a Linux guest
    Services,
    /// Time and memory of verifying evidence, beside other people's verifiers
    Verification,
}

impl Subject {
    const fn report(self) -> &'static str {
        match self {
            Self::Guest => "docs/benchmarks.md",
            Self::Languages => "docs/benchmarks-languages.md",
            Self::Services => "docs/benchmarks-services.md",
            Self::Verification => "docs/benchmarks-verification.md",
        }
    }
}

/// Options of `cargo xtask bench`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// What to measure
    #[arg(value_name = "WHAT", value_enum, default_value_t = Subject::Guest)]
    subject: Subject,
    /// Boots of each system
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
    boots: u32,
    /// Runs of the 10 MB job, rounds of requests or cold starts, on each system
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Where the figures go [default: docs/benchmarks.md, or docs/benchmarks-WHAT.md]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Text of a report, and the promised figures that were missed.
struct Outcome {
    text: String,
    missed: Vec<String>,
}

/// Measures, and writes the report. A target that is missed is an error, after that.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let outcome = match options.subject {
        Subject::Guest => guest(workspace, options)?,
        Subject::Languages => services::languages(workspace, options)?,
        Subject::Services => services::run(workspace, options)?,
        Subject::Verification => verification::run(workspace)?,
    };
    print!("{}", outcome.text);
    let out = options.out.as_deref().unwrap_or(Path::new(options.subject.report()));
    draft::write(&workspace.root().join(out), |mut file| Ok(file.write_all(outcome.text.as_bytes())?))?;
    ensure!(outcome.missed.is_empty(), "missed targets: {}", outcome.missed.join("; "));
    Ok(())
}

fn guest(workspace: &Workspace, options: &Options) -> Result<Outcome> {
    setup::ensure(workspace, &[Need::GuestToolchain, Need::ComponentTarget, Need::Qemu])?;
    let (elf, rom) = guest::build_rom(workspace)?;
    let component = component::build(workspace, &workspace.path(component::EXAMPLE))?;
    let ledger = workspace.scratch().join("bench-ledger.csv");
    fs::create_dir_all(workspace.scratch())?;
    let size = ledger::ByteCount(LEDGER_BYTES);
    ledger::write(&ledger::Options { out: ledger.clone(), bytes: size, seed: 1, faults: 0 })?;

    let machine = Machine::find()?;
    let linux = LinuxGuest::prepare(workspace, &component, &ledger)?;
    let app = workspace.path(component::EXAMPLE).join("app.toml");
    let redoubt = Redoubt::new(rom.bytes().to_vec(), &component, &app)?;
    let progress = Progress::start("searching the smallest guest");
    let smallest = redoubt.smallest_memory_mib(&machine, &ledger);
    progress.end(smallest.is_ok());
    let smallest = smallest?;
    let report = Report {
        machine: machine.describe(),
        kernel: linux.kernel_name(),
        boot: boots(&machine, &redoubt, &linux, options.boots)?,
        speed: speeds(&machine, &redoubt, &linux, &ledger, options.runs)?,
        memory_mib: smallest,
        rom_bytes: rom.bytes().len() as u64,
        rom_used_bytes: rom.used_bytes(),
        sizes: sizes::table(&elf)?,
    };
    Ok(Outcome { text: report.to_string(), missed: report.missed() })
}

/// Alternates, so that whatever else the machine does hits both.
fn boots(machine: &Machine, redoubt: &Redoubt, linux: &LinuxGuest, count: u32) -> Result<Boot> {
    let progress = Progress::start("boot times");
    let mut boot = Boot::default();
    for round in 1..=count {
        progress.detail(&format!("{round} of {count}"));
        boot.redoubt.push(redoubt.boot(machine)?);
        boot.linux.push(linux.boot(machine, FIRST_LINE)?);
    }
    progress.end(true);
    Ok(boot)
}

fn speeds(
    machine: &Machine,
    redoubt: &Redoubt,
    linux: &LinuxGuest,
    ledger: &Path,
    count: u32,
) -> Result<Speed> {
    let progress = Progress::start("run times");
    let mut speed = Speed::default();
    for round in 1..=count {
        progress.detail(&format!("{round} of {count}"));
        let ours = redoubt.run(machine, ledger, redoubt.memory_mib(), 2)?;
        for (samples, run) in speed.redoubt.iter_mut().zip(&ours) {
            samples.push(run.run);
        }
        for run in ours {
            speed.redoubt_whole.push(run.whole);
            (speed.fuel, speed.heap_peak_bytes) = (run.fuel, run.heap_peak_bytes);
        }
        let theirs = linux.run(machine)?;
        for (samples, time) in speed.linux_same.iter_mut().zip(theirs.same) {
            samples.push(time);
        }
        for (samples, time) in speed.linux_default.iter_mut().zip(theirs.default) {
            samples.push(time);
        }
    }
    progress.end(true);
    Ok(speed)
}
