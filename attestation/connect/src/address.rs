//! Where a service is.

use core::fmt;
use core::str::FromStr;

use rustls::pki_types::ServerName;

/// The port of `https`, where an address names none.
const DEFAULT_PORT: u16 = 443;

/// `https://HOST[:PORT]`: a name, an IPv4 address, or an IPv6 address in brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceUrl {
    name: ServerName<'static>,
    host: String,
    port: u16,
}

/// Not the address of a service. Whoever typed it is guilty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("address: expected https://HOST[:PORT], found {found:?}{}", .why.map(|why| format!(": {why}")).unwrap_or_default())]
pub struct AddressError {
    /// What was typed, or its beginning.
    pub found: String,
    /// What is wrong with it, where that is known.
    pub why: Option<&'static str>,
}

impl ServiceUrl {
    /// Name or address, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Which port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Host and port as in a field `Host`.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == DEFAULT_PORT { host } else { format!("{host}:{}", self.port) }
    }

    /// What TLS calls it. It is sent to servers if it is a name, and to nobody if it is an address.
    pub(crate) const fn server_name(&self) -> &ServerName<'static> {
        &self.name
    }
}

impl FromStr for ServiceUrl {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = |why| AddressError { found: beginning(text), why };
        let rest = match text.split_once("://") {
            Some(("https", rest)) => rest,
            Some(("http", _)) => return Err(wrong(Some("without TLS there is nothing to prove"))),
            _ => return Err(wrong(None)),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#']) {
            return Err(wrong(Some("a service has no path, requests have")));
        }
        let (host, port) = split_port(rest).ok_or_else(|| wrong(None))?;
        let name = ServerName::try_from(host.to_ascii_lowercase()).map_err(|_| wrong(None))?;
        // Brackets are for IPv6, and IPv6 is in brackets: otherwise its end would be a port.
        let is_v6 = matches!(name, ServerName::IpAddress(rustls::pki_types::IpAddr::V6(_)));
        if is_v6 != rest.starts_with('[') {
            return Err(wrong(None));
        }
        let host = name.to_str().into_owned();
        Ok(Self { name, host, port })
    }
}

impl fmt::Display for ServiceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}", self.authority())
    }
}

fn split_port(rest: &str) -> Option<(&str, u16)> {
    let (host, after) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => rest.split_at(rest.find(':').unwrap_or(rest.len())),
    };
    match after.strip_prefix(':') {
        None => after.is_empty().then_some((host, DEFAULT_PORT)),
        Some(digits) => {
            let port: u16 = digits.parse().ok()?;
            // One spelling: no sign, no zeros before.
            (port > 0 && port.to_string() == digits).then_some((host, port))
        }
    }
}

/// Enough of it to be recognised.
fn beginning(text: &str) -> String {
    const CHARACTERS: usize = 60;
    text.chars().take(CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        for (text, written, host, port) in [
            ("https://ledger.example", "https://ledger.example", "ledger.example", 443),
            ("https://Ledger.Example:8443/", "https://ledger.example:8443", "ledger.example", 8443),
            ("https://127.0.0.1:1", "https://127.0.0.1:1", "127.0.0.1", 1),
            ("https://[::1]:8443", "https://[::1]:8443", "::1", 8443),
            ("https://[2001:db8::0:1]", "https://[2001:db8::1]", "2001:db8::1", 443),
        ] {
            let url: ServiceUrl = text.parse().unwrap();
            assert_eq!((url.to_string().as_str(), url.host(), url.port()), (written, host, port), "{text}");
        }
    }

    #[test]
    fn nothing_else_is_an_address() {
        for wrong in [
            "",
            "ledger.example",
            "https://",
            "https://:443",
            "https://a b",
            "https://user@host",
            "https://a:",
            "https://a:0",
            "https://a:070",
            "https://a:65536",
            "https://a:+1",
            "https://::1",
            "https://[127.0.0.1]",
            "https://[a]",
            "https://[::1",
            "https://[::1]x",
            "https://a\r\nx",
            "HTTPS://a",
        ] {
            assert!(wrong.parse::<ServiceUrl>().is_err(), "{wrong}");
        }
        let said = |text: &str| text.parse::<ServiceUrl>().unwrap_err().to_string();
        assert!(said("http://a").ends_with("without TLS there is nothing to prove"), "{}", said("http://a"));
        assert!(said("https://a/b").contains("no path"), "{}", said("https://a/b"));
    }
}
