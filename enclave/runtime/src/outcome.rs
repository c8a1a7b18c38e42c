//! How a run ends, and what is said of it.

use alloc::string::{String, ToString};
use core::fmt::{self, Write as _};

use wasmtime::{Trap, WasmBacktrace};

use crate::host::Stop;
use crate::limits::{Limit, RunEnd};

/// Most bytes of a trap's message: names in the backtrace are the component's.
const TRAP_MESSAGE_MAX_BYTES: usize = 8 * 1024;

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The component returned from `run` (0 for ok, 1 for error) or called `exit`.
    Exited {
        /// Exit code.
        code: u8,
    },
    /// The component did what it must not, or a host function refused.
    Trapped {
        /// Cause and WebAssembly backtrace.
        message: String,
    },
    /// The component used up a limit of the manifest.
    LimitExceeded {
        /// Which one.
        limit: Limit,
    },
    /// The host ended it.
    Stopped {
        /// Why.
        reason: Stop,
    },
    /// The machine could not run it: what happened says nothing about the component, and happens nowhere else.
    Failed {
        /// What was missing.
        message: String,
    },
}

impl Outcome {
    /// Of what came back from the component, or from outside of it.
    pub(crate) fn of(
        result: &Result<wasmtime::Result<Result<(), ()>>, RunEnd>,
        is_short_of_memory: bool,
    ) -> Self {
        match result {
            Ok(Ok(status)) => Self::Exited { code: u8::from(status.is_err()) },
            Ok(Err(error)) => outcome_of_error(error, is_short_of_memory),
            Err(end) => Self::of_end(*end),
        }
    }

    fn of_end(end: RunEnd) -> Self {
        match end {
            RunEnd::Exit(code) => Self::Exited { code },
            RunEnd::Limit(limit) => Self::LimitExceeded { limit },
            RunEnd::Stop(reason) => Self::Stopped { reason },
            RunEnd::Parted => Self::Failed { message: end.to_string() },
        }
    }

    /// The same but for words that are only for people.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Trapped { .. }, Self::Trapped { .. }) => true,
            _ => self == other,
        }
    }
}

fn outcome_of_error(error: &wasmtime::Error, is_short_of_memory: bool) -> Outcome {
    if let Some(end) = error.downcast_ref::<RunEnd>() {
        return Outcome::of_end(*end);
    }
    let trap = error.downcast_ref::<Trap>();
    let backtrace = error.downcast_ref::<WasmBacktrace>();
    if trap == Some(&Trap::OutOfFuel) {
        return Outcome::LimitExceeded { limit: Limit::Fuel };
    }
    if trap.is_some() && backtrace.is_some_and(is_call_depth) {
        return Outcome::LimitExceeded { limit: Limit::CallStack };
    }
    let message = cut_text(&format_args!("{error:?}"));
    // The engine's own stack is larger than what the component accounts for; a run that finds its end, or a machine
    // without memory, says something about the machine.
    let is_the_machines =
        trap == Some(&Trap::StackOverflow) || is_short_of_memory || (trap.is_none() && backtrace.is_none());
    if is_the_machines { Outcome::Failed { message } } else { Outcome::Trapped { message } }
}

/// Whether the component ended in the function that instrumentation calls beyond the limit of call depth.
fn is_call_depth(backtrace: &WasmBacktrace) -> bool {
    let innermost = backtrace.frames().first().and_then(|frame| frame.func_name());
    innermost == Some(attestation_artefact::CALL_DEPTH_FUNCTION)
}

/// Text up to [`TRAP_MESSAGE_MAX_BYTES`], so that longer text never exists as a whole.
pub(crate) fn cut_text(text: &dyn fmt::Display) -> String {
    let mut cut = CutText(String::new());
    // An error says that the text was cut.
    let _ = write!(cut, "{text}");
    cut.0
}

struct CutText(String);

impl fmt::Write for CutText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = TRAP_MESSAGE_MAX_BYTES - self.0.len();
        self.0.push_str(&text[..text.floor_char_boundary(room)]);
        if text.len() <= room { Ok(()) } else { Err(fmt::Error) }
    }
}
