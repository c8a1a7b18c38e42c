//! Whom to believe.

use alloc::borrow::{Cow, ToOwned};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use attestation_manifest::{Manifest, TlsHost, TlsRoots, authority_der, is_host, is_host_pattern};
use rustls_pki_types::{CertificateDer, TrustAnchor};
use sha2::{Digest, Sha256};

use crate::host::ServerHost;

/// First in what a digest of roots is computed over.
const ROOTS_LABEL: &[u8] = b"redoubt tls roots v1";

/// Authorities that many rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchors {
    /// Mozilla's, as they are compiled in.
    Mozilla,
    /// Nobody.
    None,
}

/// Who is believed to be a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostTrust {
    /// A DNS name in lower case, `*.` and one, which stands for all names that end in it and are longer, or an IPv4
    /// address.
    pub host: String,
    /// Certificates of authorities, DER: only they vouch for this host. None: the default ones do. Of each its name, key
    /// and name constraints count. When it is valid does not: whoever lists it says that it is.
    pub authorities: Vec<Vec<u8>>,
    /// SHA-256 of SubjectPublicKeyInfo: the host's own certificate must have one of these, besides being vouched for. None:
    /// any.
    pub spki_sha256: Vec<[u8; 32]>,
}

/// Whom to believe, made once per boot.
pub struct Trust {
    default: Roots,
    hosts: Vec<Entry>,
}

struct Entry {
    /// As rules of egress have it.
    pattern: String,
    /// `None`: the default ones.
    roots: Option<Roots>,
    spki_sha256: Vec<[u8; 32]>,
}

struct Roots {
    anchors: Cow<'static, [TrustAnchor<'static>]>,
    digest: [u8; 32],
}

/// What counts for a host.
#[derive(Debug, Clone, Copy)]
pub struct Applicable<'t> {
    /// Who may vouch for it.
    pub anchors: &'t [TrustAnchor<'static>],
    /// [`Trust::roots_digest`].
    pub roots_digest: [u8; 32],
    /// Keys of which it must have one. Empty: any key will do.
    pub spki_sha256: &'t [[u8; 32]],
}

/// An entry that means nothing. Whoever wrote it is guilty, no peer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// Not a certificate.
    #[error("host {host}: authority {index} is not a certificate in DER")]
    Authority {
        /// Of which entry.
        host: String,
        /// Which of its authorities, from 0.
        index: usize,
    },
    /// It would only hide later entries.
    #[error("host {host}: expected authorities or keys, found neither")]
    Empty {
        /// Of which entry.
        host: String,
    },
    /// Not a name, address or pattern.
    #[error("host {host:?}: expected a lower-case DNS name, *. and such a name, or an IPv4 address")]
    Host {
        /// What was there.
        host: String,
    },
    /// It asks for a key, and nobody could vouch for any.
    #[error("host {host}: neither it nor the default has authorities, so that no certificate would do")]
    NoAuthorities {
        /// Of which entry.
        host: String,
    },
}

impl Trust {
    /// `anchors` for hosts that no entry is for; the first entry that is for a host counts, and no other.
    ///
    /// # Errors
    /// An entry means nothing.
    pub fn new(anchors: Anchors, hosts: Vec<HostTrust>) -> Result<Self, TrustError> {
        let default: &'static [TrustAnchor<'static>] = match anchors {
            Anchors::Mozilla => webpki_roots::TLS_SERVER_ROOTS,
            Anchors::None => &[],
        };
        let default = Roots::new(Cow::Borrowed(default));
        let has_default = !default.anchors.is_empty();
        let hosts = hosts.into_iter().map(|host| Entry::new(host, has_default)).collect::<Result<_, _>>()?;
        Ok(Self { default, hosts })
    }

    /// That of a manifest.
    ///
    /// # Errors
    /// An entry means nothing.
    pub fn of(manifest: &Manifest<'_>) -> Result<Self, TrustError> {
        let anchors = match manifest.tls.roots {
            TlsRoots::Mozilla => Anchors::Mozilla,
            TlsRoots::None => Anchors::None,
        };
        Self::new(anchors, manifest.tls.hosts.iter().map(HostTrust::of).collect())
    }

    /// A digest of the authorities that may vouch for `host`, whatever their order:
    ///
    /// ```text
    /// SHA-256("redoubt tls roots v1" ‖ field(root) ‖ field(root) ‖ …), sorted by their bytes
    /// root     = field(subject) ‖ field(subject public key info), and if it has any ‖ field(name constraints)
    /// field(x) = length in 4 bytes, big endian ‖ x
    /// ```
    ///
    /// Each value is the content of its DER element, without the header.
    #[must_use]
    pub fn roots_digest(&self, host: &ServerHost) -> [u8; 32] {
        self.applicable(host).roots_digest
    }

    /// What counts for `host`.
    #[must_use]
    pub fn applicable(&self, host: &ServerHost) -> Applicable<'_> {
        let entry = {
            let name = host.to_string();
            self.hosts.iter().find(|entry| is_host(&entry.pattern, &name))
        };
        let roots = entry.and_then(|entry| entry.roots.as_ref()).unwrap_or(&self.default);
        Applicable {
            anchors: &roots.anchors,
            roots_digest: roots.digest,
            spki_sha256: entry.map_or(&[], |entry| entry.spki_sha256.as_slice()),
        }
    }
}

impl HostTrust {
    /// The manifest was parsed, so its Base64 is some; what is no certificate is refused as one.
    fn of(host: &TlsHost<'_>) -> Self {
        let authority = |text: &&str| authority_der(text).unwrap_or_default();
        Self {
            host: host.host.to_owned(),
            authorities: host.authorities.iter().map(authority).collect(),
            spki_sha256: host.spki_sha256.iter().map(|digest| digest.0).collect(),
        }
    }
}

/// Without the roots, which are many.
impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust")
            .field("default_roots", &self.default.anchors.len())
            .field("hosts", &self.hosts.len())
            .finish()
    }
}

impl Entry {
    fn new(trust: HostTrust, has_default: bool) -> Result<Self, TrustError> {
        let HostTrust { host, authorities, spki_sha256 } = trust;
        if !is_host_pattern(&host) {
            return Err(TrustError::Host { host });
        }
        if authorities.is_empty() && spki_sha256.is_empty() {
            return Err(TrustError::Empty { host });
        }
        if authorities.is_empty() && !has_default {
            return Err(TrustError::NoAuthorities { host });
        }
        let mut anchors = Vec::with_capacity(authorities.len());
        for (index, der) in authorities.into_iter().enumerate() {
            let certificate = CertificateDer::from(der);
            let Ok(anchor) = webpki::anchor_from_trusted_cert(&certificate) else {
                return Err(TrustError::Authority { host, index });
            };
            anchors.push(anchor.to_owned());
        }
        let roots = (!anchors.is_empty()).then(|| Roots::new(Cow::Owned(anchors)));
        Ok(Self { pattern: host, roots, spki_sha256 })
    }
}

impl Roots {
    fn new(anchors: Cow<'static, [TrustAnchor<'static>]>) -> Self {
        let digest = digest_of(&anchors);
        Self { anchors, digest }
    }
}

fn digest_of(anchors: &[TrustAnchor<'_>]) -> [u8; 32] {
    let mut roots: Vec<Vec<u8>> = anchors.iter().map(encode).collect();
    roots.sort_unstable();
    let mut hash = Sha256::new().chain_update(ROOTS_LABEL);
    for root in &roots {
        hash.update(length_of(root));
        hash.update(root);
    }
    hash.finalize().into()
}

fn encode(anchor: &TrustAnchor<'_>) -> Vec<u8> {
    let fields =
        [Some(&anchor.subject), Some(&anchor.subject_public_key_info), anchor.name_constraints.as_ref()];
    let mut root = Vec::new();
    for field in fields.into_iter().flatten() {
        root.extend_from_slice(&length_of(field));
        root.extend_from_slice(field);
    }
    root
}

/// webpki reads no element of 64 KiB or more.
fn length_of(field: &[u8]) -> [u8; 4] {
    u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests;
