//! A connection to a server.

use alloc::sync::Arc;
use core::fmt;

use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::unbuffered::{UnbufferedConnectionCommon, UnbufferedStatus};

use crate::connection::{Connection, Machine, Side};
use crate::handshake::Handshake;
use crate::session::Session;
use crate::{Interval, ServerHost, TlsError, Trust};

/// HTTP/1.1, as ALPN names it.
pub const ALPN_HTTP_1_1: &[u8] = b"http/1.1";

/// A connection to a server.
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
pub type Client = Connection<Caller>;

/// The side of a [`Client`]: it calls, and asks for proof.
pub struct Caller {
    connection: UnbufferedClientConnection,
    handshake: Handshake,
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
        Ok(Self::new(Caller { connection, handshake }))
    }
}

impl Side for Caller {}

impl Machine for Caller {
    type Session = Session;
    type Data = ClientConnectionData;

    /// The longest chain fits in.
    const MAX_BYTES: usize = 96 * 1024;
    const NAME: &'static str = "Client";

    fn connection(&self) -> &UnbufferedConnectionCommon<Self::Data> {
        &self.connection
    }

    fn process<'c, 'i>(&'c mut self, incoming: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.connection.process_tls_records(incoming)
    }

    fn record(&mut self, record: &[u8]) {
        self.handshake.record(record);
    }

    fn take_refusal(&self) -> Option<TlsError> {
        self.handshake.take_refusal()
    }

    fn finish(&self) -> Result<Session, TlsError> {
        self.handshake.finish(&self.connection)
    }
}

/// Without keys.
impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Caller")
    }
}
