//! Signatures that are believed: of certificates, and of handshakes by the number that they have there.

use rustls_pki_types::SignatureVerificationAlgorithm;
use webpki::ring as algorithms;

type Algorithm = &'static dyn SignatureVerificationAlgorithm;

/// Of certificates: ECDSA on P-256 and P-384, Ed25519, RSA of 2048 to 8192 bits, with SHA-2.
pub const ALGORITHMS: &[Algorithm] = &[
    algorithms::ECDSA_P256_SHA256,
    algorithms::ECDSA_P256_SHA384,
    algorithms::ECDSA_P384_SHA256,
    algorithms::ECDSA_P384_SHA384,
    algorithms::ED25519,
    algorithms::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
    algorithms::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
    algorithms::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
    algorithms::RSA_PKCS1_2048_8192_SHA256,
    algorithms::RSA_PKCS1_2048_8192_SHA384,
    algorithms::RSA_PKCS1_2048_8192_SHA512,
];

/// Of handshakes, by IANA's number of the `SignatureScheme`. In TLS 1.2 that number does not say on which curve a key is, so
/// each of them is tried; in TLS 1.3 only the first is right.
pub const SCHEMES: [(u16, &[Algorithm]); 9] = [
    (0x0503, &[algorithms::ECDSA_P384_SHA384, algorithms::ECDSA_P256_SHA384]),
    (0x0403, &[algorithms::ECDSA_P256_SHA256, algorithms::ECDSA_P384_SHA256]),
    (0x0807, &[algorithms::ED25519]),
    (0x0806, &[algorithms::RSA_PSS_2048_8192_SHA512_LEGACY_KEY]),
    (0x0805, &[algorithms::RSA_PSS_2048_8192_SHA384_LEGACY_KEY]),
    (0x0804, &[algorithms::RSA_PSS_2048_8192_SHA256_LEGACY_KEY]),
    (0x0601, &[algorithms::RSA_PKCS1_2048_8192_SHA512]),
    (0x0501, &[algorithms::RSA_PKCS1_2048_8192_SHA384]),
    (0x0401, &[algorithms::RSA_PKCS1_2048_8192_SHA256]),
];
