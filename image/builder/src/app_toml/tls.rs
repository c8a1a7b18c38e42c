//! Whose certificates the program's guest believes, and who tells it the time.

use alloc::string::String;
use alloc::vec::Vec;

use attestation_manifest::{AUTHORITIES_MAX, HexDigest, SPKI_MAX, TIME_SERVERS_MAX, TLS_HOSTS_MAX, TlsRoots};
use base64ct::{Base64, Encoding};
use serde::Deserialize;
use serde::de::{Deserializer, Error};

use crate::error::AppTomlError;

/// What a PEM block of a certificate is labelled.
const CERTIFICATE: &str = "CERTIFICATE";

/// Whose certificates are believed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AppTls {
    /// Of hosts that are not listed, and of those that are listed without authorities. Default: `mozilla`, the list that
    /// browsers go by.
    pub roots: TlsRoots,
    /// Hosts with authorities or keys of their own. Default: none.
    pub hosts: Vec<AppTlsHost>,
}

/// Who is believed to be a host.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppTlsHost {
    /// As in egress rules.
    pub host: String,
    /// Certificates of authorities, each a PEM block. Only they vouch for the host. Default: those of `roots` do.
    #[serde(default)]
    pub authorities: Vec<String>,
    /// SHA-256 of the public keys, of which the host's certificate must have one, as `openssl x509 -pubkey | openssl pkey
    /// -pubin -outform der | sha256sum` prints it. Default: any that an authority vouches for.
    #[serde(default)]
    pub spki_sha256: Vec<HexDigest<32>>,
}

/// A server of Roughtime.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppTimeServer {
    /// A DNS name, or an IPv4 address.
    pub host: String,
    /// UDP port. Default: 5319, which IANA has assigned to Roughtime; many servers have 2002.
    #[serde(default = "default_port")]
    pub port: u16,
    /// Its long-term key, in Base64 as lists of servers have it, or 64 hexadecimal digits.
    #[serde(deserialize_with = "public_key")]
    pub public_key: HexDigest<32>,
}

impl Default for AppTls {
    fn default() -> Self {
        Self { roots: TlsRoots::Mozilla, hosts: Vec::new() }
    }
}

impl AppTls {
    /// The longest lists, with how long they may be.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&'static str, usize, usize)> {
        let hosts = core::iter::once(("tls.hosts", self.hosts.len(), TLS_HOSTS_MAX));
        hosts.chain(self.hosts.iter().flat_map(|host| {
            [
                ("tls.hosts.authorities", host.authorities.len(), AUTHORITIES_MAX),
                ("tls.hosts.spki_sha256", host.spki_sha256.len(), SPKI_MAX),
            ]
        }))
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = (&'static str, &String)> {
        self.hosts.iter().map(|host| ("tls.hosts.host", &host.host))
    }

    /// Whether every authority is one.
    pub(super) fn check(&self) -> Result<(), AppTomlError> {
        self.hosts.iter().try_for_each(|host| host.authorities().map(drop))
    }
}

impl AppTlsHost {
    /// The authorities as manifests have them: DER in Base64.
    pub(crate) fn authorities(&self) -> Result<Vec<String>, AppTomlError> {
        let certificate = |(index, text): (usize, &String)| {
            let refuse = |problem| AppTomlError::Authority { host: self.host.clone(), index, problem };
            let der = certificate_der(text).map_err(refuse)?;
            webpki::anchor_from_trusted_cert(&der.as_slice().into())
                .map_err(|error| refuse(alloc::format!("{error:?}")))?;
            Ok(Base64::encode_string(&der))
        };
        self.authorities.iter().enumerate().map(certificate).collect()
    }
}

fn certificate_der(text: &str) -> Result<Vec<u8>, String> {
    let (label, der) = pem_rfc7468::decode_vec(text.trim().as_bytes())
        .map_err(|error| alloc::format!("not one PEM block: {error}"))?;
    if label == CERTIFICATE { Ok(der) } else { Err(alloc::format!("expected {CERTIFICATE}, found {label}")) }
}

/// Lists of servers have such keys in Base64, everything here has them in hexadecimal.
fn public_key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<HexDigest<32>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let from_base64 = || Base64::decode_vec(&text).ok()?.try_into().ok().map(HexDigest);
    let expected = "a key of Ed25519: 44 characters of Base64, or 64 lower-case hexadecimal digits";
    HexDigest::parse(&text).or_else(from_base64).ok_or_else(|| D::Error::custom(expected))
}

pub(super) const fn time_count(servers: &[AppTimeServer]) -> (&'static str, usize, usize) {
    ("time", servers.len(), TIME_SERVERS_MAX)
}

const fn default_port() -> u16 {
    5319
}

#[cfg(test)]
mod tests;
