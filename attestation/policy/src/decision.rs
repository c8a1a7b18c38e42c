//! Decisions: every rule with both sides.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use attestation_verify::{Code, Kind, Trail};

use crate::Rule;
use crate::rules::Term;
use crate::terms::{Hex, OneOf, Presence};

/// What became of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The evidence is as demanded.
    Holds,
    /// It is not.
    Fails,
    /// The policy does not ask.
    Waived {
        /// Why not, as the policy says.
        reason: String,
    },
}

/// One rule applied to the evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// Field of the policy.
    pub field: String,
    /// What the policy demands.
    pub expected: String,
    /// What the evidence has.
    pub found: String,
    /// Whether the one is the other.
    pub outcome: Outcome,
}

impl fmt::Display for Ruling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Outcome::Waived { reason } => write!(f, "{}: found {}, waived: {reason}", self.field, self.found),
            _ => write!(f, "{}: expected {}, found {}", self.field, self.expected, self.found),
        }
    }
}

/// What a policy says of verified evidence. Only a policy makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    rulings: Vec<Ruling>,
}

impl Decision {
    /// Whether the evidence is wanted: at least one rule, and none that fails.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        !self.rulings.is_empty() && self.failures().next().is_none()
    }

    /// Every rule, in the order of the policy.
    #[must_use]
    pub fn rulings(&self) -> &[Ruling] {
        &self.rulings
    }

    /// The rules that fail.
    pub fn failures(&self) -> impl Iterator<Item = &Ruling> {
        self.rulings.iter().filter(|ruling| ruling.outcome == Outcome::Fails)
    }
}

/// Rulings as they are made.
#[derive(Debug, Default)]
pub(crate) struct Rulings {
    rulings: Vec<Ruling>,
    /// Findings of the verification that a rule has looked at.
    answered: Vec<Code>,
}

impl Rulings {
    /// Applies a rule: `holds` says whether the evidence is as the term demands.
    pub(crate) fn apply<T: Term>(
        &mut self,
        field: impl Into<String>,
        rule: &Rule<T>,
        found: impl ToString,
        holds: impl FnOnce(&T) -> bool,
    ) {
        let (expected, outcome) = match rule {
            Rule::Stated(term) => (term.show(), if holds(term) { Outcome::Holds } else { Outcome::Fails }),
            Rule::Waived { reason } => ("waived".into(), Outcome::Waived { reason: reason.clone() }),
        };
        self.rulings.push(Ruling { field: field.into(), expected, found: found.to_string(), outcome });
    }

    /// Records what fails whatever the policy's rules are.
    pub(crate) fn fail(&mut self, field: impl Into<String>, expected: impl ToString, found: impl ToString) {
        let (expected, found) = (expected.to_string(), found.to_string());
        self.rulings.push(Ruling { field: field.into(), expected, found, outcome: Outcome::Fails });
    }

    /// Marks findings as answered by the rules that were applied.
    pub(crate) fn answer(&mut self, codes: &[Code]) {
        self.answered.extend(codes);
    }

    /// Ends: a finding that leaves the decision to a policy, and that no rule is about, refuses.
    pub(crate) fn finish(mut self, trail: &Trail) -> Decision {
        let open =
            trail.findings().filter(|(code, _)| code.kind() == Kind::Policy && !self.answered.contains(code));
        let open: Vec<(String, String, String)> = open
            .map(|(code, check)| (code.to_string(), check.expected.clone(), check.found.clone()))
            .collect();
        for (code, expected, found) in open {
            self.fail(code, expected, found);
        }
        Decision { rulings: self.rulings }
    }

    /// A decision without looking.
    pub(crate) fn refuse(field: &str, expected: &str, found: &str) -> Decision {
        let mut rulings = Self::default();
        rulings.fail(field, expected, found);
        Decision { rulings: rulings.rulings }
    }
}

/// The first finding with one of these codes, for people.
pub(crate) fn finding(trail: &Trail, codes: &[Code]) -> Option<String> {
    let (code, check) = trail.findings().find(|(code, _)| codes.contains(code))?;
    Some(format!("{code}: {check}"))
}

/// Rules on something that is there or not.
pub(crate) fn presence(
    rulings: &mut Rulings,
    field: impl Into<String>,
    rule: &Rule<Presence>,
    is_present: bool,
) {
    let found = if is_present { "present" } else { "absent" };
    rulings.apply(field, rule, found, |rule| rule.allows(is_present));
}

/// Rules on bytes of which some are admitted.
pub(crate) fn one_of<const N: usize>(
    rulings: &mut Rulings,
    field: &str,
    rule: &Rule<OneOf<Hex<N>>>,
    found: [u8; N],
) {
    let found = Hex(found);
    rulings.apply(field, rule, found.show(), |admitted| admitted.allows(&found));
}
