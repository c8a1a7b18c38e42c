//! Certificates for tests.

use core::time::Duration;
use std::sync::Arc;

use enclave_tls::{Anchors, HostTrust, Interval, Trust};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SignatureAlgorithm, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// When it is in tests, give or take a second.
pub(crate) const NOW: u64 = 1_800_000_000;
pub(crate) const DAY: u64 = 86_400;
/// Valid from a day ago until in a day.
pub(crate) const VALID: (u64, u64) = (NOW - DAY, NOW + DAY);
/// Who is called.
pub(crate) const HOST: &str = "api.example.com";

pub(crate) fn now() -> Interval {
    Interval::new(NOW, NOW + 1).unwrap()
}

/// Somebody who issues certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) der: CertificateDer<'static>,
}

/// A certificate, those between it and the root, and its key.
pub(crate) struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

fn params(names: &[&str], (not_before, not_after): (u64, u64)) -> CertificateParams {
    let since_1970 = |seconds| date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds);
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    (params.not_before, params.not_after) = (since_1970(not_before), since_1970(not_after));
    params
}

fn authority_params(name: &str, validity: (u64, u64)) -> CertificateParams {
    let mut params = params(&[], validity);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

impl Authority {
    pub(crate) fn root(name: &str) -> Self {
        let (key, params) = (KeyPair::generate().unwrap(), authority_params(name, VALID));
        let der = params.self_signed(&key).unwrap().der().clone();
        Self { issuer: Issuer::new(params, key), der }
    }

    /// One that this one vouches for.
    pub(crate) fn below(&self, name: &str, validity: (u64, u64)) -> Self {
        self.below_with_key(name, validity, KeyPair::generate().unwrap())
    }

    pub(crate) fn below_with_key(&self, name: &str, validity: (u64, u64), key: KeyPair) -> Self {
        let params = authority_params(name, validity);
        let der = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        Self { issuer: Issuer::new(params, key), der }
    }

    /// Somebody who issues certificates and may not.
    pub(crate) fn usurper(&self, name: &str) -> Self {
        let (key, mut params) = (KeyPair::generate().unwrap(), authority_params(name, VALID));
        params.is_ca = IsCa::ExplicitNoCa;
        let der = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        Self { issuer: Issuer::new(params, key), der }
    }

    /// The certificate of a server of these names, valid now.
    pub(crate) fn server(&self, names: &[&str]) -> Identity {
        self.issue(params(names, VALID), KeyPair::generate().unwrap())
    }

    pub(crate) fn server_valid(&self, validity: (u64, u64)) -> Identity {
        self.issue(params(&[HOST], validity), KeyPair::generate().unwrap())
    }

    pub(crate) fn server_with(&self, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = params(&[HOST], VALID);
        change(&mut params);
        self.issue(params, KeyPair::generate().unwrap())
    }

    pub(crate) fn server_with_key(&self, key: KeyPair) -> Identity {
        self.issue(params(&[HOST], VALID), key)
    }

    pub(crate) fn server_of_kind(&self, algorithm: &'static SignatureAlgorithm) -> Identity {
        self.server_with_key(KeyPair::generate_for(algorithm).unwrap())
    }

    fn issue(&self, params: CertificateParams, key: KeyPair) -> Identity {
        let der = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        Identity::new(vec![der], &key)
    }
}

impl Identity {
    /// A server that vouches for itself.
    pub(crate) fn self_signed() -> Self {
        let key = KeyPair::generate().unwrap();
        let der = params(&[HOST], VALID).self_signed(&key).unwrap().der().clone();
        Self::new(vec![der], &key)
    }

    fn new(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> Self {
        Self { chain, key: PrivateKeyDer::try_from(key.serialize_der()).unwrap() }
    }

    /// With more certificates to present.
    pub(crate) fn and(mut self, authorities: &[&Authority]) -> Self {
        self.chain.extend(authorities.iter().map(|authority| authority.der.clone()));
        self
    }

    /// Its own key, and somebody else's certificate.
    pub(crate) fn with_chain_of(&self, other: &Self) -> Self {
        Self { chain: other.chain.clone(), key: self.key() }
    }

    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        self.key.clone_key()
    }

    pub(crate) fn presented(&self) -> Vec<Vec<u8>> {
        self.chain.iter().map(|der| der.to_vec()).collect()
    }

    pub(crate) fn spki_sha256(&self) -> [u8; 32] {
        use sha2::Digest as _;
        let certificate = webpki::EndEntityCert::try_from(&self.chain[0]).unwrap();
        sha2::Sha256::digest(certificate.subject_public_key_info()).into()
    }
}

/// Trust in `authority` for the host that is called, and in nobody else.
pub(crate) fn trust_in(authority: &Authority) -> Arc<Trust> {
    trust_of(HOST, authority, &[])
}

pub(crate) fn trust_of(host: &str, authority: &Authority, keys: &[[u8; 32]]) -> Arc<Trust> {
    let entry = HostTrust {
        host: host.into(),
        authorities: vec![authority.der.to_vec()],
        spki_sha256: keys.to_vec(),
    };
    Arc::new(Trust::new(Anchors::None, vec![entry]).unwrap())
}
