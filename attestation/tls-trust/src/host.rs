//! Who is called.

use core::fmt;
use core::net::Ipv4Addr;

use attestation_manifest::is_host_name;
use rustls_pki_types::{DnsName, IpAddr, ServerName};

/// A server as it is called, and as its certificate has to name it. Equal ones are written alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerHost(ServerName<'static>);

/// Neither a DNS name nor an IPv4 address. Nor is a name with a dot at its end, which certificates never have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("host: expected a DNS name or an IPv4 address")]
pub struct HostError;

impl ServerHost {
    /// Reads a name, in whichever case, or an address.
    ///
    /// # Errors
    /// It is neither.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Ok(address.into());
        }
        if !is_host_name(text) {
            return Err(HostError);
        }
        let name = DnsName::try_from(text.to_ascii_lowercase()).map_err(|_| HostError)?;
        Ok(Self(ServerName::DnsName(name)))
    }

    /// As rustls and webpki want it. Names go to the server in the clear, addresses do not (RFC 6066, section 3).
    #[must_use]
    pub const fn server_name(&self) -> &ServerName<'static> {
        &self.0
    }
}

impl From<Ipv4Addr> for ServerHost {
    fn from(address: Ipv4Addr) -> Self {
        Self(ServerName::IpAddress(IpAddr::V4(address.octets().into())))
    }
}

impl fmt::Display for ServerHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            ServerName::DnsName(name) => f.write_str(name.as_ref()),
            ServerName::IpAddress(IpAddr::V4(address)) => Ipv4Addr::from(*address.as_ref()).fmt(f),
            // Nothing here makes any other.
            _ => f.write_str("?"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> ServerHost {
        ServerHost::parse(text).unwrap()
    }

    #[test]
    fn hosts_have_one_spelling() {
        assert_eq!(host("API.Example.com").to_string(), "api.example.com");
        assert_eq!(host("192.0.2.1"), Ipv4Addr::new(192, 0, 2, 1).into());
        assert_eq!(host("localhost").to_string(), "localhost");
        for text in ["a", "a-b.example.com", "192.0.2.1", "xn--bcher-kva.example", "1a.2b.com"] {
            assert_eq!(host(text).server_name().to_str(), text);
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        let long = format!("{}com", "a.".repeat(126));
        for text in ["", ".", "a.", ".a", "a..b", "-a.com", "a-.com", "a_b.com", "*.a.com", "127.1", "0x7f.1"]
        {
            assert_eq!(ServerHost::parse(text), Err(HostError), "{text}");
        }
        assert_eq!(ServerHost::parse(&long), Err(HostError));
        assert_eq!(ServerHost::parse(&format!("{}.com", "a".repeat(64))), Err(HostError));
        for text in ["exämple.com", "a.com:443", "[::1]", "::1", "a b.com", "1.2.3.4.5"] {
            assert_eq!(ServerHost::parse(text), Err(HostError), "{text}");
        }
    }
}
