//! `rate-report URL`: expenses on standard input, JSON report on standard output, rates from the address.
//!
//! Exit status 0: the report is there, whatever lines were malformed (`"complete": false` is a result, not a failure). 2: what
//! was given cannot be used: the address, the rates that are there, or the input. 1: the rates could not be fetched, or the
//! report could not be written.

#![forbid(unsafe_code)]

mod fetch;

use core::fmt;
use std::env;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use examples_rate_report::{NoRates, NoUrl, Rates, Report, Unusable, Url, convert};

use fetch::NotFetched;

/// Why there is no report.
enum Failure {
    Arguments { found: usize },
    Url(NoUrl),
    Fetch(NotFetched),
    Rates(NoRates),
    Input(Unusable),
    Output(io::Error),
}

impl Failure {
    const fn exit_status(&self) -> u8 {
        match self {
            Self::Arguments { .. } | Self::Url(_) | Self::Rates(_) | Self::Input(_) => 2,
            Self::Fetch(_) | Self::Output(_) => 1,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arguments { found } => {
                write!(f, "expected the address of the rates and nothing else, found {found} arguments")
            }
            Self::Url(problem) => write!(f, "the address of the rates: {problem}"),
            Self::Fetch(problem) => write!(f, "cannot fetch the rates: {problem}"),
            Self::Rates(problem) => write!(f, "the rates: {problem}"),
            Self::Input(problem) => write!(f, "{problem}"),
            Self::Output(problem) => write!(f, "cannot write the report: {problem}"),
        }
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("rate-report: {failure}");
            ExitCode::from(failure.exit_status())
        }
    }
}

fn run() -> Result<(), Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address] = arguments.as_slice() else {
        return Err(Failure::Arguments { found: arguments.len() });
    };
    let url = Url::parse(address).map_err(Failure::Url)?;
    let body = fetch::get(&url).map_err(Failure::Fetch)?;
    let rates = Rates::parse(&body).map_err(Failure::Rates)?;
    let report = convert(io::stdin().lock(), url, &rates).map_err(Failure::Input)?;
    print(&report).map_err(Failure::Output)
}

fn print(report: &Report<'_>) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    report.write_json(&mut out)?;
    out.flush()
}
