//! The record of what was checked.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::{Code, Kind};

/// Name of what is checked.
pub type Label = Cow<'static, str>;

/// One check, with both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Object and field: `VCEK signature`.
    pub what: Label,
    /// What had to be.
    pub expected: String,
    /// What was.
    pub found: String,
    /// What that means. `None` when the check holds and there is no more to say.
    pub code: Option<Code>,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, found {}", self.what, self.expected, self.found)
    }
}

/// All checks that were made, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trail(Vec<Check>);

impl Trail {
    /// Every check.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.0
    }

    /// The checks that do not hold, and facts that must be reported.
    pub fn findings(&self) -> impl Iterator<Item = (Code, &Check)> {
        self.0.iter().filter_map(|check| check.code.map(|code| (code, check)))
    }

    /// The result of `verify` and the record of it, or the rejection that it ended in.
    pub(crate) fn of<T>(verify: impl FnOnce(&mut Self) -> Result<T, Stop>) -> Result<(T, Self), Rejection> {
        let mut trail = Self::default();
        match verify(&mut trail) {
            Ok(result) => Ok((result, trail)),
            Err(_) => Err(Rejection::new(trail)),
        }
    }

    /// Takes over the checks of `other`, with `prefix` before their names.
    pub(crate) fn append(&mut self, prefix: &str, other: Self) {
        let labelled = |check: Check| Check { what: format!("{prefix}: {}", check.what).into(), ..check };
        self.0.extend(other.0.into_iter().map(labelled));
    }

    /// Records a check that holds, or else ends verification with `code`.
    pub(crate) fn require(
        &mut self,
        code: Code,
        what: impl Into<Label>,
        expected: impl ToString,
        found: impl ToString,
        holds: bool,
    ) -> Result<(), Stop> {
        debug_assert!(code.kind() == Kind::Fatal, "{code} does not end verification");
        self.record(code, what, expected, found, holds);
        if holds { Ok(()) } else { Err(Stop(())) }
    }

    /// [`Self::require`] that two byte strings are the same.
    pub(crate) fn require_bytes(
        &mut self,
        code: Code,
        what: impl Into<Label>,
        expected: &[u8],
        found: &[u8],
    ) -> Result<(), Stop> {
        self.require(code, what, hex::encode(expected), hex::encode(found), expected == found)
    }

    /// Records a check; whether it ends verification when it does not hold, `code` says. For what is fatal in evidence and a
    /// matter of policy in collateral.
    pub(crate) fn judge(
        &mut self,
        code: Code,
        what: impl Into<Label>,
        expected: impl ToString,
        found: impl ToString,
        holds: bool,
    ) -> Result<(), Stop> {
        self.record(code, what, expected, found, holds);
        if holds || code.kind() != Kind::Fatal { Ok(()) } else { Err(Stop(())) }
    }

    /// Records a check that ends nothing.
    pub(crate) fn note(
        &mut self,
        code: Code,
        what: impl Into<Label>,
        expected: impl ToString,
        found: impl ToString,
        holds: bool,
    ) {
        debug_assert!(code.kind() != Kind::Fatal, "{code} must end verification");
        self.record(code, what, expected, found, holds);
    }

    /// Records what was established.
    pub(crate) fn fact(&mut self, code: Code, what: impl Into<Label>, found: impl ToString) {
        debug_assert!(code.kind() == Kind::Info, "{code} is no fact");
        let found = found.to_string();
        self.0.push(Check { what: what.into(), expected: found.clone(), found, code: Some(code) });
    }

    /// Ends verification when `result` is an error, and records that.
    pub(crate) fn unwrap<T, E: ToString>(
        &mut self,
        code: Code,
        what: impl Into<Label>,
        expected: impl ToString,
        result: Result<T, E>,
    ) -> Result<T, Stop> {
        result.map_err(|error| self.stop(code, what, expected, error))
    }

    /// Ends verification with `code`.
    pub(crate) fn stop(
        &mut self,
        code: Code,
        what: impl Into<Label>,
        expected: impl ToString,
        found: impl ToString,
    ) -> Stop {
        debug_assert!(code.kind() == Kind::Fatal, "{code} does not end verification");
        self.record(code, what, expected, found, false);
        Stop(())
    }

    fn record(
        &mut self,
        code: Code,
        what: impl Into<Label>,
        expected: impl ToString,
        found: impl ToString,
        holds: bool,
    ) {
        let code = (!holds).then_some(code);
        self.0.push(Check {
            what: what.into(),
            expected: expected.to_string(),
            found: found.to_string(),
            code,
        });
    }
}

/// Verification has ended; the trail says why. Only [`Trail`] makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stop(());

/// Evidence that must not be taken as authentic. The last check of the trail is the one that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    trail: Trail,
}

impl Rejection {
    pub(crate) fn new(trail: Trail) -> Self {
        Self { trail }
    }

    /// What was checked until then.
    #[must_use]
    pub const fn trail(&self) -> &Trail {
        &self.trail
    }

    /// The check that failed.
    #[must_use]
    pub fn reason(&self) -> Option<(Code, &Check)> {
        self.trail.findings().find(|(code, _)| code.kind() == Kind::Fatal)
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason() {
            Some((code, check)) => write!(f, "{code}: {check}"),
            None => f.write_str("rejected"),
        }
    }
}

impl core::error::Error for Rejection {}
