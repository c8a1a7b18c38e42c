//! Who a server is.

use core::fmt;

use base64ct::{Base64, Encoding};

use crate::hash::hash;

/// Letters of a key in base64.
const BASE64_BYTES: usize = 44;

/// A server's long-term key: Ed25519 (RFC 8032). Printed in base64, as server lists have it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerKey(pub [u8; 32]);

impl ServerKey {
    /// The value of SRV, by which a server with several keys knows which one is meant (RFC 10049 §5.1.4).
    pub(crate) fn srv(&self) -> [u8; 32] {
        hash(&[&[0xFF], &self.0])
    }
}

impl fmt::Display for ServerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut letters = [0; BASE64_BYTES];
        f.write_str(Base64::encode(&self.0, &mut letters).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for ServerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerKey({self})")
    }
}
