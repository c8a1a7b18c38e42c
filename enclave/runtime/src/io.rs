//! `wasi:io`: streams, pollables, errors.
//!
//! Written here and not taken from `wasmtime-wasi-io`, because what a component learns by waiting and reading has to be the
//! same in a replay: the answer of `poll` goes into the transcript, and streams whose content is known beforehand, as
//! standard input's is, give the same pieces whatever the pace of the host.
#![expect(unreachable_pub, reason = "the generated bindings re-export these types")]

mod poll;
mod streams;

pub(crate) use streams::Waits;

use alloc::string::{String, ToString};

use enclave_filesystem::{ErrorCode, ReadStream, WriteStream};
use wasmtime::component::Resource;

use crate::bindings::wasi::http::types::ErrorCode as HttpCode;
use crate::bindings::wasi::io::{error, streams as wasi_streams};
use crate::host::Output;
use crate::http::{BodyKey, ExchangeKey};
use crate::limits::RunEnd;
use crate::state::State;

/// Most bytes that one call moves in either direction.
pub(crate) const PIECE_BYTES: usize = 64 * 1024;

/// Where a component reads.
#[derive(Debug)]
pub enum InputStream {
    /// Standard input, or the body of a service's request.
    Standard,
    /// A service's standard input: nothing.
    Empty,
    /// The body of a response.
    Body(ExchangeKey),
    /// A file, from some place on.
    File(ReadStream),
}

/// Where a component writes.
#[derive(Debug)]
pub enum OutputStream {
    /// Standard output or standard error.
    Standard(Output),
    /// The body of a request or response.
    Body(BodyKey),
    /// A file, from some place or its end on.
    File(WriteStream),
}

/// What a component waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pollable {
    /// Ready at any time, as far as the component can tell: its function waits itself, like that of a file.
    Always,
    /// Ready from this instant of the monotonic clock on.
    Deadline {
        /// In nanoseconds.
        at_ns: u64,
    },
    /// Ready when a response came, or its failure.
    Response(ExchangeKey),
    /// Ready when there is more of a response's body, or its end.
    ResponseBody(ExchangeKey),
    /// Ready when a response's body came to its end, which nobody reads any more.
    Trailers(ExchangeKey),
    /// Ready when there is room for more of a body.
    RequestBody(BodyKey),
}

/// What a failed operation of a stream says.
#[derive(Debug, Clone)]
pub struct Failure {
    /// For people.
    pub text: String,
    /// Of a file's stream.
    pub code: Option<ErrorCode>,
    /// Of a body's stream.
    pub http_code: Option<HttpCode>,
}

impl From<ErrorCode> for StreamError {
    fn from(code: ErrorCode) -> Self {
        Self::Failed(Failure { text: code.to_string(), code: Some(code), http_code: None })
    }
}

impl From<HttpCode> for StreamError {
    fn from(code: HttpCode) -> Self {
        Self::Failed(Failure { text: alloc::format!("{code:?}"), code: None, http_code: Some(code) })
    }
}

/// Why a stream gives nothing.
#[derive(Debug)]
pub enum StreamError {
    /// At its end.
    Closed,
    /// The component is told.
    Failed(Failure),
    /// The component is ended.
    Trap(wasmtime::Error),
}

pub(crate) type StreamResult<T> = Result<T, StreamError>;

impl StreamError {
    pub(crate) fn trap(message: &'static str) -> Self {
        Self::Trap(wasmtime::Error::msg(message))
    }
}

impl From<RunEnd> for StreamError {
    fn from(end: RunEnd) -> Self {
        Self::Trap(end.into())
    }
}

impl From<wasmtime::component::ResourceTableError> for StreamError {
    fn from(error: wasmtime::component::ResourceTableError) -> Self {
        Self::Trap(error.into())
    }
}

impl error::Host for State {}

impl error::HostError for State {
    fn to_debug_string(&mut self, failure: Resource<Failure>) -> wasmtime::Result<String> {
        Ok(self.table.get(&failure)?.text.clone())
    }

    fn drop(&mut self, failure: Resource<Failure>) -> wasmtime::Result<()> {
        self.table.delete(failure)?;
        Ok(())
    }
}

impl wasi_streams::Host for State {
    fn convert_stream_error(&mut self, error: StreamError) -> wasmtime::Result<wasi_streams::StreamError> {
        match error {
            StreamError::Closed => Ok(wasi_streams::StreamError::Closed),
            StreamError::Failed(failure) => {
                Ok(wasi_streams::StreamError::LastOperationFailed(self.table.push(failure)?))
            }
            StreamError::Trap(error) => Err(error),
        }
    }
}
