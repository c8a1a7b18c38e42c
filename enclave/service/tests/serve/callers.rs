//! Clients that speak TLS: rustls with buffers of its own, and no opinion about certificates.

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, SupportedProtocolVersion,
};

/// A client's side of TLS.
#[derive(Debug)]
pub(crate) struct Caller {
    connection: ClientConnection,
    /// Why it gave up.
    pub(crate) failure: Option<Error>,
    /// The guest has said that it says no more.
    pub(crate) is_told: bool,
}

impl Caller {
    pub(crate) fn new(versions: &[&'static SupportedProtocolVersion]) -> Self {
        let provider = Arc::new(ring::default_provider());
        let anybody = Arc::new(Anybody(provider.clone()));
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(anybody)
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        let name = ServerName::try_from("a.example.org").unwrap();
        let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
        connection.set_buffer_limit(None);
        Self { connection, failure: None, is_told: false }
    }

    /// Says this under TLS.
    pub(crate) fn say(&mut self, bytes: &[u8]) {
        self.connection.writer().write_all(bytes).unwrap();
    }

    /// Says that nothing more is said.
    pub(crate) fn close(&mut self) {
        self.connection.send_close_notify();
    }

    /// What goes to the guest.
    pub(crate) fn outgoing(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.connection.wants_write() {
            self.connection.write_tls(&mut bytes).unwrap();
        }
        bytes
    }

    /// What came from the guest, and what it says.
    pub(crate) fn hear(&mut self, mut bytes: &[u8]) -> Vec<u8> {
        let mut said = Vec::new();
        while !bytes.is_empty() && self.failure.is_none() {
            self.connection.read_tls(&mut bytes).unwrap();
            match self.connection.process_new_packets() {
                Ok(state) => {
                    self.is_told |= state.peer_has_closed();
                    let _all = self.connection.reader().read_to_end(&mut said);
                }
                Err(error) => self.failure = Some(error),
            }
        }
        said
    }

    /// What the two ends of the connection can export.
    pub(crate) fn export(&self, label: &[u8], context: &[u8]) -> [u8; 32] {
        self.connection.export_keying_material([0; 32], label, Some(context)).unwrap()
    }

    /// The one certificate that the guest showed.
    pub(crate) fn certificate(&self) -> &[u8] {
        let [certificate] = self.connection.peer_certificates().unwrap() else {
            panic!("not one certificate")
        };
        certificate
    }
}

/// Believes everybody whose signature is that of the certificate.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        panic!("the guest speaks TLS 1.3 only");
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
