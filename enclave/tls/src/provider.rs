//! Which cryptography is used: ring's, and of that a list.
//!
//! rustls has such a list too. All of it would be in the ROM: suites that nobody needs where processors have instructions
//! for AES, as all do that confidential guests run on, and a reader of private keys.

use alloc::sync::Arc;
use alloc::vec;

use attestation_tls_trust::{ALGORITHMS, SCHEMES};
use ring::rand::{SecureRandom, SystemRandom};
use rustls::crypto::ring::{cipher_suite, kx_group};
use rustls::crypto::{CryptoProvider, GetRandomFailed, KeyProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::SigningKey;
use rustls::{Error, SignatureScheme};

static PROVIDER: spin::Once<Arc<CryptoProvider>> = spin::Once::new();

/// The same for all connections.
///
/// Suites and groups are listed, best first, so that a newer library offers no others. All give forward secrecy and
/// authenticated encryption.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    let provider = PROVIDER.call_once(|| {
        Arc::new(CryptoProvider {
            cipher_suites: vec![
                cipher_suite::TLS13_AES_256_GCM_SHA384,
                cipher_suite::TLS13_AES_128_GCM_SHA256,
                cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
                cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            ],
            kx_groups: vec![kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1],
            signature_verification_algorithms: SIGNATURES,
            secure_random: &Randomness,
            key_provider: &NoKeys,
        })
    });
    Arc::clone(provider)
}

/// rustls wants them by their names; a test compares those with the numbers.
const SIGNATURES: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: ALGORITHMS,
    mapping: &[
        (SignatureScheme::ECDSA_NISTP384_SHA384, SCHEMES[0].1),
        (SignatureScheme::ECDSA_NISTP256_SHA256, SCHEMES[1].1),
        (SignatureScheme::ED25519, SCHEMES[2].1),
        (SignatureScheme::RSA_PSS_SHA512, SCHEMES[3].1),
        (SignatureScheme::RSA_PSS_SHA384, SCHEMES[4].1),
        (SignatureScheme::RSA_PSS_SHA256, SCHEMES[5].1),
        (SignatureScheme::RSA_PKCS1_SHA512, SCHEMES[6].1),
        (SignatureScheme::RSA_PKCS1_SHA384, SCHEMES[7].1),
        (SignatureScheme::RSA_PKCS1_SHA256, SCHEMES[8].1),
    ],
};

/// What ring itself draws from.
#[derive(Debug)]
struct Randomness;

impl rustls::crypto::SecureRandom for Randomness {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), GetRandomFailed> {
        SystemRandom::new().fill(bytes).map_err(|_| GetRandomFailed)
    }
}

/// A client has no key to sign with.
#[derive(Debug)]
struct NoKeys;

impl KeyProvider for NoKeys {
    fn load_private_key(&self, _key: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Error> {
        Err(Error::General("no private keys are read here".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_are_those_of_their_numbers() {
        let names =
            SIGNATURES.mapping.iter().map(|(scheme, algorithms)| (u16::from(*scheme), algorithms.len()));
        let numbers = SCHEMES.iter().map(|(number, algorithms)| (*number, algorithms.len()));
        assert!(names.eq(numbers));
    }
}
