//! Connections to one service, each of them proven.

use core::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use attestation_ring::Ring;
use attestation_session::{
    Connection as Ends, EXPORTER_LABEL, KnownEvidence, Request, Role, SessionError, SignedSession,
    VALUE_BYTES, VerifiedSession, exporter_context,
};
use ring::rand::{SecureRandom, SystemRandom};
use rustls::{ClientConfig, ClientConnection};

use crate::handshake::{Greeted, blame, configuration};
use crate::http::{HttpError, ask};
use crate::known::Accepted;
use crate::{ConnectError, Connection, Limits, Peer, Refused, ServiceUrl};

/// Connects to one service. Clones share what they know of it.
#[derive(Clone)]
pub struct Connector(Arc<Shared>);

type Appraise = dyn Fn(&Peer) -> Result<(), Refused> + Send + Sync;

struct Shared {
    service: ServiceUrl,
    limits: Limits,
    tls: Arc<ClientConfig>,
    appraise: Box<Appraise>,
    accepted: Mutex<Accepted>,
}

impl Connector {
    /// Nobody is asked yet. `appraise` says whether evidence is good enough to go on: it is asked of evidence that it has not
    /// accepted before, and again once [`Limits::appraisal`] has passed; by several threads at once if they connect at once.
    /// By then the session is proven, and the evidence in it is not.
    ///
    /// # Errors
    /// [`ConnectError::Local`]: this build has no TLS 1.3.
    pub fn new(
        service: ServiceUrl,
        limits: Limits,
        appraise: impl Fn(&Peer) -> Result<(), Refused> + Send + Sync + 'static,
    ) -> Result<Self, ConnectError> {
        let tls = Arc::new(configuration()?);
        let (appraise, accepted) = (Box::new(appraise), Mutex::default());
        Ok(Self(Arc::new(Shared { service, limits, tls, appraise, accepted })))
    }

    /// Where it connects to.
    #[must_use]
    pub fn service(&self) -> &ServiceUrl {
        &self.0.service
    }

    /// How long it waits.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.0.limits
    }

    /// A new connection. When this returns it is proven to end in a guest with evidence that is accepted, and nothing of
    /// the caller's has been sent.
    ///
    /// # Errors
    /// [`ConnectError`] says who is guilty.
    pub fn connect(&self) -> Result<Connection, ConnectError> {
        let Shared { service, limits, tls, .. } = &*self.0;
        let mut greeted = Greeted::open(service, tls, limits.connect, limits.proof)?;
        let nonce = fresh_nonce()?;
        let request = Request { nonce, known_evidence: self.accepted().last() };
        let proof = ask(&mut greeted, &service.authority(), &request.encode());
        let proof = proof.map_err(|error| self.no_proof(error))?;
        let spki = greeted.spki_digest();
        let spki = spki.map_err(|source| ConnectError::Tls { service: service.to_string(), source })?;
        let session = self.verify(&greeted.tls, nonce, spki, &proof);
        let session =
            session.map_err(|source| ConnectError::Session { service: service.to_string(), source })?;
        let peer = Peer { session, spki, tls: greeted.parameters() };
        self.appraise(&peer)?;
        Connection::new(greeted, peer, limits.idle)
            .map_err(|source| ConnectError::Broken { service: service.to_string(), source })
    }

    /// Holds the proof against what this end of the connection knows.
    fn verify(
        &self,
        tls: &ClientConnection,
        nonce: [u8; VALUE_BYTES],
        spki: [u8; 32],
        proof: &[u8],
    ) -> Result<VerifiedSession, SessionError> {
        let signed = SignedSession::parse(proof)?;
        let prover_nonce = *signed.prover_nonce();
        let context = exporter_context(&prover_nonce, &nonce);
        let exported = tls.export_keying_material([0; VALUE_BYTES], EXPORTER_LABEL, Some(&context));
        let seen = Ends {
            role: Role::Server,
            prover_nonce,
            asker_nonce: nonce,
            prover_spki: spki,
            // This end shows no certificate.
            asker_spki: [0; 32],
            exporter: exported.map_err(|_| SessionError::NoExporter)?,
        };
        let known: Option<KnownEvidence> = self.accepted().find(signed.evidence_digest());
        signed.verify(&seen, known.as_ref(), &Ring)
    }

    /// Asks the caller, unless its word still holds.
    fn appraise(&self, peer: &Peer) -> Result<(), ConnectError> {
        let evidence = peer.session().evidence();
        let digest = evidence.digest();
        if self.accepted().is_current(digest, self.0.limits.appraisal) {
            self.accepted().touch(digest);
            return Ok(());
        }
        // Without the lock: it may take long.
        match (self.0.appraise)(peer) {
            Ok(()) => {
                self.accepted().accept(evidence.clone());
                Ok(())
            }
            Err(source) => {
                self.accepted().forget(digest);
                Err(ConnectError::Refused { service: self.0.service.to_string(), source })
            }
        }
    }

    fn no_proof(&self, error: HttpError) -> ConnectError {
        let Shared { service, limits, .. } = &*self.0;
        match error {
            HttpError::Io(error) => blame(service, limits.proof, error),
            HttpError::Status { status: 404, .. } => ConnectError::NoProof { service: service.to_string() },
            source => ConnectError::Http { service: service.to_string(), source },
        }
    }

    /// What a thread that panicked left behind is as good as before: every change is one step.
    fn accepted(&self) -> MutexGuard<'_, Accepted> {
        self.0.accepted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("service", &self.0.service).finish_non_exhaustive()
    }
}

fn fresh_nonce() -> Result<[u8; VALUE_BYTES], ConnectError> {
    let mut nonce = [0; VALUE_BYTES];
    let drawn = SystemRandom::new().fill(&mut nonce);
    drawn.map_err(|_| ConnectError::Local { what: "no randomness".to_owned() })?;
    Ok(nonce)
}
