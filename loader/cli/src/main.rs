//! `redoubt`: launches a guest, gives it jobs, and says how it is.
//!
//! `redoubt run` owns one guest and listens on a socket in its run directory; every other subcommand finds it there
//! by name. The guest is not trusted: what it prints is escaped before a terminal sees it.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};

mod arguments;
mod client;
mod completion;
mod detach;
mod examples;
mod failure;
mod input;
mod job;
mod logs;
mod output;
mod place;
mod preflight;
mod protocol;
mod query;
mod receipts;
mod replay;
mod results;
mod run;
mod serve_job;
mod server;
mod submissions;
mod trap;

fn main() -> ExitCode {
    let Arguments { run_dir, command } = Arguments::parse();
    let run_dir = run_dir.as_deref();
    let result = match command {
        Command::Preflight(arguments) => preflight::preflight(&arguments),
        Command::Run(arguments) => run::run(&arguments, run_dir),
        Command::Job(arguments) => job::job(&arguments, run_dir),
        Command::Replay(arguments) => replay::replay_claim(&arguments),
        Command::Status(arguments) => query::status(&arguments, run_dir),
        Command::Logs(arguments) => logs::logs(&arguments, run_dir),
        Command::Stop(arguments) => query::stop(&arguments, run_dir),
        Command::Probe(arguments) => query::probe(&arguments, run_dir),
        Command::Completion { shell } => completion::completion(shell),
    };
    failure::report(result)
}
