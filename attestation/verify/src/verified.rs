//! Evidence that is genuine.

use crate::trail::Stop;
use crate::{Rejection, Trail};

/// Evidence whose every signature verified, up to a pinned root, at the time that was given. Whether it is wanted is
/// for a policy to say, with the findings of the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<E> {
    evidence: E,
    trail: Trail,
}

impl<E> Verified<E> {
    pub(crate) const fn new(evidence: E, trail: Trail) -> Self {
        Self { evidence, trail }
    }

    /// What `verify` makes of evidence, with the record of it.
    pub(crate) fn by(verify: impl FnOnce(&mut Trail) -> Result<E, Stop>) -> Result<Self, Rejection> {
        let (evidence, trail) = Trail::of(verify)?;
        Ok(Self { evidence, trail })
    }

    /// To verify more that came with the evidence.
    pub(crate) fn into_parts(self) -> (E, Trail) {
        (self.evidence, self.trail)
    }

    /// The evidence.
    #[must_use]
    pub const fn evidence(&self) -> &E {
        &self.evidence
    }

    /// What was checked, and what a policy has to decide on.
    #[must_use]
    pub const fn trail(&self) -> &Trail {
        &self.trail
    }
}
