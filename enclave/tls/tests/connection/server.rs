//! A server, and a wire to it on which bytes can be changed.

use core::fmt;
use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex};

use enclave_tls::{ALPN_HTTP_1_1, Client, Connection, Interval, ServerHost, Side, State, TlsError, Trust};
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{KeyLog, ServerConfig, ServerConnection, SupportedProtocolVersion};

use crate::authority::{HOST, Identity, now};

pub(crate) const TLS13: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];
pub(crate) const TLS12: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];
pub(crate) const BOTH: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];

/// What a server is made of.
pub(crate) struct Setup<'i> {
    pub(crate) identity: &'i Identity,
    pub(crate) versions: &'static [&'static SupportedProtocolVersion],
    pub(crate) provider: CryptoProvider,
    pub(crate) ocsp_response: Vec<u8>,
    pub(crate) alpn: Vec<Vec<u8>>,
}

impl<'i> Setup<'i> {
    pub(crate) fn new(identity: &'i Identity) -> Self {
        Self {
            identity,
            versions: BOTH,
            provider: default_provider(),
            ocsp_response: Vec::new(),
            alpn: vec![ALPN_HTTP_1_1.to_vec()],
        }
    }

    pub(crate) fn with_versions(
        identity: &'i Identity,
        versions: &'static [&'static SupportedProtocolVersion],
    ) -> Self {
        Self { versions, ..Self::new(identity) }
    }

    pub(crate) fn start(self) -> Server {
        let key = self.provider.key_provider.load_private_key(self.identity.key()).unwrap();
        let mut certified = CertifiedKey::new(self.identity.chain.clone(), key);
        certified.ocsp = Some(self.ocsp_response).filter(|response| !response.is_empty());
        let randoms = Arc::new(Randoms::default());
        let mut config = ServerConfig::builder_with_provider(Arc::new(self.provider))
            .with_protocol_versions(self.versions)
            .unwrap()
            .with_no_client_auth()
            // Which does not ask whether the key is the certificate's.
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        config.alpn_protocols = self.alpn;
        config.enable_secret_extraction = true;
        config.key_log = Arc::<Randoms>::clone(&randoms);
        let mut connection = ServerConnection::new(Arc::new(config)).unwrap();
        connection.set_buffer_limit(None);
        Server { connection, randoms, heard: Vec::new(), failure: None }
    }
}

/// What the server knows of the client's random.
#[derive(Default)]
struct Randoms(Mutex<Option<Vec<u8>>>);

impl KeyLog for Randoms {
    fn log(&self, _label: &str, client_random: &[u8], _secret: &[u8]) {
        *self.0.lock().unwrap() = Some(client_random.to_vec());
    }
}

impl fmt::Debug for Randoms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Randoms")
    }
}

pub(crate) struct Server {
    pub(crate) connection: ServerConnection,
    randoms: Arc<Randoms>,
    heard: Vec<u8>,
    /// What it did not like of the client.
    pub(crate) failure: Option<rustls::Error>,
}

impl Server {
    pub(crate) fn client_random(&self) -> Vec<u8> {
        self.randoms.0.lock().unwrap().clone().unwrap()
    }

    /// Takes what the client sent.
    pub(crate) fn take(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.failure.is_none() {
            if self.connection.read_tls(&mut bytes).unwrap() == 0 {
                return;
            }
            self.failure = self.connection.process_new_packets().err();
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

    /// What the client said since the last time.
    pub(crate) fn heard(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.heard)
    }

    pub(crate) fn close(&mut self) {
        self.connection.send_close_notify();
    }
}

pub(crate) fn host(text: &str) -> ServerHost {
    ServerHost::parse(text).unwrap()
}

/// A client of the host that is called.
pub(crate) fn client(trust: &Arc<Trust>) -> Client {
    client_at(trust, HOST, now())
}

pub(crate) fn client_at(trust: &Arc<Trust>, called: &str, now: Interval) -> Client {
    Client::connect(trust, &host(called), now, &[ALPN_HTTP_1_1]).unwrap()
}

/// Lets both speak until neither has anything to say.
pub(crate) fn converse(client: &mut Client, server: &mut Server) -> Result<(), TlsError> {
    converse_over(client, server, &mut |bytes| bytes)
}

/// The same, with something between the server and the client.
pub(crate) fn converse_over(
    client: &mut Client,
    server: &mut Server,
    wire: &mut dyn FnMut(Vec<u8>) -> Vec<u8>,
) -> Result<(), TlsError> {
    let mut result = client.step();
    loop {
        let from_client = core::mem::take(client.outgoing());
        server.take(&from_client);
        // Why it failed, the server has heard.
        result?;
        let arriving = wire(server.give());
        if from_client.is_empty() && arriving.is_empty() {
            return Ok(());
        }
        result = deliver(client, &arriving).and_then(|()| client.step());
    }
}

/// Gives a side bytes as it has room for them; plaintext is not taken out.
pub(crate) fn deliver<S: Side>(side: &mut Connection<S>, mut bytes: &[u8]) -> Result<(), TlsError> {
    while !bytes.is_empty() {
        let taken = side.receive(bytes);
        assert!(taken > 0, "no room, and nobody takes plaintext");
        bytes = &bytes[taken..];
        side.step()?;
    }
    Ok(())
}

/// A client and a server that have agreed.
pub(crate) fn open(trust: &Arc<Trust>, mut server: Server) -> (Client, Server) {
    let mut client = client(trust);
    converse(&mut client, &mut server).unwrap();
    assert_eq!(client.state(), State::Open);
    (client, server)
}

/// Why a client does not open a connection. The server hears of it.
pub(crate) fn refusal(client: &mut Client, server: &mut Server) -> TlsError {
    let error = converse(client, server).unwrap_err();
    assert_eq!(client.state(), State::Failed);
    assert!(client.session().is_none() && client.plaintext().is_empty());
    let alert = matches!(server.failure, Some(rustls::Error::AlertReceived(_)));
    assert!(alert, "{:?}", server.failure);
    assert_eq!(client.step().as_ref(), Err(&error));
    assert_eq!(client.end_of_stream().as_ref(), Err(&error));
    assert_eq!((client.write(b"a"), client.write_room()), (0, 0));
    error
}

/// The records that `bytes` consists of.
pub(crate) fn records(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let length = 5 + usize::from(u16::from_be_bytes([bytes[3], bytes[4]]));
        let (record, rest) = bytes.split_at(length);
        records.push(record.to_vec());
        bytes = rest;
    }
    records
}
