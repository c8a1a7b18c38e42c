//! A client's connection.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

use rustls::server::{
    ClientHello, NoServerSessionStorage, ResolvesServerCert, ServerConfig, ServerConnectionData,
    UnbufferedServerConnection,
};
use rustls::sign::CertifiedKey;
use rustls::unbuffered::{UnbufferedConnectionCommon, UnbufferedStatus};
use rustls::version::TLS13;
use spin::Mutex;

use crate::TlsError;
use crate::connection::{Connection, Machine, Side};
use crate::exporter::Exporter;
use crate::handshake::{MISSING, hash_of, version_of, was_retried};
use crate::identity::ServerIdentity;
use crate::moment::Moment;
use crate::provider::provider;
use crate::refusal::from_rustls;
use crate::secrets::Secrets;
use crate::session::{ServerSession, Version};

/// A client's connection, in TLS 1.3.
///
/// ```
/// # use std::sync::Arc;
/// # use enclave_tls::{ALPN_HTTP_1_1, Server, ServerIdentity, State};
/// let identity = Arc::new(ServerIdentity::self_issued("a guest")?);
/// let mut server = Server::accept(&identity, &[ALPN_HTTP_1_1])?;
/// // Whenever something has come or may be sent: `receive` what came, `step`, send `outgoing`, take `plaintext`.
/// server.step()?;
/// assert_eq!(server.state(), State::Handshaking);
/// assert!(server.outgoing().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Who the client is, is not asked: it shows no certificate. Nobody has proven anything before the handshake is over, and
/// then only that this is who began it.
pub type Server = Connection<Called>;

/// The side of a [`Server`]: it is called, and proves itself.
pub struct Called {
    connection: UnbufferedServerConnection,
    secrets: Arc<Secrets>,
    presenter: Arc<Presenter>,
}

impl Server {
    /// Waits for a client's first word. Of the protocols in `alpn`, best first, the first is chosen that the client offers
    /// too; a client that offers others only is refused, one that offers none is not.
    ///
    /// # Errors
    /// There is no randomness.
    pub fn accept(identity: &Arc<ServerIdentity>, alpn: &[&[u8]]) -> Result<Self, TlsError> {
        let secrets = Arc::new(Secrets::default());
        let presenter = Arc::new(Presenter { certified: identity.certified(), called: Mutex::default() });
        // Of each connection its own, for what rustls tells in no other way: the exporter's secret, to the key log, and the
        // name that the client calls, to whoever chooses a certificate. One key log for all could only tell connections
        // apart by the client's random, and clients choose that: two that choose the same would get each other's secret.
        let mut config = ServerConfig::builder_with_details(provider(), Arc::new(Moment(0)))
            .with_protocol_versions(&[&TLS13])
            .map_err(from_rustls)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::<Presenter>::clone(&presenter));
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        config.key_log = Arc::<Secrets>::clone(&secrets);
        // No session is resumed: nothing is given out by which it could be, and nothing kept. So nothing goes before the
        // handshake's end either. The ticketer, unless there is another, makes none.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.max_tls13_tickets = 0;
        config.max_early_data_size = 0;
        config.send_half_rtt_data = false;
        let connection = UnbufferedServerConnection::new(Arc::new(config)).map_err(from_rustls)?;
        Ok(Self::new(Called { connection, secrets, presenter }))
    }
}

impl Side for Called {}

impl Machine for Called {
    type Session = ServerSession;
    type Data = ServerConnectionData;

    /// A first word of 2 KiB, with a post-quantum key share in it, is a long one, and after a request to retry there is
    /// another. A client that has dealt with somebody else here before may send early data too, of which rustls passes over
    /// less than 16 KiB. Nobody is known yet, and there may be many.
    const MAX_BYTES: usize = 32 * 1024;
    const NAME: &'static str = "Server";

    fn connection(&self) -> &UnbufferedConnectionCommon<Self::Data> {
        &self.connection
    }

    fn process<'c, 'i>(&'c mut self, incoming: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.connection.process_tls_records(incoming)
    }

    /// Nothing in it that rustls would not tell.
    fn record(&mut self, _record: &[u8]) {}

    /// All is refused by rustls.
    fn take_refusal(&self) -> Option<TlsError> {
        None
    }

    fn finish(&self) -> Result<ServerSession, TlsError> {
        let logged = self.secrets.take().ok_or(MISSING)?;
        let suite = self.connection.negotiated_cipher_suite().ok_or(MISSING)?;
        let group = self.connection.negotiated_key_exchange_group().ok_or(MISSING)?;
        let version = version_of(&self.connection)?;
        if version != Version::Tls13 {
            return Err(MISSING);
        }
        // Which it is does not matter, but that it is one of both.
        was_retried(&self.connection)?;
        Ok(ServerSession {
            version,
            cipher_suite: u16::from(suite.suite()),
            key_exchange_group: u16::from(group.name()),
            alpn: self.connection.alpn_protocol().map(<[u8]>::to_vec),
            sni: self.presenter.called.lock().take(),
            exporter: Exporter::tls13(hash_of(suite).ok_or(MISSING)?, logged.secret),
        })
    }
}

/// Without keys.
impl fmt::Debug for Called {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Called")
    }
}

/// Presents the same certificate whoever is called, and remembers who was.
struct Presenter {
    certified: Arc<CertifiedKey>,
    called: Mutex<Option<String>>,
}

impl ResolvesServerCert for Presenter {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        *self.called.lock() = hello.server_name().map(String::from);
        Some(Arc::clone(&self.certified))
    }
}

/// In a few words: rustls wants some.
impl fmt::Debug for Presenter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Presenter")
    }
}
