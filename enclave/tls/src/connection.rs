//! A connection, of either side: what both have in common, which is all but the handshake.

use alloc::vec::Vec;
use core::fmt;

use rustls::unbuffered::{UnbufferedConnectionCommon, UnbufferedStatus};
use rustls::{CommonState, Error};

use crate::TlsError;
use crate::incoming::{INCOMING_MAX_BYTES, Incoming, Shown};
use crate::refusal::from_rustls;
use crate::traffic::{PLAINTEXT_PAUSE_BYTES, Progress, Traffic};

/// A connection: [`Client`](crate::Client) or [`Server`](crate::Server). It turns bytes into bytes; somebody else carries
/// them.
///
/// Nothing of an earlier connection is used: no session is resumed, and no data goes before the handshake's end.
pub struct Connection<S: Side> {
    side: S,
    incoming: Incoming,
    traffic: Traffic,
    state: State,
    session: Option<S::Session>,
    /// Of the peer's part of the handshake, so far.
    handshake_bytes: usize,
    failure: Option<TlsError>,
    /// Whether the stream below has ended.
    is_cut: bool,
}

/// Where a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The handshake is not over: nothing that came is from anybody yet.
    Handshaking,
    /// Both sides may speak.
    Open,
    /// The peer has said all that it has to say, in so many words: nothing is missing. Our side may still speak.
    PeerClosed,
    /// It is over, for a reason that [`Connection::step`] says. What still is in [`Connection::outgoing`] tells the peer.
    Failed,
}

/// The side of a connection that is ours, [`Caller`](crate::Caller) or [`Called`](crate::Called): there are no others.
pub trait Side: Machine {}

/// What the sides do not have in common: rustls' machine, and what is made of a handshake. Out of reach from outside, so
/// that nobody else is a side.
#[expect(unnameable_types, reason = "it seals `Side`")]
pub trait Machine {
    /// What is established.
    type Session;
    /// What rustls calls a side.
    type Data;

    /// What the peer may send before the handshake is over, records and all.
    const MAX_BYTES: usize;
    /// What a connection is, for people.
    const NAME: &'static str;

    /// rustls' connection.
    fn connection(&self) -> &UnbufferedConnectionCommon<Self::Data>;

    /// Shows rustls what has come: a method of both sides of it, and of nothing that they share.
    fn process<'c, 'i>(&'c mut self, incoming: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data>;

    /// Sees the peer's next record of the handshake, whole, before rustls does.
    fn record(&mut self, record: &[u8]);

    /// Why our own side refused, in more words than rustls has; once.
    fn take_refusal(&self) -> Option<TlsError>;

    /// The session, once rustls says that the handshake is over.
    fn finish(&self) -> Result<Self::Session, TlsError>;
}

impl<S: Side> Connection<S> {
    pub(crate) fn new(side: S) -> Self {
        Self {
            side,
            incoming: Incoming::default(),
            traffic: Traffic::default(),
            state: State::Handshaking,
            session: None,
            handshake_bytes: 0,
            failure: None,
            is_cut: false,
        }
    }

    /// Where the connection is.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// What the handshake established; `None` until it is over.
    #[must_use]
    pub const fn session(&self) -> Option<&S::Session> {
        self.session.as_ref()
    }

    /// How many bytes [`Connection::receive`] takes now.
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
    /// The connection failed, now or earlier. What is in [`Connection::outgoing`] should still be sent; what is in
    /// [`Connection::plaintext`] came from the peer, but its end is missing.
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

    /// How many bytes [`Connection::write`] takes now; none once the connection is closed or has failed.
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

    /// Whether all that was said has been sent, the last word included where it was said.
    #[must_use]
    pub const fn is_flushed(&self) -> bool {
        self.traffic.is_flushed()
    }

    /// Says to the peer, behind what was written, that no more will come; in the steps from now on, once the handshake is
    /// over.
    pub fn close(&mut self) {
        self.traffic.close();
    }

    fn advance(&mut self) -> Result<(), TlsError> {
        loop {
            let progress = self.process()?;
            if self.state == State::Handshaking && !self.common().is_handshaking() {
                self.session = Some(self.side.finish()?);
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
        let UnbufferedStatus { discard, state } = self.side.process(self.incoming.shown());
        let progress = match state {
            Ok(state) => self.traffic.handle(state)?,
            Err(error) => return Err(self.refusal(error)),
        };
        self.incoming.discard(discard);
        Ok(progress)
    }

    fn refusal(&self, error: Error) -> TlsError {
        self.side.take_refusal().unwrap_or_else(|| from_rustls(error))
    }

    fn common(&self) -> &CommonState {
        self.side.connection()
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
                    self.handshake_bytes = self.handshake_bytes.saturating_add(record.len());
                    if self.handshake_bytes > S::MAX_BYTES {
                        return Err(TlsError::HandshakeTooLong { limit: S::MAX_BYTES });
                    }
                    self.side.record(record);
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
        while self.common().wants_write() {
            let UnbufferedStatus { state, .. } = self.side.process(&mut []);
            if state.map_or(true, |state| self.traffic.handle(state).is_err()) {
                break;
            }
        }
        self.failure = Some(failure.clone());
        failure
    }
}

/// Without what is said, and without keys.
impl<S: Side> fmt::Debug for Connection<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(S::NAME).field("state", &self.state).finish_non_exhaustive()
    }
}
