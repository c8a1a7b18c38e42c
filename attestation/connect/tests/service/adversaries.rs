//! Those who want to be taken for a guest, each refused for what it does.

use core::net::{IpAddr, Ipv4Addr};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use attestation_connect::ConnectError;
use attestation_session::{CONTENT_TYPE, Request, Role, SessionError, Statement};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::TLS12;
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned};
use tests_servers::{Asked, Guest, TlsIdentity, TlsServer, TlsStream, respond};

use crate::world::{Client, TLS13, evidence, guest, key, service, start};

/// Answers with a proof that somebody else makes of the request.
fn answering(
    identity: &TlsIdentity,
    prove: impl Fn(&TlsStream, &[u8]) -> Vec<u8> + Send + Sync + 'static,
) -> TlsServer {
    start(identity, move |stream| {
        while let Ok(Some(asked)) = Asked::read(stream) {
            let request = asked.body(stream).unwrap();
            let proof = prove(stream, &request);
            respond(stream, CONTENT_TYPE, &proof).unwrap();
        }
    })
}

/// An honest guest but for what its statement says.
fn saying(bend: impl Fn(&mut Statement) + Send + Sync + 'static) -> TlsServer {
    let (guest, identity) = guest(1);
    answering(&identity, move |stream, request| {
        let request = Request::decode(request).unwrap();
        let mut statement = guest.statement(&stream.conn, &request);
        bend(&mut statement);
        guest.proof_of(&statement, &request)
    })
}

/// Somebody who connects to a guest and does not care who it is.
fn ask_guest(port: u16, request: &[u8]) -> Vec<u8> {
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Careless))
        .with_no_client_auth();
    let name = ServerName::from(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    let mut stream = StreamOwned::new(connection, socket);
    let path = attestation_session::SESSION_PATH;
    write!(stream, "POST {path} HTTP/1.1\r\nContent-Length: {}\r\n\r\n", request.len()).unwrap();
    stream.write_all(request).unwrap();
    stream.conn.send_close_notify();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    answer.split_off(head + 4)
}

#[derive(Debug)]
struct Careless;

impl ServerCertVerifier for Careless {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// The host, in between, with a certificate of its own.
#[test]
fn a_relay_with_another_certificate() {
    let (guest, identity) = guest(1);
    let real = service(&guest, &identity);
    let port = real.port();
    let between = answering(&TlsIdentity::new(), move |_, request| ask_guest(port, request));
    assert_eq!(Client::new(between.port()).session_error(), SessionError::ProverKey);
    assert_eq!(guest.proofs(), (1, 0), "the guest was asked, and signed for the one who asked");
}

/// The same, once it has stolen the key of the guest's certificate: it still has another connection.
#[test]
fn a_relay_with_the_stolen_key_of_the_certificate() {
    let (guest, identity) = guest(1);
    let real = service(&guest, &identity);
    let port = real.port();
    let between = answering(&identity, move |_, request| ask_guest(port, request));
    assert_eq!(Client::new(between.port()).session_error(), SessionError::Exporter);
}

/// The same, when it has only the certificate.
#[test]
fn a_relay_with_a_copy_of_the_certificate() {
    let (guest, identity) = guest(1);
    let real = service(&guest, &identity);
    let port = real.port();
    let pretender = TlsIdentity::new().pretending(&identity);
    let between = answering(&pretender, move |_, request| ask_guest(port, request));
    let error = Client::new(between.port()).error();
    assert!(matches!(error, ConnectError::Tls { .. }), "{error}");
    assert_eq!(guest.proofs(), (0, 0));
}

#[test]
fn a_reflected_proof() {
    let server = saying(|statement| statement.connection.role = Role::Client);
    let expected = SessionError::Role { expected: "server", found: "client" };
    assert_eq!(Client::new(server.port()).session_error(), expected);
}

/// Of an earlier connection of the same client to the same guest.
#[test]
fn a_replayed_proof() {
    let (guest, identity) = guest(1);
    let first = Mutex::new(None);
    let server = answering(&identity, move |stream, request| {
        let mut first = first.lock().unwrap();
        first.get_or_insert_with(|| guest.proof(&stream.conn, request)).clone()
    });
    Client::new(server.port()).connector.connect().unwrap();
    assert_eq!(Client::new(server.port()).session_error(), SessionError::Nonce);
}

/// Evidence of a guest that is wanted, and the key of another.
#[test]
fn evidence_of_another_boot() {
    let identity = TlsIdentity::new();
    let mixed = Arc::new(Guest::new(evidence(1, b"{}"), key(2), &identity));
    let server = service(&mixed, &identity);
    assert_eq!(Client::new(server.port()).session_error(), SessionError::Signature);
}

#[test]
fn a_proof_for_another_manifest() {
    let server = saying(|statement| statement.manifest = [9; 32]);
    assert_eq!(Client::new(server.port()).session_error(), SessionError::Manifest);
}

/// It says that the evidence is known, to whom nothing is.
#[test]
fn a_proof_without_evidence() {
    let (guest, identity) = guest(1);
    let server = answering(&identity, move |stream, request| {
        let request = Request::decode(request).unwrap();
        let statement = guest.statement(&stream.conn, &request);
        let known = Some(*evidence(1, b"{}").digest());
        guest.proof_of(&statement, &Request { known_evidence: known, ..request })
    });
    let error = Client::new(server.port()).session_error();
    assert!(matches!(error, SessionError::EvidenceDigest { .. }), "{error}");
}

#[test]
fn a_proof_for_whoever_shows_a_certificate() {
    let server = saying(|statement| statement.connection.asker_spki = [1; 32]);
    assert_eq!(Client::new(server.port()).session_error(), SessionError::AskerKey);
}

/// Its exporter is another one, and has been attacked (triple handshakes).
#[test]
fn a_server_of_tls_1_2_alone() {
    let (guest, identity) = guest(1);
    let server = TlsServer::start(identity.config(&[&TLS12]), move |stream| guest.serve(stream));
    let error = Client::new(server.port()).error();
    assert!(matches!(error, ConnectError::Tls { .. }), "{error}");
    assert!(error.to_string().contains("services of guests speak TLS 1.3 themselves"), "{error}");
}
