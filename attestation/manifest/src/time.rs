//! Who says what time it is.

use serde::{Deserialize, Serialize};

use crate::egress::is_host_pattern;
use crate::parse::check;
use crate::{HexDigest, Manifest, ManifestError, WallClock};

/// Least servers, where there are any: one that lies is found out by two that do not.
pub const TIME_SERVERS_MIN: usize = 3;
/// Most servers.
pub const TIME_SERVERS_MAX: usize = 8;

/// A server of Roughtime (RFC 10049).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeServer<'a> {
    /// A lower-case DNS name, or an IPv4 address.
    pub host: &'a str,
    /// UDP port, not 0.
    pub port: u16,
    /// Its long-term key: Ed25519.
    pub public_key: HexDigest<32>,
}

/// Whether whoever needs the time can get it, from servers that are not one another.
pub(crate) fn check_time(manifest: &Manifest<'_>) -> Result<(), ManifestError> {
    let servers = &manifest.time;
    for (index, server) in servers.iter().enumerate() {
        let is_host = is_host_pattern(server.host) && !server.host.starts_with('*');
        check(is_host, "time.host", "a lower-case DNS name or an IPv4 address", server.host)?;
        check(server.port != 0, "time.port", "1 to 65535", server.port)?;
        let is_first = !servers.iter().take(index).any(|earlier| earlier.public_key == server.public_key);
        check(is_first, "time.public_key", "keys that differ", server.public_key)?;
    }
    let are_enough = servers.is_empty() || servers.len() >= TIME_SERVERS_MIN;
    check(are_enough, "time", "no servers, or at least 3", servers.len())?;
    let clock_can = manifest.wall_clock != WallClock::Roughtime || !servers.is_empty();
    check(clock_can, "time", "at least 3 servers, which wall_clock = roughtime asks", "none")?;
    // A certificate is valid for a time; without one nobody can say that it is.
    let tls_can = !manifest.speaks_tls() || !servers.is_empty();
    check(tls_can, "time", "at least 3 servers: certificates of https hosts are valid at a time", "none")
}

#[cfg(test)]
mod tests;
