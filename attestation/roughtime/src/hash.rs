//! The hash of the protocol.

use sha2::{Digest, Sha512, digest::consts::U32};

/// H of RFC 10049: the first 32 bytes of SHA-512, here of parts that follow each other.
pub(crate) fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let hash = parts.iter().fold(Sha512::new(), Digest::chain_update);
    let (first, _) = hash.finalize().split::<U32>();
    first.into()
}
