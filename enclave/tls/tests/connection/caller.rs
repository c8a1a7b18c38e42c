//! A client of rustls', and a wire between it and our server on which bytes can be changed.

use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::sync::Arc;

use enclave_tls::{ALPN_HTTP_1_1, SERVER_NAME, Server, ServerIdentity, State, TlsError};
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion};

use crate::authority::NOW;
use crate::server::{BOTH, deliver};

pub(crate) fn identity() -> Arc<ServerIdentity> {
    Arc::new(ServerIdentity::self_issued("a guest").unwrap())
}

pub(crate) fn accepted(identity: &Arc<ServerIdentity>) -> Server {
    Server::accept(identity, &[ALPN_HTTP_1_1]).unwrap()
}

/// What a client is made of.
pub(crate) struct Setup {
    pub(crate) roots: Vec<CertificateDer<'static>>,
    pub(crate) versions: &'static [&'static SupportedProtocolVersion],
    pub(crate) provider: CryptoProvider,
    pub(crate) resumption: Resumption,
    pub(crate) alpn: Vec<Vec<u8>>,
    pub(crate) called: ServerName<'static>,
}

impl Setup {
    pub(crate) fn new(identity: &ServerIdentity) -> Self {
        Self {
            roots: vec![identity.certificate().to_vec().into()],
            versions: BOTH,
            provider: default_provider(),
            resumption: Resumption::disabled(),
            alpn: vec![ALPN_HTTP_1_1.to_vec()],
            called: SERVER_NAME.try_into().unwrap(),
        }
    }

    pub(crate) fn config(self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        self.roots.into_iter().for_each(|root| roots.add(root).unwrap());
        let mut config = ClientConfig::builder_with_provider(Arc::new(self.provider))
            .with_protocol_versions(self.versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = self.alpn;
        config.resumption = self.resumption;
        config.time_provider = Arc::new(Now);
        config.enable_early_data = true;
        config.enable_secret_extraction = true;
        Arc::new(config)
    }

    pub(crate) fn start(self) -> Caller {
        let called = self.called.clone();
        Caller::start(&self.config(), called)
    }
}

/// It is as late as for our own clients.
#[derive(Debug)]
struct Now;

impl TimeProvider for Now {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(NOW)))
    }
}

pub(crate) struct Caller {
    pub(crate) connection: ClientConnection,
    heard: Vec<u8>,
    /// What it did not like of the server.
    pub(crate) failure: Option<rustls::Error>,
    /// Whether the server has said farewell.
    pub(crate) is_closed: bool,
}

impl Caller {
    pub(crate) fn start(config: &Arc<ClientConfig>, called: ServerName<'static>) -> Self {
        let mut connection = ClientConnection::new(Arc::clone(config), called).unwrap();
        connection.set_buffer_limit(None);
        Self { connection, heard: Vec::new(), failure: None, is_closed: false }
    }

    /// Takes what the server sent.
    pub(crate) fn take(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.failure.is_none() && !self.is_closed {
            if self.connection.read_tls(&mut bytes).unwrap() == 0 {
                return;
            }
            match self.connection.process_new_packets() {
                Ok(state) => self.is_closed = state.peer_has_closed(),
                Err(error) => self.failure = Some(error),
            }
            // Nothing more for now is an error for the reader.
            let _ = self.connection.reader().read_to_end(&mut self.heard);
        }
    }

    /// What it sends.
    pub(crate) fn give(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.connection.wants_write() {
            self.connection.write_tls(&mut bytes).unwrap();
        }
        bytes
    }

    pub(crate) fn say(&mut self, bytes: &[u8]) {
        self.connection.writer().write_all(bytes).unwrap();
    }

    /// What the server said since the last time.
    pub(crate) fn heard(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.heard)
    }

    pub(crate) fn close(&mut self) {
        self.connection.send_close_notify();
    }
}

/// Lets both speak until neither has anything to say.
pub(crate) fn converse(caller: &mut Caller, server: &mut Server) -> Result<(), TlsError> {
    converse_over(caller, server, &mut |bytes| bytes)
}

/// The same, with something between the client and the server.
pub(crate) fn converse_over(
    caller: &mut Caller,
    server: &mut Server,
    wire: &mut dyn FnMut(Vec<u8>) -> Vec<u8>,
) -> Result<(), TlsError> {
    loop {
        let arriving = wire(caller.give());
        let result = deliver(server, &arriving).and_then(|()| server.step());
        let from_server = core::mem::take(server.outgoing());
        caller.take(&from_server);
        // Why it failed, the client has heard.
        result?;
        if from_server.is_empty() && arriving.is_empty() {
            return Ok(());
        }
    }
}

/// A client and a server that have agreed.
pub(crate) fn open(identity: &Arc<ServerIdentity>) -> (Caller, Server) {
    let (mut caller, mut server) = (Setup::new(identity).start(), accepted(identity));
    converse(&mut caller, &mut server).unwrap();
    assert_eq!((server.state(), caller.failure.as_ref()), (State::Open, None));
    (caller, server)
}

/// Why a server does not open a connection. The client hears of it.
pub(crate) fn refusal(caller: &mut Caller, server: &mut Server) -> (TlsError, rustls::AlertDescription) {
    let error = converse(caller, server).unwrap_err();
    assert_eq!(server.state(), State::Failed);
    assert!(server.session().is_none() && server.plaintext().is_empty());
    let Some(rustls::Error::AlertReceived(alert)) = caller.failure else { panic!("{:?}", caller.failure) };
    assert_eq!(server.step().as_ref(), Err(&error));
    assert_eq!(server.end_of_stream().as_ref(), Err(&error));
    assert_eq!((server.write(b"a"), server.write_room()), (0, 0));
    (error, alert)
}
