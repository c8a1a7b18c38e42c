//! A client's connection, in the clear or under TLS, with what has arrived and was not read, and what waits to be sent.

use alloc::boxed::Box;
use alloc::vec::Vec;

use enclave_http::HeadLimits;
use enclave_tls::{Server, ServerSession, State, TlsError};

use crate::sockets::{Connection, ConnectionState, Sockets};

/// What is received before it is read: a whole head, so that one that is too long can be told so.
const INCOMING_MAX_BYTES: usize = HeadLimits::DEFAULT.head_bytes + (4 << 10);

/// What a response may get ahead of its client.
const OUTGOING_MAX_BYTES: usize = 32 << 10;

/// What is taken from the network at once under TLS: a record and a half.
const CIPHERTEXT_MAX_BYTES: usize = 24 << 10;

/// A connection and its buffers.
#[derive(Debug)]
pub(crate) struct Wire {
    connection: Connection,
    layer: Layer,
    /// Received and not yet read.
    pub(crate) incoming: Vec<u8>,
    outgoing: Vec<u8>,
    /// Bytes of `outgoing` that the layer below has taken.
    sent_bytes: usize,
    end: WireEnd,
    /// The client's side of the connection below is over.
    is_hung_up: bool,
    /// What was said is not all that should have been.
    is_cut: bool,
}

/// What is between the network and HTTP.
#[derive(Debug)]
enum Layer {
    Nothing,
    Tls(Box<Server>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WireEnd {
    None,
    /// The client sends nothing more.
    Peer,
    /// It broke the rules of TLS. It is told so, if it still listens.
    Failed,
    /// Nobody is there any more.
    Broken,
}

impl Wire {
    /// In the clear.
    pub(crate) const fn new(connection: Connection) -> Self {
        Self::over(connection, Layer::Nothing)
    }

    pub(crate) fn under_tls(connection: Connection, server: Server) -> Self {
        Self::over(connection, Layer::Tls(Box::new(server)))
    }

    const fn over(connection: Connection, layer: Layer) -> Self {
        Self {
            connection,
            layer,
            incoming: Vec::new(),
            outgoing: Vec::new(),
            sent_bytes: 0,
            end: WireEnd::None,
            is_hung_up: false,
            is_cut: false,
        }
    }

    /// Moves bytes both ways; says whether any have come.
    pub(crate) fn step(&mut self, sockets: &mut dyn Sockets) -> bool {
        let state = sockets.state(self.connection);
        if matches!(state, ConnectionState::Closed | ConnectionState::Failed(_)) {
            self.end = WireEnd::Broken;
            return false;
        }
        let before = self.incoming.len();
        match &self.layer {
            Layer::Nothing => self.step_clear(state, sockets),
            Layer::Tls(_) => self.step_tls(state, sockets),
        }
        self.incoming.len() > before
    }

    fn step_clear(&mut self, state: ConnectionState, sockets: &mut dyn Sockets) {
        let room = INCOMING_MAX_BYTES.saturating_sub(self.incoming.len());
        let received = match room {
            0 => 0,
            _ => sockets.receive(self.connection, room, &mut self.incoming),
        };
        if received == 0 && room > 0 && state == ConnectionState::PeerClosed {
            self.end = WireEnd::Peer;
            self.is_hung_up = true;
        }
        let rest = self.outgoing.get(self.sent_bytes..).unwrap_or_default();
        if !rest.is_empty() {
            self.sent_bytes += sockets.send(self.connection, rest);
            self.forget_sent();
        }
    }

    fn step_tls(&mut self, state: ConnectionState, sockets: &mut dyn Sockets) {
        let Layer::Tls(server) = &mut self.layer else { return };
        let mut ciphertext = Vec::new();
        let room = INCOMING_MAX_BYTES.saturating_sub(self.incoming.len());
        // Plaintext that waits for its reader keeps its connection from being read.
        let can_receive = room > 0 && server.plaintext().is_empty();
        if can_receive {
            let most = server.receive_room().min(CIPHERTEXT_MAX_BYTES);
            sockets.receive(self.connection, most, &mut ciphertext);
        }
        let written = server.write(self.outgoing.get(self.sent_bytes..).unwrap_or_default());
        self.sent_bytes += written;
        // What was not looked for may still be there, the client's last word included.
        let is_end = can_receive && ciphertext.is_empty() && state == ConnectionState::PeerClosed;
        self.is_hung_up |= is_end;
        let is_moving = !server.is_flushed() || !server.plaintext().is_empty();
        // Nearly all connections have nothing to do at nearly all times.
        if !ciphertext.is_empty() || written > 0 || is_moving || is_end {
            let outcome = advance(server, &ciphertext, is_end);
            server.take_plaintext(room, &mut self.incoming);
            send(self.connection, server, sockets);
            let is_over = server.state() == State::PeerClosed && server.plaintext().is_empty();
            if let Err(error) = outcome {
                self.fail(&error);
            } else if is_over {
                self.end = WireEnd::Peer;
            }
        }
        self.forget_sent();
    }

    /// What the client still says is not listened to, and nothing is left to say but why.
    fn fail(&mut self, error: &TlsError) {
        if self.end == WireEnd::None {
            log::debug!("a client's TLS failed: {error}");
        }
        self.end = WireEnd::Failed;
        self.sent_bytes = self.outgoing.len();
    }

    fn forget_sent(&mut self) {
        if self.sent_bytes >= self.outgoing.len() {
            self.outgoing.clear();
            self.sent_bytes = 0;
        }
    }

    /// The session under which the client speaks; `None` in the clear, and before it is there.
    pub(crate) fn session(&self) -> Option<&ServerSession> {
        match &self.layer {
            Layer::Nothing => None,
            Layer::Tls(server) => server.session(),
        }
    }

    /// Whether nobody but the two ends can read what is said.
    pub(crate) const fn is_under_tls(&self) -> bool {
        matches!(self.layer, Layer::Tls(_))
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
    pub(crate) fn is_sent(&self) -> bool {
        self.outgoing.is_empty()
            && match &self.layer {
                Layer::Nothing => true,
                Layer::Tls(server) => server.is_flushed(),
            }
    }

    /// Whether the client will send nothing more than what is here.
    pub(crate) fn is_ended(&self) -> bool {
        self.end != WireEnd::None
    }

    /// Whether the client is done with the connection.
    pub(crate) const fn is_hung_up(&self) -> bool {
        self.is_hung_up
    }

    /// Whether there is no use in answering.
    pub(crate) const fn is_lost(&self) -> bool {
        matches!(self.end, WireEnd::Failed | WireEnd::Broken)
    }

    /// Whether nobody reads what is sent.
    pub(crate) fn is_broken(&self) -> bool {
        self.end == WireEnd::Broken
    }

    /// Nothing more is said, although something is missing: under TLS the client sees that, whatever HTTP says of lengths.
    pub(crate) const fn cut(&mut self) {
        self.is_cut = true;
    }

    /// Ends our side, once everything is sent; says whether that is done.
    pub(crate) fn shutdown(&mut self, sockets: &mut dyn Sockets) -> bool {
        if let Layer::Tls(server) = &mut self.layer
            && !self.is_cut
        {
            server.close();
            let _told = server.step();
            send(self.connection, server, sockets);
            if !server.is_flushed() {
                return false;
            }
        }
        sockets.shutdown(self.connection);
        true
    }

    /// Gives the connection back.
    pub(crate) fn release(self, sockets: &mut dyn Sockets) {
        sockets.release(self.connection);
    }
}

/// Gives the network what it takes.
fn send(connection: Connection, server: &mut Server, sockets: &mut dyn Sockets) {
    if !server.outgoing().is_empty() {
        let sent = sockets.send(connection, server.outgoing());
        server.outgoing().drain(..sent);
    }
}

/// Lets TLS go on with what has come.
fn advance(server: &mut Server, ciphertext: &[u8], is_end: bool) -> Result<(), TlsError> {
    let taken = server.receive(ciphertext);
    debug_assert_eq!(taken, ciphertext.len(), "there was room for all of it");
    if is_end { server.end_of_stream() } else { server.step() }
}
