//! Evidence that the caller has appraised already.

use core::time::Duration;
use std::time::Instant;

use attestation_session::KnownEvidence;

/// How many guests of one service are remembered: several may share its load.
const GUESTS_MAX: usize = 16;

/// Evidence that was accepted, the last one first.
#[derive(Debug, Default)]
pub(crate) struct Accepted(Vec<(KnownEvidence, Instant)>);

impl Accepted {
    /// What to say is here already: who answered last answers most likely.
    pub(crate) fn last(&self) -> Option<[u8; 32]> {
        self.0.first().map(|(evidence, _)| *evidence.digest())
    }

    /// Evidence with this digest. That it was accepted once does not mean that it still is.
    pub(crate) fn find(&self, digest: &[u8; 32]) -> Option<KnownEvidence> {
        self.0.iter().find(|(evidence, _)| evidence.digest() == digest).map(|(evidence, _)| evidence.clone())
    }

    /// Whether it was accepted less than `lifetime` ago.
    pub(crate) fn is_current(&self, digest: &[u8; 32], lifetime: Duration) -> bool {
        self.0.iter().any(|(evidence, since)| evidence.digest() == digest && since.elapsed() < lifetime)
    }

    /// It was accepted now.
    pub(crate) fn accept(&mut self, evidence: KnownEvidence) {
        self.forget(evidence.digest());
        self.0.insert(0, (evidence, Instant::now()));
        self.0.truncate(GUESTS_MAX);
    }

    /// It was seen again, so it goes to the front. Since when it is accepted does not change.
    pub(crate) fn touch(&mut self, digest: &[u8; 32]) {
        let place = self.0.iter().position(|(evidence, _)| evidence.digest() == digest);
        if let Some(recent) = place.and_then(|place| self.0.get_mut(..=place)) {
            recent.rotate_right(1);
        }
    }

    /// It is accepted no more.
    pub(crate) fn forget(&mut self, digest: &[u8; 32]) {
        self.0.retain(|(evidence, _)| evidence.digest() != digest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use attestation_evidence::{Evidence, Platform};

    fn evidence(number: u8) -> KnownEvidence {
        KnownEvidence::new(Evidence {
            platform: Platform::Simulated,
            report: vec![number],
            endorsement: Vec::new(),
            instance_key: [4; 65],
            hpke_key: None,
            manifest: b"{}".to_vec(),
        })
    }

    #[test]
    fn the_last_guests_are_remembered() {
        let mut accepted = Accepted::default();
        assert_eq!(accepted.last(), None);
        let all: Vec<KnownEvidence> = (0..20).map(evidence).collect();
        for evidence in &all {
            accepted.accept(evidence.clone());
            assert_eq!(accepted.last().as_ref(), Some(evidence.digest()));
        }
        assert!(accepted.find(all[3].digest()).is_none(), "only so many are kept");
        accepted.touch(all[10].digest());
        assert_eq!(accepted.last().as_ref(), Some(all[10].digest()));
        assert_eq!(accepted.find(all[4].digest()).as_ref(), Some(&all[4]));
        accepted.touch(&[0; 32]);
        accepted.forget(all[10].digest());
        assert!(accepted.find(all[10].digest()).is_none());
        assert_eq!(accepted.last().as_ref(), Some(all[19].digest()));
    }

    #[test]
    fn what_was_accepted_is_not_for_ever() {
        let mut accepted = Accepted::default();
        let one = evidence(1);
        accepted.accept(one.clone());
        assert!(accepted.is_current(one.digest(), Duration::from_secs(60)));
        assert!(!accepted.is_current(one.digest(), Duration::ZERO));
        assert!(!accepted.is_current(&[0; 32], Duration::from_secs(60)));
    }
}
