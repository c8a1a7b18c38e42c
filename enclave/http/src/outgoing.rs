//! Heads, as they are written: the start line, what the connection needs, and the fields of whoever composed the message.
//!
//! What is written here, [`RequestHead::parse`](crate::RequestHead::parse) and
//! [`ResponseHead::parse`](crate::ResponseHead::parse) read as the same message, or nothing is written.

use alloc::vec::Vec;

use crate::connection::OWNED;
use crate::framing::parse_length;
use crate::target::is_path_with_query;
use crate::{
    Authority, BodyEncoder, Fields, HeadLimits, Method, OutgoingError, RequestHead, StatusCode, Version,
};

/// The interim response that lets a client send its body.
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// What is known of a body when its head is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyPlan {
    /// There is none.
    None,
    /// It has so many bytes.
    Length(u64),
    /// Nothing, unless the fields have a Content-Length.
    Unknown,
}

/// A request to send, in the form for servers.
#[derive(Debug, Clone, Copy)]
pub struct OutgoingRequest<'a> {
    /// The method; not CONNECT.
    pub method: &'a Method,
    /// Begins with `/`, or is `*` with OPTIONS.
    pub path_with_query: &'a str,
    /// Becomes the Host.
    pub authority: &'a Authority,
    /// Its fields. None of the connection's; a Host or Content-Length only if it agrees with the rest.
    pub fields: &'a Fields,
    /// Its body.
    pub body: BodyPlan,
    /// Whether another request may follow on the connection.
    pub persists: bool,
}

impl OutgoingRequest<'_> {
    /// Writes the head at the end of `out`.
    ///
    /// # Errors
    /// It cannot be sent as it is; nothing is written.
    pub fn encode(&self, limits: &HeadLimits, out: &mut Vec<u8>) -> Result<BodyEncoder, OutgoingError> {
        if *self.method == Method::CONNECT {
            return Err(OutgoingError::Connect);
        }
        let is_asterisk = self.path_with_query == "*" && *self.method == Method::OPTIONS;
        if !is_asterisk && !is_path_with_query(self.path_with_query) {
            return Err(OutgoingError::Target);
        }
        if self.path_with_query.len() > limits.target_bytes {
            return Err(OutgoingError::TargetTooLong { limit: limits.target_bytes });
        }
        check_owned(self.fields)?;
        self.check_host()?;
        let plan = settle(self.fields, self.body)?;
        let mut head = HeadWriter::new(out);
        head.line(&[self.method.as_str(), " ", self.path_with_query, " HTTP/1.1"]);
        head.field("host", alloc::format!("{}", self.authority).as_bytes());
        head.fields(self.fields, &["host", "content-length"]);
        let body = match plan {
            BodyPlan::None if !self.method.anticipates_content() => BodyEncoder::NONE,
            BodyPlan::None => head.content_length(0),
            BodyPlan::Length(bytes) => head.content_length(bytes),
            BodyPlan::Unknown => head.chunked(),
        };
        if !self.persists {
            head.field("connection", b"close");
        }
        head.finish(limits).map(|()| body)
    }

    fn check_host(&self) -> Result<(), OutgoingError> {
        let mut hosts = self.fields.all("host");
        let Some(host) = hosts.next() else { return Ok(()) };
        let host = core::str::from_utf8(host).ok().and_then(|text| Authority::parse(text).ok());
        let agrees = host.as_ref() == Some(self.authority) && hosts.next().is_none();
        agrees.then_some(()).ok_or(OutgoingError::Host)
    }
}

/// What the answer to a request depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFacts {
    method: Method,
    version: Version,
    persists: bool,
}

impl RequestFacts {
    /// Of a request that could not be read: the answer is the last on the connection.
    pub const UNREADABLE: Self = Self { method: Method::GET, version: Version::Http11, persists: false };

    /// Of this request.
    #[must_use]
    pub fn of(head: &RequestHead) -> Self {
        Self { method: head.method().clone(), version: head.version(), persists: head.persists() }
    }
}

/// A response to send.
#[derive(Debug, Clone, Copy)]
pub struct OutgoingResponse<'a> {
    /// The status, from 200 on.
    pub status: StatusCode,
    /// Its fields. None of the connection's; a Content-Length only if it agrees with the body.
    pub fields: &'a Fields,
    /// Its body.
    pub body: BodyPlan,
    /// Whether this side would go on with the connection.
    pub persists: bool,
}

/// A response whose head is written.
#[derive(Debug, PartialEq, Eq)]
pub struct ResponseStart {
    /// For its body.
    pub body: BodyEncoder,
    /// Whether the connection goes on after it; if so, the request's body has to be read to its end first.
    pub persists: bool,
}

impl OutgoingResponse<'_> {
    /// Writes the head at the end of `out`.
    ///
    /// # Errors
    /// It cannot be sent as it is; nothing is written.
    pub fn encode(
        &self,
        request: &RequestFacts,
        limits: &HeadLimits,
        out: &mut Vec<u8>,
    ) -> Result<ResponseStart, OutgoingError> {
        if self.status.is_interim() {
            return Err(OutgoingError::Status { found: self.status });
        }
        if request.method == Method::CONNECT && self.status.get() < 300 {
            return Err(OutgoingError::Connect);
        }
        check_owned(self.fields)?;
        let plan = self.settle(request)?;
        let mut head = HeadWriter::new(out);
        let code = alloc::format!("{}", self.status);
        head.line(&["HTTP/1.1 ", &code, " ", self.status.reason()]);
        head.fields(self.fields, &["content-length"]);
        let body = self.write_framing(plan, request, &mut head);
        let persists = self.persists && request.persists && body != BodyEncoder::UNTIL_CLOSE;
        match (persists, request.version) {
            (false, _) => head.field("connection", b"close"),
            (true, Version::Http10) => head.field("connection", b"keep-alive"),
            (true, Version::Http11) => {}
        }
        head.finish(limits).map(|()| ResponseStart { body, persists })
    }

    /// What the head will say of the body.
    fn settle(&self, request: &RequestFacts) -> Result<BodyPlan, OutgoingError> {
        if self.states_another(request) && self.fields.first("content-length").is_some() {
            return settle(self.fields, BodyPlan::Unknown);
        }
        match settle(self.fields, self.body)? {
            BodyPlan::Length(1..) if self.status.is_bodiless() => Err(OutgoingError::BodyNotAllowed),
            plan => Ok(plan),
        }
    }

    fn write_framing(
        &self,
        plan: BodyPlan,
        request: &RequestFacts,
        head: &mut HeadWriter<'_>,
    ) -> BodyEncoder {
        let states_another = self.states_another(request);
        match plan {
            BodyPlan::Length(bytes) if states_another => _ = head.content_length(bytes),
            _ if states_another || self.status.is_bodiless() => {}
            BodyPlan::None => return head.content_length(0),
            BodyPlan::Length(bytes) => return head.content_length(bytes),
            BodyPlan::Unknown if request.version == Version::Http10 => return BodyEncoder::UNTIL_CLOSE,
            BodyPlan::Unknown => return head.chunked(),
        }
        if self.status.is_bodiless() { BodyEncoder::NONE } else { BodyEncoder::DROPPED }
    }

    /// Whether a length in this head is that of the response to GET, or to the request without its conditions.
    fn states_another(&self, request: &RequestFacts) -> bool {
        let is_head = request.method == Method::HEAD && !self.status.is_bodiless();
        is_head || self.status == StatusCode::NOT_MODIFIED
    }
}

/// Refuses the fields that this layer writes itself.
fn check_owned(fields: &Fields) -> Result<(), OutgoingError> {
    match OWNED.into_iter().find(|name| fields.first(name).is_some()) {
        Some(name) => Err(OutgoingError::OwnedField { name }),
        None => Ok(()),
    }
}

/// Plan and Content-Length in one.
fn settle(fields: &Fields, plan: BodyPlan) -> Result<BodyPlan, OutgoingError> {
    let mut stated = fields.all("content-length");
    let length = match (stated.next(), stated.next()) {
        (None, _) => return Ok(plan),
        (Some(value), None) => parse_length(value).ok_or(OutgoingError::ContentLength)?,
        (Some(_), Some(_)) => return Err(OutgoingError::ContentLength),
    };
    match plan {
        BodyPlan::None if length > 0 => Err(OutgoingError::BodyLength { promised: length, found: 0 }),
        BodyPlan::Length(found) if found != length => {
            Err(OutgoingError::BodyLength { promised: length, found })
        }
        _ => Ok(BodyPlan::Length(length)),
    }
}

/// Writes a line of a head or of trailers.
pub(crate) fn write_field(name: &str, value: &[u8], out: &mut Vec<u8>) {
    for part in [name.as_bytes(), b": ", value, b"\r\n"] {
        out.extend_from_slice(part);
    }
}

/// A head at the end of a buffer, which goes away again when it is too long.
struct HeadWriter<'o> {
    out: &'o mut Vec<u8>,
    start: usize,
    fields: usize,
}

impl<'o> HeadWriter<'o> {
    const fn new(out: &'o mut Vec<u8>) -> Self {
        let start = out.len();
        Self { out, start, fields: 0 }
    }

    fn line(&mut self, parts: &[&str]) {
        parts.iter().for_each(|part| self.out.extend_from_slice(part.as_bytes()));
        self.out.extend_from_slice(b"\r\n");
    }

    fn field(&mut self, name: &str, value: &[u8]) {
        self.fields = self.fields.saturating_add(1);
        write_field(name, value, self.out);
    }

    /// All of them but those that are written apart.
    fn fields(&mut self, fields: &Fields, apart: &[&str]) {
        let others = fields.iter().filter(|field| !apart.contains(&field.name()));
        others.for_each(|field| self.field(field.name(), field.value()));
    }

    fn content_length(&mut self, bytes: u64) -> BodyEncoder {
        self.field("content-length", alloc::format!("{bytes}").as_bytes());
        BodyEncoder::of_length(bytes)
    }

    fn chunked(&mut self) -> BodyEncoder {
        self.field("transfer-encoding", b"chunked");
        BodyEncoder::CHUNKED
    }

    fn finish(self, limits: &HeadLimits) -> Result<(), OutgoingError> {
        self.out.extend_from_slice(b"\r\n");
        let found = self.out.len().saturating_sub(self.start);
        let result = if found > limits.head_bytes {
            Err(OutgoingError::HeadTooLong { limit: limits.head_bytes, found })
        } else if self.fields > limits.fields {
            Err(OutgoingError::TooManyFields { limit: limits.fields, found: self.fields })
        } else {
            return Ok(());
        };
        self.out.truncate(self.start);
        result
    }
}

#[cfg(test)]
mod tests;
