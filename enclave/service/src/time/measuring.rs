//! One measurement: every server twice, one question at a time.

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::Ipv4Addr;
use core::task::Poll;

use attestation_ring::Ring;
use attestation_roughtime::{
    Measurement, MeasurementError, Midpoint, Proof, ServerReading, agree, commitment, report_json,
    response_digest,
};

use super::{Beginning, DRIFT_PPM, NS_PER_S, TimeInterval, TimeServer};
use crate::sockets::{Query, Question, Sockets};
use crate::surroundings::Surroundings;

/// How often the list of servers is gone through (RFC 10049, section 8.2): a server that lies about the time is found out
/// by what others say before it and after.
const ROUNDS: usize = 2;

/// How long an answer is waited for, and then again: one and a half times as long each time (RFC 10049, section 6).
const PATIENCE_NS: [u64; 3] = [NS_PER_S, NS_PER_S * 3 / 2, NS_PER_S * 9 / 4];

/// No servers are believed that say it is earlier than this was written: 2026-11-01.
const FLOOR_US: u64 = 1_793_491_200 * US_PER_S;

const US_PER_S: u64 = 1_000_000;
const NS_PER_US: u64 = 1_000;

/// What a measurement came to.
pub(super) struct Measured {
    /// For people: why there is none.
    pub(super) outcome: Result<Reading, String>,
    /// All replies, for whoever wants to see for themselves.
    pub(super) proof: Option<Arc<Proof>>,
    /// That servers contradict each other.
    pub(super) report: Option<String>,
    /// What it was to commit to.
    pub(super) root: Option<[u8; 32]>,
    /// With which an answered question does.
    pub(super) salt: Option<[u8; 32]>,
}

/// The time at a moment of the guest's own clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    earliest_us: u64,
    latest_us: u64,
    pub(super) at_ns: u64,
    /// How many servers agree on it.
    pub(super) servers: usize,
    pub(super) beginning: Option<Beginning>,
}

/// A reply that was taken. How long it was on its way makes the interval wider at its end only.
#[derive(Debug, Clone, Copy)]
struct Sample {
    server: usize,
    midpoint: Midpoint,
    /// When the question was first sent: the server stamped its reply after that.
    sent_ns: u64,
    reply_digest: [u8; 32],
}

pub(super) struct Measuring {
    servers: Vec<TimeServer>,
    chain: Measurement,
    /// Questions that are done with, those included that nobody answered.
    turn: usize,
    /// By server.
    addresses: Vec<Option<Ipv4Addr>>,
    is_silent: Vec<bool>,
    step: Step,
    samples: Vec<Sample>,
    root: Option<[u8; 32]>,
    /// Of the question that waits; once one was answered that commits, of that one.
    salt: Option<[u8; 32]>,
}

enum Step {
    Next,
    Resolving(Query),
    Asking(Asking),
}

struct Asking {
    address: Ipv4Addr,
    request: Vec<u8>,
    question: Question,
    attempt: usize,
    first_sent_ns: u64,
    sent_ns: u64,
}

impl Reading {
    #[cfg(test)]
    pub(super) const fn fixed(interval: TimeInterval) -> Self {
        let TimeInterval { earliest_s, latest_s } = interval;
        Self {
            earliest_us: earliest_s * US_PER_S,
            latest_us: latest_s * US_PER_S,
            at_ns: 0,
            servers: 3,
            beginning: None,
        }
    }

    /// The interval some time later.
    pub(super) const fn interval(&self, now_ns: u64) -> TimeInterval {
        let latest_us = self.latest_us.saturating_add(elapsed_max_us(self.at_ns, now_ns));
        TimeInterval { earliest_s: self.earliest_us / US_PER_S, latest_s: latest_us.div_ceil(US_PER_S) }
    }

    /// The middle, as the guest's own clock moves it on.
    pub(super) const fn estimate_ns(&self, now_ns: u64) -> u64 {
        let middle_us = u64::midpoint(self.earliest_us, self.latest_us);
        middle_us.saturating_mul(NS_PER_US).saturating_add(now_ns.saturating_sub(self.at_ns))
    }

    /// What both say, where there was an earlier one: its beginning holds for ever.
    pub(super) fn after(self, earlier: Option<&Self>) -> Result<Self, String> {
        let since_us = earlier.map_or(FLOOR_US, |earlier| earlier.earliest_us.max(FLOOR_US));
        if self.latest_us < since_us {
            return Err(alloc::format!(
                "expected no earlier than {} seconds since 1970, found {} at most",
                since_us / US_PER_S,
                self.latest_us / US_PER_S
            ));
        }
        match earlier.filter(|earlier| earlier.earliest_us > self.earliest_us) {
            Some(earlier) => {
                Ok(Self { earliest_us: earlier.earliest_us, beginning: earlier.beginning.clone(), ..self })
            }
            None => Ok(Self { earliest_us: self.earliest_us.max(since_us), ..self }),
        }
    }
}

impl Measuring {
    /// `previous` is the last reply of the measurement before. With a root, the first question that is answered commits to
    /// what is under it.
    ///
    /// # Errors
    /// That is no reply.
    pub(super) fn begin(
        servers: &[TimeServer],
        previous: Option<&[u8]>,
        root: Option<[u8; 32]>,
    ) -> Result<Self, MeasurementError> {
        let chain = Measurement::begin(previous)?;
        Ok(Self {
            servers: servers.to_owned(),
            chain,
            turn: 0,
            addresses: servers.iter().map(|server| server.host.parse().ok()).collect(),
            is_silent: servers.iter().map(|_| false).collect(),
            step: Step::Next,
            samples: Vec::new(),
            root,
            salt: None,
        })
    }

    pub(super) fn step(&mut self, surroundings: &mut impl Surroundings, now_ns: u64) -> Poll<Measured> {
        while self.turn < self.servers.len() * ROUNDS {
            let blind =
                if matches!(self.step, Step::Next) { self.blind(surroundings.random()) } else { [0; 32] };
            let is_done = match surroundings.sockets() {
                Some(sockets) => self.try_step(sockets, &blind, now_ns),
                None => Poll::Ready(Err("there is no network")),
            };
            match is_done {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(problem)) => self.give_up(problem),
            }
        }
        Poll::Ready(self.finish(now_ns))
    }

    /// One step; an error gives the server up.
    fn try_step(
        &mut self,
        sockets: &mut dyn Sockets,
        blind: &[u8; 32],
        now_ns: u64,
    ) -> Poll<Result<(), &'static str>> {
        let index = self.turn % self.servers.len();
        let Some(server) = self.servers.get(index) else { return Poll::Ready(Err("there is no server")) };
        match &mut self.step {
            Step::Next if self.is_silent.get(index) == Some(&true) => {
                Poll::Ready(Err("it was silent before"))
            }
            Step::Next => match self.addresses.get(index).copied().flatten() {
                Some(address) => match self.chain.next_request(&server.key, blind) {
                    Ok(request) => self.ask(sockets, address, request, now_ns),
                    Err(_) => Poll::Ready(Err("it cannot be asked any more")),
                },
                None => {
                    let query = sockets.resolve(&server.host).ok_or("its name cannot be resolved");
                    Poll::Ready(query.map(|query| self.step = Step::Resolving(query)))
                }
            },
            Step::Resolving(query) => {
                let Some(answer) = sockets.resolved(*query) else { return Poll::Pending };
                self.step = Step::Next;
                let address = answer.ok().and_then(|addresses| addresses.first().copied());
                if let Some(slot) = self.addresses.get_mut(index) {
                    *slot = address;
                }
                Poll::Ready(address.map(drop).ok_or("its name has no address"))
            }
            Step::Asking(_) => self.listen(sockets, index, now_ns),
        }
    }

    /// What the next question hides: random bytes, or with them what the measurement is to commit to.
    fn blind(&mut self, random: [u8; 32]) -> [u8; 32] {
        let Some(root) = self.root.filter(|_| self.samples.is_empty()) else { return random };
        self.salt = Some(random);
        commitment(&random, &root)
    }

    fn ask(
        &mut self,
        sockets: &mut dyn Sockets,
        address: Ipv4Addr,
        request: Vec<u8>,
        now_ns: u64,
    ) -> Poll<Result<(), &'static str>> {
        let port = self.servers.get(self.turn % self.servers.len()).map_or(0, |server| server.port);
        let Ok(question) = sockets.ask(address, port, &request) else {
            return Poll::Ready(Err("it cannot be asked"));
        };
        let asking =
            Asking { address, request, question, attempt: 0, first_sent_ns: now_ns, sent_ns: now_ns };
        self.step = Step::Asking(asking);
        Poll::Ready(Ok(()))
    }

    /// Takes what came, or asks again, or waits.
    fn listen(
        &mut self,
        sockets: &mut dyn Sockets,
        index: usize,
        now_ns: u64,
    ) -> Poll<Result<(), &'static str>> {
        let Step::Asking(asking) = &mut self.step else { return Poll::Ready(Ok(())) };
        while let Some(datagram) = sockets.answered(asking.question) {
            match self.chain.accept(&Ring, &datagram) {
                Ok(midpoint) => {
                    sockets.hang_up(asking.question);
                    let (sent_ns, reply_digest) = (asking.first_sent_ns, response_digest(&datagram));
                    self.samples.push(Sample { server: index, midpoint, sent_ns, reply_digest });
                    self.step = Step::Next;
                    self.turn += 1;
                    return Poll::Ready(Ok(()));
                }
                // Anybody can send something: the true answer may still come.
                Err(error) => log::debug!("time: an answer was not taken: {error}"),
            }
        }
        let patience_ns = PATIENCE_NS.get(asking.attempt).copied().unwrap_or_default();
        if now_ns.saturating_sub(asking.sent_ns) < patience_ns {
            return Poll::Pending;
        }
        sockets.hang_up(asking.question);
        if asking.attempt + 1 >= PATIENCE_NS.len() {
            return Poll::Ready(Err("it does not answer"));
        }
        let port = self.servers.get(index).map_or(0, |server| server.port);
        let Ok(question) = sockets.ask(asking.address, port, &asking.request) else {
            return Poll::Ready(Err("it cannot be asked"));
        };
        asking.question = question;
        asking.attempt += 1;
        asking.sent_ns = now_ns;
        Poll::Ready(Ok(()))
    }

    /// Goes on without an answer.
    fn give_up(&mut self, problem: &str) {
        let index = self.turn % self.servers.len();
        if let (Some(server), Some(is_silent)) = (self.servers.get(index), self.is_silent.get_mut(index)) {
            if !*is_silent {
                log::warn!("time: {}:{}: {problem}", server.host, server.port);
            }
            *is_silent = true;
        }
        if matches!(self.step, Step::Asking(_)) {
            self.chain.skip();
        }
        self.step = Step::Next;
        self.turn += 1;
    }

    fn finish(&self, now_ns: u64) -> Measured {
        let readings: Vec<ServerReading> =
            self.samples.iter().filter_map(|sample| self.reading_of(sample, now_ns)).collect();
        let agreement = agree(&readings, self.servers.len()).map_err(|error| error.to_string());
        let proof = self.chain.clone().finish().map(Arc::new);
        let outcome = agreement.map(|agreement| Reading {
            earliest_us: agreement.earliest_us,
            latest_us: agreement.latest_us,
            at_ns: now_ns,
            servers: agreement.agreeing.len(),
            beginning: self
                .reply_from(agreement.earliest_us)
                .zip(proof.clone())
                .map(|(reply_digest, proof)| Beginning { reply_digest, proof }),
        });
        let report = proof.as_deref().filter(|_| self.is_contradicted()).map(report_json);
        let salt = self.salt.filter(|_| !self.samples.is_empty());
        Measured { outcome, proof, report, root: self.root, salt }
    }

    /// Which reply says that it is not earlier than this.
    fn reply_from(&self, earliest_us: u64) -> Option<[u8; 32]> {
        let says_so = |sample: &&Sample| sample.midpoint.earliest_us() == earliest_us;
        self.samples.iter().find(says_so).map(|sample| sample.reply_digest)
    }

    /// What a reply says of this moment.
    fn reading_of(&self, sample: &Sample, now_ns: u64) -> Option<ServerReading> {
        let Sample { server, midpoint, sent_ns, .. } = *sample;
        let server = self.servers.get(server)?.key;
        let latest_us = midpoint.latest_us().saturating_add(elapsed_max_us(sent_ns, now_ns));
        Some(ServerReading { server, earliest_us: midpoint.earliest_us(), latest_us })
    }

    /// Whether a reply says that it is later than one that came after it.
    fn is_contradicted(&self) -> bool {
        let mut latest_earliest_s = 0;
        self.samples.iter().any(|sample| {
            let contradicts = latest_earliest_s > sample.midpoint.latest_s();
            latest_earliest_s = latest_earliest_s.max(sample.midpoint.earliest_s());
            contradicts
        })
    }
}

/// How much time may have passed between two moments of a clock that is too slow.
const fn elapsed_max_us(from_ns: u64, to_ns: u64) -> u64 {
    let elapsed_ns = to_ns.saturating_sub(from_ns);
    let drift_ns = elapsed_ns.div_ceil(1_000_000 / DRIFT_PPM);
    elapsed_ns.saturating_add(drift_ns).div_ceil(NS_PER_US)
}
