//! A connection to a server.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use rustls::client::UnbufferedClientConnection;
use rustls::unbuffered::UnbufferedStatus;

use crate::handshake::Handshake;
use crate::incoming::{INCOMING_MAX_BYTES, Incoming, Shown};
use crate::refusal::from_rustls;
use crate::session::Session;
use crate::traffic::{PLAINTEXT_PAUSE_BYTES, Progress, Traffic};
use crate::{Interval, ServerHost, TlsError, Trust};

/// HTTP/1.1, as ALPN names it.
pub const ALPN_HTTP_1_1: &[u8] = b"http/1.1";

/// A connection to a server. It turns bytes into bytes; somebody else carries them.
///
/// ```
/// # use std::sync::Arc;
/// # use enclave_tls::{ALPN_HTTP_1_1, Anchors, Client, Interval, ServerHost, State, Trust};
/// let trust = Arc::new(Trust::new(Anchors::Mozilla, Vec::new())?);
/// let now = Interval::new(1_800_000_000, 1_800_000_002)?;
/// let mut client = Client::connect(&trust, &ServerHost::parse("example.com")?, now, &[ALPN_HTTP_1_1])?;
/// let request = b"GET / HTTP/1.1\r\nhost: example.com\r\n\r\n";
/// assert_eq!(client.write(request), request.len());
/// // Whenever something has come or may be sent: `receive` what came, `step`, send `outgoing`, take `plaintext`.
/// client.step()?;
/// assert_eq!(client.state(), State::Handshaking);
/// assert!(!client.outgoing().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Nothing of an earlier connection is used: no session is resumed, and no data goes before the handshake's end.
pub struct Client {
    connection: UnbufferedClientConnection,
    incoming: Incoming,
    traffic: Traffic,
    state: State,
    handshake: Handshake,
    session: Option<Session>,
    failure: Option<TlsError>,
    /// Whether the stream below has ended.
    is_cut: bool,
}

/// Where a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is not known yet who is at the other end.
    Handshaking,
    /// Both sides may speak.
    Open,
    /// The peer has said all that it has to say, in so many words: nothing is missing. Our side may still speak.
    PeerClosed,
    /// It is over, for a reason that [`Client::step`] says. What still is in [`Client::outgoing`] tells the peer.
    Failed,
}

impl Client {
    /// Begins a connection to `host`. `now` is when it is; of the protocols in `alpn`, best first, the server chooses one, or
    /// ignores all.
    ///
    /// # Errors
    /// Nobody may vouch for `host`, or there is no randomness.
    pub fn connect(
        trust: &Arc<Trust>,
        host: &ServerHost,
        now: Interval,
        alpn: &[&[u8]],
    ) -> Result<Self, TlsError> {
        if trust.applicable(host).anchors.is_empty() {
            return Err(TlsError::NoAuthorities { host: alloc::format!("{host}") });
        }
        let handshake = Handshake::new(trust, host, now);
        let connection = handshake.begin(alpn)?;
        Ok(Self {
            connection,
            incoming: Incoming::default(),
            traffic: Traffic::default(),
            state: State::Handshaking,
            handshake,
            session: None,
            failure: None,
            is_cut: false,
        })
    }

    /// Where the connection is.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// What the handshake established; `None` until it is over.
    #[must_use]
    pub const fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// How many bytes [`Client::receive`] takes now.
    #[must_use]
    pub const fn receive_room(&self) -> usize {
        match self.state {
            State::Handshaking | State::Open => self.incoming.room(),
            State::PeerClosed | State::Failed => INCOMING_MAX_BYTES,
        }
    }

    /// Takes ciphertext, and says how much of it: not more than there is room for. After the peer's last word, and after
    /// a failure, it is taken and ignored.
    #[must_use]
    pub fn receive(&mut self, bytes: &[u8]) -> usize {
        match self.state {
            State::Handshaking | State::Open => self.incoming.push(bytes),
            State::PeerClosed | State::Failed => bytes.len(),
        }
    }

    /// Goes on as far as it can with what has been received and written.
    ///
    /// Nothing is decrypted while more than 32 KiB of plaintext wait, and nothing is encrypted while that much of ciphertext
    /// does.
    ///
    /// # Errors
    /// The connection failed, now or earlier. What is in [`Client::outgoing`] should still be sent; what is in
    /// [`Client::plaintext`] came from the peer, but its end is missing.
    pub fn step(&mut self) -> Result<(), TlsError> {
        match &self.failure {
            Some(failure) => Err(failure.clone()),
            None => self.advance().map_err(|failure| self.fail(failure)),
        }
    }

    /// The stream below has ended: no more will be received.
    ///
    /// # Errors
    /// The connection failed, or the peer did not say that it would say no more: the end is missing.
    pub fn end_of_stream(&mut self) -> Result<(), TlsError> {
        // The last word may be behind plaintext that has to wait. So all is decrypted now: not more than was buffered.
        self.is_cut = true;
        self.step()?;
        match self.state {
            State::PeerClosed => Ok(()),
            State::Handshaking | State::Open | State::Failed => Err(self.fail(TlsError::Truncated)),
        }
    }

    /// What the peer said. Whoever uses it up takes it out.
    pub const fn plaintext(&mut self) -> &mut Vec<u8> {
        &mut self.traffic.plaintext
    }

    /// Moves at most `max` bytes of what the peer said to the end of `into`, and says how many.
    pub fn take_plaintext(&mut self, max: usize, into: &mut Vec<u8>) -> usize {
        let count = self.traffic.plaintext.len().min(max);
        into.extend(self.traffic.plaintext.drain(..count));
        count
    }

    /// How many bytes [`Client::write`] takes now; none once the connection is closed or has failed.
    #[must_use]
    pub const fn write_room(&self) -> usize {
        self.traffic.write_room()
    }

    /// Takes plaintext for the peer, and says how much of it. It waits for the handshake's end if need be.
    #[must_use]
    pub fn write(&mut self, bytes: &[u8]) -> usize {
        self.traffic.write(bytes)
    }

    /// Ciphertext to be sent. Whoever sends it takes it out.
    pub const fn outgoing(&mut self) -> &mut Vec<u8> {
        &mut self.traffic.outgoing
    }

    /// Says to the peer, behind what was written, that no more will come; in the steps from now on, once the handshake is
    /// over.
    pub fn close(&mut self) {
        self.traffic.close();
    }

    fn advance(&mut self) -> Result<(), TlsError> {
        loop {
            let progress = self.process()?;
            if self.state == State::Handshaking && !self.connection.is_handshaking() {
                self.session = Some(self.handshake.finish(&self.connection)?);
                self.state = State::Open;
            }
            match progress {
                Progress::Again => {}
                Progress::PeerClosed => {
                    self.state = State::PeerClosed;
                    // Whatever is behind the last word.
                    self.incoming.clear();
                }
                Progress::Blocked if self.show_more()? => {}
                Progress::Blocked => return Ok(()),
            }
        }
    }

    fn process(&mut self) -> Result<Progress, TlsError> {
        let UnbufferedStatus { discard, state } = self.connection.process_tls_records(self.incoming.shown());
        let progress = match state {
            Ok(state) => self.traffic.handle(state)?,
            Err(error) => {
                return Err(self.handshake.take_refusal().unwrap_or_else(|| from_rustls(error)));
            }
        };
        self.incoming.discard(discard);
        Ok(progress)
    }

    /// Whether rustls is shown more than before.
    fn show_more(&mut self) -> Result<bool, TlsError> {
        let must_wait = self.traffic.plaintext.len() > PLAINTEXT_PAUSE_BYTES && !self.is_cut;
        if must_wait {
            return Ok(false);
        }
        let is_full = self.incoming.room() == 0;
        match self.incoming.show() {
            Shown::Header => Ok(true),
            Shown::Record(record) => {
                if self.state == State::Handshaking {
                    self.handshake.record(record)?;
                }
                Ok(true)
            }
            // One handshake message in so many pieces that it fills the buffer, and goes on.
            Shown::Nothing if is_full => Err(TlsError::HandshakeTooLong { limit: INCOMING_MAX_BYTES }),
            Shown::Nothing => Ok(false),
        }
    }

    /// Ends the connection, with an alert if rustls has one for the peer.
    fn fail(&mut self, failure: TlsError) -> TlsError {
        self.state = State::Failed;
        self.incoming.clear();
        self.traffic.abandon();
        // Nothing is shown any more: with an alert to be sent, rustls does not look.
        while self.connection.wants_write() {
            let UnbufferedStatus { state, .. } = self.connection.process_tls_records(&mut []);
            if state.map_or(true, |state| self.traffic.handle(state).is_err()) {
                break;
            }
        }
        self.failure = Some(failure.clone());
        failure
    }
}

/// Without what is said, and without keys.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("state", &self.state).finish_non_exhaustive()
    }
}
