//! Recording an exchange while it happens.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::body::BODY_MAX_BYTES;
use crate::written::count;
use crate::{BodySide, Field, LEAVES_MAX, Opening, ReceiptSecret, RecordError, RunningBody, Value};

/// What a request begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHead {
    /// The method.
    pub method: String,
    /// The scheme: `https`.
    pub scheme: String,
    /// Host and port that are asked for.
    pub authority: String,
    /// Path and query.
    pub path_with_query: String,
    /// As they are sent.
    pub fields: Vec<Field>,
}

/// What a response begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseHead {
    /// The status.
    pub status: u16,
    /// As they came.
    pub fields: Vec<Field>,
}

/// An exchange as it passes. It keeps heads and trailers, which are short, and of each body what [`RunningBody`] keeps. Each
/// byte of a body is hashed once. Request and response may overlap.
pub struct Recorder {
    secret: ReceiptSecret,
    request: RequestHead,
    request_body: RunningBody,
    request_trailers: Vec<Field>,
    response: Option<ResponseHead>,
    response_body: RunningBody,
    response_trailers: Vec<Field>,
}

impl Recorder {
    /// Begins with a request. The secret is new for each exchange.
    #[must_use]
    pub fn new(secret: ReceiptSecret, request: RequestHead) -> Self {
        let [request_body, response_body] =
            [BodySide::Request, BodySide::Response].map(|side| RunningBody::new(secret.body(side)));
        let (request_trailers, response_trailers) = (Vec::new(), Vec::new());
        Self {
            secret,
            request,
            request_body,
            request_trailers,
            response: None,
            response_body,
            response_trailers,
        }
    }

    /// The next bytes of what is sent: content, without the form that it has on the way, such as chunks of HTTP.
    pub fn request_body(&mut self, bytes: &[u8]) {
        self.request_body.update(bytes);
    }

    /// Trailers that are sent.
    pub fn request_trailers(&mut self, trailers: impl IntoIterator<Item = Field>) {
        self.request_trailers.extend(trailers);
    }

    /// The head of the final response. Interim ones, such as 103, are no part of a receipt.
    ///
    /// # Errors
    /// There was one before, or the status has not three digits.
    pub fn response(&mut self, head: ResponseHead) -> Result<(), RecordError> {
        if self.response.is_some() {
            return Err(RecordError::SecondResponse);
        }
        if !(100..=999).contains(&head.status) {
            return Err(RecordError::Status { found: head.status });
        }
        self.response = Some(head);
        Ok(())
    }

    /// The next bytes of what comes, likewise content. Nothing that is encoded, such as gzip, is decoded.
    pub fn response_body(&mut self, bytes: &[u8]) {
        self.response_body.update(bytes);
    }

    /// Trailers that came.
    pub fn response_trailers(&mut self, trailers: impl IntoIterator<Item = Field>) {
        self.response_trailers.extend(trailers);
    }

    /// How many bytes of the request's and the response's body there were so far.
    #[must_use]
    pub const fn body_bytes(&self) -> (u64, u64) {
        (self.request_body.bytes(), self.response_body.bytes())
    }

    /// Ends here, whether everything was sent and came or not: which of them the receipt says.
    ///
    /// # Errors
    /// No response came, or there is more of something than any receipt is of.
    pub fn finish(self) -> Result<Opening, RecordError> {
        let response = self.response.ok_or(RecordError::NoResponse)?;
        for body in [&self.request_body, &self.response_body] {
            if body.bytes() > BODY_MAX_BYTES {
                return Err(RecordError::BodyTooLong { limit: BODY_MAX_BYTES });
            }
        }
        let RequestHead { method, scheme, authority, path_with_query, fields } = self.request;
        let mut values = Vec::from([
            Value::Method(method),
            Value::Scheme(scheme),
            Value::Authority(authority),
            Value::PathWithQuery(path_with_query),
        ]);
        values.extend(fields.into_iter().map(Value::RequestField));
        values.push(Value::RequestBody(self.request_body.finish()));
        values.extend(self.request_trailers.into_iter().map(Value::RequestTrailer));
        values.push(Value::Status(response.status));
        values.extend(response.fields.into_iter().map(Value::ResponseField));
        values.push(Value::ResponseBody(self.response_body.finish()));
        values.extend(self.response_trailers.into_iter().map(Value::ResponseTrailer));
        let found = count(&values);
        if found > LEAVES_MAX {
            return Err(RecordError::TooManyLeaves { limit: LEAVES_MAX, found });
        }
        Ok(Opening::new(self.secret, values))
    }
}

/// Without what passed: heads and bodies are often secrets.
impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("body_bytes", &self.body_bytes()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
