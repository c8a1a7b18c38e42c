//! Where the rates are.

use core::fmt;

/// Longest address, in bytes.
const URL_MAX_BYTES: usize = 2048;

/// An address of HTTPS: `https://host[:port]/path[?query]`. It needs no escaping in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Url<'a> {
    text: &'a str,
    authority: &'a str,
    path_with_query: &'a str,
}

/// Why a text is no such address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoUrl {
    /// A space, a quote, a backslash, or anything but printable ASCII.
    Character,
    /// A part behind `#`, which no server ever sees.
    Fragment,
    /// No host, or with a user's name or password.
    Host,
    /// Nothing behind the host.
    Path,
    /// Not of HTTPS: what comes otherwise is anybody's word, and leaves no receipt.
    Scheme,
    /// More than 2048 bytes.
    TooLong,
}

impl fmt::Display for NoUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Character => "expected printable ASCII without space, quote and backslash",
            Self::Fragment => "expected no part behind #",
            Self::Host => "expected a host, without a user's name",
            Self::Path => "expected a path behind the host, at least /",
            Self::Scheme => "expected https://",
            Self::TooLong => "expected at most 2048 bytes",
        })
    }
}

impl core::error::Error for NoUrl {}

impl<'a> Url<'a> {
    /// Reads an address.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &'a str) -> Result<Self, NoUrl> {
        if text.len() > URL_MAX_BYTES {
            return Err(NoUrl::TooLong);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\')) {
            return Err(NoUrl::Character);
        }
        let rest = text.strip_prefix("https://").ok_or(NoUrl::Scheme)?;
        if rest.contains('#') {
            return Err(NoUrl::Fragment);
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path_with_query) = rest.split_at_checked(end).ok_or(NoUrl::Path)?;
        if authority.is_empty() || authority.starts_with(':') || authority.contains('@') {
            return Err(NoUrl::Host);
        }
        if !path_with_query.starts_with('/') {
            return Err(NoUrl::Path);
        }
        Ok(Self { text, authority, path_with_query })
    }

    /// Host, and port if there is one.
    #[must_use]
    pub const fn authority(&self) -> &'a str {
        self.authority
    }

    /// All behind it.
    #[must_use]
    pub const fn path_with_query(&self) -> &'a str {
        self.path_with_query
    }
}

impl fmt::Display for Url<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_parts() {
        for (text, authority, path) in [
            ("https://api.example.org/", "api.example.org", "/"),
            (
                "https://10.0.2.2:8443/v1/rates.json?base=EUR&x=/y",
                "10.0.2.2:8443",
                "/v1/rates.json?base=EUR&x=/y",
            ),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!((url.authority(), url.path_with_query()), (authority, path));
            assert_eq!(url.to_string(), text);
        }
    }

    #[test]
    fn every_rule_bites() {
        let long = format!("https://a/{}", "b".repeat(URL_MAX_BYTES));
        for (text, why) in [
            ("", NoUrl::Scheme),
            ("http://a/", NoUrl::Scheme),
            ("HTTPS://a/", NoUrl::Scheme),
            ("https://a/#b", NoUrl::Fragment),
            ("https:///b", NoUrl::Host),
            ("https://:443/b", NoUrl::Host),
            ("https://me@a/b", NoUrl::Host),
            ("https://a", NoUrl::Path),
            ("https://a?b", NoUrl::Path),
            ("https://a/ b", NoUrl::Character),
            ("https://a/\"", NoUrl::Character),
            ("https://a/\\", NoUrl::Character),
            ("https://ä/", NoUrl::Character),
            ("https://a/\r\nhost: b", NoUrl::Character),
            (&long, NoUrl::TooLong),
        ] {
            assert_eq!(Url::parse(text), Err(why), "{text}");
        }
    }
}
