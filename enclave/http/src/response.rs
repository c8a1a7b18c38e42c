//! Heads of responses (RFC 9112, section 4), as a client reads them.

use alloc::vec;

use httparse::Status;

use crate::method::Version;
use crate::scan::{self, Extent, Opening};
use crate::{Fields, Framing, HeadLimits, HttpError, Method, StatusCode, connection, framing};

/// The status line and the fields of a response. The reason phrase is not kept: it means nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseHead {
    status: StatusCode,
    version: Version,
    fields: Fields,
}

/// Reads the final response at the start of `buffer`, with the bytes to its end; interim responses before it are read
/// over (RFC 9110, section 15.2). `None` when it has not come whole. `limits` bound them all together.
///
/// # Errors
/// One of them breaks a rule or a limit, or changes the protocol.
pub fn parse_final_response(
    buffer: &[u8],
    limits: &HeadLimits,
) -> Result<Option<(ResponseHead, usize)>, HttpError> {
    let mut consumed: usize = 0;
    loop {
        let rest = buffer.get(consumed..).unwrap_or_default();
        let left = HeadLimits { head_bytes: limits.head_bytes.saturating_sub(consumed), ..*limits };
        let parsed = ResponseHead::parse(rest, &left).map_err(|error| match error {
            HttpError::HeadTooLong { .. } => HttpError::HeadTooLong { limit: limits.head_bytes },
            other => other,
        })?;
        let Some((head, bytes)) = parsed else { return Ok(None) };
        consumed = consumed.saturating_add(bytes);
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(HttpError::Upgrade);
        }
        if !head.status.is_interim() {
            return Ok(Some((head, consumed)));
        }
    }
}

impl ResponseHead {
    /// Reads a head at the start of `buffer`, interim or final, with its length in bytes; `None` when it has not come
    /// whole.
    ///
    /// # Errors
    /// It breaks a rule or a limit.
    pub fn parse(buffer: &[u8], limits: &HeadLimits) -> Result<Option<(Self, usize)>, HttpError> {
        let Some(extent) = scan::find_end(buffer, limits.head_bytes, Opening::StatusLine)? else {
            return Ok(None);
        };
        let head = buffer.get(..extent.bytes).unwrap_or_default();
        Self::parse_whole(head, extent, limits).map(|parsed| Some((parsed, extent.bytes)))
    }

    fn parse_whole(head: &[u8], extent: Extent, limits: &HeadLimits) -> Result<Self, HttpError> {
        let field_count = extent.lines.saturating_sub(1);
        if field_count > limits.fields {
            return Err(HttpError::TooManyFields { limit: limits.fields });
        }
        let mut headers = vec![httparse::EMPTY_HEADER; field_count];
        let mut response = httparse::Response::new(&mut headers);
        match response.parse(head) {
            Ok(Status::Complete(bytes)) if bytes == extent.bytes => {}
            Ok(_) => return Err(HttpError::StartLine),
            Err(error) => return Err(scan::translate(error)),
        }
        let status = response.code.and_then(StatusCode::new).ok_or(HttpError::Status)?;
        let version = response.version.and_then(Version::of_minor).ok_or(HttpError::Version)?;
        Ok(Self { status, version, fields: scan::collect(response.headers)? })
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
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

    /// Where the body of a response to a request with this method ends.
    ///
    /// # Errors
    /// That is anybody's guess.
    pub fn framing(&self, method: &Method) -> Result<Framing, HttpError> {
        framing::of_response(method, self.status, self.version, &self.fields)
    }

    /// Whether the connection can take another request once this response is complete and the request was sent whole.
    /// A response without a body that states one leaves open whether it comes after all.
    #[must_use]
    pub fn persists(&self, method: &Method) -> bool {
        let states_none = match self.status {
            status if *method == Method::HEAD || status == StatusCode::NOT_MODIFIED => true,
            status => !status.is_bodiless() || framing::states_no_body(&self.fields),
        };
        let has_end = !matches!(self.framing(method), Err(_) | Ok(Framing::UntilClose));
        states_none && has_end && connection::persists(self.version, &self.fields)
    }
}

#[cfg(test)]
mod tests;
