//! A guest, and somebody who connects to it.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Arc;

use attestation_connect::{ConnectError, Connector, Limits, Peer, Refused};
use attestation_evidence::{Evidence, Platform};
use attestation_session::{KnownEvidence, SessionError};
use attestation_signature::P256Signer;
use p256::ecdsa::SigningKey;
use tests_servers::{Guest, TlsIdentity, TlsServer, TlsStream};

pub(crate) use rustls::version::TLS13;

/// Short enough for tests that wait until they are over, long enough for a busy machine.
pub(crate) const LIMITS: Limits = Limits {
    connect: Duration::from_secs(10),
    proof: Duration::from_secs(20),
    idle: Duration::from_secs(20),
    appraisal: Duration::from_secs(600),
};

/// An instance key.
pub(crate) fn key(number: u8) -> SigningKey {
    SigningKey::from_slice(&[number; 32]).unwrap()
}

/// What a guest with that key shows of itself. The report is nobody's business here: whoever connects says what counts.
pub(crate) fn evidence(number: u8, manifest: &[u8]) -> KnownEvidence {
    KnownEvidence::new(Evidence {
        platform: Platform::Simulated,
        report: vec![number; 1184],
        endorsement: vec![number; 100],
        instance_key: key(number).public_key(),
        hpke_key: None,
        manifest: manifest.to_vec(),
    })
}

/// An honest guest, with its certificate.
pub(crate) fn guest(number: u8) -> (Arc<Guest>, TlsIdentity) {
    let identity = TlsIdentity::new();
    (Arc::new(Guest::new(evidence(number, b"{}"), key(number), &identity)), identity)
}

/// The service of an honest guest.
pub(crate) fn service(guest: &Arc<Guest>, identity: &TlsIdentity) -> TlsServer {
    let guest = Arc::clone(guest);
    start(identity, move |stream| guest.serve(stream))
}

/// A server of TLS 1.3.
pub(crate) fn start(
    identity: &TlsIdentity,
    serve: impl Fn(&mut TlsStream) + Send + Sync + 'static,
) -> TlsServer {
    TlsServer::start(identity.config(&[&TLS13]), serve)
}

/// Somebody who connects, and counts how often evidence was looked at.
pub(crate) struct Client {
    pub(crate) connector: Connector,
    pub(crate) appraised: Arc<AtomicUsize>,
}

impl Client {
    pub(crate) fn new(port: u16) -> Self {
        Self::with(port, LIMITS, |_| Ok(()))
    }

    pub(crate) fn with(
        port: u16,
        limits: Limits,
        appraise: impl Fn(&Peer) -> Result<(), Refused> + Send + Sync + 'static,
    ) -> Self {
        let appraised = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&appraised);
        let service = format!("https://127.0.0.1:{port}").parse().unwrap();
        let connector = Connector::new(service, limits, move |peer| {
            count.fetch_add(1, Ordering::Relaxed);
            appraise(peer)
        });
        Self { connector: connector.unwrap(), appraised }
    }

    pub(crate) fn appraised(&self) -> usize {
        self.appraised.load(Ordering::Relaxed)
    }

    /// Why there is no connection. Nobody was asked about evidence by then.
    #[track_caller]
    pub(crate) fn error(&self) -> ConnectError {
        let error = self.connector.connect().map(drop).unwrap_err();
        assert_eq!(self.appraised(), 0, "evidence is looked at once the session is proven: {error}");
        error
    }

    #[track_caller]
    pub(crate) fn session_error(&self) -> SessionError {
        match self.error() {
            ConnectError::Session { source, .. } => source,
            other => panic!("expected a proof that is refused, found {other:?}"),
        }
    }
}

/// Many different bytes.
pub(crate) fn bytes(count: usize) -> Vec<u8> {
    (0_u64..)
        .flat_map(|number| number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes())
        .take(count)
        .collect()
}
