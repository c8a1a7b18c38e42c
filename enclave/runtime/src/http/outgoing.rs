//! Requests that a component composes, and how it sends them.

use alloc::string::String;
use alloc::vec::Vec;
use core::task::Poll;

use bytes::Bytes;
use enclave_http::{Authority, BodyPlan, Method, Scheme};
use wasmtime::component::Resource;

use super::body::{Beginning, BodyKey, Message, Refusal, Way};
use super::convert::scheme_name;
use super::error::HttpError;
use super::resources::{FutureResponse, OutgoingBody, OutgoingRequest};
use super::{ExchangeKey, FieldList, HttpFailure, HttpRequest, HttpTimeouts, limits};
use crate::bindings::wasi::http::outgoing_handler;
use crate::bindings::wasi::http::types::{self, ErrorCode, HostOutgoingRequest};
use crate::host::Output;
use crate::io::{StreamError, StreamResult};
use crate::state::State;

impl outgoing_handler::Host for State {
    async fn handle(
        &mut self,
        request: Resource<OutgoingRequest>,
        options: Option<Resource<HttpTimeouts>>,
    ) -> Result<Resource<FutureResponse>, HttpError> {
        let timeouts = options.map(|options| self.table.delete(options)).transpose()?.unwrap_or_default();
        let request = self.table.delete(request)?;
        self.let_go(request.held_bytes());
        let body = request.body;
        let started = compose(request, timeouts, self.plan(body))
            .map(|request| (self.outside.lock().start_exchange(&request, body), request));
        let (failure, refused) = match started {
            Ok((Ok(Ok(exchange)), request)) => {
                self.send_kept(exchange, &request, body).await?;
                return Ok(self.table.push(FutureResponse { exchange, is_taken: false })?);
            }
            Ok((Ok(Err(failure)), request)) => (failure.into(), Some((failure, request))),
            Ok((Err(end), _)) => return Err(end.into()),
            Err(code) => (code, None),
        };
        self.give_up_body(body);
        if let Some((HttpFailure::RequestDenied, request)) = refused {
            self.put_output(Output::Stderr, describe_refusal(&request)).await?;
        }
        Err(failure.into())
    }
}

/// The request as the host takes it.
fn compose(
    request: OutgoingRequest,
    timeouts: HttpTimeouts,
    body: Result<BodyPlan, ErrorCode>,
) -> Result<HttpRequest, ErrorCode> {
    let promised = request.headers.content_length();
    if request.body.is_none() && promised.is_some_and(|bytes| bytes > 0) {
        return Err(ErrorCode::HttpRequestBodySize(Some(0)));
    }
    let scheme = request.scheme.unwrap_or(Scheme::Https);
    if let Scheme::Other(_) = scheme {
        return Err(ErrorCode::HttpProtocolError);
    }
    let authority = request.authority.ok_or(ErrorCode::HttpRequestUriInvalid)?;
    let authority = Authority::parse(&authority).map_err(|_| ErrorCode::HttpRequestUriInvalid)?;
    let path_with_query = match request.path_with_query.unwrap_or_default() {
        path if path.starts_with('/') => path,
        // Empty, or a query alone.
        query => alloc::format!("/{query}"),
    };
    let fields = request.headers.fields().clone();
    Ok(HttpRequest {
        method: request.method,
        scheme,
        authority,
        path_with_query,
        fields,
        body: body?,
        timeouts,
    })
}

impl State {
    /// What is known of a body that may be there.
    fn plan(&self, body: Option<BodyKey>) -> Result<BodyPlan, ErrorCode> {
        let Some(key) = body else { return Ok(BodyPlan::None) };
        self.outside.lock().traffic.bodies.plan(key).ok_or(ErrorCode::HttpRequestBodySize(None))
    }

    /// Sends what there is of the body after its head.
    fn send_kept(
        &self,
        exchange: ExchangeKey,
        request: &HttpRequest,
        body: Option<BodyKey>,
    ) -> impl Future<Output = Result<(), HttpError>> + Send + use<> {
        if request.body == BodyPlan::None {
            self.give_up_body(body);
        }
        let outside = self.outside.clone();
        let beginning = body.and_then(|key| Some((key, outside.lock().attach_body(key, exchange)?)));
        let (ending, mut kept) = match beginning {
            Some((key, Beginning { kept, trailers })) => (trailers.map(|trailers| (key, trailers)), kept),
            None => (None, Bytes::new()),
        };
        let sent = self.wait(move |outside| outside.poll_send(exchange, &mut kept));
        async move {
            sent.await?;
            if let Some((key, trailers)) = ending {
                outside.lock().finish_body(key, trailers)??;
            }
            Ok(())
        }
    }

    /// Gives all of `bytes` to a body, as soon as it takes them.
    pub(crate) fn put_body(
        &self,
        body: BodyKey,
        bytes: Vec<u8>,
    ) -> impl Future<Output = StreamResult<()>> + Send + use<> {
        let admitted = self.outside.lock().admit_body(body, &bytes);
        let way = if let Ok(Ok(way)) = &admitted { Some(*way) } else { None };
        let mut rest = Bytes::from(bytes);
        let passed = self.wait(move |outside| match way {
            Some(Way::Exchange(exchange)) => outside.poll_send(exchange, &mut rest),
            Some(Way::Response) => outside.poll_write(Output::Stdout, &mut rest),
            Some(Way::Kept) | None => Poll::Ready(Ok(())),
        });
        async move {
            match admitted? {
                Ok(_) => Ok(passed.await?),
                Err(Refusal::Closed) => Err(StreamError::Closed),
                Err(Refusal::TooLong(code)) => Err(code.into()),
                Err(Refusal::NoRoom) => Err(StreamError::trap(
                    "body: at most 64 KiB before its request or response is sent, 128 KiB in all such bodies",
                )),
            }
        }
    }

    /// Begins a body whose head is not sent yet.
    pub(super) fn begin_body(
        &mut self,
        message: Message,
        headers: &FieldList,
    ) -> wasmtime::Result<(BodyKey, Resource<OutgoingBody>)> {
        let key = self.outside.lock().traffic.bodies.begin(message, headers.content_length());
        Ok((key, self.table.push(OutgoingBody { key, is_written: false })?))
    }

    /// The head of a body, if there is one, will never be sent.
    pub(super) fn give_up_body(&self, body: Option<BodyKey>) {
        if let Some(key) = body {
            self.outside.lock().traffic.bodies.give_up(key);
        }
    }
}

impl HostOutgoingRequest for State {
    fn new(&mut self, headers: Resource<FieldList>) -> wasmtime::Result<Resource<OutgoingRequest>> {
        let headers = self.take_fields(headers)?;
        self.let_go(headers.held_bytes());
        let request = OutgoingRequest {
            method: Method::GET,
            scheme: None,
            authority: None,
            path_with_query: None,
            headers: headers.frozen(),
            body: None,
        };
        self.hold(request.held_bytes())?;
        Ok(self.table.push(request)?)
    }

    fn body(
        &mut self,
        request: Resource<OutgoingRequest>,
    ) -> wasmtime::Result<Result<Resource<OutgoingBody>, ()>> {
        let state = self.table.get(&request)?;
        if state.body.is_some() {
            return Ok(Err(()));
        }
        let headers = state.headers.clone();
        let (key, body) = self.begin_body(Message::Request, &headers)?;
        self.table.get_mut(&request)?.body = Some(key);
        Ok(Ok(body))
    }

    fn method(&mut self, request: Resource<OutgoingRequest>) -> wasmtime::Result<types::Method> {
        Ok((&self.table.get(&request)?.method).into())
    }

    fn set_method(
        &mut self,
        request: Resource<OutgoingRequest>,
        method: types::Method,
    ) -> wasmtime::Result<Result<(), ()>> {
        let request = self.table.get_mut(&request)?;
        Ok(Method::try_from(method).map(|method| request.method = method))
    }

    fn path_with_query(&mut self, request: Resource<OutgoingRequest>) -> wasmtime::Result<Option<String>> {
        Ok(self.table.get(&request)?.path_with_query.clone())
    }

    fn set_path_with_query(
        &mut self,
        request: Resource<OutgoingRequest>,
        path_with_query: Option<String>,
    ) -> wasmtime::Result<Result<(), ()>> {
        if path_with_query.as_deref().is_some_and(|text| !is_path_with_query(text)) {
            return Ok(Err(()));
        }
        let state = self.table.get_mut(&request)?;
        let old_bytes = state.held_bytes();
        state.path_with_query = path_with_query;
        let new_bytes = state.held_bytes();
        self.let_go(old_bytes);
        self.hold(new_bytes)?;
        Ok(Ok(()))
    }

    fn scheme(&mut self, request: Resource<OutgoingRequest>) -> wasmtime::Result<Option<types::Scheme>> {
        Ok(self.table.get(&request)?.scheme.as_ref().map(Into::into))
    }

    fn set_scheme(
        &mut self,
        request: Resource<OutgoingRequest>,
        scheme: Option<types::Scheme>,
    ) -> wasmtime::Result<Result<(), ()>> {
        let request = self.table.get_mut(&request)?;
        Ok(scheme.map(Scheme::try_from).transpose().map(|scheme| request.scheme = scheme))
    }

    fn authority(&mut self, request: Resource<OutgoingRequest>) -> wasmtime::Result<Option<String>> {
        Ok(self.table.get(&request)?.authority.clone())
    }

    fn set_authority(
        &mut self,
        request: Resource<OutgoingRequest>,
        authority: Option<String>,
    ) -> wasmtime::Result<Result<(), ()>> {
        if authority.as_deref().is_some_and(|text| Authority::parse(text).is_err()) {
            return Ok(Err(()));
        }
        self.table.get_mut(&request)?.authority = authority;
        Ok(Ok(()))
    }

    fn headers(&mut self, request: Resource<OutgoingRequest>) -> wasmtime::Result<Resource<FieldList>> {
        let headers = self.table.get(&request)?.headers.clone();
        self.push_fields(headers)
    }

    fn drop(&mut self, request: Resource<OutgoingRequest>) -> wasmtime::Result<()> {
        let request = self.table.delete(request)?;
        self.let_go(request.held_bytes());
        self.give_up_body(request.body);
        Ok(())
    }
}

/// Whoever reads the log sees what the manifest did not permit. Paths and fields may hold secrets.
fn describe_refusal(request: &HttpRequest) -> Vec<u8> {
    let HttpRequest { method, authority, .. } = request;
    let scheme = scheme_name(&request.scheme);
    alloc::format!("WARN egress: refused {method} {scheme}://{authority}\n").into_bytes()
}

/// As RFC 3986, section 3.3, wants it after an authority; what else may be in it, only servers can tell.
fn is_path_with_query(text: &str) -> bool {
    let is_text = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    let begins_well = text.is_empty() || text.starts_with(['/', '?']);
    is_text && begins_well && text.len() < limits::PATH_BYTES
}
