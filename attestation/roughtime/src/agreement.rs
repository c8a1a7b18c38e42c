//! What time it is, when servers have said what they think.

use alloc::vec::Vec;

use crate::ServerKey;

/// Fewer servers than this agree on nothing: with two, there is no telling which one is right (RFC 10049 §8.1).
pub const SERVERS_AGREEING_MIN: usize = 3;

/// What a server says about one instant: it is not before `earliest_us` and not after `latest_us`, in microseconds since
/// 1970. What it said at another instant has been moved by what the caller's own clock says has passed since, with that
/// clock's error added at both ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerReading {
    /// Who.
    pub server: ServerKey,
    /// Lower bound.
    pub earliest_us: u64,
    /// Upper bound.
    pub latest_us: u64,
}

/// What the largest number of servers agree on.
///
/// The true time is between the bounds if all that agree are honest. One that is not can move the result only where it
/// still agrees with all others: the result is never farther from the truth than the honest server with the shortest
/// interval allows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Agreement {
    /// Lower bound, in microseconds since 1970.
    pub earliest_us: u64,
    /// Upper bound.
    pub latest_us: u64,
    /// Who agrees, in the order of keys.
    pub agreeing: Vec<ServerKey>,
    /// Who was read and does not, in the order of keys.
    pub disagreeing: Vec<ServerKey>,
}

/// Why nobody knows the time. Servers are wrong, or too few of them could be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DisagreementError {
    /// Two sets of servers are the largest, and each is large enough.
    #[error("time: {agreeing} of {configured} servers agree, and as many agree on something else")]
    Ambiguous {
        /// In each of the sets.
        agreeing: usize,
        /// In the configuration.
        configured: usize,
    },
    /// More servers than there are. Whoever states their number is guilty.
    #[error(
        "time: expected readings of {configured} servers at most, as many as are configured, found {found}"
    )]
    MoreThanConfigured {
        /// In the configuration.
        configured: usize,
        /// In the readings.
        found: usize,
    },
    /// The largest set of servers that agree is too small.
    #[error("time: expected {needed} of {configured} servers to agree at least, found {agreeing}")]
    TooFew {
        /// More than half of those configured, and three at least.
        needed: usize,
        /// In the configuration.
        configured: usize,
        /// In the largest set.
        agreeing: usize,
    },
}

/// The largest set of servers whose intervals all have an instant in common, and what they have in common. Bounds belong to
/// intervals, as in RFC 10049 §8.2.
///
/// Servers are counted by key. One with several readings says what these have in common; if that is nothing, it
/// contradicts itself and agrees with nobody. More than half of all `configured` servers must agree, whether
/// they could be asked or not, and [`SERVERS_AGREEING_MIN`] at least: otherwise a host that loses the answers of the
/// others could choose whom to believe.
///
/// The order of readings makes no difference.
///
/// # Errors
/// Too few agree. Or two sets do that are equally large, which a server with a long interval can make possible by being in
/// both: neither is taken then, because a choice would be arbitrary.
pub fn agree(readings: &[ServerReading], configured: usize) -> Result<Agreement, DisagreementError> {
    let servers = by_server(readings);
    if servers.len() > configured {
        return Err(DisagreementError::MoreThanConfigured { configured, found: servers.len() });
    }
    let (agreeing, beginnings) = largest(&servers);
    let needed = (configured / 2).saturating_add(1).max(SERVERS_AGREEING_MIN);
    if agreeing < needed {
        return Err(DisagreementError::TooFew { needed, configured, agreeing });
    }
    match beginnings.as_slice() {
        [earliest_us] => Ok(Agreement::at(*earliest_us, &servers)),
        _ => Err(DisagreementError::Ambiguous { agreeing, configured }),
    }
}

impl ServerReading {
    fn contains(&self, instant_us: u64) -> bool {
        (self.earliest_us..=self.latest_us).contains(&instant_us)
    }
}

impl Agreement {
    fn at(earliest_us: u64, servers: &[ServerReading]) -> Self {
        let (agreeing, disagreeing): (Vec<&ServerReading>, Vec<&ServerReading>) =
            servers.iter().partition(|server| server.contains(earliest_us));
        let latest_us = agreeing.iter().map(|server| server.latest_us).min().unwrap_or(earliest_us);
        let keys = |servers: Vec<&ServerReading>| servers.iter().map(|server| server.server).collect();
        Self { earliest_us, latest_us, agreeing: keys(agreeing), disagreeing: keys(disagreeing) }
    }
}

/// One reading for each server, in the order of keys: what all of its readings have in common.
fn by_server(readings: &[ServerReading]) -> Vec<ServerReading> {
    let mut servers: Vec<ServerReading> = readings.to_vec();
    servers.sort_unstable_by_key(|reading| reading.server);
    servers.dedup_by(|reading, kept| {
        let is_same = reading.server == kept.server;
        if is_same {
            kept.earliest_us = kept.earliest_us.max(reading.earliest_us);
            kept.latest_us = kept.latest_us.min(reading.latest_us);
        }
        is_same
    });
    servers
}

/// How many servers agree at most, and each instant from which on so many do.
///
/// A set begins to agree where the last of its intervals begins: it is enough to look there. Two such instants with as many
/// servers are of two sets, since the interval that begins at the second one does not contain the first.
fn largest(servers: &[ServerReading]) -> (usize, Vec<u64>) {
    let (mut most, mut beginnings) = (0, Vec::new());
    // One that contradicts itself does not even contain where it begins.
    for server in servers.iter().filter(|server| server.contains(server.earliest_us)) {
        let instant_us = server.earliest_us;
        let agreeing = servers.iter().filter(|server| server.contains(instant_us)).count();
        if agreeing > most {
            (most, beginnings) = (agreeing, Vec::new());
        }
        if agreeing == most && !beginnings.contains(&instant_us) {
            beginnings.push(instant_us);
        }
    }
    (most, beginnings)
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "numbers of a test are small")]
mod tests;
