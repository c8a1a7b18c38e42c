//! Judges the server's certificates and signature, and keeps what a receipt needs of them.
//!
//! One verifier is for one connection. It asks more than rustls' own: that the path holds all through an interval of time
//! instead of at a moment, and if keys are listed, for one of them. Of revocation it asks nothing: no lists are fetched, and
//! an OCSP response is kept, not judged. A key that must not be believed any more has to leave the list of keys.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use attestation_tls_trust::{Applicable, Fields, certificates_of, verify_path};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use sha2::{Digest, Sha256};
use spin::Mutex;
use webpki::{EndEntityCert, VerifiedPath};

use crate::refusal::{alert_for, from_webpki};
use crate::session::{Authority, HandshakeSignature, Peer, Sct};
use crate::{Interval, ServerHost, Signed, TlsError, Trust, Validity};

/// Certificates that a server may present. Three are usual.
const CHAIN_MAX: usize = 10;
/// Bytes of all of them; 4 KiB are usual.
const CHAIN_MAX_BYTES: usize = 64 * 1024;

pub(crate) struct Verifier {
    trust: Arc<Trust>,
    host: ServerHost,
    now: Interval,
    algorithms: WebPkiSupportedAlgorithms,
    findings: Mutex<Findings>,
}

/// What was found on the way. Taken out when the handshake is over.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) peer: Option<Peer>,
    pub(crate) signature: Option<HandshakeSignature>,
    /// Why the handshake was refused, in more words than rustls has.
    pub(crate) refusal: Option<TlsError>,
}

impl Verifier {
    pub(crate) fn new(
        trust: &Arc<Trust>,
        host: &ServerHost,
        now: Interval,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        let (trust, host) = (Arc::clone(trust), host.clone());
        Self { trust, host, now, algorithms, findings: Mutex::default() }
    }

    pub(crate) fn take_findings(&self) -> Findings {
        core::mem::take(&mut *self.findings.lock())
    }

    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        ocsp_response: &[u8],
    ) -> Result<Peer, TlsError> {
        check_size(leaf, intermediates)?;
        let told = |error| from_webpki(error, &self.host, self.now);
        let trust = self.trust.applicable(&self.host);
        let certificate = EndEntityCert::try_from(leaf).map_err(told)?;
        let path = verify_path(&certificate, intermediates, trust, &self.host, self.now).map_err(told)?;
        let spki_sha256 = check_key(&certificate, trust)?;
        let chain: Vec<&CertificateDer<'_>> = core::iter::once(leaf).chain(intermediates).collect();
        describe(&path, &chain, spki_sha256, trust, ocsp_response)
    }

    fn keep_signature(&self, message: &[u8], signed: &DigitallySignedStruct) {
        let signature = HandshakeSignature {
            scheme: u16::from(signed.scheme),
            message: message.to_vec(),
            signature: signed.signature().to_vec(),
        };
        self.findings.lock().signature = Some(signature);
    }

    /// Keeps the words for a handshake's wrong signature. A scheme that was never offered is another matter, which rustls
    /// has words for.
    fn bad_signature(&self, error: Error) -> Error {
        if matches!(error, Error::InvalidCertificate(_)) {
            self.findings.lock().refusal = Some(TlsError::BadSignature { on: Signed::Handshake });
        }
        error
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.judge(end_entity, intermediates, ocsp_response) {
            Ok(peer) => {
                self.findings.lock().peer = Some(peer);
                Ok(ServerCertVerified::assertion())
            }
            Err(refusal) => {
                let alert = alert_for(&refusal);
                self.findings.lock().refusal = Some(refusal);
                Err(alert)
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let valid = verify_tls12_signature(message, cert, dss, &self.algorithms)
            .map_err(|error| self.bad_signature(error))?;
        self.keep_signature(message, dss);
        Ok(valid)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let valid = verify_tls13_signature(message, cert, dss, &self.algorithms)
            .map_err(|error| self.bad_signature(error))?;
        self.keep_signature(message, dss);
        Ok(valid)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// In a few words: rustls wants some.
impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier")
    }
}

fn check_size(leaf: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>]) -> Result<(), TlsError> {
    let found = intermediates.len().saturating_add(1);
    if found > CHAIN_MAX {
        return Err(TlsError::ChainTooLong { unit: "certificates", limit: CHAIN_MAX, found });
    }
    let lengths = core::iter::once(leaf).chain(intermediates).map(|der| der.len());
    let found = lengths.fold(0, usize::saturating_add);
    if found > CHAIN_MAX_BYTES {
        return Err(TlsError::ChainTooLong { unit: "bytes", limit: CHAIN_MAX_BYTES, found });
    }
    Ok(())
}

/// The digest of the server's key, which must be one of those that are asked for, if any are.
fn check_key(certificate: &EndEntityCert<'_>, trust: Applicable<'_>) -> Result<[u8; 32], TlsError> {
    let found: [u8; 32] = Sha256::digest(certificate.subject_public_key_info()).into();
    if !trust.spki_sha256.is_empty() && !trust.spki_sha256.contains(&found) {
        return Err(TlsError::Pinned { found });
    }
    Ok(found)
}

fn describe(
    path: &VerifiedPath<'_>,
    chain: &[&CertificateDer<'_>],
    leaf_spki_sha256: [u8; 32],
    trust: Applicable<'_>,
    ocsp_response: &[u8],
) -> Result<Peer, TlsError> {
    const LOST: TlsError = TlsError::Internal("a path that is not in the chain");
    let mut indices = Vec::new();
    let mut validity: Option<Validity> = None;
    let mut leaf_validity: Option<Validity> = None;
    let mut root_name: &[u8] = &[];
    for der in certificates_of(path) {
        let (index, presented) =
            chain.iter().enumerate().find(|(_, presented)| presented.as_ref() == der.as_ref()).ok_or(LOST)?;
        let fields = Fields::read(presented).ok_or(LOST)?;
        indices.push(index);
        leaf_validity = leaf_validity.or(Some(fields.validity));
        validity = Some(validity.map_or(fields.validity, |so_far| so_far.and(fields.validity)));
        root_name = fields.issuer;
    }
    Ok(Peer {
        chain: chain.iter().map(|der| der.to_vec()).collect(),
        path: indices,
        leaf_validity: leaf_validity.ok_or(LOST)?,
        validity: validity.ok_or(LOST)?,
        leaf_spki_sha256,
        root: Authority {
            subject: root_name.to_vec(),
            spki_sha256: Sha256::digest(webpki::spki_for_anchor(path.anchor())).into(),
        },
        roots_digest: trust.roots_digest,
        was_pinned: !trust.spki_sha256.is_empty(),
        ocsp_response: ocsp_response.to_vec(),
        scts: scts_of(path.end_entity()),
    })
}

/// Those that can be read.
fn scts_of(certificate: &EndEntityCert<'_>) -> Vec<Sct> {
    let Ok(scts) = certificate.sct_log_timestamps() else { return Vec::new() };
    let read = scts.filter_map(Result::ok);
    read.map(|sct| Sct { log_id: sct.log_id, timestamp_ms: sct.timestamp_ms }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// rustls takes no message of 64 KiB, so that no chain comes near. Should that change, this does not.
    #[test]
    fn chains_have_a_limit_in_bytes() {
        let certificate = |bytes| CertificateDer::from(vec![0; bytes]);
        let (leaf, long) = (certificate(1_000), certificate(CHAIN_MAX_BYTES - 1_000));
        assert_eq!(check_size(&leaf, core::slice::from_ref(&long)), Ok(()));
        let found = CHAIN_MAX_BYTES + 1;
        let refused = TlsError::ChainTooLong { unit: "bytes", limit: CHAIN_MAX_BYTES, found };
        assert_eq!(check_size(&leaf, &[certificate(1), long]), Err(refused));
    }
}
