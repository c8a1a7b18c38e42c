//! Where salts come from.

use core::fmt;

use sha2::digest::array::Array;
use sha2::digest::consts::{U16, U32};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::BodySide;

/// Bytes of a salt. Nobody tries 2^128 of them to confirm a guess.
pub const SALT_BYTES: usize = 16;

const SALT_LABEL: &[u8] = b"redoubt receipt salt 1";
const BODY_LABEL: &[u8] = b"redoubt receipt body 1";

/// What all salts of a receipt are derived from. Whoever has it, and what was sent and received, can show all of it.
///
/// It is wiped when dropped.
#[derive(Clone)]
pub struct ReceiptSecret(Zeroizing<[u8; 32]>);

/// What the salts of one body are derived from. It opens that body and nothing else.
///
/// It is wiped when dropped.
#[derive(Clone)]
pub struct BodySecret(Zeroizing<[u8; 32]>);

impl ReceiptSecret {
    /// 32 random bytes for one receipt. They must not be randomness of the run, which its transcript gives away.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for those who keep them.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The secret of one of the bodies.
    #[must_use]
    pub fn body(&self, side: BodySide) -> BodySecret {
        let number: u64 = match side {
            BodySide::Request => 0,
            BodySide::Response => 1,
        };
        BodySecret(Zeroizing::new(hash(BODY_LABEL, &self.0, number).into()))
    }

    pub(crate) fn salt(&self, leaf: u64) -> [u8; SALT_BYTES] {
        salt(&self.0, leaf)
    }
}

impl BodySecret {
    /// From its bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for those who may see all of the body.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn salt(&self, chunk: u64) -> [u8; SALT_BYTES] {
        salt(&self.0, chunk)
    }
}

/// Without the secret.
impl fmt::Debug for ReceiptSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReceiptSecret")
    }
}

/// Without the secret.
impl fmt::Debug for BodySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BodySecret")
    }
}

fn salt(secret: &[u8; 32], index: u64) -> [u8; SALT_BYTES] {
    let (salt, _) = hash(SALT_LABEL, secret, index).split::<U16>();
    salt.into()
}

fn hash(label: &[u8], secret: &[u8; 32], index: u64) -> Array<u8, U32> {
    let hash = Sha256::new().chain_update(label).chain_update(secret);
    hash.chain_update(index.to_be_bytes()).finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By Python: `hashlib.sha256(b"redoubt receipt salt 1" + bytes([1] * 32) + (7).to_bytes(8, "big")).digest()[:16]` and
    /// so on.
    #[test]
    fn values_are_those_of_the_definition() {
        let secret = ReceiptSecret::new([1; 32]);
        assert_eq!(::hex::encode(secret.salt(7)), "a5a1dfc1bc2055c63831b99a5c84aea9");
        let bodies = [BodySide::Request, BodySide::Response].map(|side| secret.body(side));
        let [request, response] = bodies.map(|body| ::hex::encode(body.expose()));
        assert_eq!(request, "0d5e74c576409e0354b3e0d75be09e3b4e4eea02c92bf73bbe58d8953f753b3c");
        assert_eq!(response, "0b2f24bcba850509f444355865c33c84ea78889c1ad3612347235af69276cd05");
        let again = BodySecret::new(*secret.body(BodySide::Response).expose());
        assert_eq!(::hex::encode(again.salt(0)), "796120f3deb23c2c355f35f922ce44a3");
    }

    #[test]
    fn secrets_do_not_get_into_logs() {
        let secret = ReceiptSecret::new([0xAB; 32]);
        let printed = format!("{secret:?} {:?}", secret.body(BodySide::Request));
        assert_eq!(printed, "ReceiptSecret BodySecret");
    }
}
