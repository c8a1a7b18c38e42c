//! Request targets (RFC 9112, section 3.2).

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;

use crate::{Authority, HttpError, Method, Scheme};

/// What a request asks for. Paths and queries are kept as they came: nothing is decoded, no dots are resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// `/path?query`.
    Origin(String),
    /// `http://host/path?query`, which servers must take although only proxies are sent it.
    Absolute {
        /// `http` or `https`.
        scheme: Scheme,
        /// The server.
        authority: Authority,
        /// The rest; `/` where it has no path.
        path_with_query: String,
    },
    /// `host:port`, with CONNECT.
    Authority(Authority),
    /// `*`, with OPTIONS: the server as such.
    Asterisk,
}

impl Target {
    /// Reads a target that came with this method.
    pub(crate) fn parse(text: &str, method: &Method) -> Result<Self, HttpError> {
        if *method == Method::CONNECT {
            let authority = Authority::parse(text).map_err(|_| HttpError::Target)?;
            return authority.port.is_some().then_some(Self::Authority(authority)).ok_or(HttpError::Target);
        }
        if text == "*" {
            return (*method == Method::OPTIONS).then_some(Self::Asterisk).ok_or(HttpError::Target);
        }
        if text.starts_with('/') {
            return is_path_with_query(text).then(|| Self::Origin(text.to_owned())).ok_or(HttpError::Target);
        }
        Self::parse_absolute(text).ok_or(HttpError::Target)
    }

    fn parse_absolute(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let scheme = Scheme::of(scheme);
        scheme.default_port()?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at_checked(end)?;
        let authority = Authority::parse(authority).ok()?;
        let path_with_query = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
        is_path_with_query(&path_with_query).then_some(Self::Absolute { scheme, authority, path_with_query })
    }

    /// Path and query, where the target has one; `*` for all of the server.
    #[must_use]
    pub fn path_with_query(&self) -> Option<&str> {
        match self {
            Self::Origin(text) | Self::Absolute { path_with_query: text, .. } => Some(text),
            Self::Asterisk => Some("*"),
            Self::Authority(_) => None,
        }
    }
}

/// Begins with `/`; visible ASCII without `#`, after which comes what is never sent. More than RFC 3986 allows, because
/// clients send brackets, bars and quotes as they are; none of it ends a line or a word.
pub(crate) fn is_path_with_query(text: &str) -> bool {
    text.starts_with('/') && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, method: Method) -> Result<Target, HttpError> {
        Target::parse(text, &method)
    }

    /// The examples of RFC 9112, section 3.2.
    #[test]
    fn the_four_forms_are_told_apart() {
        let origin = parse("/where?q=now", Method::GET).unwrap();
        assert_eq!(origin, Target::Origin("/where?q=now".into()));
        let absolute = parse("http://www.example.org/pub/WWW/TheProject.html", Method::GET).unwrap();
        assert_eq!(absolute.path_with_query(), Some("/pub/WWW/TheProject.html"));
        let connect = parse("www.example.com:80", Method::CONNECT).unwrap();
        assert_eq!(connect.path_with_query(), None);
        assert_eq!(parse("*", Method::OPTIONS), Ok(Target::Asterisk));
    }

    #[test]
    fn absolute_targets_have_a_path_in_the_end() {
        for (text, path) in [
            ("http://a.example", "/"),
            ("HTTPS://a.example:1", "/"),
            ("http://a.example?q", "/?q"),
            ("http://[::1]/x?/y", "/x?/y"),
        ] {
            assert_eq!(parse(text, Method::GET).unwrap().path_with_query(), Some(path), "{text}");
        }
    }

    #[test]
    fn other_targets_are_refused() {
        let of_get =
            ["", "*", "x", "a.example:80", "?q", "/a b", "/a#b", "/\u{7F}", "/é", "ftp://a.example/"];
        let absolute = ["http:///x", "http://u@a.example/", "http://a.example/#x", "://a.example/"];
        for text in of_get.into_iter().chain(absolute) {
            assert_eq!(parse(text, Method::GET), Err(HttpError::Target), "{text}");
        }
        for text in ["/", "a.example", "http://a.example/", "*"] {
            assert_eq!(parse(text, Method::CONNECT), Err(HttpError::Target), "{text}");
        }
    }
}
