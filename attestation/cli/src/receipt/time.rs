//! When exchanges were, by proofs of servers that the guest's manifest names.

use attestation_manifest::Manifest;
use attestation_receipt::{Bound, CommitmentOpening, ReceiptError, TimeFinding, VerifiedReceipt, check_time};
use attestation_ring::Ring;
use attestation_roughtime::{Proof, ServerKey, Verified};
use attestation_x509::Instant;

use super::Given;
use crate::check::Verdict;

/// What is known of when an exchange was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// It was not before.
    pub not_before: KnownBound,
    /// It was not after.
    pub not_after: KnownBound,
}

/// One end of the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownBound {
    /// A server has signed it.
    Proven {
        /// Second since 1970.
        second: u64,
        /// Host and port of the server, as the manifest has them.
        server: String,
        /// Its key.
        key: ServerKey,
    },
    /// Only the guest says so.
    Asserted {
        /// Second since 1970.
        second: u64,
    },
}

impl KnownBound {
    /// In seconds since 1970.
    #[must_use]
    pub const fn second(&self) -> u64 {
        match self {
            Self::Proven { second, .. } | Self::Asserted { second } => *second,
        }
    }
}

/// Servers whose time the guest relied on.
pub(super) struct TimeServers(Vec<(ServerKey, String)>);

impl TimeServers {
    pub(super) fn of(manifest: &Manifest<'_>) -> Self {
        let servers = manifest.time.iter();
        let named = servers
            .map(|server| (ServerKey(server.public_key.0), format!("{}:{}", server.host, server.port)));
        Self(named.collect())
    }

    fn name(&self, key: &ServerKey) -> String {
        let known = self.0.iter().find(|(known, _)| known == key);
        known.map_or_else(|| key.to_string(), |(_, name)| name.clone())
    }
}

/// Proofs and commitments that hold, and whether any receipt has to do with them.
pub(super) struct Evidence<'a> {
    servers: &'a TimeServers,
    proofs: Vec<Used<'a, Verified>>,
    commitments: Vec<Used<'a, CommitmentOpening>>,
}

struct Used<'a, T> {
    name: Option<&'a str>,
    what: T,
    is_used: bool,
}

impl<'a> Evidence<'a> {
    /// Those that hold by themselves. The verdict has the others.
    pub(super) fn read(
        verdict: &mut Verdict,
        proofs: &'a [Given],
        commitments: &'a [Given],
        servers: &'a TimeServers,
    ) -> Self {
        Self {
            servers,
            proofs: read_each(verdict, proofs, |verdict, bytes| read_proof(verdict, bytes, servers)),
            commitments: read_each(verdict, commitments, read_commitment),
        }
    }

    /// What they say of a receipt; `None` where they contradict it.
    pub(super) fn check(&mut self, verdict: &mut Verdict, receipt: &VerifiedReceipt) -> Option<Bounds> {
        let before = self.naming(receipt);
        let after = self.committing(receipt);
        let proof = |place: usize| self.proofs.get(place).map(|proof| &proof.what);
        let opening = |place: usize| self.commitments.get(place).map(|opening| &opening.what);
        let pair = after.and_then(|(place, commitment)| proof(place).zip(opening(commitment)));
        match check_time(receipt, before.and_then(proof), pair) {
            Ok(finding) => Some(self.record(verdict, receipt, finding)),
            Err(error) => {
                verdict.fail("time of the exchange", "as the proofs have it", error);
                None
            }
        }
    }

    /// What no receipt has to do with proves nothing, and whoever gave it thought otherwise.
    pub(super) fn check_used(&self, verdict: &mut Verdict) {
        let (what, expected) = ("time proof of a receipt", "of one that was given");
        for proof in &self.proofs {
            check_use(verdict, proof, what, expected, "of none: neither named nor committing to it");
        }
        let (what, expected) = ("commitment to a receipt", "in a time proof");
        for commitment in &self.commitments {
            check_use(verdict, commitment, what, expected, "of no receipt, or in no proof that was given");
        }
    }

    /// The first proof with the response that the receipt names.
    fn naming(&mut self, receipt: &VerifiedReceipt) -> Option<usize> {
        let named = receipt.receipt().time.roughtime?;
        let has_named = |proof: &Used<'_, Verified>| {
            proof.what.exchanges.iter().any(|exchange| exchange.response_digest == named)
        };
        let place = self.proofs.iter().position(has_named)?;
        self.proofs.iter_mut().filter(|proof| has_named(proof)).for_each(|proof| proof.is_used = true);
        Some(place)
    }

    /// The first proof that commits to the receipt, and how that is shown.
    fn committing(&mut self, receipt: &VerifiedReceipt) -> Option<(usize, usize)> {
        let mut first = None;
        for (place, proof) in self.proofs.iter_mut().enumerate() {
            for (number, opening) in self.commitments.iter_mut().enumerate() {
                let checked = check_time(receipt, None, Some((&proof.what, &opening.what)));
                let is_other =
                    matches!(checked, Err(ReceiptError::NotAfter { .. } | ReceiptError::NotAfterPath { .. }));
                if !is_other {
                    (proof.is_used, opening.is_used) = (true, true);
                    first = first.or(Some((place, number)));
                }
            }
        }
        first
    }

    fn record(&self, verdict: &mut Verdict, receipt: &VerifiedReceipt, finding: TimeFinding) -> Bounds {
        let time = &receipt.receipt().time;
        let known = |bound: Bound, asserted: u64| match bound {
            Bound::Proven { second, server } => {
                KnownBound::Proven { second, server: self.servers.name(&server), key: server }
            }
            Bound::AssertedOnly => KnownBound::Asserted { second: asserted },
        };
        let bounds = Bounds {
            not_before: known(finding.not_before, time.earliest_s),
            not_after: known(finding.not_after, time.latest_s),
        };
        let is_named = time.roughtime.is_some();
        let missing = if is_named { "no --time proof was given" } else { "it names no time server's reply" };
        record_bound(verdict, "not before", &bounds.not_before, missing);
        record_bound(
            verdict,
            "not after",
            &bounds.not_after,
            "no --time proof with a --commitment was given",
        );
        bounds
    }
}

fn record_bound(verdict: &mut Verdict, what: &'static str, bound: &KnownBound, missing: &str) {
    let time = Instant::from_unix_seconds(bound.second());
    match bound {
        KnownBound::Proven { server, .. } => {
            verdict.pass(format!("{what}, by {server}"), "signed by a time server", &time.to_string());
        }
        KnownBound::Asserted { .. } => {
            verdict.note(format!("{what} {time}: only asserted by the guest; {missing}"));
        }
    }
}

fn check_use<T>(
    verdict: &mut Verdict,
    used: &Used<'_, T>,
    what: &'static str,
    expected: &str,
    otherwise: &str,
) {
    let mut own = Verdict::default();
    if used.is_used {
        own.pass(what, expected, "yes")
    } else {
        own.fail(what, expected, otherwise)
    }
    verdict.absorb(used.name, own);
}

/// Under the name of its file, where there are several.
fn read_each<'a, T>(
    verdict: &mut Verdict,
    files: &'a [Given],
    read: impl Fn(&mut Verdict, &[u8]) -> Option<T>,
) -> Vec<Used<'a, T>> {
    let mut all = Vec::new();
    for file in files {
        let name = (files.len() > 1).then_some(file.name.as_str());
        let mut own = Verdict::default();
        let what = read(&mut own, &file.bytes);
        verdict.absorb(name, own);
        all.extend(what.map(|what| Used { name, what, is_used: false }));
    }
    all
}

fn read_proof(verdict: &mut Verdict, bytes: &[u8], servers: &TimeServers) -> Option<Verified> {
    let (what, expected) = ("time proof", "signed by the servers");
    let keys: Vec<ServerKey> = servers.0.iter().map(|(key, _)| *key).collect();
    match Proof::decode(bytes).and_then(|proof| proof.verify(&Ring, &keys)) {
        Ok(verified) => {
            verdict.pass(what, expected, "yes");
            check_consistency(verdict, &verified, servers);
            Some(verified)
        }
        Err(error) => {
            verdict.fail(what, expected, error);
            None
        }
    }
}

/// Where servers contradict each other one of them is wrong, and nobody knows which.
fn check_consistency(verdict: &mut Verdict, verified: &Verified, servers: &TimeServers) {
    let (what, expected) = ("time contradictions", "none");
    let name = |place: usize| verified.exchanges.get(place).map(|exchange| servers.name(&exchange.server));
    let contradictions = verified.inconsistencies.iter().map(|(before, after)| {
        let [first, second] = [*before, *after].map(|place| name(place).unwrap_or_default());
        format!("reply {before} of {first} is later than reply {after} of {second}, which came after")
    });
    let contradictions: Vec<String> = contradictions.collect();
    if contradictions.is_empty() {
        verdict.pass(what, expected, "none");
    } else {
        verdict.fail(what, expected, contradictions.join("; "));
    }
}

fn read_commitment(verdict: &mut Verdict, bytes: &[u8]) -> Option<CommitmentOpening> {
    let opening = CommitmentOpening::decode(bytes);
    opening.map_err(|error| verdict.fail("commitment", "the opening of one", error)).ok()
}
