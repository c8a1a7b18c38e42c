//! The only build door: images, tests, lints, benchmarks. CI calls the same commands.

#![forbid(unsafe_code)]

mod bench;
mod component;
mod demo;
mod draft;
mod fuzz;
mod guest;
mod image;
mod languages;
mod ledger;
mod lint;
mod new;
mod process;
mod reproduce;
mod setup;
mod test;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use workspace::Workspace;

/// Builds, tests and measures Redoubt. Whatever a command needs and can install (a pinned toolchain, a target, QEMU
/// when run as root), it installs; otherwise it prints the one command to run.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Install everything that any command needs
    #[command(after_help = SETUP_EXAMPLES)]
    Setup,
    /// Start a project: sources, app.toml, tests, and a README with the commands
    #[command(after_help = NEW_EXAMPLES)]
    New(new::Options),
    /// Build a project in Rust, JavaScript or Python into a WebAssembly component, and list what it imports
    #[command(after_help = COMPONENT_EXAMPLES)]
    Component {
        /// Its folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// Where the component goes
        #[arg(long, value_name = "FILE", default_value = "component.wasm")]
        out: PathBuf,
    },
    /// Build a bootable, measured image from a program and its app.toml
    #[command(after_help = IMAGE_EXAMPLES)]
    Image {
        /// A project in Rust, JavaScript or Python, built now [default: examples/ledger-audit]
        #[arg(value_name = "DIR", conflicts_with = "workload")]
        folder: Option<PathBuf>,
        /// A WebAssembly component that was built elsewhere
        #[arg(long, value_name = "FILE", requires = "manifest")]
        workload: Option<PathBuf>,
        /// What that component may use
        #[arg(long, value_name = "FILE", requires = "workload")]
        manifest: Option<PathBuf>,
        /// Where the image goes
        #[arg(long, value_name = "DIR", default_value = "dist")]
        out: PathBuf,
        /// Print one line of JSON: the reference values, the folder, how much of the ROM is used
        #[arg(long)]
        json: bool,
    },
    /// Check the rules of the house, the formatting and clippy
    #[command(after_help = LINT_EXAMPLES)]
    Lint {
        /// Only our own rules: a second instead of minutes
        #[arg(long)]
        rules: bool,
    },
    /// Run every test that fits an hour on two cores, and print the minutes per suite
    #[command(after_help = TEST_EXAMPLES)]
    Test {
        /// Also what does not fit: tests marked `#[ignore]`, longer fuzzing
        #[arg(long)]
        long: bool,
        /// Only these suites, in this order
        #[arg(long, value_delimiter = ',')]
        only: Vec<test::Suite>,
    },
    /// Measure beside other people's work: the guest (beside a minimal Linux guest), or verification of evidence
    #[command(after_help = BENCH_EXAMPLES)]
    Bench(bench::Options),
    /// Feed the parsers what somebody hostile might have written
    #[command(after_help = FUZZ_EXAMPLES)]
    Fuzz(fuzz::Options),
    /// The whole path on a real ledger, and on expenses at rates from a server: build, image, boot, job, verify
    #[command(after_help = DEMO_EXAMPLES)]
    Demo {
        /// A ledger to audit [default: one of 10 MB, generated now]
        #[arg(long, value_name = "FILE")]
        input: Option<PathBuf>,
        /// Where the guest gets rates from over HTTPS, as whom Mozilla's authorities vouch for [default: a server of the
        /// demo's own, on this machine]
        #[arg(long, value_name = "URL")]
        rates_url: Option<String>,
    },
    /// Write a realistic double-entry ledger, the same bytes for the same options
    #[command(after_help = LEDGER_EXAMPLES)]
    Ledger(ledger::Options),
}

const NEW_EXAMPLES: &str = "Examples:
  cargo xtask new --lang rust my-job
  cargo xtask new --lang js --kind service my-service
  cargo xtask new --lang python my-report --path ../reports/my-report

A job reads standard input, writes standard output and ends. A service answers HTTP requests.";

const COMPONENT_EXAMPLES: &str = "Examples:
  cargo xtask component examples/sensor-report
  cargo xtask component ../my-service --out my-service.wasm

The language is told by the files: Cargo.toml, package.json or requirements-build.txt. The tools come in the versions
that the project pins, and stay below target/.";

const IMAGE_EXAMPLES: &str = "Examples:
  cargo xtask image
  cargo xtask image examples/sensor-report --out dist/
  cargo xtask image --workload app.wasm --manifest app.toml --out dist/
  cargo xtask image --json | jq -r .measurement.snp_qemu";

const SETUP_EXAMPLES: &str = "Example:
  cargo xtask setup

Needs the network, and root where a package of the system is missing; without root it prints the command to run.";

const LINT_EXAMPLES: &str = "Examples:
  cargo xtask lint
  cargo xtask lint --rules";

const TEST_EXAMPLES: &str = "Examples:
  cargo xtask test
  cargo xtask test --only fmt,clippy,host
  cargo xtask test --long

Tests on evidence of real hardware need a folder of it: REDOUBT_FIXTURES, or ../shared/fixtures/attestation.";

const BENCH_EXAMPLES: &str = "Examples:
  cargo xtask bench
  cargo xtask bench --boots 3 --runs 1 --out /tmp/benchmarks.md
  cargo xtask bench verification

The first needs apt-get and dpkg-deb for Debian's kernel; verification needs evidence of real hardware: REDOUBT_FIXTURES,
or ../shared/fixtures/attestation. A missed target makes it fail, after the file is written.";

const DEMO_EXAMPLES: &str = "Examples:
  cargo xtask demo
  cargo xtask demo --input ledger.csv
  cargo xtask demo --rates-url 'https://api.frankfurter.dev/v1/latest?base=EUR'

Without --rates-url nobody elsewhere is asked: the server of the rates, and those of the time, run on this machine for as
long as the demo. The answer at a URL of yours has to look like {\"base\":\"EUR\",\"date\":\"2026-11-27\",\"rates\":{\"USD\":1.08}}.";

const FUZZ_EXAMPLES: &str = "Examples:
  cargo xtask fuzz
  cargo xtask fuzz --seconds 3600 claim manifest
  cargo xtask fuzz claim --reproduce target/fuzz-artifacts/claim/crash-0a1b2c

Inputs that reach new code stay in target/fuzz-corpus, for the next run. What each target drives: --list, and
tests/fuzz/README.md.";

const LEDGER_EXAMPLES: &str = "Examples:
  cargo xtask ledger --out ledger.csv
  cargo xtask ledger --out ledger.csv --bytes 100MB --seed 7 --faults 12";

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::locate()?;
    match command {
        Command::Setup => setup::ensure(&workspace, &setup::Need::ALL)?,
        Command::New(options) => println!("{}", new::create(&options)?),
        Command::Component { folder, out } => component::build_to(&workspace, &folder, &out)?,
        Command::Image { folder, workload, manifest, out, json } => {
            let source = match folder {
                Some(folder) => Some(image::Source::project(&workspace, &folder)?),
                None => {
                    workload.zip(manifest).map(|(component, manifest)| image::Source { component, manifest })
                }
            };
            let built = image::build(&workspace, source, &out)?;
            if json { println!("{}", built.json()?) } else { println!("{built}") }
        }
        Command::Lint { rules } => {
            lint::rules(&workspace)?;
            if !rules {
                lint::formatting(&workspace)?;
                lint::clippy(&workspace)?;
            }
        }
        Command::Test { long, only } => {
            let length = if long { test::Length::Long } else { test::Length::Short };
            test::run(&workspace, length, &only)?;
        }
        Command::Bench(options) => bench::run(&workspace, &options)?,
        Command::Fuzz(options) => fuzz::run(&workspace, &options)?,
        Command::Demo { input, rates_url } => demo::run(&workspace, input, rates_url)?,
        Command::Ledger(options) => ledger::write(&options)?,
    }
    Ok(ExitCode::SUCCESS)
}
