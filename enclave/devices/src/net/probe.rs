//! A TCP echo probe: the operator's check that the guest's network reaches somewhere.

use alloc::vec::Vec;

use smoltcp::iface::{Interface, SocketHandle, SocketSet};
use smoltcp::socket::tcp;
use smoltcp::wire::{IpAddress, IpEndpoint, Ipv4Address};

use super::socket_buffer;

const SOCKET_BUFFER_BYTES: usize = 8192;
/// Local ports of probes: the dynamic range of RFC 6335.
const LOCAL_PORTS: core::ops::Range<u16> = 49_152..65_535;

/// A probe that cannot start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// Not `a.b.c.d:port`.
    #[error("destination: expected a.b.c.d:port")]
    Destination,
    /// DHCP has not answered.
    #[error("no network address yet")]
    NoAddress,
    /// One at a time.
    #[error("another probe is running")]
    Busy,
    /// smoltcp refused the connection.
    #[error("the connection could not be opened")]
    Connect,
}

/// How a probe ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeOutcome {
    /// What came back, or why nothing did.
    pub answer: Result<Vec<u8>, &'static str>,
    /// From start to end.
    pub elapsed_us: u64,
}

pub(super) struct TcpProbe {
    socket: SocketHandle,
    payload: Vec<u8>,
    sent: usize,
    received: Vec<u8>,
    started_us: u64,
    deadline_us: u64,
    failure: Option<&'static str>,
    was_connected: bool,
}

impl TcpProbe {
    pub(super) fn start(
        destination: &str,
        payload: &[u8],
        now_us: u64,
        timeout_us: u64,
        interface: &mut Interface,
        sockets: &mut SocketSet<'static>,
    ) -> Result<Self, ProbeError> {
        let remote = parse_destination(destination).ok_or(ProbeError::Destination)?;
        let mut socket =
            tcp::Socket::new(socket_buffer(SOCKET_BUFFER_BYTES), socket_buffer(SOCKET_BUFFER_BYTES));
        let span = u64::from(LOCAL_PORTS.end - LOCAL_PORTS.start);
        let local_port = LOCAL_PORTS.start + u16::try_from(now_us % span).unwrap_or(0);
        socket.connect(interface.context(), remote, local_port).map_err(|_| ProbeError::Connect)?;
        Ok(Self {
            socket: sockets.add(socket),
            payload: payload.to_vec(),
            sent: 0,
            received: Vec::new(),
            started_us: now_us,
            deadline_us: now_us.saturating_add(timeout_us),
            failure: None,
            was_connected: false,
        })
    }

    pub(super) fn advance(&mut self, now_us: u64, sockets: &mut SocketSet<'static>) {
        let socket = sockets.get_mut::<tcp::Socket<'_>>(self.socket);
        self.was_connected |= socket.may_send();
        if socket.can_send() {
            let rest = self.payload.get(self.sent..).unwrap_or_default();
            self.sent += socket.send_slice(rest).unwrap_or(0);
        }
        while socket.can_recv() {
            let room = self.payload.len().saturating_sub(self.received.len());
            let received = &mut self.received;
            let taken = socket.recv(|bytes| {
                received.extend_from_slice(bytes.get(..bytes.len().min(room)).unwrap_or_default());
                (bytes.len(), ())
            });
            if taken.is_err() {
                break;
            }
        }
        if self.received.len() < self.payload.len() {
            self.failure = if !socket.is_open() && self.was_connected {
                Some("the connection was closed before the answer was complete")
            } else if !socket.is_open() {
                Some("the connection was refused")
            } else if now_us >= self.deadline_us {
                Some("no complete answer in time")
            } else {
                None
            };
        }
    }

    pub(super) fn outcome(&self, now_us: u64) -> Option<ProbeOutcome> {
        let answer = match self.failure {
            Some(reason) => Err(reason),
            None if self.received.len() == self.payload.len() => Ok(self.received.clone()),
            None => return None,
        };
        Some(ProbeOutcome { answer, elapsed_us: now_us.saturating_sub(self.started_us) })
    }

    pub(super) fn abort(&self, sockets: &mut SocketSet<'static>) {
        sockets.get_mut::<tcp::Socket<'_>>(self.socket).abort();
    }

    pub(super) fn remove(self, sockets: &mut SocketSet<'static>) {
        sockets.remove(self.socket);
    }
}

fn parse_destination(text: &str) -> Option<IpEndpoint> {
    let (address, port) = text.split_once(':')?;
    let address: Ipv4Address = address.parse().ok()?;
    let port: u16 = port.parse().ok().filter(|port| *port != 0)?;
    Some(IpEndpoint::new(IpAddress::Ipv4(address), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_parse_or_are_refused() {
        assert!(parse_destination("10.0.2.2:7").is_some());
        for bad in ["", "10.0.2.2", "10.0.2.2:0", "10.0.2.2:65536", "example.org:80", "10.0.2:80", "::1:80"] {
            assert!(parse_destination(bad).is_none(), "{bad}");
        }
    }
}
