//! Which cryptography is used: ring's, and of that a list.

use alloc::sync::Arc;
use alloc::vec;

use rustls::Error;
use rustls::crypto::ring::{cipher_suite, default_provider, kx_group};
use rustls::crypto::{CryptoProvider, KeyProvider};
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::SigningKey;

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
                cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
                cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
                cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
            ],
            kx_groups: vec![kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1],
            key_provider: &NoKeys,
            ..default_provider()
        })
    });
    Arc::clone(provider)
}

/// A client has no key to sign with. The library's own reader of keys would bring all kinds of signing into the ROM.
#[derive(Debug)]
struct NoKeys;

impl KeyProvider for NoKeys {
    fn load_private_key(&self, _key: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Error> {
        Err(Error::General("no private keys are read here".into()))
    }
}
