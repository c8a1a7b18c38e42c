//! What a receipt says of the TLS session.

use alloc::vec::Vec;

use minicbor::{Decode, Encode};

use crate::ReceiptError;
use crate::payload::within;

/// The number of TLS 1.2 in messages. With extended master secret, or it was not spoken.
pub const TLS_1_2: u16 = 0x0303;
/// The number of TLS 1.3.
pub const TLS_1_3: u16 = 0x0304;
/// Certificates that a server may present.
pub const CERTIFICATES_MAX: usize = 10;

const ALPN_MAX: usize = 255;
/// TLS 1.3 signs 146 bytes at most; TLS 1.2 64, and the parameters of a curve.
const MESSAGE_MAX: usize = 512;
/// RSA with 8192 bits.
const SIGNATURE_MAX: usize = 1024;

/// A session as the guest saw it. Numbers are those of IANA's lists; unknown ones are kept as they are.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Tls {
    /// [`TLS_1_3`] or [`TLS_1_2`].
    #[n(0)]
    pub version: u16,
    /// Cipher suite.
    #[n(1)]
    pub cipher_suite: u16,
    /// Group of the key exchange.
    #[n(2)]
    pub group: u16,
    /// Whether the server wanted another group than the guest guessed.
    #[n(3)]
    pub was_retried: bool,
    /// What is spoken above TLS, where the server said so.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub alpn: Option<Vec<u8>>,
    /// The guest's random number.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub client_random: [u8; 32],
    /// The server's.
    #[cbor(n(6), with = "minicbor::bytes")]
    pub server_random: Option<[u8; 32]>,
    /// Derived from the session with [`EXPORTER_LABEL`](crate::EXPORTER_LABEL) and no context: only guest and server can
    /// know it, until the receipt is shown. The server can tell by it which session this was.
    #[cbor(n(7), with = "minicbor::bytes")]
    pub exporter: [u8; 32],
    /// SHA-256 of the SubjectPublicKeyInfo of the server's certificate.
    #[cbor(n(8), with = "minicbor::bytes")]
    pub spki_sha256: [u8; 32],
    /// SHA-256 of each certificate in DER, as the server presented them, its own first.
    #[cbor(n(9), with = "digests")]
    pub chain: Vec<[u8; 32]>,
    /// Which of them led to the root, as indices, from the server's own, 0, up. The root is not among them.
    #[n(10)]
    pub path: Vec<u8>,
    /// SHA-256 of the root's SubjectPublicKeyInfo.
    #[cbor(n(11), with = "minicbor::bytes")]
    pub root_spki_sha256: [u8; 32],
    /// Digest of the list of roots that counted for this host, as `enclave-tls` defines it.
    #[cbor(n(12), with = "minicbor::bytes")]
    pub roots_digest: [u8; 32],
    /// Whether the manifest named keys for this host, one of which the server's is.
    #[n(13)]
    pub was_pinned: bool,
    /// When all certificates of the path are valid.
    #[n(14)]
    pub validity: Validity,
    /// By what the server showed that it has its certificate's key.
    #[n(15)]
    pub signature: HandshakeSignature,
}

/// From when until when, both included, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Validity {
    /// First second.
    #[n(0)]
    pub not_before_s: u64,
    /// Last second.
    #[n(1)]
    pub not_after_s: u64,
}

/// The server's signature in the handshake: the only thing in a receipt that the server signed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct HandshakeSignature {
    /// Number of the `SignatureScheme`.
    #[n(0)]
    pub scheme: u16,
    /// What is signed. TLS 1.3: 64 spaces, a text, a zero byte and the hash of the handshake so far (RFC 8446, section
    /// 4.4.3). TLS 1.2: both random numbers and the parameters of the key exchange (RFC 8422, section 5.4).
    #[cbor(n(1), with = "minicbor::bytes")]
    pub message: Vec<u8>,
    /// The signature.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub signature: Vec<u8>,
}

impl Tls {
    pub(crate) fn check(&self) -> Result<(), ReceiptError> {
        if let Some(alpn) = &self.alpn {
            within("bytes of ALPN", 1, ALPN_MAX, alpn.len())?;
        }
        within("certificates", 1, CERTIFICATES_MAX, self.chain.len())?;
        within("certificates of the path", 1, self.chain.len(), self.path.len())?;
        within(
            "first certificate of the path",
            0,
            0,
            self.path.first().map_or(0, |first| usize::from(*first)),
        )?;
        for (place, index) in self.path.iter().enumerate() {
            within("certificate of the path", 0, self.chain.len().saturating_sub(1), usize::from(*index))?;
            let is_repeated = self.path.iter().take(place).any(|before| before == index);
            if is_repeated {
                return Err(ReceiptError::PathRepeats { index: *index });
            }
        }
        within("bytes that the server signed", 1, MESSAGE_MAX, self.signature.message.len())?;
        within("bytes of its signature", 1, SIGNATURE_MAX, self.signature.signature.len())?;
        let Validity { not_before_s, not_after_s } = self.validity;
        within("last second of the path", not_before_s, u64::MAX, not_after_s)
    }

    /// Digests of the certificates that led to the root, the server's own first.
    pub fn path_digests(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.path.iter().filter_map(|index| self.chain.get(usize::from(*index)))
    }
}

/// Lists of digests.
mod digests {
    use alloc::vec::Vec;

    use minicbor::decode::Error as DecodeError;
    use minicbor::encode::{Error as EncodeError, Write};
    use minicbor::{Decoder, Encoder};

    use crate::written::count;

    pub(super) fn encode<C, W: Write>(
        digests: &[[u8; 32]],
        encoder: &mut Encoder<W>,
        _context: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        encoder.array(count(digests))?;
        digests.iter().try_for_each(|digest| encoder.bytes(digest).map(drop))
    }

    pub(super) fn decode<C>(
        decoder: &mut Decoder<'_>,
        _context: &mut C,
    ) -> Result<Vec<[u8; 32]>, DecodeError> {
        let place = decoder.position();
        let length = decoder.array()?.unwrap_or_default();
        let digest = |_| {
            let bytes = decoder.bytes()?;
            bytes.try_into().map_err(|_| DecodeError::message("no digest").at(place))
        };
        (0..length).map(digest).collect()
    }
}
