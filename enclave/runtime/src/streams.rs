//! Standard input, output and error as `wasi:io` streams.

use alloc::boxed::Box;
use core::future::poll_fn;
use core::task::Poll;

use async_trait::async_trait;
use bytes::Bytes;
use wasmtime_wasi_io::poll::Pollable;
use wasmtime_wasi_io::streams::{InputStream, OutputStream as WasiOutputStream, StreamError, StreamResult};

use crate::host::OutputStream;
use crate::limits::JobEnd;
use crate::outside::SharedOutside;

/// Standard input. Several handles read from one stream.
pub(crate) struct Input {
    pub(crate) outside: SharedOutside,
}

/// Standard output or standard error.
pub(crate) struct Output {
    pub(crate) outside: SharedOutside,
    pub(crate) stream: OutputStream,
}

impl From<JobEnd> for StreamError {
    fn from(end: JobEnd) -> Self {
        Self::Trap(end.into())
    }
}

#[async_trait]
impl Pollable for Input {
    async fn ready(&mut self) {
        let outside = &self.outside;
        poll_fn(|_| if outside.lock().input_is_ready() { Poll::Ready(()) } else { Poll::Pending }).await;
    }
}

impl InputStream for Input {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.outside.lock().read(size)?.ok_or(StreamError::Closed)
    }
}

#[async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {
        let (outside, stream) = (&self.outside, self.stream);
        poll_fn(|_| if outside.lock().space(stream) > 0 { Poll::Ready(()) } else { Poll::Pending }).await;
    }
}

impl WasiOutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        let mut outside = self.outside.lock();
        if bytes.len() > outside.space(self.stream) {
            return Err(StreamError::trap("output stream: more bytes written than `check-write` permitted"));
        }
        Ok(outside.write(self.stream, bytes)?)
    }

    fn flush(&mut self) -> StreamResult<()> {
        // What is written is already the host's.
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(self.outside.lock().space(self.stream))
    }
}
