//! How a guest ended, when it was not asked to.

use enclave_wire::boot::ExitCode;
use loader_vmm::end::GuestEnd;
use loader_vmm::error::{GuestError, LaunchError};

/// What the loader tells of a guest that is gone.
#[derive(Debug)]
pub(crate) struct Ending {
    /// The guest's own reason; `None` when it gave none.
    pub(crate) code: Option<ExitCode>,
    /// Exit status of QEMU that no guest of ours chooses.
    pub(crate) odd_status: Option<i32>,
    /// The loader's words.
    pub(crate) message: String,
    /// The guest's log.
    pub(crate) log: String,
}

impl Ending {
    pub(crate) fn of_launch(error: &LaunchError, log: String) -> Self {
        match error {
            LaunchError::Guest(GuestError::Ended(end)) => Self::of(end, log),
            other => Self { code: None, odd_status: None, message: other.to_string(), log },
        }
    }

    pub(crate) fn of(end: &GuestEnd, log: String) -> Self {
        let code = match end {
            GuestEnd::Exited { code, .. } => Some(*code),
            GuestEnd::Stopped => Some(ExitCode::Shutdown),
            _ => None,
        };
        let odd_status = match end {
            GuestEnd::Qemu { status, .. } => Some(*status),
            _ => None,
        };
        Self { code, odd_status, message: end.to_string(), log }
    }

    /// The guest ended by itself with `code`, and its log has every one of `words`.
    #[track_caller]
    pub(crate) fn assert(&self, code: ExitCode, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{}\n{}", self.message, self.log);
        for word in words {
            assert!(self.log.contains(word), "expected {word:?} in the log:\n{}", self.log);
        }
        // An operator sees the reason without looking for the log.
        assert!(self.message.contains(code.explain()), "{}", self.message);
    }
}
