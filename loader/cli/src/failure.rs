//! How commands fail: a message for people, a code for scripts.

use std::io::{self, Write};
use std::process::ExitCode;

use loader_vmm::text::printable;

/// Something failed that has no code of its own.
pub(crate) const FAILED: u8 = 1;
/// No guest of that name runs here.
pub(crate) const NO_GUEST: u8 = 3;
/// The guest ended when it should not have.
pub(crate) const GUEST_ENDED: u8 = 4;
/// The job trapped, exceeded a limit, was refused or cancelled.
pub(crate) const JOB_FAILED: u8 = 5;
/// The component ran to its end and returned a code other than 0.
pub(crate) const COMPONENT_FAILED: u8 = 6;
/// A replay finds something else than the claim says.
pub(crate) const DIFFERS: u8 = 7;
/// Interrupted from the terminal.
pub(crate) const INTERRUPTED: u8 = 130;

/// A failed command.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    error: anyhow::Error,
}

pub(crate) type Outcome = Result<(), Failure>;

impl Failure {
    pub(crate) fn new(code: u8, error: impl Into<anyhow::Error>) -> Self {
        Self { code, error: error.into() }
    }

    #[cfg(test)]
    pub(crate) const fn code(&self) -> u8 {
        self.code
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(FAILED, error)
    }
}

/// Ends a command.
pub(crate) fn report(result: Outcome) -> ExitCode {
    let Err(Failure { code, error }) = result else { return ExitCode::SUCCESS };
    // `… | head` is no failure of ours.
    let is_closed_pipe =
        error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
    if !is_closed_pipe {
        // Guests and files have their words in it. Nobody is left to tell when standard error is closed.
        let _ = writeln!(io::stderr(), "redoubt: {}", printable(&format!("{error:#}")));
    }
    ExitCode::from(code)
}
