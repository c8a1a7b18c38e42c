//! What `ring` signs is what others verify, in its one spelling.

use attestation_ring::{P256Key, Ring};
use attestation_signature::{P256Signer, RustCrypto, SignatureVerifier};
use p256::ecdsa::Signature;

#[test]
fn signatures_verify_and_have_the_low_s() {
    let (key, other) = (P256Key::generate().unwrap(), P256Key::generate().unwrap());
    assert_ne!(key.public_key(), other.public_key());
    for number in 0..256_u32 {
        let message = number.to_be_bytes();
        let bytes = key.ecdsa_p256_sha256(&message).unwrap();
        let signature = Signature::from_slice(&bytes).unwrap();
        assert_eq!(signature.normalize_s(), signature, "{number}");
        for by in [&RustCrypto as &dyn SignatureVerifier, &Ring] {
            assert!(by.ecdsa_p256_sha256(&key.public_key(), &message, &bytes), "{number} by {by:?}");
            assert!(!by.ecdsa_p256_sha256(&key.public_key(), b"another", &bytes), "{number} by {by:?}");
            assert!(!by.ecdsa_p256_sha256(&other.public_key(), &message, &bytes), "{number} by {by:?}");
        }
    }
}

/// Nobody may rely on the bytes of a signature: nonces have randomness in them, so that no two have one in common.
#[test]
fn a_message_has_many_signatures() {
    let key = P256Key::generate().unwrap();
    let signatures = [(); 16].map(|()| key.ecdsa_p256_sha256(b"message").unwrap());
    for (index, one) in signatures.iter().enumerate() {
        let is_new = |other: &[u8; 64]| other[..32] != one[..32];
        assert!(signatures[..index].iter().all(is_new), "R of {index} was there before");
    }
}
