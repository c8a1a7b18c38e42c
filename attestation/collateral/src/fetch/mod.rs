//! From the cache, or from the service.

mod answer;

use core::fmt;
use core::time::Duration;

use attestation_x509::Instant;
use sha2::{Digest, Sha256};

use crate::backoff;
use crate::cache::{HostLock, age_seconds};
use crate::entry::Entry;
use crate::{
    Answer, Cache, Endpoints, Environment, FetchError, Get, Holds, Object, Request, Transport, TransportError,
};

/// How often a service is tried that does not answer.
const TRIES: u32 = 3;

/// Whether the network is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// For what the cache lacks.
    Online,
    /// For everything, whatever the cache has.
    Refresh,
    /// Never.
    Offline,
}

/// Gets objects. One is enough for any number of requests; several at once, in one process or many, share what they know.
#[expect(missing_debug_implementations, reason = "of functions and traits that have none")]
pub struct Fetcher<'a> {
    /// Where the services are.
    pub endpoints: &'a Endpoints,
    /// Where answers are kept.
    pub cache: &'a Cache,
    /// Who asks.
    pub transport: &'a dyn Transport,
    /// Time and chance.
    pub environment: &'a dyn Environment,
    /// Whether to ask.
    pub mode: Mode,
    /// The longest that one request may wait for a service that wants to be left alone, all waits together.
    pub patience: Duration,
    /// Hears what happens meanwhile.
    pub watcher: &'a dyn Fn(&Event<'_>),
}

/// What happens while one waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A service is asked.
    Asking {
        /// For what.
        request: &'a Request,
        /// Where.
        url: &'a str,
    },
    /// A service wants to be left alone, or does not answer.
    Waiting {
        /// Which host.
        host: &'a str,
        /// How long.
        wait: Duration,
    },
}

/// An object and where it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The object.
    pub object: Object,
    /// Where from, this time.
    pub source: Source,
    /// When it came over the network.
    pub fetched_at: Instant,
}

/// Where an object is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// It was there.
    Cache,
    /// Whole address.
    Service(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cache => "cache",
            Self::Service(url) => url,
        })
    }
}

enum Attempt {
    Done(Found),
    Wait(Duration, u16),
    Failed(TransportError),
}

impl Fetcher<'_> {
    /// The object, one that holds at `at`.
    ///
    /// # Errors
    /// It is not to be had: who is guilty, and what to do.
    pub fn get(&self, request: &Request, at: Instant) -> Result<Found, FetchError> {
        if self.mode == Mode::Offline {
            let missing = || FetchError::NotCached { request: request.to_string(), at };
            return self.cached(request, at)?.ok_or_else(missing);
        }
        // Without the lock: who finds an object need not wait for who fetches another.
        if self.mode == Mode::Online
            && let Some(found) = self.cached(request, at)?
        {
            return Ok(found);
        }
        self.ask_until_done(request, at)
    }

    fn ask_until_done(&self, request: &Request, at: Instant) -> Result<Found, FetchError> {
        let host = self.endpoints.of(request.service()).host();
        let (mut waited, mut tries) = (Duration::ZERO, 0_u32);
        loop {
            let wait = match self.attempt(host, request, at)? {
                Attempt::Done(found) => return Ok(found),
                Attempt::Wait(wait, status) if waited.saturating_add(wait) > self.patience => {
                    return Err(FetchError::RateLimited { host: host.into(), status, wait });
                }
                Attempt::Wait(wait, _) => wait,
                Attempt::Failed(source) => {
                    tries = tries.saturating_add(1);
                    if tries >= TRIES {
                        return Err(FetchError::Unreachable { host: host.into(), tries, source });
                    }
                    backoff::wait(tries, None, self.environment.chance())
                }
            };
            (self.watcher)(&Event::Waiting { host, wait });
            self.environment.wait(wait);
            waited = waited.saturating_add(wait);
        }
    }

    /// Asks once, with the host's lock held: whoever waited for the lock finds the object in the cache.
    fn attempt(&self, host: &str, request: &Request, at: Instant) -> Result<Attempt, FetchError> {
        let mut lock = self.cache.lock_host(host)?;
        if self.mode == Mode::Online
            && let Some(found) = self.cached(request, at)?
        {
            return Ok(Attempt::Done(found));
        }
        if let Some(wait) = lock.state()?.remaining(self.environment.now()) {
            return Ok(Attempt::Wait(wait, answer::TOO_MANY_REQUESTS));
        }
        let url = request.url(self.endpoints);
        (self.watcher)(&Event::Asking { request, url: &url });
        let accept = if request.is_json() { "application/json" } else { "*/*" };
        let body_max_bytes = request.body_max_bytes();
        match self.transport.get(&Get { url: &url, accept, body_max_bytes }) {
            Ok(answer) if answer::is_refusal(answer.status) => self.refused(&mut lock, &answer),
            Ok(answer) if answer::is_outage(answer.status) => {
                Ok(Attempt::Failed(TransportError::Broken { why: format!("status {}", answer.status) }))
            }
            Ok(answer) => self.keep(&mut lock, request, url, answer, at).map(Attempt::Done),
            Err(TransportError::TooLong { limit }) => Err(FetchError::TooLong { url, limit }),
            Err(error) => Ok(Attempt::Failed(error)),
        }
    }

    fn refused(&self, lock: &mut HostLock, answer: &Answer) -> Result<Attempt, FetchError> {
        let now = self.environment.now();
        let stated = answer.header("retry-after").and_then(|header| backoff::retry_after(header, now));
        let (state, wait) = lock.state()?.after_refusal(now, stated, self.environment.chance());
        lock.set_state(state)?;
        Ok(Attempt::Wait(wait, answer.status))
    }

    fn keep(
        &self,
        lock: &mut HostLock,
        request: &Request,
        url: String,
        answer: Answer,
        at: Instant,
    ) -> Result<Found, FetchError> {
        lock.set_state(backoff::HostState::default())?;
        let entry = answer::accept(request, &url, answer, self.environment.now())?;
        let object = read(request, &entry, &url)?;
        if let Holds::Between { from, until } = object.holds()
            && !(from..=until).contains(&at)
        {
            return Err(FetchError::NotCurrent { url, at, from, until });
        }
        self.cache.write(request, &entry)?;
        if let Request::Rim { id, sha256: None } = request {
            // Other contents may follow under this name: these stay to be had by their digest.
            let sha256 = Some(Sha256::digest(object.contents()).into());
            self.cache.write(&Request::Rim { id: id.clone(), sha256 }, &entry)?;
        }
        Ok(Found { object, source: Source::Service(url), fetched_at: entry.fetched_at })
    }

    /// What is kept, when it is what was asked for and holds.
    fn cached(&self, request: &Request, at: Instant) -> Result<Option<Found>, FetchError> {
        let Some(entry) = self.cache.read(request)? else { return Ok(None) };
        let Ok(object) = Object::read(request, entry.body.clone(), entry.issuer_chain.clone()) else {
            return Ok(None);
        };
        let is_good = match object.holds() {
            Holds::Always => true,
            Holds::Between { from, until } => (from..=until).contains(&at),
            // Old is better than nothing where nobody can be asked.
            Holds::For(_) if self.mode == Mode::Offline => true,
            Holds::For(kept) => age_seconds(&entry, self.environment.now()) < kept.as_secs(),
        };
        Ok(is_good.then_some(Found { object, source: Source::Cache, fetched_at: entry.fetched_at }))
    }
}

fn read(request: &Request, entry: &Entry, url: &str) -> Result<Object, FetchError> {
    Object::read(request, entry.body.clone(), entry.issuer_chain.clone())
        .map_err(|source| FetchError::WrongObject { url: url.to_owned(), source })
}
