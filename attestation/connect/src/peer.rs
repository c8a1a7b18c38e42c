//! Who is at the other end.

use attestation_session::VerifiedSession;

/// The other end of a connection that has proven where it ends. Its evidence is an allegation until somebody appraises it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    pub(crate) session: VerifiedSession,
    pub(crate) spki: [u8; 32],
    pub(crate) tls: TlsParameters,
}

/// What a handshake agreed on, as numbers of IANA's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TlsParameters {
    /// Always TLS 1.3.
    pub version: u16,
    /// Cipher suite.
    pub cipher_suite: u16,
    /// Group of the key exchange.
    pub group: u16,
}

impl Peer {
    /// What was signed, and with which evidence. The time in it is only asserted, by the guest.
    #[must_use]
    pub const fn session(&self) -> &VerifiedSession {
        &self.session
    }

    /// SHA-256 of the SubjectPublicKeyInfo in the certificate. It is proven to be the guest's for as long as that runs.
    #[must_use]
    pub const fn spki_digest(&self) -> &[u8; 32] {
        &self.spki
    }

    /// Version, suite and group.
    #[must_use]
    pub const fn tls(&self) -> TlsParameters {
        self.tls
    }
}
