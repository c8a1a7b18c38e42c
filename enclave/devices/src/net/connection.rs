//! What the users of connections see of them.

use alloc::string::String;
use core::net::Ipv4Addr;

/// A connection. Names it until it is released, and nothing after that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionId {
    pub(super) index: usize,
    pub(super) generation: u64,
}

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionState {
    /// The other side has not answered yet.
    Connecting,
    /// Both can send, unless this side has said that it does not any more.
    Open,
    /// The other side sends nothing more. What has come of it can still be received, and this side may still send.
    PeerClosed,
    /// Over as both wanted, or aborted by this side; what has come can still be received.
    Closed,
    /// Over for another reason; what came before can still be received, and may be cut anywhere.
    Failed(Failure),
}

/// Why a connection is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// Nobody listens there.
    #[error("the connection was refused")]
    Refused,
    /// The other side broke it off.
    #[error("the connection was reset")]
    Reset,
    /// The other side was silent for too long.
    #[error("the other side does not answer")]
    TimedOut,
    /// This side lost the address that it came from.
    #[error("the network address is gone")]
    Unreachable,
}

/// How long to wait for the other side; at least a millisecond each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Microseconds to the first answer.
    pub connect_us: u64,
    /// Microseconds without any packet, after which the connection has failed. Sent data and keep-alives ask for one.
    pub silence_us: u64,
    /// Microseconds of silence after which to ask whether the other side is still there; less than `silence_us`. With
    /// `None`, a connection that nobody uses fails for silence.
    pub keep_alive_us: Option<u64>,
}

impl Timeouts {
    /// Ten seconds to connect, and a minute of silence with two questions in it.
    pub const DEFAULT: Self =
        Self { connect_us: 10_000_000, silence_us: 60_000_000, keep_alive_us: Some(20_000_000) };
}

/// Whether something can be sent there: the address of one machine, and a port.
pub(super) const fn is_destination((address, port): (Ipv4Addr, u16)) -> bool {
    let is_many = address.is_unspecified() || address.is_broadcast() || address.is_multicast();
    !is_many && port != 0
}

/// A connection that cannot be begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Not the address of one machine, or port 0.
    #[error("expected the address of one machine and a port from 1 on")]
    Destination,
    /// DHCP has not answered.
    #[error("no network address yet")]
    NoAddress,
    /// Neither on this network, nor is there a gateway.
    #[error("no way there: the network has no gateway")]
    Unreachable,
    /// As many as there may be.
    #[error("expected at most {limit} outgoing connections")]
    TooMany {
        /// [`SocketLimits::connections`](super::SocketLimits::connections).
        limit: usize,
    },
    /// Every local port was in use lately.
    #[error("no local port is free")]
    NoLocalPort,
}

/// A port that cannot be listened on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// Not a port.
    #[error("port 0: expected one from 1 on")]
    Port,
    /// It is listened on.
    #[error("port {port}: is listened on already")]
    InUse {
        /// The port.
        port: u16,
    },
    /// As many as there may be.
    #[error("expected at most {limit} ports")]
    TooMany {
        /// The limit.
        limit: usize,
    },
}

/// A name that cannot be resolved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// Not a name as DNS has them.
    #[error("{name:?}: expected labels of letters, digits and hyphens, at most 253 bytes")]
    Name {
        /// What was asked for.
        name: String,
    },
    /// DHCP has named no server.
    #[error("no name server is known")]
    NoServer,
    /// No server knows it.
    #[error("the name has no IPv4 address")]
    NotFound,
    /// No server answered in time.
    #[error("no name server answered in time")]
    TimedOut,
    /// As many questions as there may be.
    #[error("expected at most {limit} questions at a time")]
    TooMany {
        /// [`NetworkLimits::queries`](super::NetworkLimits::queries).
        limit: usize,
    },
}
