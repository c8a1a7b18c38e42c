//! Checks with names, and what follows from them.

use core::fmt::Display;
use std::borrow::Cow;

use attestation_manifest::HexDigest;
use attestation_policy::{Decision, Outcome, Ruling};
use attestation_verify::{Code, Kind, Trail};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::FileDigest;

/// Name of the platform that protects nothing, loud on purpose.
pub const SIMULATED: &str = "SIMULATED";

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was compared.
    pub what: Cow<'static, str>,
    /// What would do.
    pub expected: String,
    /// What there is.
    pub found: String,
    /// Whether it stands in the way.
    pub ok: bool,
    /// What became of it.
    pub state: State,
    /// Stable name of what was found, where it has one: a code of the verification, or the field of a policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// What became of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Found as expected.
    Holds,
    /// Found otherwise, and that decides.
    Fails,
    /// Found otherwise; the policy decides, with rules of its own.
    Finding,
    /// Worth knowing, decides nothing.
    Fact,
    /// Not asked for by the policy, with its reason.
    Waived,
}

/// All checks that were made. Empty, it refuses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// In the order in which they were made.
    pub checks: Vec<Check>,
    /// What was not established, and does not have to be.
    pub notes: Vec<String>,
    /// Whether the evidence is of the simulated platform, which protects nothing.
    pub simulated: bool,
}

impl Verdict {
    /// Whether every check held.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        !self.checks.is_empty() && self.failures().next().is_none()
    }

    /// The checks that did not hold.
    pub fn failures(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| !check.ok)
    }

    /// Compares two values by what is printed of them, so that a reader can repeat the comparison.
    pub(crate) fn compare(
        &mut self,
        what: impl Into<Cow<'static, str>>,
        expected: impl Display,
        found: impl Display,
    ) {
        let (expected, found) = (expected.to_string(), found.to_string());
        let state = if expected == found { State::Holds } else { State::Fails };
        self.record(what, expected, found, state, None);
    }

    /// Records a check that held and is more than a comparison of two values.
    pub(crate) fn pass(&mut self, what: impl Into<Cow<'static, str>>, expected: &str, found: &str) {
        self.record(what, expected.to_owned(), found.to_owned(), State::Holds, None);
    }

    /// Records a check that did not hold.
    pub(crate) fn fail(&mut self, what: impl Into<Cow<'static, str>>, expected: &str, found: impl Display) {
        self.record(what, expected.to_owned(), found.to_string(), State::Fails, None);
    }

    /// Records what is worth knowing and decides nothing.
    pub(crate) fn fact(&mut self, what: &'static str, found: impl Display) {
        self.record(what, String::new(), found.to_string(), State::Fact, None);
    }

    /// Records what a policy has to decide on.
    pub(crate) fn find(&mut self, code: Code, what: &'static str, expected: &str, found: &str) {
        let code = Some(code.to_string());
        self.record(what, expected.to_owned(), found.to_owned(), State::Finding, code);
    }

    /// Records every check of a verification.
    pub(crate) fn trail(&mut self, trail: &Trail) {
        for check in trail.checks() {
            let state = match check.code.map(Code::kind) {
                None => State::Holds,
                Some(Kind::Fatal) => State::Fails,
                Some(Kind::Policy) => State::Finding,
                Some(Kind::Info) => State::Fact,
            };
            let code = check.code.map(|code| code.to_string());
            self.record(check.what.clone(), check.expected.clone(), check.found.clone(), state, code);
        }
    }

    /// Records every rule of a policy.
    pub(crate) fn decision(&mut self, decision: &Decision) {
        for Ruling { field, expected, found, outcome } in decision.rulings() {
            let (expected, state) = match outcome {
                Outcome::Holds => (expected.clone(), State::Holds),
                Outcome::Fails => (expected.clone(), State::Fails),
                Outcome::Waived { reason } => (format!("waived: {reason}"), State::Waived),
            };
            self.record(field.clone(), expected, found.clone(), state, Some(field.clone()));
        }
    }

    fn record(
        &mut self,
        what: impl Into<Cow<'static, str>>,
        expected: String,
        found: String,
        state: State,
        code: Option<String>,
    ) {
        let ok = state != State::Fails;
        self.checks.push(Check { what: what.into(), expected, found, ok, state, code });
    }

    /// Takes over what was found of one of several files, under its name; without its folder, which would fill the line.
    pub(crate) fn absorb(&mut self, name: Option<&str>, part: Self) {
        let name = name.map(|name| name.rsplit('/').next().unwrap_or(name));
        let named = |what: &str| name.map_or_else(|| what.to_owned(), |name| format!("{name}: {what}"));
        let checks = part.checks.into_iter();
        self.checks.extend(checks.map(|check| Check { what: named(&check.what).into(), ..check }));
        self.notes.extend(part.notes.iter().map(|note| named(note)));
        self.simulated |= part.simulated;
    }

    /// Records what is not established.
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }
}

impl FileDigest {
    /// Of bytes in memory.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self { sha256: Sha256::digest(bytes).into(), bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX) }
    }
}

impl Display for FileDigest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} {} B", HexDigest(self.sha256), self.bytes)
    }
}
