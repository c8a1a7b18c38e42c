//! What a handshake established, and what proves it.

use alloc::string::String;
use alloc::vec::Vec;

use crate::exporter::{Exporter, ExporterError};
use crate::{Interval, ServerHost, Validity};

/// What a handshake established, and what proves it: for receipts.
///
/// The server's signature proves that its key took part in this handshake. What went over the connection afterwards is
/// protected by keys that both ends have, and proven to nobody else by anything in here.
#[derive(Debug)]
#[non_exhaustive]
pub struct Session {
    /// Who was called.
    pub host: ServerHost,
    /// When it was, as far as was known when the connection began; certificates were judged by it.
    pub time: Interval,
    /// Version of TLS.
    pub version: Version,
    /// Number of the cipher suite, as IANA lists them.
    pub cipher_suite: u16,
    /// Number of the key exchange's group, as IANA lists them.
    pub key_exchange_group: u16,
    /// Whether the server wanted another group than the client guessed.
    pub was_retried: bool,
    /// What is spoken above TLS; `None` when the server did not say.
    pub alpn: Option<Vec<u8>>,
    /// The client's random.
    pub client_random: [u8; 32],
    /// The server's random.
    pub server_random: [u8; 32],
    /// The server, as it showed itself.
    pub peer: Peer,
    /// The signature by which the server showed that it has its certificate's key.
    pub signature: HandshakeSignature,
    pub(crate) exporter: Exporter,
}

/// What a handshake with a client established.
#[derive(Debug)]
#[non_exhaustive]
pub struct ServerSession {
    /// Version of TLS: always 1.3.
    pub version: Version,
    /// Number of the cipher suite, as IANA lists them.
    pub cipher_suite: u16,
    /// Number of the key exchange's group, as IANA lists them.
    pub key_exchange_group: u16,
    /// What is spoken above TLS; `None` when the client did not say.
    pub alpn: Option<Vec<u8>>,
    /// Whom the client called, in lower case; `None` when it did not say, or called an address. Nobody has checked it.
    pub sni: Option<String>,
    pub(crate) exporter: Exporter,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// With extended master secret.
    Tls12,
    /// RFC 8446.
    Tls13,
}

/// A server, as it showed itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer {
    /// All certificates that it presented, DER, its own first.
    pub chain: Vec<Vec<u8>>,
    /// Those of them that lead to a root, as indices, its own first. The root is not among them.
    pub path: Vec<usize>,
    /// From when until when its own certificate is valid.
    pub leaf_validity: Validity,
    /// From when until when all of the path is.
    pub validity: Validity,
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub leaf_spki_sha256: [u8; 32],
    /// The root.
    pub root: Authority,
    /// [`Trust::roots_digest`](crate::Trust::roots_digest): the list that the root was chosen from.
    pub roots_digest: [u8; 32],
    /// Whether keys are listed for this host, of which its own is one.
    pub was_pinned: bool,
    /// What it said of its certificate's revocation, DER; empty if nothing. Kept, not judged.
    pub ocsp_response: Vec<u8>,
    /// Logs that promised to publish its certificate, as the certificate says. Their signatures are not judged.
    pub scts: Vec<Sct>,
}

/// A root by name and key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// A `Name`, DER.
    pub subject: Vec<u8>,
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub spki_sha256: [u8; 32],
}

/// A promise of a log to publish a certificate (RFC 6962, section 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sct {
    /// Which log.
    pub log_id: [u8; 32],
    /// When, in milliseconds since 1970.
    pub timestamp_ms: u64,
}

/// The server's signature in a handshake, which anybody can check with the key of its certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandshakeSignature {
    /// Number of the `SignatureScheme`, as IANA lists them. In TLS 1.2 it does not determine the curve of a key.
    pub scheme: u16,
    /// What is signed. TLS 1.3: 64 spaces, a text, a zero byte and the hash of the handshake so far (RFC 8446, section
    /// 4.4.3). TLS 1.2: both randoms and the key exchange's parameters (RFC 8422, section 5.4).
    pub message: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
}

impl Session {
    /// Derives `value` from the session, as the server can and nobody else: RFC 8446, section 7.5, or in TLS 1.2 RFC 5705.
    /// In TLS 1.3 its length changes all of it, and no context is an empty one.
    ///
    /// # Errors
    /// The value, the label or the context is too long: a value of 255 hashes of the cipher suite, a label of 249 bytes,
    /// and in TLS 1.2 a context of 65,535 bytes are the most.
    pub fn exporter(
        &self,
        label: &[u8],
        context: Option<&[u8]>,
        value: &mut [u8],
    ) -> Result<(), ExporterError> {
        self.exporter.export(label, context, value)
    }
}

impl ServerSession {
    /// Derives `value` from the session, as the client can and nobody else: RFC 8446, section 7.5. Its length changes all of
    /// it, and no context is an empty one.
    ///
    /// # Errors
    /// The value or the label is too long: a value of 255 hashes of the cipher suite and a label of 249 bytes are the most.
    pub fn export(
        &self,
        label: &[u8],
        context: Option<&[u8]>,
        value: &mut [u8],
    ) -> Result<(), ExporterError> {
        self.exporter.export(label, context, value)
    }
}

impl Version {
    /// Its number in messages.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::Tls12 => 0x0303,
            Self::Tls13 => 0x0304,
        }
    }
}
