//! A client's handshake, from the first word to the evidence of it.

use alloc::sync::Arc;

use rustls::client::{ClientConfig, Resumption, UnbufferedClientConnection};
use rustls::version::{TLS12, TLS13};
use rustls::{CommonState, HandshakeKind, ProtocolVersion, SupportedCipherSuite};

use crate::exporter::{Exporter, Hash};
use crate::hello::HelloWatch;
use crate::moment::Moment;
use crate::provider::provider;
use crate::refusal::from_rustls;
use crate::secrets::{Logged, Secrets};
use crate::session::{HandshakeSignature, Session, Version};
use crate::verifier::Verifier;
use crate::{Interval, ServerHost, TlsError, Trust};

/// Nothing of a session may be missing: absence would look like consent.
pub(crate) const MISSING: TlsError = TlsError::Internal("a handshake without all its evidence");

/// What is known before there is a session.
pub(crate) struct Handshake {
    host: ServerHost,
    now: Interval,
    verifier: Arc<Verifier>,
    secrets: Arc<Secrets>,
    hello: HelloWatch,
}

impl Handshake {
    pub(crate) fn new(trust: &Arc<Trust>, host: &ServerHost, now: Interval) -> Self {
        let algorithms = provider().signature_verification_algorithms;
        Self {
            host: host.clone(),
            now,
            verifier: Arc::new(Verifier::new(trust, host, now, algorithms)),
            secrets: Arc::new(Secrets::default()),
            hello: HelloWatch::new(),
        }
    }

    /// A connection of rustls' that has not said anything yet.
    pub(crate) fn begin(&self, alpn: &[&[u8]]) -> Result<UnbufferedClientConnection, TlsError> {
        let mut config =
            ClientConfig::builder_with_details(provider(), Arc::new(Moment(self.now.earliest())))
                .with_protocol_versions(&[&TLS13, &TLS12])
                .map_err(from_rustls)?
                .dangerous()
                .with_custom_certificate_verifier(Arc::<Verifier>::clone(&self.verifier))
                .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        config.require_ems = true;
        config.resumption = Resumption::disabled();
        config.key_log = Arc::<Secrets>::clone(&self.secrets);
        let name = self.host.server_name().clone();
        UnbufferedClientConnection::new(Arc::new(config), name).map_err(from_rustls)
    }

    /// Sees the next record of the server, whole, before rustls does.
    pub(crate) fn record(&mut self, record: &[u8]) {
        self.hello.record(record);
    }

    /// Why our own verifier refused, if it did; once.
    pub(crate) fn take_refusal(&self) -> Option<TlsError> {
        self.verifier.take_findings().refusal
    }

    /// The session, once rustls says that the handshake is over.
    pub(crate) fn finish(&self, connection: &CommonState) -> Result<Session, TlsError> {
        let findings = self.verifier.take_findings();
        let logged = self.secrets.take().ok_or(MISSING)?;
        let client_random = logged.client_random;
        let server_random = self.hello.random().ok_or(MISSING)?;
        let signature = findings.signature.ok_or(MISSING)?;
        let suite = connection.negotiated_cipher_suite().ok_or(MISSING)?;
        let group = connection.negotiated_key_exchange_group().ok_or(MISSING)?;
        let version = version_of(connection)?;
        let hash = hash_of(suite).ok_or(MISSING)?;
        let exporter = match version {
            Version::Tls13 => Exporter::tls13(hash, logged.secret),
            Version::Tls12 => exporter_of_tls12(hash, logged, server_random, &signature)?,
        };
        Ok(Session {
            host: self.host.clone(),
            time: self.now,
            version,
            cipher_suite: u16::from(suite.suite()),
            key_exchange_group: u16::from(group.name()),
            was_retried: was_retried(connection)?,
            alpn: connection.alpn_protocol().map(<[u8]>::to_vec),
            client_random,
            server_random,
            peer: findings.peer.ok_or(MISSING)?,
            signature,
            exporter,
        })
    }
}

pub(crate) fn version_of(connection: &CommonState) -> Result<Version, TlsError> {
    match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => Ok(Version::Tls13),
        Some(ProtocolVersion::TLSv1_2) => Ok(Version::Tls12),
        _ => Err(MISSING),
    }
}

/// Also refuses what was resumed, which nothing here asks for.
pub(crate) fn was_retried(connection: &CommonState) -> Result<bool, TlsError> {
    match connection.handshake_kind() {
        Some(HandshakeKind::Full) => Ok(false),
        Some(HandshakeKind::FullWithHelloRetryRequest) => Ok(true),
        _ => Err(MISSING),
    }
}

/// The one that a suite derives keys with; `None` for what no suite of ours has.
pub(crate) fn hash_of(suite: SupportedCipherSuite) -> Option<Hash> {
    let common = match suite {
        SupportedCipherSuite::Tls13(suite) => &suite.common,
        SupportedCipherSuite::Tls12(suite) => &suite.common,
    };
    Hash::of(common.hash_provider.algorithm())
}

/// The server has signed both randoms. They are the ones that came by other ways, or something is very wrong.
fn exporter_of_tls12(
    hash: Hash,
    logged: Logged,
    server_random: [u8; 32],
    signature: &HandshakeSignature,
) -> Result<Exporter, TlsError> {
    let randoms: [u8; 64] = *signature.message.first_chunk().ok_or(MISSING)?;
    if randoms.as_slice() != [logged.client_random, server_random].as_flattened() {
        return Err(TlsError::Internal("two handshakes mixed up"));
    }
    Ok(Exporter::tls12(hash, logged.secret, randoms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_randoms_are_those_of_the_handshake() {
        let logged = || Logged { client_random: [1; 32], secret: zeroize::Zeroizing::new(vec![0; 48]) };
        let signature = |message: &[u8]| HandshakeSignature {
            scheme: 0x0403,
            message: message.to_vec(),
            signature: Vec::new(),
        };
        let exporter = |server_random, message: &[u8]| {
            exporter_of_tls12(Hash::Sha256, logged(), server_random, &signature(message)).map(drop)
        };
        let message = [[1; 32], [2; 32], [3; 32]].concat();
        assert_eq!(exporter([2; 32], &message), Ok(()));
        assert_eq!(exporter([9; 32], &message), Err(TlsError::Internal("two handshakes mixed up")));
        assert_eq!(exporter([2; 32], &message[..63]), Err(MISSING));
    }
}
