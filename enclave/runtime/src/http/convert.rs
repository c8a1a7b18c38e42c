//! Methods and schemes in the component's words and in ours.

use enclave_http::{Method, Scheme};

use crate::bindings::wasi::http::types;

/// The longest name of a scheme.
const SCHEME_MAX_BYTES: usize = 64;

/// As it stands before `://`.
pub(super) fn scheme_name(scheme: &Scheme) -> &str {
    match scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
        Scheme::Other(name) => name,
        // There are no other variants now, and no names of those to come.
        _ => "",
    }
}

impl From<&Method> for types::Method {
    fn from(method: &Method) -> Self {
        match method.as_str() {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "DELETE" => Self::Delete,
            "CONNECT" => Self::Connect,
            "OPTIONS" => Self::Options,
            "TRACE" => Self::Trace,
            "PATCH" => Self::Patch,
            other => Self::Other(other.into()),
        }
    }
}

impl TryFrom<types::Method> for Method {
    type Error = ();

    fn try_from(method: types::Method) -> Result<Self, ()> {
        Ok(match method {
            types::Method::Get => Self::GET,
            types::Method::Head => Self::HEAD,
            types::Method::Post => Self::POST,
            types::Method::Put => Self::PUT,
            types::Method::Delete => Self::DELETE,
            types::Method::Connect => Self::CONNECT,
            types::Method::Options => Self::OPTIONS,
            types::Method::Trace => Self::TRACE,
            types::Method::Patch => Self::PATCH,
            types::Method::Other(text) => Self::new(&text).map_err(|_| ())?,
        })
    }
}

impl From<&Scheme> for types::Scheme {
    fn from(scheme: &Scheme) -> Self {
        match scheme {
            Scheme::Http => Self::Http,
            Scheme::Https => Self::Https,
            other => Self::Other(scheme_name(other).into()),
        }
    }
}

impl TryFrom<types::Scheme> for Scheme {
    type Error = ();

    /// RFC 3986, section 3.1.
    fn try_from(scheme: types::Scheme) -> Result<Self, ()> {
        let text = match scheme {
            types::Scheme::Http => return Ok(Self::Http),
            types::Scheme::Https => return Ok(Self::Https),
            types::Scheme::Other(text) => text,
        };
        let is_scheme = text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
        if is_scheme && text.len() <= SCHEME_MAX_BYTES { Ok(Self::of(&text)) } else { Err(()) }
    }
}
