//! Clients under TLS that ends here, and the proofs that it does.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use attestation_manifest::Manifest;
use attestation_session::{
    Connection, EXPORTER_LABEL, KnownEvidence, Request, Role, SessionError, Statement, VALUE_BYTES,
    exporter_context, sign_session,
};
use attestation_signature::P256Signer;
use enclave_platform::Identity;
use enclave_tls::{ALPN_HTTP_1_1, Server, ServerIdentity, ServerSession, TlsError};
use sha2::{Digest, Sha256};

use crate::time::TimeInterval;

/// Who this guest is to its clients.
pub(crate) struct Sessions {
    identity: Arc<ServerIdentity>,
    evidence: KnownEvidence,
    instance_key: Arc<dyn P256Signer>,
    manifest: [u8; 32],
}

impl Sessions {
    /// A certificate that nobody vouches for, with a key of its own: only proofs say whose it is.
    ///
    /// # Errors
    /// There is no randomness.
    pub(crate) fn of(manifest: &Manifest<'_>, identity: &Identity) -> Result<Self, TlsError> {
        Ok(Self {
            identity: Arc::new(ServerIdentity::self_issued(manifest.name)?),
            evidence: KnownEvidence::new(identity.evidence.clone()),
            instance_key: identity.instance_key.clone(),
            manifest: Sha256::digest(&identity.evidence.manifest).into(),
        })
    }

    /// A connection that has just come.
    ///
    /// # Errors
    /// rustls refuses our own configuration.
    pub(crate) fn accept(&self) -> Result<Server, TlsError> {
        Server::accept(&self.identity, &[ALPN_HTTP_1_1])
    }

    /// Signs that `session` ends here.
    ///
    /// # Errors
    /// There is nothing to sign, or no signature.
    pub(crate) fn prove(
        &self,
        request: &Request,
        session: &ServerSession,
        prover_nonce: [u8; VALUE_BYTES],
        time: Option<TimeInterval>,
    ) -> Result<Vec<u8>, SessionError> {
        let context = exporter_context(&prover_nonce, &request.nonce);
        let mut exporter = [0; VALUE_BYTES];
        let exported = session.export(EXPORTER_LABEL, Some(&context), &mut exporter);
        exported.map_err(|_| SessionError::NoExporter)?;
        let connection = Connection {
            role: Role::Server,
            prover_nonce,
            asker_nonce: request.nonce,
            prover_spki: self.identity.spki_sha256(),
            // Clients are not asked for certificates.
            asker_spki: [0; 32],
            exporter,
        };
        let time = time.map(|time| (time.earliest_s, time.latest_s));
        let statement = Statement { connection, manifest: self.manifest, time };
        sign_session(&statement, &self.evidence, request.known_evidence.as_ref(), &*self.instance_key)
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}
