//! Whose service it is.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{Error, SignatureAlgorithm, SignatureScheme};
use sha2::{Digest, Sha256};

use crate::TlsError;
use crate::certificate::{
    NAME_MAX_CHARS, POINT_BYTES, SERIAL_BYTES, is_common_name, public_key_info, self_signed,
};

/// Whose service it is: a key on P-256 and the certificate for it. One for all connections of a boot.
pub struct ServerIdentity {
    certified: Arc<CertifiedKey>,
    certificate: CertificateDer<'static>,
    spki_sha256: [u8; 32],
}

impl ServerIdentity {
    /// A new key, and a certificate that is signed with it: nobody vouches for it but evidence that names it. A client that
    /// pins it asks for [`SERVER_NAME`](crate::SERVER_NAME).
    ///
    /// # Errors
    /// A common name has 1 to 64 characters, none of them a control character; or there is no randomness.
    pub fn self_issued(common_name: &str) -> Result<Self, TlsError> {
        if !is_common_name(common_name) {
            return Err(TlsError::CommonName { limit: NAME_MAX_CHARS });
        }
        let key = Key::generate()?;
        let mut serial = [0; SERIAL_BYTES];
        SystemRandom::new().fill(&mut serial).map_err(|_| TlsError::NoRandomness)?;
        let info = public_key_info(&key.point()?);
        let spki_sha256 = Sha256::digest(&info).into();
        let certificate = self_signed(common_name, serial, info, |message| key.sign(message))?;
        let certificate = CertificateDer::from(certificate);
        let certified = Arc::new(CertifiedKey::new(vec![certificate.clone()], Arc::new(key)));
        Ok(Self { certified, certificate, spki_sha256 })
    }

    /// The certificate, DER.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// SHA-256 over the SubjectPublicKeyInfo in DER.
    #[must_use]
    pub const fn spki_sha256(&self) -> [u8; 32] {
        self.spki_sha256
    }

    /// As rustls wants it.
    pub(crate) fn certified(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.certified)
    }
}

/// Without the key.
impl fmt::Debug for ServerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerIdentity")
    }
}

/// A key on P-256. rustls has one too, behind a reader of keys of every kind, which would all be in the ROM.
#[derive(Clone)]
struct Key(Arc<EcdsaKeyPair>);

impl Key {
    fn generate() -> Result<Self, TlsError> {
        let random = SystemRandom::new();
        // The only way to a new key that ring has leads through its encoding. That it does not take back what it has written
        // itself, cannot be.
        let encoded = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random)
            .map_err(|_| TlsError::NoRandomness)?;
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, encoded.as_ref(), &random)
            .map_err(|_| TlsError::Internal("a key that cannot be read back"))?;
        Ok(Self(Arc::new(key)))
    }

    fn point(&self) -> Result<[u8; POINT_BYTES], TlsError> {
        let point = self.0.public_key().as_ref().try_into();
        point.map_err(|_| TlsError::Internal("a key on another curve"))
    }

    /// In DER (RFC 3279, section 2.2.3), as certificates and TLS have it (RFC 8446, section 4.2.3).
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, TlsError> {
        let signature = self.0.sign(&SystemRandom::new(), message).map_err(|_| TlsError::NoRandomness)?;
        Ok(signature.as_ref().to_vec())
    }
}

impl SigningKey for Key {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        offered.contains(&SCHEME).then(|| Box::new(self.clone()) as Box<dyn Signer>)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

impl Signer for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.sign(message).map_err(|_| Error::FailedToGetRandomBytes)
    }

    fn scheme(&self) -> SignatureScheme {
        SCHEME
    }
}

/// Without the key.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// The one way in which the key signs.
const SCHEME: SignatureScheme = SignatureScheme::ECDSA_NISTP256_SHA256;
