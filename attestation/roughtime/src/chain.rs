//! How exchanges hang together, and other objects on them.

use sha2::{Digest, Sha256};

use crate::hash::hash;

const COMMITMENT_LABEL: &[u8] = b"redoubt time commitment 1";

/// The nonce of an exchange that has none before it.
///
/// RFC 10049 §8.2 wants a random one there. It is H(blind) instead, so that a first exchange can commit to something as
/// well; nobody can tell it from random who does not know the blind.
#[must_use]
pub fn first_nonce(blind: &[u8; 32]) -> [u8; 32] {
    chained_nonce(&[], blind)
}

/// The nonce of an exchange after this response: H(resp ‖ rand) of RFC 10049 §8.2. The response is the packet as it was
/// received.
#[must_use]
pub fn chained_nonce(previous_response: &[u8], blind: &[u8; 32]) -> [u8; 32] {
    hash(&[previous_response, blind])
}

/// A blind that commits to whatever is under a Merkle root: SHA-256("redoubt time commitment 1" ‖ salt ‖ root).
///
/// The salt is 32 random bytes for this one commitment. Servers and carriers learn nothing of the root from it, and
/// cannot foresee the nonce, which would otherwise let an answer be older than the question.
#[must_use]
pub fn commitment(salt: &[u8; 32], root: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update(COMMITMENT_LABEL).chain_update(salt).chain_update(root).finalize().into()
}

/// SHA-256 of a response as it was received: what an object has in it that was made afterwards.
#[must_use]
pub fn response_digest(response: &[u8]) -> [u8; 32] {
    Sha256::digest(response).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By Python's `hashlib`.
    #[test]
    fn values_are_those_of_the_definition() {
        let hex = |bytes: [u8; 32]| ::hex::encode(bytes);
        assert_eq!(
            hex(first_nonce(&[1; 32])),
            "5ce86efb75fa4e2c410f46e16de9f6acae1a1703528651b69bc176c088bef3ee"
        );
        assert_eq!(
            hex(chained_nonce(b"a response", &[1; 32])),
            "c1d3309fe7f6080c133c01cf34982f611716f59b25e7d906b79f8d633e53c979"
        );
        assert_eq!(
            hex(commitment(&[2; 32], &[3; 32])),
            "d746c7cc3c3f501b50b1d79a3135616fb729bb5d554f8d9e576634bf85555b3b"
        );
        assert_eq!(
            hex(response_digest(b"a response")),
            "8828704738f8a5e595d9270da8f5124b7a737d33dfae71c5576a919a410f023f"
        );
    }
}
