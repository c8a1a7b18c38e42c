//! `redoubt-verify`: reads files, asks [`attestation_cli::check`] or [`attestation_cli::show`], prints the answer.
#![forbid(unsafe_code)]

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use attestation_cli::arguments::{Arguments, CheckArguments, Command, ShowArguments};
use attestation_cli::check::{SimulatedEvidence, check};
use attestation_cli::files::{CheckFiles, read_item};
use attestation_cli::progress::{Audience, Progress};
use attestation_cli::render::{Colours, json, table};
use attestation_cli::show::{self, show};
use attestation_evidence::text::printable;
use clap::{CommandFactory, Parser};

/// The claim was checked and is not to be believed.
const REFUSED: u8 = 1;
/// Nothing was checked. `clap` uses the same for wrong usage.
const UNUSABLE: u8 = 2;

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Check(arguments) => run_check(&arguments),
        Command::Show(arguments) => run_show(&arguments),
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
        Err(error) => {
            return unusable(&error.to_string());
        }
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

fn run_show(arguments: &ShowArguments) -> ExitCode {
    let mut items = Vec::new();
    for path in &arguments.files {
        match read_item(path) {
            Ok(bytes) => match show(&path.display().to_string(), &bytes) {
                Ok(shown) => items.extend(shown),
                Err(error) => return unusable(&format!("{}: {error}", path.display())),
            },
            Err(error) => return unusable(&error.to_string()),
        }
    }
    let text = if arguments.json { show::json(&items) } else { show::table(&items, colours()) };
    print(text.as_bytes(), ExitCode::SUCCESS)
}

/// Names of files and fields come from outside. Nobody is left to tell when standard error is closed.
fn unusable(message: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "redoubt-verify: {}", printable(message));
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
