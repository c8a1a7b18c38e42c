//! A client with a clock of its own, and a cache in a folder of its own.

use core::time::Duration;
use std::sync::Mutex;

use attestation_collateral::{
    Cache, Endpoints, Environment, FetchError, Fetcher, Found, Https, Limits, Mode, Request,
};
use attestation_x509::Instant;
use tempfile::TempDir;

use crate::imitation::Server;

/// When everything of Intel's in the imitation holds.
pub(crate) const SPRING_2026: &str = "2026-04-01T00:00:00Z";
/// When AMD's list in the imitation holds.
pub(crate) const SUMMER_2022: &str = "2022-08-01T00:00:00Z";

pub(crate) fn instant(text: &str) -> Instant {
    text.parse().unwrap()
}

/// Time passes when somebody waits.
pub(crate) struct Clock {
    now: Mutex<u64>,
    waits: Mutex<Vec<u64>>,
}

impl Clock {
    pub(crate) fn at(text: &str) -> Self {
        Self { now: Mutex::new(instant(text).unix_seconds()), waits: Mutex::default() }
    }

    pub(crate) fn advance(&self, seconds: u64) {
        *self.now.lock().unwrap() += seconds;
    }

    /// Seconds of each wait so far.
    pub(crate) fn waits(&self) -> Vec<u64> {
        self.waits.lock().unwrap().clone()
    }
}

impl Environment for Clock {
    fn now(&self) -> Instant {
        Instant::from_unix_seconds(*self.now.lock().unwrap())
    }

    fn wait(&self, duration: Duration) {
        self.waits.lock().unwrap().push(duration.as_secs());
        self.advance(duration.as_secs());
    }

    fn chance(&self) -> u8 {
        0
    }
}

pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) clock: Clock,
    pub(crate) folder: TempDir,
    pub(crate) cache: Cache,
    pub(crate) limits: Limits,
}

impl World {
    pub(crate) fn new(server: Server, now: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path());
        let limits = Limits { connect: Duration::from_secs(5), whole: Duration::from_secs(20) };
        Self { server, clock: Clock::at(now), folder, cache, limits }
    }

    pub(crate) fn endpoints(&self) -> Endpoints {
        let base = || self.server.url().parse().unwrap();
        Endpoints { kds: base(), pcs: base(), intel_certificates: base(), rim: base() }
    }

    /// Now, as the clock has it.
    pub(crate) fn get(&self, request: &Request, mode: Mode) -> Result<Found, FetchError> {
        self.get_at(request, mode, self.clock.now())
    }

    pub(crate) fn get_at(&self, request: &Request, mode: Mode, at: Instant) -> Result<Found, FetchError> {
        let fetcher = Fetcher {
            endpoints: &self.endpoints(),
            cache: &self.cache,
            transport: &Https::new(self.limits),
            environment: &self.clock,
            mode,
            patience: Duration::from_secs(300),
            watcher: &|_| {},
        };
        fetcher.get(request, at)
    }
}
