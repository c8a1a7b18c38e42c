//! A TCP echo probe: the operator's check that the guest's network reaches somewhere.

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use super::connection::{ConnectError, ConnectionId, ConnectionState, Failure, Timeouts};
use super::stack::Stack;

/// A probe that cannot start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// Not `a.b.c.d:port`.
    #[error("destination: expected a.b.c.d:port")]
    Destination,
    /// One at a time.
    #[error("another probe is running")]
    Busy,
    /// No connection can be begun.
    #[error(transparent)]
    Connect(#[from] ConnectError),
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
    connection: ConnectionId,
    payload: Vec<u8>,
    sent: usize,
    received: Vec<u8>,
    started_us: u64,
    deadline_us: u64,
    failure: Option<&'static str>,
}

impl TcpProbe {
    pub(super) fn start(
        destination: &str,
        payload: &[u8],
        now_us: u64,
        timeout_us: u64,
        stack: &mut Stack,
    ) -> Result<Self, ProbeError> {
        let (address, port) = parse_destination(destination).ok_or(ProbeError::Destination)?;
        let timeouts = Timeouts { connect_us: timeout_us, silence_us: timeout_us, keep_alive_us: None };
        Ok(Self {
            connection: stack.connect(address, port, timeouts)?,
            payload: payload.to_vec(),
            sent: 0,
            received: Vec::new(),
            started_us: now_us,
            deadline_us: now_us.saturating_add(timeout_us),
            failure: None,
        })
    }

    pub(super) fn advance(&mut self, now_us: u64, stack: &mut Stack) {
        let rest = self.payload.get(self.sent..).unwrap_or_default();
        self.sent += stack.send(self.connection, rest);
        let (room, received) = (self.payload.len().saturating_sub(self.received.len()), &mut self.received);
        stack.receive(self.connection, room, |bytes| received.extend_from_slice(bytes));
        if self.received.len() < self.payload.len() {
            let late = (now_us >= self.deadline_us).then_some("no complete answer in time");
            self.failure = reason(stack.state(self.connection)).or(late);
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

    pub(super) fn end(self, stack: &mut Stack) {
        stack.abort(self.connection);
        stack.release(self.connection);
    }
}

/// Why nothing more comes on a connection in this state, unless it may.
const fn reason(state: ConnectionState) -> Option<&'static str> {
    match state {
        ConnectionState::Connecting | ConnectionState::Open => None,
        ConnectionState::PeerClosed | ConnectionState::Closed | ConnectionState::Failed(Failure::Reset) => {
            Some("the connection was closed before the answer was complete")
        }
        ConnectionState::Failed(Failure::Refused) => Some("the connection was refused"),
        ConnectionState::Failed(Failure::TimedOut) => Some("no complete answer in time"),
        ConnectionState::Failed(Failure::Unreachable) => Some("the network address is gone"),
    }
}

fn parse_destination(text: &str) -> Option<(Ipv4Addr, u16)> {
    let (address, port) = text.split_once(':')?;
    let port: u16 = port.parse().ok().filter(|port| *port != 0)?;
    Some((address.parse().ok()?, port))
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
