//! Calls every function of every interface that the guest offers, and prints one line for each: its name, and an outcome
//! that is the same wherever it runs. Values of time and randomness are reduced to what has to hold of them.
//!
//! Standard input says what to do: `everything`, or `exit-with-code`, because a program can end only once.
#![forbid(unsafe_code)]

mod cli;
mod clocks;
mod files;
mod filesystem;
mod http;
mod logging;
mod random;
mod streams;

use core::fmt::{Debug, Display};

use crate::files::Root;

fn main() {
    let task = cli::read_stdin();
    if task == "exit-with-code" {
        cli::exit_with_code();
    }
    cli::check(&task);
    clocks::check();
    random::check();
    logging::check();
    let root = Root::open();
    streams::check(&root);
    filesystem::check(&root);
    http::check(&root);
    cli::exit();
}

/// Prints what came of a function.
fn say(function: &str, outcome: impl Display) {
    println!("{function}: {outcome}");
}

/// Likewise, with all its outcomes, one after the other.
fn say_all(function: &str, outcomes: &[&dyn Debug]) {
    let outcomes: Vec<String> = outcomes.iter().map(|outcome| format!("{outcome:?}")).collect();
    say(function, outcomes.join(", "));
}

/// Prints whether something holds that has to.
fn say_that(function: &str, claim: &str, holds: bool) {
    say(function, if holds { claim.to_owned() } else { format!("NOT {claim}") });
}
