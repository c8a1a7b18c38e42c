//! What time it is, by the servers of the manifest and nobody else.
//!
//! The guest asks all of them, one after the other and then once more in the same order (RFC 10049, section 8.2), each
//! question bound to the answer before it. Where enough of them agree, the true time lay in what all of those have in
//! common. From then on its beginning holds for ever, whatever the host does; its end moves on with the guest's own clock,
//! which the host can hold back: it is asserted, not proven, until the next reply. So nothing old is relied on for long.

mod measuring;

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::task::Poll;

use attestation_manifest::Manifest;
use attestation_roughtime::{Proof, ServerKey};
use spin::Mutex;

use self::measuring::{Measured, Measuring, Reading};
use crate::surroundings::Surroundings;

const NS_PER_S: u64 = 1_000_000_000;

/// How long a reading is relied on. A host that stops the guest's clock can keep it from growing old, at most until the
/// next measurement shows it.
const FRESH_NS: u64 = 300 * NS_PER_S;

/// How long nobody is asked after a measurement that failed, and how much longer each time (RFC 10049, section 6).
const RETRY_NS: u64 = NS_PER_S;
const RETRY_MAX_NS: u64 = 60 * NS_PER_S;

/// How much the guest's clock may be too slow, in millionths: it was measured in two milliseconds.
const DRIFT_PPM: u64 = 10_000;

/// An interval in which the true time lies, in seconds since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeInterval {
    /// Proven.
    pub(crate) earliest_s: u64,
    /// Asserted, if the last reply is not of this moment.
    pub(crate) latest_s: u64,
}

/// An interval, and what its beginning is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownTime {
    pub(crate) interval: TimeInterval,
    pub(crate) beginning: Option<Beginning>,
}

/// A reply that says that it is not earlier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Beginning {
    /// Of the reply, as `attestation-roughtime` digests replies.
    pub(crate) reply_digest: [u8; 32],
    /// Of the measurement that has it, which need not be the last.
    pub(crate) proof: Arc<Proof>,
}

/// Nobody says what time it is: enough servers did not answer, or did not agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeUnknown;

/// A server of the manifest.
#[derive(Debug, Clone)]
pub(crate) struct TimeServer {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) key: ServerKey,
}

/// A measurement with a question that commits to something: what that is, is older than the answer.
#[derive(Debug, Clone)]
pub(crate) struct Committed {
    /// Of the commitment.
    pub(crate) salt: [u8; 32],
    pub(crate) proof: Arc<Proof>,
}

/// A commitment that somebody wants.
#[derive(Debug)]
enum Closing {
    No,
    /// To what is under this root.
    Wanted([u8; 32]),
    /// `None` where nobody answered.
    Done(Option<Committed>),
}

/// Knows the time, or finds it out.
pub(crate) struct Timekeeper {
    servers: Vec<TimeServer>,
    reading: Option<Reading>,
    measuring: Option<Measuring>,
    /// Somebody waits for the time.
    is_wanted: bool,
    /// Measurements that failed since the last that did not.
    failures: u32,
    /// When the last of them failed.
    failed_ns: u64,
    /// Of the last measurement that anybody answered.
    proof: Option<Arc<Proof>>,
    closing: Closing,
    /// Reports of servers that contradict each other, for whoever runs the guest.
    reports: Vec<String>,
}

impl Timekeeper {
    pub(crate) fn of(manifest: &Manifest<'_>) -> Self {
        let server = |server: &attestation_manifest::TimeServer<'_>| TimeServer {
            host: server.host.into(),
            port: server.port,
            key: ServerKey(server.public_key.0),
        };
        Self { servers: manifest.time.iter().map(server).collect(), ..Self::idle() }
    }

    /// Knows no servers.
    const fn idle() -> Self {
        Self {
            servers: Vec::new(),
            reading: None,
            measuring: None,
            is_wanted: false,
            failures: 0,
            failed_ns: 0,
            proof: None,
            closing: Closing::No,
            reports: Vec::new(),
        }
    }

    /// The time now. Pending while it is being found out.
    pub(crate) fn interval(&mut self, now_ns: u64) -> Poll<Result<TimeInterval, TimeUnknown>> {
        if self.servers.is_empty() {
            return Poll::Ready(Err(TimeUnknown));
        }
        if let Some(reading) = self.fresh(now_ns) {
            return Poll::Ready(Ok(reading.interval(now_ns)));
        }
        // Whoever comes while the last failure is recent is told so, and does not wait for the next attempt.
        if self.is_resting(now_ns) {
            return Poll::Ready(Err(TimeUnknown));
        }
        self.is_wanted = true;
        Poll::Pending
    }

    /// The last that was known, moved on to now, however old it is; `None` where nothing ever was.
    pub(crate) fn last_known(&self, now_ns: u64) -> Option<KnownTime> {
        let reading = self.reading.as_ref()?;
        Some(KnownTime { interval: reading.interval(now_ns), beginning: reading.beginning.clone() })
    }

    /// The most likely time now, in nanoseconds since 1970-01-01. Pending until there is one, whatever goes wrong.
    pub(crate) fn estimate_ns(&mut self, now_ns: u64) -> Poll<u64> {
        let Some(reading) = self.fresh(now_ns) else {
            self.is_wanted = true;
            return Poll::Pending;
        };
        Poll::Ready(reading.estimate_ns(now_ns))
    }

    /// Has the servers asked anew, with a question that commits to what is under this root.
    pub(crate) fn commit(&mut self, root: [u8; 32]) {
        self.closing = Closing::Wanted(root);
    }

    /// What came of the last [`Self::commit`]; pending while servers are asked.
    pub(crate) fn take_committed(&mut self) -> Poll<Option<Committed>> {
        match core::mem::replace(&mut self.closing, Closing::No) {
            Closing::Done(committed) => Poll::Ready(committed),
            Closing::No => Poll::Ready(None),
            wanted @ Closing::Wanted(_) => {
                self.closing = wanted;
                Poll::Pending
            }
        }
    }

    /// Nobody waits for it any more.
    pub(crate) fn forget_commitment(&mut self) {
        self.closing = Closing::No;
    }

    const fn root_to_commit_to(&self) -> Option<[u8; 32]> {
        if let Closing::Wanted(root) = self.closing { Some(root) } else { None }
    }

    fn fresh(&self, now_ns: u64) -> Option<&Reading> {
        self.reading.as_ref().filter(|reading| now_ns.saturating_sub(reading.at_ns) <= FRESH_NS)
    }

    fn is_resting(&self, now_ns: u64) -> bool {
        let doubled = RETRY_NS.checked_shl(self.failures.saturating_sub(1)).unwrap_or(RETRY_MAX_NS);
        self.failures > 0 && now_ns.saturating_sub(self.failed_ns) < doubled.min(RETRY_MAX_NS)
    }

    /// Asks, listens, and draws conclusions; does nothing while nobody wants to know.
    pub(crate) fn step(&mut self, surroundings: &mut impl Surroundings) {
        let root = self.root_to_commit_to();
        if !self.is_wanted && root.is_none() && self.measuring.is_none() {
            return;
        }
        let now_ns = surroundings.now_ns();
        if self.measuring.is_none() && self.is_resting(now_ns) && root.is_some() {
            // Whoever wants it does not wait for the next attempt.
            self.closing = Closing::Done(None);
        }
        if self.measuring.is_none() && !self.is_resting(now_ns) {
            match Measuring::begin(&self.servers, self.last_reply(), root) {
                Ok(measuring) => self.measuring = Some(measuring),
                Err(error) => return self.fail(&error.to_string(), now_ns),
            }
        }
        let Some(measuring) = &mut self.measuring else { return };
        if let Poll::Ready(measured) = measuring.step(surroundings, now_ns) {
            self.measuring = None;
            self.conclude(measured, surroundings.now_ns());
        }
    }

    fn conclude(&mut self, measured: Measured, now_ns: u64) {
        let Measured { outcome, proof, report, root, salt } = measured;
        if root.is_some() && root == self.root_to_commit_to() {
            let committed = salt.zip(proof.clone()).map(|(salt, proof)| Committed { salt, proof });
            self.closing = Closing::Done(committed);
        }
        self.proof = proof.or(self.proof.take());
        if let Some(report) = report {
            log::warn!("time: servers contradict each other; a report of it is kept");
            self.reports.push(report);
        }
        match outcome.and_then(|reading| reading.after(self.reading.as_ref())) {
            Ok(reading) => {
                let TimeInterval { earliest_s, latest_s } = reading.interval(now_ns);
                log::info!(
                    "time: {earliest_s} to {latest_s} s since 1970, as {} servers agree",
                    reading.servers
                );
                self.reading = Some(reading);
                self.is_wanted = false;
                self.failures = 0;
            }
            Err(problem) => self.fail(&problem, now_ns),
        }
    }

    /// Those who wait are told; who still wants to know asks again.
    fn fail(&mut self, problem: &str, now_ns: u64) {
        log::warn!("time: unknown: {problem}");
        self.failures = self.failures.saturating_add(1);
        self.failed_ns = now_ns;
        self.is_wanted = false;
        if self.measuring.is_none() && self.root_to_commit_to().is_some() {
            self.closing = Closing::Done(None);
        }
    }

    /// What the next question is bound to.
    fn last_reply(&self) -> Option<&[u8]> {
        self.proof.as_ref()?.exchanges().last().map(|exchange| exchange.response.as_slice())
    }

    /// The next report that servers contradict each other, in the form of RFC 10049, section 8.4.1.
    pub(crate) fn take_report(&mut self) -> Option<String> {
        self.reports.pop()
    }
}

impl fmt::Debug for Timekeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timekeeper").field("reading", &self.reading).finish_non_exhaustive()
    }
}

/// The timekeeper, for all that ask it.
#[derive(Debug, Clone)]
pub(crate) struct SharedTime(Arc<Mutex<Timekeeper>>);

impl SharedTime {
    pub(crate) fn of(manifest: &Manifest<'_>) -> Self {
        Self(Arc::new(Mutex::new(Timekeeper::of(manifest))))
    }

    #[cfg(test)]
    pub(crate) fn of_servers(servers: Vec<TimeServer>) -> Self {
        Self(Arc::new(Mutex::new(Timekeeper { servers, ..Timekeeper::idle() })))
    }

    /// It is this now.
    #[cfg(test)]
    pub(crate) fn fixed(interval: TimeInterval) -> Self {
        let time = Self::of_servers(alloc::vec![tests::somebody()]);
        time.0.lock().reading = Some(Reading::fixed(interval));
        time
    }

    /// See [`Timekeeper::interval`], as of all that follow.
    pub(crate) fn interval(&self, now_ns: u64) -> Poll<Result<TimeInterval, TimeUnknown>> {
        self.0.lock().interval(now_ns)
    }

    pub(crate) fn last_known(&self, now_ns: u64) -> Option<KnownTime> {
        self.0.lock().last_known(now_ns)
    }

    pub(crate) fn estimate_ns(&self, now_ns: u64) -> Poll<u64> {
        self.0.lock().estimate_ns(now_ns)
    }

    pub(crate) fn step(&self, surroundings: &mut impl Surroundings) {
        self.0.lock().step(surroundings);
    }

    pub(crate) fn commit(&self, root: [u8; 32]) {
        self.0.lock().commit(root);
    }

    pub(crate) fn take_committed(&self) -> Poll<Option<Committed>> {
        self.0.lock().take_committed()
    }

    pub(crate) fn forget_commitment(&self) {
        self.0.lock().forget_commitment();
    }

    pub(crate) fn take_report(&self) -> Option<String> {
        self.0.lock().take_report()
    }
}

#[cfg(test)]
pub(crate) mod tests;
