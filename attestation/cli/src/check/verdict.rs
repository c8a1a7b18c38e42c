//! Checks with names, and what follows from them.

use core::fmt::Display;

use attestation_manifest::HexDigest;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::FileDigest;

/// Name of the platform that protects nothing, loud on purpose.
pub const SIMULATED: &str = "SIMULATED";

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was compared.
    pub what: &'static str,
    /// What would do.
    pub expected: String,
    /// What there is.
    pub found: String,
    /// Whether the one is the other.
    pub ok: bool,
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
    pub(crate) fn compare(&mut self, what: &'static str, expected: impl Display, found: impl Display) {
        let (expected, found) = (expected.to_string(), found.to_string());
        let ok = expected == found;
        self.checks.push(Check { what, expected, found, ok });
    }

    /// Records a check that held and is more than a comparison of two values.
    pub(crate) fn pass(&mut self, what: &'static str, expected: &str, found: &str) {
        let (expected, found) = (expected.to_owned(), found.to_owned());
        self.checks.push(Check { what, expected, found, ok: true });
    }

    /// Records a check that did not hold.
    pub(crate) fn fail(&mut self, what: &'static str, expected: &str, found: impl Display) {
        let (expected, found) = (expected.to_owned(), found.to_string());
        self.checks.push(Check { what, expected, found, ok: false });
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
