//! Whether the guest at the other end of a connection is wanted.

use attestation_connect::Peer;
use attestation_manifest::HexDigest;
use attestation_manifest::reference::ReferenceValues;
use attestation_policy::Policy;
use attestation_recognise::Item;
use attestation_session::Seconds;
use attestation_x509::Instant;

use crate::appraise::TrustedRoots;
use crate::check::evidence::check_evidence;
use crate::check::{Expected, Hardware, SimulatedEvidence, Verdict};
use crate::receipt::tls_names;

/// What a session has to do.
pub(super) const ENDS_IN_GUEST: &str = "ends in the guest";
/// Clocks that differ by more are worth a word.
const CLOCKS_MAY_DIFFER_S: u64 = 300;

/// What a guest is checked against, each time that one appears.
#[derive(Debug)]
pub struct Judge {
    /// What the image is supposed to be.
    pub reference: ReferenceValues,
    /// Whether evidence that protects nothing is good enough.
    pub simulated: SimulatedEvidence,
    /// Certificates, revocation lists and other collateral.
    pub items: Vec<Item>,
    /// Which genuine hardware is wanted.
    pub policy: Policy,
}

impl Judge {
    /// Makes every check of the session and its evidence: as of `at`, when the clock of this machine says `now`.
    #[must_use]
    pub fn judge(&self, peer: &Peer, at: Instant, now: Instant) -> Verdict {
        let mut verdict = Verdict::default();
        verdict.pass("session", ENDS_IN_GUEST, "yes, proven");
        let tls = peer.tls();
        verdict.compare("TLS", "TLS 1.3", tls_names::version(tls.version));
        let names = [tls_names::cipher_suite(tls.cipher_suite), tls_names::group(tls.group)];
        verdict.fact("cipher suite", names.join(", "));
        verdict.fact("certificate's key", HexDigest(*peer.spki_digest()));
        if let Some(time) = peer.session().statement().time {
            record_time(&mut verdict, time, now);
        }
        let hardware =
            Hardware { items: &self.items, policy: &self.policy, at, roots: TrustedRoots::of_vendors() };
        let expected = Expected { reference: &self.reference, simulated: self.simulated, hardware };
        check_evidence(&mut verdict, peer.session().evidence().evidence(), &expected);
        verdict
    }
}

/// The guest's time is only asserted: it decides nothing, but one of two clocks that differ is wrong.
fn record_time(verdict: &mut Verdict, (earliest, latest): Seconds, now: Instant) {
    let [from, until] = [earliest, latest].map(Instant::from_unix_seconds);
    verdict.fact("time, as the guest holds it", format!("{from} to {until}"));
    let now_s = now.unix_seconds();
    let ahead = earliest.saturating_sub(now_s);
    let behind = now_s.saturating_sub(latest);
    let (difference, way) = if ahead > 0 { (ahead, "ahead of") } else { (behind, "behind") };
    if difference > CLOCKS_MAY_DIFFER_S {
        verdict.note(format!(
            "time: the guest's is {difference} s {way} this machine's, which is {now}; one of them is wrong, and if it is \
             this machine's, --at now verified for the wrong time"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_differ_are_worth_a_word() {
        let now = Instant::from_unix_seconds(1_000_000);
        for (time, words) in [
            ((999_990, 1_000_010), None),
            ((1_000_300, 1_000_310), None),
            ((999_690, 999_700), None),
            ((1_000_301, 1_000_310), Some("301 s ahead of")),
            ((999_690, 999_699), Some("301 s behind")),
            ((0, u64::MAX), None),
        ] {
            let mut verdict = Verdict::default();
            record_time(&mut verdict, time, now);
            assert_eq!(verdict.notes.len(), usize::from(words.is_some()), "{time:?}: {:?}", verdict.notes);
            assert!(words.is_none_or(|words| verdict.notes[0].contains(words)), "{:?}", verdict.notes);
        }
    }
}
