//! Who is addressed: `host:port` and schemes (RFC 3986, section 3.2; RFC 9110, section 4.2).

use alloc::string::String;
use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

/// The longest name in DNS, without the final dot.
const NAME_MAX_BYTES: usize = 253;
const LABEL_MAX_BYTES: usize = 63;

/// A host and perhaps a port. Equal ones are written alike: [`fmt::Display`] gives the canonical form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// The host.
    pub host: Host,
    /// The port, when it is stated.
    pub port: Option<u16>,
}

/// A host. What ends in a number is an IPv4 address in four decimal parts or nothing: `127.1`, `0x7f.0.0.1` and
/// `2130706433` are spellings by which one reader sees a name and the next an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A name in lower case: labels of letters, digits, `-` and `_`, without the final dot.
    Name(String),
    /// `192.0.2.1`.
    V4(Ipv4Addr),
    /// `[2001:db8::1]`.
    V6(Ipv6Addr),
}

/// What is no authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorityError {
    /// Not an IPv6 address in brackets.
    #[error("expected an IPv6 address between the brackets")]
    Brackets,
    /// Not a name as DNS has them, nor an address.
    #[error("expected a name of letters, digits, hyphens and dots, or an address")]
    Name,
    /// Longer than DNS allows.
    #[error("name: expected at most {NAME_MAX_BYTES} bytes, and {LABEL_MAX_BYTES} between dots")]
    NameTooLong,
    /// Not decimal, 0, or above 65535.
    #[error("port: expected 1 to 65535")]
    Port,
    /// With a user's name or password, which nobody should send in the open.
    #[error("expected no user information")]
    UserInformation,
}

impl Authority {
    /// Reads `host` or `host:port`.
    ///
    /// # Errors
    /// Anything else, a colon without a port and user information among it.
    pub fn parse(text: &str) -> Result<Self, AuthorityError> {
        if text.contains('@') {
            return Err(AuthorityError::UserInformation);
        }
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, rest) = rest.split_once(']').ok_or(AuthorityError::Brackets)?;
                let address = address.parse().map_err(|_| AuthorityError::Brackets)?;
                let port = match rest.strip_prefix(':') {
                    Some(port) => Some(port),
                    None if rest.is_empty() => None,
                    None => return Err(AuthorityError::Brackets),
                };
                (Host::V6(address), port)
            }
            None => match text.split_once(':') {
                Some((host, port)) => (Host::parse_unbracketed(host)?, Some(port)),
                None => (Host::parse_unbracketed(text)?, None),
            },
        };
        Ok(Self { host, port: port.map(parse_port).transpose()? })
    }

    /// The port to connect to; `None` when neither it nor the scheme says.
    #[must_use]
    pub fn port_for(&self, scheme: &Scheme) -> Option<u16> {
        self.port.or_else(|| scheme.default_port())
    }

    /// Whether both name the same server.
    pub(crate) fn same_server(&self, other: &Self, scheme: &Scheme) -> bool {
        self.host == other.host && self.port_for(scheme) == other.port_for(scheme)
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Name(name) => f.write_str(name)?,
            Host::V4(address) => address.fmt(f)?,
            Host::V6(address) => write!(f, "[{address}]")?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl Host {
    fn parse_unbracketed(text: &str) -> Result<Self, AuthorityError> {
        let last = text.rsplit('.').next().unwrap_or_default();
        if ends_in_number(last) {
            return text.parse().map(Self::V4).map_err(|_| AuthorityError::Name);
        }
        if text.len() > NAME_MAX_BYTES || text.split('.').any(|label| label.len() > LABEL_MAX_BYTES) {
            return Err(AuthorityError::NameTooLong);
        }
        if !text.split('.').all(is_label) {
            return Err(AuthorityError::Name);
        }
        Ok(Self::Name(text.to_ascii_lowercase()))
    }
}

/// The rule of the WHATWG's URL standard: digits, or `0x` and what may be hexadecimal.
fn ends_in_number(last_label: &str) -> bool {
    let hexadecimal = last_label.strip_prefix("0x").or_else(|| last_label.strip_prefix("0X"));
    match hexadecimal {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => !last_label.is_empty() && last_label.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

fn is_label(label: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !label.is_empty() && label.bytes().all(is_inner) && !label.starts_with('-') && !label.ends_with('-')
}

fn parse_port(text: &str) -> Result<u16, AuthorityError> {
    let digits_only = text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() <= 5;
    let port = if digits_only { text.parse().ok() } else { None };
    port.filter(|port| *port != 0).ok_or(AuthorityError::Port)
}

/// How a server is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scheme {
    /// `http`.
    Http,
    /// `https`.
    Https,
    /// Another, in lower case.
    Other(String),
}

impl Scheme {
    /// Reads a scheme, in any case.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let lower = text.to_ascii_lowercase();
        match lower.as_str() {
            "http" => Self::Http,
            "https" => Self::Https,
            _ => Self::Other(lower),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Other(name) => name,
        }
    }

    /// 80, 443, or nothing.
    #[must_use]
    pub const fn default_port(&self) -> Option<u16> {
        match self {
            Self::Http => Some(80),
            Self::Https => Some(443),
            Self::Other(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hosts_of_all_kinds_are_recognised() {
        let table = [
            ("Example.ORG", "example.org", None),
            ("example.org:8080", "example.org:8080", Some(8080)),
            ("localhost", "localhost", None),
            ("my_service-1.internal", "my_service-1.internal", None),
            ("192.0.2.1:443", "192.0.2.1:443", Some(443)),
            ("[2001:DB8:0::1]:80", "[2001:db8::1]:80", Some(80)),
            ("[::1]", "[::1]", None),
            ("xn--bcher-kva.example", "xn--bcher-kva.example", None),
            ("a.0x.example", "a.0x.example", None),
        ];
        for (text, canonical, port) in table {
            let authority = Authority::parse(text).unwrap();
            assert_eq!((authority.to_string().as_str(), authority.port), (canonical, port), "{text}");
            assert_eq!(Authority::parse(canonical), Ok(authority));
        }
    }

    #[test]
    fn everything_else_is_refused() {
        use AuthorityError as E;
        let table = [
            ("", E::Name),
            (":80", E::Name),
            ("a..b", E::Name),
            (".a", E::Name),
            ("example.org.", E::Name),
            ("-a.b", E::Name),
            ("a-.b", E::Name),
            ("a b", E::Name),
            ("a/b", E::Name),
            ("a%41", E::Name),
            ("bücher.example", E::Name),
            ("127.1", E::Name),
            ("2130706433", E::Name),
            ("0x7f000001", E::Name),
            ("0x7f.0.0.1", E::Name),
            ("1.2.3.0x", E::Name),
            ("127.0.0.01", E::Name),
            ("1.2.3.256", E::Name),
            ("user@example.org", E::UserInformation),
            ("a:80@b", E::UserInformation),
            ("a:", E::Port),
            ("a:0", E::Port),
            ("a:+80", E::Port),
            ("a:65536", E::Port),
            ("a:000080", E::Port),
            ("a:80:90", E::Port),
            ("::1", E::Name),
            ("[::1", E::Brackets),
            ("[::1]80", E::Brackets),
            ("[fe80::1%eth0]", E::Brackets),
            ("[v1.x]", E::Brackets),
            ("[127.0.0.1]", E::Brackets),
        ];
        for (text, error) in table {
            assert_eq!(Authority::parse(text), Err(error), "{text}");
        }
        let long = |label: usize, labels: usize| alloc::vec!["a".repeat(label); labels].join(".");
        assert!(Authority::parse(&long(63, 3)).is_ok());
        assert_eq!(Authority::parse(&long(64, 1)), Err(E::NameTooLong));
        assert_eq!(Authority::parse(&long(50, 5)), Err(E::NameTooLong));
    }

    #[test]
    fn default_ports_follow_the_scheme() {
        let [plain, with_port] = ["a.example", "a.example:443"].map(|text| Authority::parse(text).unwrap());
        assert_eq!(plain.port_for(&Scheme::of("HTTP")), Some(80));
        assert_eq!(plain.port_for(&Scheme::of("https")), Some(443));
        assert_eq!(plain.port_for(&Scheme::of("ftp")), None);
        assert_eq!(with_port.port_for(&Scheme::of("ftp")), Some(443));
        assert!(plain.same_server(&with_port, &Scheme::Https));
        assert!(!plain.same_server(&with_port, &Scheme::Http));
    }

    proptest! {
        #[test]
        fn what_parses_is_canonical_after_once(text in "[a-zA-Z0-9.:\\[\\]_@%-]{0,24}") {
            if let Ok(authority) = Authority::parse(&text) {
                prop_assert_eq!(Authority::parse(&authority.to_string()), Ok(authority));
            }
        }
    }
}
