//! Why a guest is gone.

use core::fmt;

use enclave_wire::boot::ExitCode;

use crate::session::Violation;
use crate::text::printable_line;

/// How the control stream ended.
#[derive(Debug)]
pub enum StreamEnd {
    /// The other side closed it.
    Closed {
        /// What the guest said before, if anything.
        stopping: Option<String>,
    },
    /// The guest broke a rule, and the stream cannot be used any further.
    Violation(Violation),
}

/// Why a guest ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GuestEnd {
    /// It was asked to, and said so with its exit code.
    #[error("the guest shut down as asked")]
    Stopped,
    /// The guest chose to end.
    #[error("{} (exit code {:#04x}, qemu status {}){log}", .code.explain(), *.code as u8, .code.qemu_status())]
    Exited {
        /// Its exit code.
        code: ExitCode,
        /// What it logged last.
        log: LogTail,
    },
    /// The QEMU process ended with a status that the guest did not choose.
    #[error("qemu ended with status {status}, {}{log}", explain_status(*.status))]
    Qemu {
        /// The status.
        status: i32,
        /// What QEMU and the guest said last.
        log: LogTail,
    },
    /// Something killed the QEMU process.
    #[error("qemu was killed by signal {signal}{log}")]
    Killed {
        /// The signal.
        signal: i32,
        /// What QEMU and the guest said last.
        log: LogTail,
    },
    /// The guest broke the control protocol, and the loader ended it.
    #[error("the loader ended the guest because {violation}{log}")]
    Violation {
        /// The rule that it broke.
        violation: Violation,
        /// What it logged last.
        log: LogTail,
    },
    /// The guest did not end when asked, or was to end at once.
    #[error("the loader killed the guest{log}")]
    KilledByLoader {
        /// What it logged last.
        log: LogTail,
    },
    /// The control stream closed while QEMU went on running; the loader ended it.
    #[error("the control stream closed while qemu went on running{log}")]
    StreamClosed {
        /// What it logged last.
        log: LogTail,
    },
}

impl GuestEnd {
    /// Whether the guest ended as it was asked to.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        matches!(self, Self::Stopped)
    }
}

/// The last lines that the guest and QEMU wrote. Displays as an indented block, safe for a terminal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogTail(pub Vec<String>);

impl fmt::Display for LogTail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("; nothing was logged");
        }
        f.write_str("; last log lines:")?;
        self.0.iter().try_for_each(|line| write!(f, "\n    {}", printable_line(line)))
    }
}

const fn explain_status(status: i32) -> &'static str {
    match status {
        0 => "which means that someone asked qemu itself to quit",
        1 => "which means that it refused its command line",
        126 | 127 => "which means that it could not be started",
        _ => "which is no exit code of the guest",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_say_what_happened_and_show_a_safe_log() {
        let log = LogTail(vec!["boot".to_owned(), "panic: \u{1b}[2Jgone".to_owned()]);
        let text = GuestEnd::Exited { code: ExitCode::Panic, log }.to_string();
        assert!(text.starts_with("the guest panicked (exit code 0x22, qemu status 69)"), "{text}");
        assert!(text.ends_with("\n    boot\n    panic: \\u{1b}[2Jgone"), "{text}");
        let text = GuestEnd::Qemu { status: 0, log: LogTail::default() }.to_string();
        assert!(text.contains("quit") && text.contains("nothing was logged"), "{text}");
    }
}
