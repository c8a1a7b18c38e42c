//! A connection to a server: in the clear, or under TLS with whom the manifest trusts for the host.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::Ipv4Addr;
use core::task::Poll;

use enclave_runtime::HttpFailure;
use enclave_tls::{ALPN_HTTP_1_1, Client, Interval, Session, State, TlsError, Validity};

use crate::security::Peer;
use crate::sockets::{Broken, Connection, ConnectionState, Sockets};
use crate::time::TimeInterval;

pub(crate) struct Channel {
    connection: Connection,
    address: Ipv4Addr,
    security: Security,
    failed: Option<HttpFailure>,
}

enum Security {
    None,
    /// Waits for the connection, and then for the time.
    Awaited(Box<Peer>),
    Tls(Box<Client>),
}

/// How far a channel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChannelState {
    /// Not there yet.
    Opening,
    /// Both sides may send.
    Open,
    /// The peer said that it sends nothing more; what has arrived can still be received.
    Ended,
    /// Broken off, which says nothing about what has arrived.
    Failed(HttpFailure),
}

impl Channel {
    /// Begins a connection; to a peer, under TLS.
    pub(crate) fn open(
        address: Ipv4Addr,
        port: u16,
        peer: Option<Peer>,
        sockets: &mut dyn Sockets,
    ) -> Result<Self, HttpFailure> {
        let connection = sockets.connect(address, port).map_err(broken_failure)?;
        let security = peer.map_or(Security::None, |peer| Security::Awaited(Box::new(peer)));
        Ok(Self { connection, address, security, failed: None })
    }

    /// Moves bytes between TLS and the network, and says how far everything is.
    pub(crate) fn step(&mut self, sockets: &mut dyn Sockets, now_ns: u64) -> ChannelState {
        if let Some(failure) = self.failed {
            return ChannelState::Failed(failure);
        }
        let state = self.try_step(sockets, now_ns).unwrap_or_else(ChannelState::Failed);
        if let (ChannelState::Failed(failure), true) = (state, self.is_under_tls()) {
            self.failed = Some(failure);
        }
        state
    }

    const fn is_under_tls(&self) -> bool {
        !matches!(self.security, Security::None)
    }

    fn try_step(&mut self, sockets: &mut dyn Sockets, now_ns: u64) -> Result<ChannelState, HttpFailure> {
        let state = sockets.state(self.connection);
        if let Security::Awaited(peer) = &self.security {
            match (state, peer.time.interval(now_ns)) {
                (ConnectionState::Failed(broken), _) => return Err(broken_failure(broken)),
                (_, Poll::Ready(Err(_))) => return Err(HttpFailure::TimeUnknown),
                (ConnectionState::Connecting, _) | (_, Poll::Pending) => return Ok(ChannelState::Opening),
                (_, Poll::Ready(Ok(time))) => {
                    let now =
                        Interval::new(time.earliest_s, time.latest_s).map_err(|_| HttpFailure::Internal)?;
                    let client = Client::connect(&peer.trust, &peer.host, now, &[ALPN_HTTP_1_1]);
                    let client = client.map_err(|error| tls_failure(&error))?;
                    self.security = Security::Tls(Box::new(client));
                }
            }
        }
        match &mut self.security {
            Security::Tls(client) => step_tls(client, self.connection, state, sockets),
            _ => Ok(plain_state(state)),
        }
    }

    /// Where it leads.
    pub(crate) const fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Whether the other side has not answered yet, so that nothing is known of it.
    pub(crate) fn is_connecting(&self, sockets: &mut dyn Sockets) -> bool {
        sockets.state(self.connection) == ConnectionState::Connecting
    }

    /// Whether the peer has neither spoken nor hung up, where nothing more of it is expected. What it said is lost.
    pub(crate) fn is_quiet(&mut self, sockets: &mut dyn Sockets, now_ns: u64) -> bool {
        self.step(sockets, now_ns) == ChannelState::Open && self.receive(1, &mut Vec::new(), sockets) == 0
    }

    /// Whether certificates that were judged once hold in this interval too. Name, keys and roots are what they were then. In
    /// the clear there is nothing to hold.
    pub(crate) fn holds_in(&self, time: TimeInterval) -> bool {
        let Security::Tls(client) = &self.security else { return matches!(self.security, Security::None) };
        client.session().is_some_and(|session| {
            let Validity { not_before, not_after } = session.peer.validity;
            not_before <= time.earliest_s && time.latest_s <= not_after
        })
    }

    /// What the handshake established; `None` before that, and without TLS.
    pub(crate) fn session(&self) -> Option<&Session> {
        match &self.security {
            Security::Tls(client) => client.session(),
            _ => None,
        }
    }

    /// Takes as much of what is to be sent as there is room for.
    pub(crate) fn send(&mut self, bytes: &[u8], sockets: &mut dyn Sockets) -> usize {
        match &mut self.security {
            Security::None => sockets.send(self.connection, bytes),
            Security::Awaited(_) => 0,
            Security::Tls(client) => {
                let taken = client.write(bytes);
                // What is wrong comes to light in the next step.
                let _ = client.step();
                flush(client, self.connection, sockets);
                taken
            }
        }
    }

    /// Appends up to `max_bytes` of what has arrived, and says how many.
    pub(crate) fn receive(
        &mut self,
        max_bytes: usize,
        into: &mut Vec<u8>,
        sockets: &mut dyn Sockets,
    ) -> usize {
        match &mut self.security {
            Security::None => sockets.receive(self.connection, max_bytes, into),
            Security::Awaited(_) => 0,
            Security::Tls(client) => client.take_plaintext(max_bytes, into),
        }
    }

    /// Gives the connection back; under TLS the peer is told, where there is room for it.
    pub(crate) fn release(mut self, sockets: &mut dyn Sockets) {
        if let Security::Tls(client) = &mut self.security {
            client.close();
            let _ = client.step();
            flush(client, self.connection, sockets);
        }
        sockets.release(self.connection);
    }
}

fn step_tls(
    client: &mut Client,
    connection: Connection,
    state: ConnectionState,
    sockets: &mut dyn Sockets,
) -> Result<ChannelState, HttpFailure> {
    let room = client.receive_room();
    let mut arrived = Vec::new();
    let received = sockets.receive(connection, room, &mut arrived);
    // It takes as much as it had room for.
    let _ = client.receive(&arrived);
    let stepped = client.step();
    // An alert that says why comes before the end.
    flush(client, connection, sockets);
    stepped.map_err(|error| tls_failure(&error))?;
    let may_be_more = received > 0 || room == 0;
    let is_over = !may_be_more && !matches!(state, ConnectionState::Open | ConnectionState::Connecting);
    match (client.state(), state) {
        (State::PeerClosed, _) => Ok(ChannelState::Ended),
        (_, ConnectionState::Failed(broken)) if is_over => Err(broken_failure(broken)),
        _ if is_over => {
            client.end_of_stream().map_err(|error| tls_failure(&error))?;
            Ok(ChannelState::Ended)
        }
        (State::Handshaking, _) => Ok(ChannelState::Opening),
        _ => Ok(ChannelState::Open),
    }
}

fn flush(client: &mut Client, connection: Connection, sockets: &mut dyn Sockets) {
    let outgoing = client.outgoing();
    let sent = sockets.send(connection, outgoing);
    outgoing.drain(..sent);
}

const fn plain_state(state: ConnectionState) -> ChannelState {
    match state {
        ConnectionState::Connecting => ChannelState::Opening,
        ConnectionState::Open => ChannelState::Open,
        ConnectionState::PeerClosed | ConnectionState::Closed => ChannelState::Ended,
        ConnectionState::Failed(broken) => ChannelState::Failed(broken_failure(broken)),
    }
}

const fn broken_failure(broken: Broken) -> HttpFailure {
    match broken {
        Broken::Refused => HttpFailure::ConnectionRefused,
        Broken::Reset => HttpFailure::ConnectionTerminated,
        Broken::TimedOut => HttpFailure::ConnectionTimeout,
        Broken::Unreachable => HttpFailure::DestinationUnavailable,
        Broken::TooMany => HttpFailure::ConnectionLimitReached,
    }
}

/// What a component is told; whoever runs the guest finds the rest in its log.
fn tls_failure(error: &TlsError) -> HttpFailure {
    log::warn!("tls: {error}");
    match error {
        TlsError::Truncated => HttpFailure::ConnectionTerminated,
        TlsError::AlertReceived { .. } => HttpFailure::TlsAlertReceived,
        TlsError::BadSignature { .. }
        | TlsError::Certificate(_)
        | TlsError::ChainTooLong { .. }
        | TlsError::Expired { .. }
        | TlsError::NameMismatch { .. }
        | TlsError::NoAuthorities { .. }
        | TlsError::NotYetValid { .. }
        | TlsError::Pinned { .. }
        | TlsError::UnknownIssuer => HttpFailure::TlsCertificateError,
        TlsError::Internal(_) | TlsError::KeysExhausted | TlsError::NoRandomness => HttpFailure::Internal,
        _ => HttpFailure::TlsProtocolError,
    }
}

#[cfg(test)]
pub(crate) mod tests;
