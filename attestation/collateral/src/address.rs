//! Where the vendors' services are.

use core::fmt;
use core::str::FromStr;

use crate::names::beginning;

/// A service with an address and a rate limit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// AMD Key Distribution Service.
    Kds,
    /// Intel Provisioning Certification Service.
    Pcs,
    /// Where Intel keeps the revocation list of its root.
    IntelCertificates,
    /// NVIDIA RIM service.
    Rim,
}

impl Service {
    /// Its name, for people and as a folder.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kds => "amd-kds",
            Self::Pcs => "intel-pcs",
            Self::IntelCertificates => "intel-certificates",
            Self::Rim => "nvidia-rim",
        }
    }
}

/// Addresses of all services. [`Endpoints::default`] has the vendors' own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// Of KDS: AMD publication 57230.
    pub kds: BaseUrl,
    /// Of PCS: "Intel SGX and Intel TDX Provisioning Certification Service", version 4.
    pub pcs: BaseUrl,
    /// Of the root's list: CRL distribution point in the Intel SGX Root CA's certificate.
    pub intel_certificates: BaseUrl,
    /// Of the RIM service: "RIM Service Public API".
    pub rim: BaseUrl,
}

impl Endpoints {
    /// Where a service is.
    #[must_use]
    pub const fn of(&self, service: Service) -> &BaseUrl {
        match service {
            Service::Kds => &self.kds,
            Service::Pcs => &self.pcs,
            Service::IntelCertificates => &self.intel_certificates,
            Service::Rim => &self.rim,
        }
    }
}

impl Default for Endpoints {
    fn default() -> Self {
        let of_vendor =
            |host: &str| BaseUrl { scheme: Scheme::Https, host: host.into(), path: String::new() };
        Self {
            kds: of_vendor("kdsintf.amd.com"),
            pcs: of_vendor("api.trustedservices.intel.com"),
            intel_certificates: of_vendor("certificates.trustedservices.intel.com"),
            rim: of_vendor("rim.attestation.nvidia.com"),
        }
    }
}

/// The beginning of a service's addresses: scheme, host and perhaps a path, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    scheme: Scheme,
    host: String,
    path: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

impl BaseUrl {
    /// Host, and port if one is given.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }
}

/// An address that no service is asked at. Whoever typed it is guilty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Not an address of a service.
    #[error("address: expected https://HOST[:PORT][/PATH], found {found:?}")]
    Malformed {
        /// What was typed, or its beginning.
        found: String,
    },
    /// Vendors' own services are not asked without TLS: collateral needs no secrecy, but whoever can change answers on their
    /// way can withhold revocation.
    #[error("address: {host} is a vendor's, expected https://, found http://")]
    PlainVendor {
        /// Whose.
        host: String,
    },
}

/// Domains of the vendors.
const VENDORS: [&str; 3] = ["amd.com", "intel.com", "nvidia.com"];

impl FromStr for BaseUrl {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let malformed = || AddressError::Malformed { found: beginning(text) };
        let (scheme, rest) = match text.split_once("://") {
            Some(("https", rest)) => (Scheme::Https, rest),
            Some(("http", rest)) => (Scheme::Http, rest),
            _ => return Err(malformed()),
        };
        let rest = rest.trim_end_matches('/');
        let (host, path) = match rest.find('/') {
            Some(at) => rest.split_at_checked(at).ok_or_else(malformed)?,
            None => (rest, ""),
        };
        if !is_host(host) || !path.bytes().all(is_fit_for_paths) || path.contains("..") {
            return Err(malformed());
        }
        let host = host.to_ascii_lowercase();
        if scheme == Scheme::Http && is_vendors(&host) {
            return Err(AddressError::PlainVendor { host });
        }
        Ok(Self { scheme, host, path: path.to_owned() })
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        write!(f, "{scheme}://{}{}", self.host, self.path)
    }
}

/// A name or an IPv4 address, and perhaps a port. Fit for a file name as well.
fn is_host(host: &str) -> bool {
    let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|number| number.to_string() == port));
    is_name && is_port && name.starts_with(|first: char| first.is_ascii_alphanumeric()) && name.len() <= 200
}

fn is_fit_for_paths(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_' | b'~')
}

fn is_vendors(host: &str) -> bool {
    let name = host.split(':').next().unwrap_or(host).trim_end_matches('.');
    VENDORS.iter().any(|vendor| {
        name.strip_suffix(vendor).is_some_and(|before| before.is_empty() || before.ends_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        for (text, written) in [
            ("https://kdsintf.amd.com", "https://kdsintf.amd.com"),
            ("https://Mirror.example:8443/amd/", "https://mirror.example:8443/amd"),
            ("http://127.0.0.1:9", "http://127.0.0.1:9"),
            ("http://notamd.com", "http://notamd.com"),
        ] {
            assert_eq!(text.parse::<BaseUrl>().unwrap().to_string(), written);
        }
        for wrong in [
            "",
            "kdsintf.amd.com",
            "ftp://a",
            "https://",
            "https://a b",
            "https://user@host",
            "https://a/../b",
            "https://a?x",
            "https://a:x",
            "https://a:070",
            "https://[::1]",
            "file:///etc",
        ] {
            assert!(matches!(wrong.parse::<BaseUrl>(), Err(AddressError::Malformed { .. })), "{wrong}");
        }
    }

    #[test]
    fn vendors_are_asked_over_tls_or_not_at_all() {
        let defaults = Endpoints::default();
        for base in [&defaults.kds, &defaults.pcs, &defaults.intel_certificates, &defaults.rim] {
            assert_eq!(base.to_string().parse::<BaseUrl>().as_ref(), Ok(base));
            let plain = base.to_string().replace("https", "http");
            for text in [
                plain.clone(),
                plain.to_uppercase().replace("HTTP", "http"),
                plain.clone() + ".",
                plain + ":80",
            ] {
                let refused = text.parse::<BaseUrl>();
                assert!(matches!(refused, Err(AddressError::PlainVendor { .. })), "{text}: {refused:?}");
            }
        }
    }
}
