//! Who is called: names and addresses, and the patterns that stand for several.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;
use core::net::Ipv4Addr;

use rustls::pki_types::{DnsName, IpAddr, ServerName};

/// The longest name, without the dot at its end. RFC 1035, section 2.3.4, counts that and the root's length in 255.
const NAME_MAX_BYTES: usize = 253;
/// The longest part between dots, of the same section.
const LABEL_MAX_BYTES: usize = 63;

/// A server as it is called, and as its certificate has to name it. Equal ones are written alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerHost(Host);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    /// In lower case.
    Name(String),
    V4(Ipv4Addr),
}

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
        if let Ok(address) = text.parse() {
            return Ok(Self(Host::V4(address)));
        }
        if !is_name(text) {
            return Err(HostError);
        }
        Ok(Self(Host::Name(text.to_ascii_lowercase())))
    }

    /// As rustls wants it. Names go to the server in the clear, addresses do not (RFC 6066, section 3).
    pub(crate) fn server_name(&self) -> Result<ServerName<'static>, HostError> {
        match &self.0 {
            Host::Name(name) => {
                DnsName::try_from(name.clone()).map(ServerName::DnsName).map_err(|_| HostError)
            }
            Host::V4(address) => Ok(ServerName::IpAddress(IpAddr::V4(address.octets().into()))),
        }
    }
}

impl From<Ipv4Addr> for ServerHost {
    fn from(address: Ipv4Addr) -> Self {
        Self(Host::V4(address))
    }
}

impl fmt::Display for ServerHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Host::Name(name) => f.write_str(name),
            Host::V4(address) => address.fmt(f),
        }
    }
}

/// A host, or with `*.` before a name all names that end in it and are longer: as rules of egress have them in a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HostPattern {
    One(ServerHost),
    /// What they end in, with a dot before.
    Below(String),
}

impl HostPattern {
    /// Reads a pattern in its one spelling: names are in lower case.
    pub(crate) fn parse(text: &str) -> Result<Self, HostError> {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(HostError);
        }
        match text.strip_prefix('*') {
            Some(end) if text.len() <= NAME_MAX_BYTES && end.strip_prefix('.').is_some_and(is_name) => {
                Ok(Self::Below(end.to_owned()))
            }
            Some(_) => Err(HostError),
            None => ServerHost::parse(text).map(Self::One),
        }
    }

    pub(crate) fn is_for(&self, host: &ServerHost) -> bool {
        match (self, &host.0) {
            (Self::One(one), _) => one == host,
            // A name begins with a label, so that something is left before the dot.
            (Self::Below(end), Host::Name(name)) => name.ends_with(end.as_str()),
            (Self::Below(_), Host::V4(_)) => false,
        }
    }
}

/// Whether readers agree that this is a name: many read one whose last part begins with a digit as an address, in octal,
/// hexadecimal or with parts left out (WHATWG URL standard, "ends in a number"). No top-level domain does (RFC 1123,
/// section 2.1).
fn is_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=LABEL_MAX_BYTES).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= NAME_MAX_BYTES
        && text.split('.').all(is_label)
        && last.starts_with(|first: char| first.is_ascii_alphabetic())
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

    #[test]
    fn every_host_is_a_server_name() {
        for text in ["a", "a-b.example.com", "192.0.2.1", "xn--bcher-kva.example", "1a.2b.com"] {
            assert_eq!(host(text).server_name().unwrap().to_str(), text);
        }
    }

    #[test]
    fn patterns_stand_for_longer_names_only() {
        let below = HostPattern::parse("*.example.com").unwrap();
        for text in ["a.example.com", "a.b.EXAMPLE.com"] {
            assert!(below.is_for(&host(text)), "{text}");
        }
        for text in ["example.com", "badexample.com", "a.example.org", "192.0.2.1", "example.com.a"] {
            assert!(!below.is_for(&host(text)), "{text}");
        }
        assert!(HostPattern::parse("192.0.2.1").unwrap().is_for(&host("192.0.2.1")));
        assert!(!HostPattern::parse("example.com").unwrap().is_for(&host("a.example.com")));
    }

    #[test]
    fn patterns_are_refused_in_other_spellings() {
        for text in ["", "*", "*.", "*.*", "*a.com", "a.*.com", "*.A.com", "A.com", "*.192.0.2.1", "**.a.com"]
        {
            assert_eq!(HostPattern::parse(text), Err(HostError), "{text}");
        }
    }
}
