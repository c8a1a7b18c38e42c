//! Whose certificates a guest believes.

use alloc::vec::Vec;

use base64ct::{Base64, Encoding};
use serde::{Deserialize, Serialize};

use crate::egress::{HOST_PATTERN, is_host, is_host_pattern};
use crate::parse::check;
use crate::{HexDigest, ManifestError, field};

/// Most hosts with roots or keys of their own.
pub const TLS_HOSTS_MAX: usize = 8;
/// Most authorities of a host.
pub const AUTHORITIES_MAX: usize = 4;
/// Most keys of a host.
pub const SPKI_MAX: usize = 4;
/// The longest certificate of an authority, in bytes of DER.
pub const AUTHORITY_MAX_BYTES: usize = 8 * 1024;

const AUTHORITY_MAX_CHARS: usize = AUTHORITY_MAX_BYTES.div_ceil(3) * 4;

/// Whose certificates are believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls<'a> {
    /// Of hosts that are not listed, and of those that are listed without authorities.
    #[serde(deserialize_with = "field::word")]
    pub roots: TlsRoots,
    /// Hosts with roots or keys of their own.
    #[serde(borrow)]
    pub hosts: heapless::Vec<TlsHost<'a>, TLS_HOSTS_MAX>,
}

/// Roots that many rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TlsRoots {
    /// Mozilla's, as they are in the ROM.
    Mozilla,
    /// Nobody.
    None,
}

/// Who is believed to be a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsHost<'a> {
    /// As in [`EgressRule::host`](crate::EgressRule::host). The first entry that a host fits counts, and no other.
    pub host: &'a str,
    /// Certificates of authorities, DER in Base64 with padding: only they vouch for this host. None: those of
    /// [`Tls::roots`] do.
    #[serde(borrow)]
    pub authorities: heapless::Vec<&'a str, AUTHORITIES_MAX>,
    /// SHA-256 of the SubjectPublicKeyInfo that the host's own certificate must have, one of these; none: any that an
    /// authority vouches for. A key that is not listed any more is revoked, whatever its certificate says.
    pub spki_sha256: heapless::Vec<HexDigest<32>, SPKI_MAX>,
}

impl TlsHost<'_> {
    /// Whether this entry is for `host`.
    #[must_use]
    pub fn is_for(&self, host: &str) -> bool {
        is_host(self.host, host)
    }

    /// Whether no host is left for a later entry.
    fn hides(&self, later: &Self) -> bool {
        let name = later.host.strip_prefix("*.").filter(|_| self.host.starts_with('*'));
        self.host == later.host || self.is_for(name.unwrap_or(later.host))
    }
}

/// The bytes of a certificate; `None` when the text is none of the right form, or too long.
#[must_use]
pub fn authority_der(text: &str) -> Option<Vec<u8>> {
    let is_right = (1..=AUTHORITY_MAX_CHARS).contains(&text.len());
    if is_right { Base64::decode_vec(text).ok() } else { None }
}

/// Whether every entry means something. Whether a certificate is one is found out by whoever reads it: the image's builder,
/// and the guest before it runs anything.
pub(crate) fn check_tls(tls: &Tls<'_>) -> Result<(), ManifestError> {
    for (index, entry) in tls.hosts.iter().enumerate() {
        check(is_host_pattern(entry.host), "tls.hosts.host", HOST_PATTERN, entry.host)?;
        let is_first = !tls.hosts.iter().take(index).any(|earlier| earlier.hides(entry));
        check(is_first, "tls.hosts.host", "hosts that no earlier entry is for", entry.host)?;
        let says_something = !entry.authorities.is_empty() || !entry.spki_sha256.is_empty();
        check(says_something, "tls.hosts", "authorities or spki_sha256, or both", "neither")?;
        let can_be = tls.roots != TlsRoots::None || !entry.authorities.is_empty();
        check(can_be, "tls.hosts.authorities", "at least one, where roots = none", "none")?;
        let form = "a certificate's DER in Base64, of 1 to 8192 bytes";
        let bad = entry.authorities.iter().find(|text| authority_der(text).is_none());
        bad.map_or(Ok(()), |text| check(false, "tls.hosts.authorities", form, text))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
