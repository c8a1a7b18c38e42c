//! A client's connection, with what has arrived and was not read, and what waits to be sent.

use alloc::vec::Vec;

use enclave_http::HeadLimits;

use crate::sockets::{Connection, ConnectionState, Sockets};

/// What is received before it is read: a whole head, so that one that is too long can be told so.
const INCOMING_MAX_BYTES: usize = HeadLimits::DEFAULT.head_bytes + (4 << 10);

/// What a response may get ahead of its client.
const OUTGOING_MAX_BYTES: usize = 32 << 10;

/// A connection and its buffers.
#[derive(Debug)]
pub(crate) struct Wire {
    connection: Connection,
    /// Received and not yet read.
    pub(crate) incoming: Vec<u8>,
    outgoing: Vec<u8>,
    /// Bytes of `outgoing` that the network has taken.
    sent_bytes: usize,
    end: WireEnd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WireEnd {
    None,
    /// The client sends nothing more.
    Peer,
    /// Nobody is there any more.
    Broken,
}

impl Wire {
    pub(crate) const fn new(connection: Connection) -> Self {
        Self { connection, incoming: Vec::new(), outgoing: Vec::new(), sent_bytes: 0, end: WireEnd::None }
    }

    /// Moves bytes both ways; says whether any have come.
    pub(crate) fn step(&mut self, sockets: &mut dyn Sockets) -> bool {
        let state = sockets.state(self.connection);
        if matches!(state, ConnectionState::Closed | ConnectionState::Failed(_)) {
            self.end = WireEnd::Broken;
            return false;
        }
        let room = INCOMING_MAX_BYTES.saturating_sub(self.incoming.len());
        let received = match room {
            0 => 0,
            _ => sockets.receive(self.connection, room, &mut self.incoming),
        };
        if received == 0 && room > 0 && state == ConnectionState::PeerClosed {
            self.end = WireEnd::Peer;
        }
        self.send(sockets);
        received > 0
    }

    fn send(&mut self, sockets: &mut dyn Sockets) {
        let rest = self.outgoing.get(self.sent_bytes..).unwrap_or_default();
        if rest.is_empty() {
            return;
        }
        self.sent_bytes += sockets.send(self.connection, rest);
        if self.sent_bytes >= self.outgoing.len() {
            self.outgoing.clear();
            self.sent_bytes = 0;
        }
    }

    /// How many more bytes of a response are taken.
    pub(crate) const fn room(&self) -> usize {
        OUTGOING_MAX_BYTES.saturating_sub(self.outgoing.len())
    }

    /// Where to write what is to be sent.
    pub(crate) const fn outgoing(&mut self) -> &mut Vec<u8> {
        &mut self.outgoing
    }

    /// Whether the network has taken everything.
    pub(crate) const fn is_sent(&self) -> bool {
        self.outgoing.is_empty()
    }

    /// Whether the client will send nothing more than what is here.
    pub(crate) fn is_ended(&self) -> bool {
        self.end != WireEnd::None
    }

    /// Whether nobody reads what is sent.
    pub(crate) fn is_broken(&self) -> bool {
        self.end == WireEnd::Broken
    }

    /// Ends our side, once everything is sent.
    pub(crate) fn shutdown(&self, sockets: &mut dyn Sockets) {
        sockets.shutdown(self.connection);
    }

    /// Gives the connection back.
    pub(crate) fn release(self, sockets: &mut dyn Sockets) {
        sockets.release(self.connection);
    }
}
