//! Reading and writing.

use alloc::vec;
use alloc::vec::Vec;
use core::task::Poll;

use bytes::Bytes;
use wasmtime::component::{Resource, ResourceTableError};

use super::{InputStream, OutputStream, PIECE_BYTES, Pollable, StreamError, StreamResult};
use crate::bindings::wasi::io::streams;
use crate::host::Output;
use crate::limits::RunEnd;
use crate::state::State;

/// Most bytes of one call of the `blocking-*-and-flush` functions, by their definition.
const BLOCKING_WRITE_MAX_BYTES: u64 = 4096;

impl State {
    /// At most `len` bytes, and at least one unless `len` is zero or the caller does not wait.
    async fn take(&mut self, stream: &Resource<InputStream>, len: u64, waits: Waits) -> StreamResult<Bytes> {
        let max_bytes = piece(len);
        match self.table.get_mut(stream)? {
            InputStream::Standard => self.take_input(max_bytes).await,
            InputStream::Empty => Err(StreamError::Closed),
            InputStream::Body(exchange) => {
                let exchange = *exchange;
                self.take_body(exchange, max_bytes, waits).await
            }
            InputStream::File(stream) => {
                let bytes = self.files.read_stream(stream, max_bytes as u64)?;
                if bytes.is_empty() && max_bytes > 0 { Err(StreamError::Closed) } else { Ok(bytes.into()) }
            }
        }
    }

    /// Standard input is known to whoever replays the run, so its pieces depend on nothing but what is asked for: a read
    /// waits until it has as many bytes as it wants, or the end.
    fn take_input(&self, max_bytes: usize) -> impl Future<Output = StreamResult<Bytes>> + Send + use<> {
        let input = self.wait(move |outside| match max_bytes {
            0 => Poll::Ready(Ok(Some(Bytes::new()))),
            _ => outside.poll_input(max_bytes),
        });
        async { input.await?.ok_or(StreamError::Closed) }
    }

    /// Gives all of `bytes` to the stream, as soon as it takes them.
    async fn put(&mut self, stream: &Resource<OutputStream>, bytes: Vec<u8>) -> StreamResult<()> {
        match self.table.get_mut(stream)? {
            OutputStream::Standard(output) => {
                let output = *output;
                Ok(self.put_output(output, bytes).await?)
            }
            OutputStream::Body(body) => {
                let body = *body;
                self.put_body(body, bytes).await
            }
            OutputStream::File(stream) => Ok(self.files.write_stream(stream, &bytes)?),
        }
    }

    pub(crate) fn put_output(
        &self,
        output: Output,
        bytes: Vec<u8>,
    ) -> impl Future<Output = Result<(), RunEnd>> + Send + use<> {
        let charged = self.outside.lock().charge_output(output, bytes.len());
        let mut rest = Bytes::from(bytes);
        let written = self.wait(move |outside| outside.poll_write(output, &mut rest));
        async move {
            charged?;
            written.await
        }
    }

    /// How much the stream takes now.
    fn permit(&self, stream: &Resource<OutputStream>) -> StreamResult<usize> {
        match self.table.get(stream)? {
            // Writing waits itself: the pace of whoever reads is nothing that the component learns.
            OutputStream::Standard(_) | OutputStream::File(_) => Ok(PIECE_BYTES),
            OutputStream::Body(body) => self.outside.lock().permit_body(*body)?.ok_or(StreamError::Closed),
        }
    }

    /// What is left of the last permission.
    fn permitted(&self, stream: &Resource<OutputStream>) -> StreamResult<usize> {
        match self.table.get(stream)? {
            OutputStream::Standard(_) | OutputStream::File(_) => Ok(PIECE_BYTES),
            OutputStream::Body(body) => Ok(self.outside.lock().permitted_body(*body)),
        }
    }

    async fn put_permitted(&mut self, stream: &Resource<OutputStream>, bytes: Vec<u8>) -> StreamResult<()> {
        if bytes.len() > self.permitted(stream)? {
            return Err(StreamError::trap("output stream: more bytes written than `check-write` permitted"));
        }
        self.put(stream, bytes).await
    }

    /// From one stream to the other, as much as the target takes now.
    async fn pass_on(
        &mut self,
        target: &Resource<OutputStream>,
        source: &Resource<InputStream>,
        len: u64,
        waits: Waits,
    ) -> StreamResult<u64> {
        let mut permitted = self.permit(target)?;
        while permitted == 0 && waits == Waits::Yes {
            let room = self.room_in(target)?;
            self.wait(move |outside| outside.poll_until(room)).await?;
            permitted = self.permit(target)?;
        }
        let len = len.min(permitted as u64);
        let bytes = self.take(source, len, waits).await?;
        let moved = bytes.len() as u64;
        self.put(target, bytes.into()).await?;
        Ok(moved)
    }

    /// What is ready when there is room.
    fn room_in(&self, stream: &Resource<OutputStream>) -> Result<Pollable, ResourceTableError> {
        Ok(match self.table.get(stream)? {
            OutputStream::Standard(_) | OutputStream::File(_) => Pollable::Always,
            OutputStream::Body(body) => self.outside.lock().body_room(*body),
        })
    }
}

/// Whether the component waits until something is possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waits {
    Yes,
    No,
}

/// The part of a component's wish that one call grants.
fn piece(len: u64) -> usize {
    usize::try_from(len).unwrap_or(PIECE_BYTES).min(PIECE_BYTES)
}

/// Zeros to be written with `check-write`'s permission, so never more than a piece.
fn zeros(len: u64) -> StreamResult<Vec<u8>> {
    if len > PIECE_BYTES as u64 {
        return Err(StreamError::trap("output stream: more bytes written than `check-write` permitted"));
    }
    Ok(vec![0; piece(len)])
}

fn check_blocking_write(len: u64) -> StreamResult<()> {
    if len > BLOCKING_WRITE_MAX_BYTES {
        return Err(StreamError::trap("output stream: a blocking write takes at most 4096 bytes"));
    }
    Ok(())
}

impl streams::HostInputStream for State {
    async fn read(&mut self, stream: Resource<InputStream>, len: u64) -> StreamResult<Vec<u8>> {
        Ok(self.take(&stream, len, Waits::No).await?.into())
    }

    async fn blocking_read(&mut self, stream: Resource<InputStream>, len: u64) -> StreamResult<Vec<u8>> {
        Ok(self.take(&stream, len, Waits::Yes).await?.into())
    }

    async fn skip(&mut self, stream: Resource<InputStream>, len: u64) -> StreamResult<u64> {
        Ok(self.take(&stream, len, Waits::No).await?.len() as u64)
    }

    async fn blocking_skip(&mut self, stream: Resource<InputStream>, len: u64) -> StreamResult<u64> {
        Ok(self.take(&stream, len, Waits::Yes).await?.len() as u64)
    }

    fn subscribe(&mut self, stream: Resource<InputStream>) -> wasmtime::Result<Resource<Pollable>> {
        let pollable = match self.table.get(&stream)? {
            InputStream::Standard | InputStream::Empty | InputStream::File(_) => Pollable::Always,
            InputStream::Body(exchange) => Pollable::ResponseBody(*exchange),
        };
        Ok(self.table.push_child(pollable, &stream)?)
    }

    fn drop(&mut self, stream: Resource<InputStream>) -> wasmtime::Result<()> {
        match self.table.delete(stream)? {
            InputStream::Standard | InputStream::Empty | InputStream::Body(_) => Ok(()),
            InputStream::File(stream) => Ok(self.files.close(stream)?),
        }
    }
}

impl streams::HostOutputStream for State {
    fn check_write(&mut self, stream: Resource<OutputStream>) -> StreamResult<u64> {
        Ok(self.permit(&stream)? as u64)
    }

    async fn write(&mut self, stream: Resource<OutputStream>, bytes: Vec<u8>) -> StreamResult<()> {
        self.put_permitted(&stream, bytes).await
    }

    async fn blocking_write_and_flush(
        &mut self,
        stream: Resource<OutputStream>,
        bytes: Vec<u8>,
    ) -> StreamResult<()> {
        check_blocking_write(bytes.len() as u64)?;
        self.put(&stream, bytes).await
    }

    fn flush(&mut self, _stream: Resource<OutputStream>) -> StreamResult<()> {
        // What is written is already on its way.
        Ok(())
    }

    async fn blocking_flush(&mut self, _stream: Resource<OutputStream>) -> StreamResult<()> {
        Ok(())
    }

    fn subscribe(&mut self, stream: Resource<OutputStream>) -> wasmtime::Result<Resource<Pollable>> {
        let pollable = self.room_in(&stream)?;
        Ok(self.table.push_child(pollable, &stream)?)
    }

    async fn write_zeroes(&mut self, stream: Resource<OutputStream>, len: u64) -> StreamResult<()> {
        self.put_permitted(&stream, zeros(len)?).await
    }

    async fn blocking_write_zeroes_and_flush(
        &mut self,
        stream: Resource<OutputStream>,
        len: u64,
    ) -> StreamResult<()> {
        check_blocking_write(len)?;
        self.put(&stream, zeros(len)?).await
    }

    async fn splice(
        &mut self,
        target: Resource<OutputStream>,
        source: Resource<InputStream>,
        len: u64,
    ) -> StreamResult<u64> {
        self.pass_on(&target, &source, len, Waits::No).await
    }

    async fn blocking_splice(
        &mut self,
        target: Resource<OutputStream>,
        source: Resource<InputStream>,
        len: u64,
    ) -> StreamResult<u64> {
        self.pass_on(&target, &source, len, Waits::Yes).await
    }

    fn drop(&mut self, stream: Resource<OutputStream>) -> wasmtime::Result<()> {
        match self.table.delete(stream)? {
            OutputStream::Standard(_) | OutputStream::Body(_) => Ok(()),
            OutputStream::File(stream) => Ok(self.files.close(stream)?),
        }
    }
}
