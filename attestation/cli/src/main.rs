//! `redoubt-verify`: reads files, asks [`attestation_cli::check`], prints the verdict.
#![forbid(unsafe_code)]

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use attestation_cli::arguments::{Arguments, CheckArguments, Command};
use attestation_cli::check::{SimulatedEvidence, check};
use attestation_cli::collateral;
use attestation_cli::collateral::arguments::CollateralCommand;
use attestation_cli::files::CheckFiles;
use attestation_cli::progress::{Audience, Progress};
use attestation_cli::render::{Colours, json, table};
use attestation_evidence::text::printable;
use clap::{CommandFactory, Parser};

/// The claim was checked and is not to be believed, or something is not to be had.
const REFUSED: u8 = 1;
/// Nothing was checked. `clap` uses the same for wrong usage.
const UNUSABLE: u8 = 2;

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Check(arguments) => run_check(&arguments),
        Command::Collateral(command) => run_collateral(&command),
        Command::Completion { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "redoubt-verify", &mut script);
            print(&script, ExitCode::SUCCESS)
        }
    }
}

fn run_check(arguments: &CheckArguments) -> ExitCode {
    let files = match CheckFiles::read(arguments) {
        Ok(files) => files,
        Err(error) => return unusable(&error),
    };
    let simulated =
        if arguments.allow_simulated { SimulatedEvidence::Allowed } else { SimulatedEvidence::Refused };
    let what = if arguments.component.is_some() { "compiling the component again" } else { "checking" };
    let progress = Progress::waiting(what, Audience::of_json(arguments.json));
    let verdict = check(&files.inputs(simulated));
    drop(progress);
    let text = if arguments.json { json(&verdict) } else { table(&verdict, colours()) };
    let status = if verdict.is_accepted() { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) };
    print(text.as_bytes(), status)
}

fn run_collateral(command: &CollateralCommand) -> ExitCode {
    match collateral::run(command) {
        Ok(report) => {
            let status = if report.is_complete { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) };
            print(report.text.as_bytes(), status)
        }
        Err(error) => unusable(&error),
    }
}

fn unusable(error: &dyn core::error::Error) -> ExitCode {
    // Names of fields come from files. Nobody is left to tell when standard error is closed.
    let _ = writeln!(io::stderr(), "redoubt-verify: {}", printable(&error.to_string()));
    ExitCode::from(UNUSABLE)
}

fn colours() -> Colours {
    let declined = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if io::stdout().is_terminal() && !declined { Colours::On } else { Colours::Off }
}

/// A verdict that nobody could read was not given: then the status says so.
fn print(text: &[u8], status: ExitCode) -> ExitCode {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        Ok(()) => status,
        Err(_) => ExitCode::from(UNUSABLE),
    }
}
