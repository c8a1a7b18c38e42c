//! Heads of requests (RFC 9112, section 3), as a server reads them.

use alloc::vec;

use httparse::Status;

use crate::method::{MethodError, Version};
use crate::scan::{self, Extent, Opening};
use crate::target::Target;
use crate::{Authority, Fields, Framing, HeadLimits, HttpError, Method, connection, framing};

/// The request line and the fields of a request. Whoever holds one knows that there is one way to read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHead {
    method: Method,
    target: Target,
    authority: Option<Authority>,
    version: Version,
    fields: Fields,
    framing: Framing,
}

impl RequestHead {
    /// Reads a head at the start of `buffer`, with its length in bytes; `None` when it has not come whole. One empty line
    /// before it is read over (RFC 9112, section 2.2).
    ///
    /// # Errors
    /// It breaks a rule or a limit. [`HttpError::status`] says how to answer; then close.
    pub fn parse(buffer: &[u8], limits: &HeadLimits) -> Result<Option<(Self, usize)>, HttpError> {
        let (skipped, head) = match buffer.strip_prefix(b"\r\n") {
            Some(rest) => (2, rest),
            None => (0, buffer),
        };
        let opening = Opening::RequestLine { target_bytes: limits.target_bytes };
        let Some(extent) = scan::find_end(head, limits.head_bytes, opening)? else { return Ok(None) };
        let head = head.get(..extent.bytes).unwrap_or_default();
        Self::parse_whole(head, extent, limits)
            .map(|parsed| Some((parsed, extent.bytes.saturating_add(skipped))))
    }

    fn parse_whole(head: &[u8], extent: Extent, limits: &HeadLimits) -> Result<Self, HttpError> {
        let field_count = extent.lines.saturating_sub(1);
        if field_count > limits.fields {
            return Err(HttpError::TooManyFields { limit: limits.fields });
        }
        let mut headers = vec![httparse::EMPTY_HEADER; field_count];
        let mut request = httparse::Request::new(&mut headers);
        let parsed = request.parse(head);
        let method = request.method.ok_or(HttpError::Method(MethodError::NotToken))?;
        let method = Method::new(method).map_err(HttpError::Method)?;
        let target = request.path.ok_or(HttpError::Target)?;
        if target.len() > limits.target_bytes {
            return Err(HttpError::TargetTooLong { limit: limits.target_bytes });
        }
        match parsed {
            Ok(Status::Complete(bytes)) if bytes == extent.bytes => {}
            Ok(_) => return Err(HttpError::StartLine),
            Err(httparse::Error::Version) => return Err(version_error(head)),
            Err(error) => return Err(scan::translate(error)),
        }
        let version = request.version.and_then(Version::of_minor).ok_or(HttpError::Version)?;
        let target = Target::parse(target, &method)?;
        let fields = scan::collect(request.headers)?;
        let authority = authority(&target, version, &fields)?;
        let framing = framing::of_request(version, &fields)?;
        Ok(Self { method, target, authority, version, fields, framing })
    }

    /// The method.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// What is asked for.
    #[must_use]
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// The server that is addressed; always there in HTTP/1.1.
    #[must_use]
    pub const fn authority(&self) -> Option<&Authority> {
        self.authority.as_ref()
    }

    /// The version.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// All fields, those of the connection included.
    #[must_use]
    pub const fn fields(&self) -> &Fields {
        &self.fields
    }

    /// Takes the fields out.
    #[must_use]
    pub fn into_fields(self) -> Fields {
        self.fields
    }

    /// Where the body ends.
    ///
    /// # Errors
    /// The method is CONNECT.
    pub fn framing(&self) -> Result<Framing, HttpError> {
        if self.method == Method::CONNECT { Err(HttpError::Connect) } else { Ok(self.framing) }
    }

    /// Whether the client waits for [`CONTINUE`](crate::CONTINUE) before it sends the body (RFC 9110, section 10.1.1).
    ///
    /// # Errors
    /// It expects something else.
    pub fn expects_continue(&self) -> Result<bool, HttpError> {
        if self.version == Version::Http10 {
            return Ok(false);
        }
        let mut expectations = self.fields.all("expect");
        match (expectations.next(), expectations.next()) {
            (None, _) => Ok(false),
            (Some(value), None) if value.eq_ignore_ascii_case(b"100-continue") => {
                Ok(self.framing != Framing::None)
            }
            _ => Err(HttpError::Expectation),
        }
    }

    /// Whether the client would send another request on this connection.
    #[must_use]
    pub fn persists(&self) -> bool {
        connection::persists(self.version, &self.fields)
    }
}

/// Another version of HTTP, or no version.
fn version_error(head: &[u8]) -> HttpError {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    match line.last_chunk() {
        Some([b'H', b'T', b'T', b'P', b'/', major, b'.', minor])
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            HttpError::Version
        }
        _ => HttpError::StartLine,
    }
}

/// RFC 9112, section 3.2: exactly one Host, and the target's server where it names one. A client must send both alike,
/// so a difference is refused although a server might believe the target.
fn authority(target: &Target, version: Version, fields: &Fields) -> Result<Option<Authority>, HttpError> {
    let found = fields.all("host").count();
    if found > 1 || (found == 0 && version == Version::Http11) {
        return Err(HttpError::HostCount { found });
    }
    let host = fields.first("host").map(parse_host).transpose()?;
    match (target, host) {
        (Target::Absolute { scheme, authority, .. }, Some(host)) if !authority.same_server(&host, scheme) => {
            Err(HttpError::HostDiffers)
        }
        (Target::Absolute { authority, .. }, _) => Ok(Some(authority.clone())),
        (Target::Authority(authority), Some(host)) if *authority != host => Err(HttpError::HostDiffers),
        (_, host) => Ok(host),
    }
}

fn parse_host(value: &[u8]) -> Result<Authority, HttpError> {
    let text = core::str::from_utf8(value).map_err(|_| HttpError::Host(crate::AuthorityError::Name))?;
    Authority::parse(text).map_err(HttpError::Host)
}

#[cfg(test)]
mod tests;
