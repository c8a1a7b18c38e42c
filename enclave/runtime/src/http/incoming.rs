//! Responses and bodies that come to a component.

use core::task::Poll;

use bytes::Bytes;
use enclave_http::Fields;
use wasmtime::component::Resource;

use super::exchange::BodyRead;
use super::resources::{BodySource, FutureResponse, FutureTrailers, IncomingBody, IncomingResponse};
use super::{ExchangeKey, FieldList, HttpFailure, HttpResponse};
use crate::bindings::wasi::http::types::{
    ErrorCode, HostFutureIncomingResponse, HostFutureTrailers, HostIncomingBody, HostIncomingResponse,
};
use crate::io::{InputStream, Pollable, StreamError, StreamResult, Waits};
use crate::outside::Outside;
use crate::state::State;

/// What a future gives: nothing yet, nothing any more, or what it is for.
type Awaited<T> = Option<Result<Result<T, ErrorCode>, ()>>;

impl State {
    /// A part of a response's body, at least one byte where the component waits for it.
    pub(crate) fn take_body(
        &self,
        exchange: ExchangeKey,
        max_bytes: usize,
        waits: Waits,
    ) -> impl Future<Output = StreamResult<Bytes>> + Send + use<> {
        let read = self.wait(move |outside| match max_bytes {
            0 => Poll::Ready(Ok(BodyRead::Bytes(Bytes::new()))),
            _ => outside.poll_body(exchange, max_bytes, waits),
        });
        async {
            match read.await? {
                BodyRead::Bytes(bytes) => Ok(bytes),
                BodyRead::Closed => Err(StreamError::Closed),
                BodyRead::Failed(failure) => Err(ErrorCode::from(failure).into()),
            }
        }
    }

    fn release(&self, source: BodySource) -> wasmtime::Result<()> {
        match source {
            BodySource::Exchange(exchange) => Ok(self.outside.lock().release_exchange(exchange)?),
            BodySource::Input => Ok(()),
        }
    }

    fn receive(
        &mut self,
        exchange: ExchangeKey,
        response: HttpResponse,
    ) -> wasmtime::Result<Resource<IncomingResponse>> {
        let HttpResponse { status, fields } = response;
        let response =
            IncomingResponse { status, headers: FieldList::received(fields), body: Some(exchange) };
        self.hold(response.held_bytes())?;
        Ok(self.table.push(response)?)
    }
}

impl HostFutureIncomingResponse for State {
    fn subscribe(&mut self, future: Resource<FutureResponse>) -> wasmtime::Result<Resource<Pollable>> {
        let exchange = self.table.get(&future)?.exchange;
        Ok(self.table.push_child(Pollable::Response(exchange), &future)?)
    }

    fn get(
        &mut self,
        future: Resource<FutureResponse>,
    ) -> wasmtime::Result<Awaited<Resource<IncomingResponse>>> {
        let FutureResponse { exchange, is_taken } = *self.table.get(&future)?;
        if is_taken {
            return Ok(Some(Err(())));
        }
        let response = self.outside.lock().response(exchange)?;
        let Some(response) = response else { return Ok(None) };
        self.table.get_mut(&future)?.is_taken = true;
        Ok(Some(Ok(match response {
            Ok(response) => Ok(self.receive(exchange, response)?),
            Err(failure) => {
                self.outside.lock().release_exchange(exchange)?;
                Err(failure.into())
            }
        })))
    }

    fn drop(&mut self, future: Resource<FutureResponse>) -> wasmtime::Result<()> {
        let FutureResponse { exchange, is_taken } = self.table.delete(future)?;
        if is_taken { Ok(()) } else { self.release(BodySource::Exchange(exchange)) }
    }
}

impl HostIncomingResponse for State {
    fn status(&mut self, response: Resource<IncomingResponse>) -> wasmtime::Result<u16> {
        Ok(self.table.get(&response)?.status.get())
    }

    fn headers(&mut self, response: Resource<IncomingResponse>) -> wasmtime::Result<Resource<FieldList>> {
        let headers = self.table.get(&response)?.headers.clone();
        self.push_fields(headers)
    }

    fn consume(
        &mut self,
        response: Resource<IncomingResponse>,
    ) -> wasmtime::Result<Result<Resource<IncomingBody>, ()>> {
        let Some(exchange) = self.table.get_mut(&response)?.body.take() else { return Ok(Err(())) };
        let source = BodySource::Exchange(exchange);
        Ok(Ok(self.table.push(IncomingBody { source, is_read: false })?))
    }

    fn drop(&mut self, response: Resource<IncomingResponse>) -> wasmtime::Result<()> {
        let response = self.table.delete(response)?;
        self.let_go(response.held_bytes());
        response.body.map_or(Ok(()), |exchange| self.release(BodySource::Exchange(exchange)))
    }
}

impl HostIncomingBody for State {
    fn stream(
        &mut self,
        body: Resource<IncomingBody>,
    ) -> wasmtime::Result<Result<Resource<InputStream>, ()>> {
        let state = self.table.get_mut(&body)?;
        if core::mem::replace(&mut state.is_read, true) {
            return Ok(Err(()));
        }
        let stream = match state.source {
            BodySource::Exchange(exchange) => InputStream::Body(exchange),
            BodySource::Input => InputStream::Standard,
        };
        Ok(Ok(self.table.push_child(stream, &body)?))
    }

    fn finish(&mut self, body: Resource<IncomingBody>) -> wasmtime::Result<Resource<FutureTrailers>> {
        let IncomingBody { source, .. } = self.table.delete(body)?;
        Ok(self.table.push(FutureTrailers { source, is_taken: false })?)
    }

    fn drop(&mut self, body: Resource<IncomingBody>) -> wasmtime::Result<()> {
        let IncomingBody { source, .. } = self.table.delete(body)?;
        self.release(source)
    }
}

impl HostFutureTrailers for State {
    fn subscribe(&mut self, future: Resource<FutureTrailers>) -> wasmtime::Result<Resource<Pollable>> {
        let pollable = match self.table.get(&future)?.source {
            BodySource::Exchange(exchange) => Pollable::Trailers(exchange),
            BodySource::Input => Pollable::Always,
        };
        Ok(self.table.push_child(pollable, &future)?)
    }

    async fn get(
        &mut self,
        future: Resource<FutureTrailers>,
    ) -> wasmtime::Result<Awaited<Option<Resource<FieldList>>>> {
        let FutureTrailers { source, is_taken } = *self.table.get(&future)?;
        if is_taken {
            return Ok(Some(Err(())));
        }
        let trailers: Result<Fields, HttpFailure> = match source {
            BodySource::Input => Ok(self.wait(Outside::poll_input_trailers).await?),
            BodySource::Exchange(exchange) => {
                let trailers = self.outside.lock().trailers(exchange)?;
                let Some(trailers) = trailers else { return Ok(None) };
                trailers
            }
        };
        self.table.get_mut(&future)?.is_taken = true;
        Ok(Some(Ok(match trailers {
            Ok(trailers) if trailers.is_empty() => Ok(None),
            Ok(trailers) => Ok(Some(self.push_fields(FieldList::received(trailers))?)),
            Err(failure) => Err(failure.into()),
        })))
    }

    fn drop(&mut self, future: Resource<FutureTrailers>) -> wasmtime::Result<()> {
        let FutureTrailers { source, .. } = self.table.delete(future)?;
        self.release(source)
    }
}
