//! Time and chance, as arguments.

use core::time::Duration;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use attestation_x509::Instant;

/// What fetching needs of the machine besides network and disk.
pub trait Environment {
    /// The time.
    fn now(&self) -> Instant;

    /// Comes back after this long.
    fn wait(&self, duration: Duration);

    /// Anything; spreads the requests of many clients that were turned away at the same moment. No secret depends on it.
    fn chance(&self) -> u8;
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct System;

impl Environment for System {
    fn now(&self) -> Instant {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Instant::from_unix_seconds(since.as_secs())
    }

    fn wait(&self, duration: Duration) {
        thread::sleep(duration);
    }

    /// The fraction of the second in which a process asks is its own.
    fn chance(&self) -> u8 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let [low, ..] = since.subsec_micros().to_le_bytes();
        low
    }
}
