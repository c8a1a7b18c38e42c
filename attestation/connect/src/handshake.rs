//! TCP and TLS, up to where a proof can be asked for.

use core::time::Duration;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Instant;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::version::TLS13;
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, PeerIncompatible,
    SignatureScheme,
};
use sha2::{Digest, Sha256};

use crate::peer::TlsParameters;
use crate::{ConnectError, ServiceUrl};

/// TLS 1.3 with nothing that is left from one connection to the next.
pub(crate) fn configuration() -> Result<ClientConfig, ConnectError> {
    let provider = Arc::new(ring::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let builder = ClientConfig::builder_with_provider(Arc::<CryptoProvider>::clone(&provider));
    let builder = builder
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| ConnectError::Local { what: error.to_string() })?;
    let verifier = Arc::new(AnyCertificate { algorithms });
    let mut config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    Ok(config)
}

/// Takes any certificate, of whoever has its key.
///
/// Names, dates and authorities say nothing of where a connection ends: guests issue their certificates themselves, and an
/// authority that the host can ask would vouch for the host. The proof says it. It names the certificate's key, so whoever
/// shows another certificate has no proof, and whoever shows the same one has to have its key, which is checked here, by
/// the signature of the handshake. Nothing is sent before the proof that a stranger may not know.
#[derive(Debug)]
struct AnyCertificate {
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // It has to be one: its key is looked at afterwards.
        ParsedCertificate::try_from(end_entity).map(|_| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::PeerIncompatible(PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// A connection over which nothing was said yet, and what it may still take.
#[derive(Debug)]
pub(crate) struct Greeted {
    pub(crate) tls: ClientConnection,
    pub(crate) socket: TcpStream,
    pub(crate) until: Instant,
}

impl Greeted {
    /// TCP, then TLS.
    pub(crate) fn open(
        service: &ServiceUrl,
        config: &Arc<ClientConfig>,
        connect: Duration,
        proof: Duration,
    ) -> Result<Self, ConnectError> {
        let socket = dial(service, connect)?;
        let tls = ClientConnection::new(Arc::clone(config), service.server_name().clone())
            .map_err(|error| ConnectError::Local { what: error.to_string() })?;
        let now = Instant::now();
        let until = now.checked_add(proof).unwrap_or(now);
        let mut greeted = Self { tls, socket, until };
        match greeted.shake_hands() {
            Ok(()) => Ok(greeted),
            Err(error) => Err(blame(service, proof, error)),
        }
    }

    fn shake_hands(&mut self) -> io::Result<()> {
        // Small pieces go when they are written, not when there are more.
        self.socket.set_nodelay(true)?;
        while self.tls.is_handshaking() {
            let mut socket = Hurried { socket: &self.socket, until: self.until };
            self.tls.complete_io(&mut socket)?;
        }
        Ok(())
    }

    /// SHA-256 of the key in the certificate that was shown.
    pub(crate) fn spki_digest(&self) -> Result<[u8; 32], Error> {
        let shown = self.tls.peer_certificates().and_then(<[CertificateDer<'_>]>::first);
        let shown = shown.ok_or(Error::InvalidCertificate(CertificateError::BadEncoding))?;
        let spki = ParsedCertificate::try_from(shown)?.subject_public_key_info();
        Ok(Sha256::digest(&spki).into())
    }

    /// What the handshake agreed on; zero is nothing.
    pub(crate) fn parameters(&self) -> TlsParameters {
        TlsParameters {
            version: self.tls.protocol_version().map_or(0, u16::from),
            cipher_suite: self.tls.negotiated_cipher_suite().map_or(0, |suite| suite.suite().into()),
            group: self.tls.negotiated_key_exchange_group().map_or(0, |group| group.name().into()),
        }
    }
}

impl Read for Greeted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut socket = Hurried { socket: &self.socket, until: self.until };
        rustls::Stream::new(&mut self.tls, &mut socket).read(into)
    }
}

impl Write for Greeted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut socket = Hurried { socket: &self.socket, until: self.until };
        rustls::Stream::new(&mut self.tls, &mut socket).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut socket = Hurried { socket: &self.socket, until: self.until };
        rustls::Stream::new(&mut self.tls, &mut socket).flush()
    }
}

/// A socket whose waits end at one time, all of them together.
struct Hurried<'a> {
    socket: &'a TcpStream,
    until: Instant,
}

impl Hurried<'_> {
    fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Read for Hurried<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(self.left()?))?;
        self.socket.read(into).map_err(timed_out)
    }
}

impl Write for Hurried<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(self.left()?))?;
        self.socket.write(bytes).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

/// Systems say in two ways that a wait is over.
pub(crate) fn timed_out(error: io::Error) -> io::Error {
    if error.kind() == ErrorKind::WouldBlock { ErrorKind::TimedOut.into() } else { error }
}

/// Who is guilty of what went wrong before there was a proof.
pub(crate) fn blame(service: &ServiceUrl, limit: Duration, error: io::Error) -> ConnectError {
    let service = service.to_string();
    if error.kind() == ErrorKind::TimedOut {
        return ConnectError::TimedOut { service, limit };
    }
    match error.downcast::<Error>() {
        Ok(source) => ConnectError::Tls { service, source },
        Err(source) => ConnectError::Broken { service, source },
    }
}

/// The first of the service's addresses that answers.
fn dial(service: &ServiceUrl, limit: Duration) -> Result<TcpStream, ConnectError> {
    let named = || service.to_string();
    let found = (service.host(), service.port()).to_socket_addrs();
    let addresses = found.map_err(|source| ConnectError::Resolve { service: named(), source })?;
    let until = Instant::now().checked_add(limit);
    let mut failed = io::Error::from(ErrorKind::AddrNotAvailable);
    for (place, address) in addresses.as_slice().iter().enumerate() {
        // One that swallows everything leaves time for those after it.
        let others = u32::try_from(addresses.len().saturating_sub(place)).unwrap_or(u32::MAX);
        let left = until.map_or(limit, |until| until.saturating_duration_since(Instant::now()));
        let share = left.checked_div(others).filter(|share| !share.is_zero());
        let dialled = share.ok_or_else(|| ErrorKind::TimedOut.into());
        match dialled.and_then(|share| TcpStream::connect_timeout(address, share)) {
            Ok(socket) => return Ok(socket),
            Err(error) => failed = error,
        }
    }
    Err(ConnectError::Tcp { service: named(), source: failed })
}
