//! The request that a service answers, and its response.

use alloc::string::{String, ToString};

use enclave_http::{Fields, Method, StatusCode};
use wasmtime::component::Resource;

use super::body::Message;
use super::error::HttpError;
use super::resources::{
    BodySource, IncomingBody, OutgoingBody, OutgoingResponse, ResponseOutparam, ServedRequest,
};
use super::{FieldList, IncomingRequest};
use crate::bindings::wasi::http::types::{
    self, ErrorCode, HostFields, HostIncomingRequest, HostOutgoingBody, HostOutgoingResponse,
    HostResponseOutparam,
};
use crate::host::Output;
use crate::io::OutputStream;
use crate::outcome::cut_text;
use crate::state::State;

impl State {
    /// The two resources that `incoming-handler.handle` gets.
    pub(crate) fn serve(
        &mut self,
        request: IncomingRequest,
    ) -> wasmtime::Result<(Resource<ServedRequest>, Resource<ResponseOutparam>)> {
        self.outside.lock().traffic.answer.answers_head = request.method == Method::HEAD;
        let mut head = request;
        let headers = FieldList::received(core::mem::take(&mut head.fields));
        self.hold(headers.held_bytes())?;
        let request = self.table.push(ServedRequest { head, headers, is_consumed: false })?;
        Ok((request, self.table.push(ResponseOutparam)?))
    }

    /// Sends the response's head and what there already is of its body.
    fn respond(
        &self,
        response: OutgoingResponse,
    ) -> impl Future<Output = wasmtime::Result<()>> + Send + use<> {
        let OutgoingResponse { status, headers, body } = response;
        let outside = self.outside.clone();
        let (mut kept, trailers) =
            outside.lock().respond(status, headers.fields().clone(), body).unwrap_or_default();
        let charged = outside.lock().charge_output(Output::Stdout, kept.len());
        let written = self.wait(move |outside| outside.poll_write(Output::Stdout, &mut kept));
        async move {
            charged?;
            written.await?;
            if let (Some(key), Some(trailers)) = (body, trailers) {
                // Its length was checked when it was finished.
                let _checked = outside.lock().finish_body(key, trailers)?;
            }
            Ok(())
        }
    }
}

impl HostIncomingRequest for State {
    fn method(&mut self, request: Resource<ServedRequest>) -> wasmtime::Result<types::Method> {
        Ok((&self.table.get(&request)?.head.method).into())
    }

    fn path_with_query(&mut self, request: Resource<ServedRequest>) -> wasmtime::Result<Option<String>> {
        Ok(self.table.get(&request)?.head.path_with_query.clone())
    }

    fn scheme(&mut self, request: Resource<ServedRequest>) -> wasmtime::Result<Option<types::Scheme>> {
        Ok(Some((&self.table.get(&request)?.head.scheme).into()))
    }

    fn authority(&mut self, request: Resource<ServedRequest>) -> wasmtime::Result<Option<String>> {
        Ok(self.table.get(&request)?.head.authority.as_ref().map(ToString::to_string))
    }

    fn headers(&mut self, request: Resource<ServedRequest>) -> wasmtime::Result<Resource<FieldList>> {
        let headers = self.table.get(&request)?.headers.clone();
        self.push_fields(headers)
    }

    fn consume(
        &mut self,
        request: Resource<ServedRequest>,
    ) -> wasmtime::Result<Result<Resource<IncomingBody>, ()>> {
        if core::mem::replace(&mut self.table.get_mut(&request)?.is_consumed, true) {
            return Ok(Err(()));
        }
        Ok(Ok(self.table.push(IncomingBody { source: BodySource::Input, is_read: false })?))
    }

    fn drop(&mut self, request: Resource<ServedRequest>) -> wasmtime::Result<()> {
        let request = self.table.delete(request)?;
        self.let_go(request.headers.held_bytes());
        Ok(())
    }
}

impl HostResponseOutparam for State {
    async fn set(
        &mut self,
        param: Resource<ResponseOutparam>,
        response: Result<Resource<OutgoingResponse>, ErrorCode>,
    ) -> wasmtime::Result<()> {
        self.table.delete(param)?;
        let response = match response {
            Ok(response) => self.table.delete(response)?,
            Err(code) => {
                self.outside.lock().refuse(cut_text(&format_args!("{code:?}")));
                return Ok(());
            }
        };
        self.let_go(response.held_bytes());
        if response.status.is_interim() {
            self.give_up_body(response.body);
            self.outside.lock().refuse(alloc::format!("status {}: expected 200 to 999", response.status));
            return Ok(());
        }
        self.respond(response).await
    }

    // Unstable, and not linked.
    fn send_informational(
        &mut self,
        _param: Resource<ResponseOutparam>,
        _status: u16,
        headers: Resource<FieldList>,
    ) -> Result<(), HttpError> {
        HostFields::drop(self, headers)?;
        Err(ErrorCode::InternalError(Some("interim responses are not offered".into())).into())
    }

    fn drop(&mut self, param: Resource<ResponseOutparam>) -> wasmtime::Result<()> {
        self.table.delete(param)?;
        Ok(())
    }
}

impl HostOutgoingResponse for State {
    fn new(&mut self, headers: Resource<FieldList>) -> wasmtime::Result<Resource<OutgoingResponse>> {
        let headers = self.take_fields(headers)?;
        self.let_go(headers.held_bytes());
        let response = OutgoingResponse { status: StatusCode::OK, headers: headers.frozen(), body: None };
        self.hold(response.held_bytes())?;
        Ok(self.table.push(response)?)
    }

    fn status_code(&mut self, response: Resource<OutgoingResponse>) -> wasmtime::Result<u16> {
        Ok(self.table.get(&response)?.status.get())
    }

    fn set_status_code(
        &mut self,
        response: Resource<OutgoingResponse>,
        code: u16,
    ) -> wasmtime::Result<Result<(), ()>> {
        let Some(status) = StatusCode::new(code) else { return Ok(Err(())) };
        self.table.get_mut(&response)?.status = status;
        Ok(Ok(()))
    }

    fn headers(&mut self, response: Resource<OutgoingResponse>) -> wasmtime::Result<Resource<FieldList>> {
        let headers = self.table.get(&response)?.headers.clone();
        self.push_fields(headers)
    }

    fn body(
        &mut self,
        response: Resource<OutgoingResponse>,
    ) -> wasmtime::Result<Result<Resource<OutgoingBody>, ()>> {
        let state = self.table.get(&response)?;
        if state.body.is_some() {
            return Ok(Err(()));
        }
        let headers = state.headers.clone();
        let (key, body) = self.begin_body(Message::Response, &headers)?;
        self.table.get_mut(&response)?.body = Some(key);
        Ok(Ok(body))
    }

    fn drop(&mut self, response: Resource<OutgoingResponse>) -> wasmtime::Result<()> {
        let response = self.table.delete(response)?;
        self.let_go(response.held_bytes());
        self.give_up_body(response.body);
        Ok(())
    }
}

impl HostOutgoingBody for State {
    fn write(
        &mut self,
        body: Resource<OutgoingBody>,
    ) -> wasmtime::Result<Result<Resource<OutputStream>, ()>> {
        let state = self.table.get_mut(&body)?;
        if core::mem::replace(&mut state.is_written, true) {
            return Ok(Err(()));
        }
        let stream = OutputStream::Body(state.key);
        Ok(Ok(self.table.push_child(stream, &body)?))
    }

    fn finish(
        &mut self,
        body: Resource<OutgoingBody>,
        trailers: Option<Resource<FieldList>>,
    ) -> Result<(), HttpError> {
        let OutgoingBody { key, .. } = self.table.delete(body)?;
        let trailers = match trailers {
            Some(trailers) => {
                let trailers = self.take_fields(trailers)?;
                self.let_go(trailers.held_bytes());
                trailers.fields().clone()
            }
            None => Fields::new(),
        };
        Ok(self.outside.lock().finish_body(key, trailers)??)
    }

    fn drop(&mut self, body: Resource<OutgoingBody>) -> wasmtime::Result<()> {
        let OutgoingBody { key, .. } = self.table.delete(body)?;
        Ok(self.outside.lock().cut_body(key)?)
    }
}
