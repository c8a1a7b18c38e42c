//! `wasi:cli`: surroundings, standard streams, terminals, the end.

use wasip2::cli::{environment, exit, stderr, stdin, stdout};
use wasip2::cli::{terminal_stderr, terminal_stdin, terminal_stdout};

use crate::{say, say_all, say_that};

/// All of standard input.
pub(crate) fn read_stdin() -> String {
    let (stream, mut input) = (stdin::get_stdin(), Vec::new());
    while let Ok(piece) = stream.blocking_read(4096) {
        input.extend_from_slice(&piece);
    }
    String::from_utf8_lossy(&input).into_owned()
}

pub(crate) fn check(task: &str) {
    say_all("wasi:cli/environment#get-environment", &[&environment::get_environment()]);
    say_all("wasi:cli/environment#get-arguments", &[&environment::get_arguments()]);
    say_all("wasi:cli/environment#initial-cwd", &[&environment::initial_cwd()]);
    say_all("wasi:cli/stdin#get-stdin", &[&task]);
    let line = b"wasi:cli/stdout#get-stdout: this line went through it\n";
    let written = stdout::get_stdout().blocking_write_and_flush(line);
    assert!(written.is_ok(), "it was accepted");
    let written = stderr::get_stderr().blocking_write_and_flush(b"a line of standard error\n");
    say_that("wasi:cli/stderr#get-stderr", "accepts a line", written.is_ok());
    say_that(
        "wasi:cli/terminal-stdin#get-terminal-stdin",
        "none",
        terminal_stdin::get_terminal_stdin().is_none(),
    );
    say_that(
        "wasi:cli/terminal-stdout#get-terminal-stdout",
        "none",
        terminal_stdout::get_terminal_stdout().is_none(),
    );
    say_that(
        "wasi:cli/terminal-stderr#get-terminal-stderr",
        "none",
        terminal_stderr::get_terminal_stderr().is_none(),
    );
}

/// The last thing that a program does.
pub(crate) fn exit() {
    say("wasi:cli/exit#exit", "the last line, and status 0");
    exit::exit(Ok(()));
    say("wasi:cli/exit#exit", "NOT the last line");
}

/// Likewise, of another run.
pub(crate) fn exit_with_code() {
    say("wasi:cli/exit#exit-with-code", "the last line, and status 7");
    exit::exit_with_code(7);
    say("wasi:cli/exit#exit-with-code", "NOT the last line");
}
