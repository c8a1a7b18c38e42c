//! From a host to a connection: its addresses, one after the other, until somebody answers.

use alloc::vec::Vec;
use core::mem;
use core::net::Ipv4Addr;

use enclave_http::Host;
use enclave_runtime::HttpFailure;

use crate::channel::{Channel, ChannelState};
use crate::origin::Origin;
use crate::security::Peer;
use crate::sockets::{Query, Sockets, Unresolved};

/// Addresses of a name that are called, at most: each has seven of the usual thirty seconds then, in which a lost packet is
/// sent again.
const ADDRESSES_MAX: usize = 4;

/// A connection that is looked for.
///
/// Another address is called only where at the last one there was nobody. Whoever answers and then fails to prove that it is the
/// host, or breaks off, is reported: addresses are the word of the guest's own host, and whoever asks must hear of it when that
/// leads to an impostor, not be helped past it by an address that happens to be right.
pub(crate) struct Connecting {
    port: u16,
    peer: Option<Peer>,
    until_ns: u64,
    stage: Stage,
    /// Not called yet, the next one last.
    rest: Vec<Ipv4Addr>,
    /// What became of those that were.
    failure: Option<HttpFailure>,
}

enum Stage {
    Resolving(Query),
    Calling { channel: Channel, until_ns: u64 },
    Over,
}

impl Connecting {
    /// Begins; it is over at `until_ns`, whatever else happens.
    ///
    /// # Errors
    /// There is no way to anybody.
    pub(crate) fn start(
        origin: &Origin,
        peer: Option<Peer>,
        until_ns: u64,
        sockets: &mut dyn Sockets,
        now_ns: u64,
    ) -> Result<Self, HttpFailure> {
        let (stage, rest, failure) = (Stage::Over, Vec::new(), None);
        let mut connecting = Self { port: origin.port, peer, until_ns, stage, rest, failure };
        match &origin.host {
            Host::Name(name) => {
                let query = sockets.resolve(name).ok_or(HttpFailure::DnsError)?;
                connecting.stage = Stage::Resolving(query);
            }
            Host::V4(address) => {
                connecting.rest.push(*address);
                connecting.call_next(sockets, now_ns)?;
            }
            Host::V6(_) => return Err(HttpFailure::DestinationUnavailable),
        }
        Ok(connecting)
    }

    /// Looks how far it is; gives the connection once somebody has answered. Under TLS it is not known yet who.
    ///
    /// # Errors
    /// Nobody did.
    pub(crate) fn step(
        &mut self,
        sockets: &mut dyn Sockets,
        now_ns: u64,
    ) -> Result<Option<Channel>, HttpFailure> {
        match mem::replace(&mut self.stage, Stage::Over) {
            Stage::Over => Ok(None),
            Stage::Resolving(query) => match sockets.resolved(query) {
                Some(answer) => {
                    self.rest = callable(answer)?;
                    self.call_next(sockets, now_ns).map(|()| None)
                }
                None => {
                    self.stage = Stage::Resolving(query);
                    if now_ns > self.until_ns { Err(HttpFailure::ConnectionTimeout) } else { Ok(None) }
                }
            },
            Stage::Calling { channel, until_ns } => self.step_call(channel, until_ns, sockets, now_ns),
        }
    }

    fn step_call(
        &mut self,
        mut channel: Channel,
        until_ns: u64,
        sockets: &mut dyn Sockets,
        now_ns: u64,
    ) -> Result<Option<Channel>, HttpFailure> {
        let failure = match channel.step(sockets, now_ns) {
            ChannelState::Failed(failure) if is_nobody(failure) => failure,
            ChannelState::Opening if channel.is_connecting(sockets) => {
                if now_ns <= until_ns {
                    self.stage = Stage::Calling { channel, until_ns };
                    return Ok(None);
                }
                HttpFailure::ConnectionTimeout
            }
            _ => return Ok(Some(channel)),
        };
        channel.release(sockets);
        self.note(failure);
        self.call_next(sockets, now_ns).map(|()| None)
    }

    fn call_next(&mut self, sockets: &mut dyn Sockets, now_ns: u64) -> Result<(), HttpFailure> {
        let left_ns = self.until_ns.saturating_sub(now_ns);
        while let Some(address) = self.rest.pop().filter(|_| now_ns <= self.until_ns) {
            match Channel::open(address, self.port, self.peer.clone(), sockets) {
                Ok(channel) => {
                    // The others have as much each, and the last one all that is left.
                    let shares = u64::try_from(self.rest.len()).unwrap_or(0).saturating_add(1);
                    let until_ns = now_ns.saturating_add(left_ns / shares);
                    self.stage = Stage::Calling { channel, until_ns };
                    return Ok(());
                }
                Err(failure) if is_nobody(failure) => self.note(failure),
                Err(failure) => return Err(failure),
            }
        }
        Err(self.failure.unwrap_or(HttpFailure::ConnectionTimeout))
    }

    /// The last word counts, but silence is none.
    fn note(&mut self, failure: HttpFailure) {
        if self.failure.is_none() || failure != HttpFailure::ConnectionTimeout {
            self.failure = Some(failure);
        }
    }

    /// Gives up.
    pub(crate) fn release(self, sockets: &mut dyn Sockets) {
        match self.stage {
            Stage::Resolving(query) => sockets.forget(query),
            Stage::Calling { channel, .. } => channel.release(sockets),
            Stage::Over => {}
        }
    }
}

/// The first ones of an answer, in the order in which they are popped.
fn callable(answer: Result<Vec<Ipv4Addr>, Unresolved>) -> Result<Vec<Ipv4Addr>, HttpFailure> {
    let mut addresses = answer.map_err(|error| match error {
        Unresolved::Unknown => HttpFailure::DnsError,
        Unresolved::Silence => HttpFailure::DnsTimeout,
    })?;
    if addresses.is_empty() {
        return Err(HttpFailure::DnsError);
    }
    addresses.truncate(ADDRESSES_MAX);
    addresses.reverse();
    Ok(addresses)
}

/// Whether it says that there is nobody at an address.
const fn is_nobody(failure: HttpFailure) -> bool {
    matches!(
        failure,
        HttpFailure::ConnectionRefused | HttpFailure::ConnectionTimeout | HttpFailure::DestinationUnavailable
    )
}

#[cfg(test)]
mod tests;
