//! Requests on their way and their responses, from the first byte to the last. All that is kept here is the same in a
//! replay, but for the host's own numbers.

use alloc::collections::BTreeMap;
use alloc::string::String;
use core::mem;
use core::task::Poll;

use attestation_transcript::Kind;
use enclave_http::Fields;

use super::answer::Answer;
use super::body::{self, Bodies};
use super::{BodyKey, ExchangeId, HttpBody, HttpFailure, HttpRequest, HttpResponse, limits};
use crate::host::JobHost;
use crate::io::{PIECE_BYTES, Pollable, Waits};
use crate::limits::RunEnd;
use crate::outside::Outside;

/// Names an exchange of this run. Never given to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExchangeKey(u32);

/// The exchanges of a run, and the bodies that go out.
#[derive(Default)]
pub(crate) struct Traffic {
    exchanges: BTreeMap<ExchangeKey, Exchange>,
    begun: u32,
    pub(super) bodies: Bodies,
    pub(super) answer: Answer,
}

struct Exchange {
    /// `None` when it was cut off.
    id: Option<ExchangeId>,
    request_body: Option<BodyKey>,
    stage: Stage,
    /// How the body ended, found while looking for its trailers, and not told yet.
    found: Option<HttpBody>,
}

/// How far the response came, as the component knows it.
enum Stage {
    /// The head is to come.
    Head,
    /// More of the body is to come.
    Body,
    /// All of it was read; the trailers until they are taken.
    Complete(Fields),
    /// There is no more, for this reason.
    Failed(HttpFailure),
}

/// What a read of a response's body gives.
pub(crate) enum BodyRead {
    /// Bytes, or nothing yet.
    Bytes(bytes::Bytes),
    /// It is complete, or its failure was told before.
    Closed,
    /// It fails with this read.
    Failed(HttpFailure),
}

impl Traffic {
    /// Whether `pollable` is ready now. What is not there any more never makes anybody wait.
    pub(crate) fn is_ready<H: JobHost + ?Sized>(&mut self, host: &mut H, pollable: Pollable) -> bool {
        match pollable {
            Pollable::RequestBody(key) => match self.bodies.get(key).map(|body| &body.stage) {
                Some(body::Stage::Kept(kept)) => self.bodies.room(kept) > 0,
                Some(body::Stage::Exchange(key)) => match self.exchanges.get(key) {
                    Some(Exchange { id: Some(id), .. }) => host.http_body_space(*id) > 0,
                    _ => true,
                },
                _ => true,
            },
            Pollable::Response(key) => match self.exchanges.get(&key) {
                Some(Exchange { id: Some(id), stage: Stage::Head, .. }) => host.http_has_response(*id),
                _ => true,
            },
            Pollable::ResponseBody(key) => match self.exchanges.get(&key) {
                Some(Exchange { id: Some(id), stage: Stage::Body, .. }) => host.http_has_body(*id),
                _ => true,
            },
            Pollable::Trailers(key) => match self.exchanges.get_mut(&key) {
                Some(exchange) => exchange.look_for_end(host),
                None => true,
            },
            Pollable::Always | Pollable::Deadline { .. } => true,
        }
    }
}

impl Exchange {
    /// Reads over what is left of the body, as far as it came. `true` when its end was found.
    fn look_for_end<H: JobHost + ?Sized>(&mut self, host: &mut H) -> bool {
        let (Some(id), Stage::Body, None) = (self.id, &self.stage, &self.found) else { return true };
        loop {
            match host.http_body_read(id, PIECE_BYTES) {
                HttpBody::Bytes(_) => {}
                HttpBody::Pending => return false,
                end => {
                    self.found = Some(limits::of_body(end));
                    return true;
                }
            }
        }
    }
}

impl<H: JobHost + ?Sized> Outside<H> {
    /// Sends the head of a request. What the manifest and the machine say to it is written down with it.
    pub(crate) fn start_exchange(
        &mut self,
        request: &HttpRequest,
        request_body: Option<BodyKey>,
    ) -> Result<Result<ExchangeKey, HttpFailure>, RunEnd> {
        if self.traffic.exchanges.len() >= limits::EXCHANGES_MAX {
            return Ok(Err(HttpFailure::ConnectionLimitReached));
        }
        let mut deed = [0; 33];
        let [_head, digest @ ..] = &mut deed;
        *digest = request.digest();
        let mut id = ExchangeId(0);
        let started: Result<(), HttpFailure> = self.act(
            Kind::HTTP_REQUEST,
            &deed,
            || describe(request),
            |host| {
                id = host.http_start(request)?;
                Ok(())
            },
        )?;
        if let Err(failure) = started {
            return Ok(Err(failure));
        }
        let key = ExchangeKey(self.traffic.begun);
        self.traffic.begun = self.traffic.begun.saturating_add(1);
        let exchange = Exchange { id: Some(id), request_body, stage: Stage::Head, found: None };
        self.traffic.exchanges.insert(key, exchange);
        Ok(Ok(key))
    }

    /// The host's number of an exchange that goes on.
    pub(crate) fn exchange_id(&self, key: ExchangeKey) -> Option<ExchangeId> {
        self.traffic.exchanges.get(&key)?.id
    }

    /// The response's head, if it came.
    pub(crate) fn response(
        &mut self,
        key: ExchangeKey,
    ) -> Result<Option<Result<HttpResponse, HttpFailure>>, RunEnd> {
        let id = match self.traffic.exchanges.get(&key) {
            Some(Exchange { id: Some(id), stage: Stage::Head, .. }) => *id,
            Some(Exchange { stage: Stage::Failed(failure), .. }) => return Ok(Some(Err(*failure))),
            _ => return Ok(Some(Err(HttpFailure::Internal))),
        };
        let response = self.learn(Kind::HTTP_RESPONSE, |host| match host.http_response(id) {
            Poll::Ready(response) => Some(response.and_then(limits::of_response)),
            Poll::Pending => None,
        })?;
        self.set_stage(
            key,
            match &response {
                None => Stage::Head,
                Some(Ok(_)) => Stage::Body,
                Some(Err(failure)) => Stage::Failed(*failure),
            },
        );
        Ok(response)
    }

    /// A part of the response's body, at least one byte of it where the component waits.
    pub(crate) fn poll_body(
        &mut self,
        key: ExchangeKey,
        max_bytes: usize,
        waits: Waits,
    ) -> Poll<Result<BodyRead, RunEnd>> {
        let id = match self.traffic.exchanges.get(&key) {
            Some(Exchange { id: Some(id), stage: Stage::Body, .. }) => *id,
            _ => return Poll::Ready(Ok(BodyRead::Closed)),
        };
        let read = self.poll_learn(Kind::STREAM_READ, |host| {
            match limits::of_body(host.http_body_read(id, max_bytes)) {
                HttpBody::Pending if waits == Waits::Yes => Poll::Pending,
                read => Poll::Ready(read),
            }
        });
        read.map(|read| {
            Ok(match read? {
                HttpBody::Bytes(bytes) => BodyRead::Bytes(bytes),
                HttpBody::Pending => BodyRead::Bytes(bytes::Bytes::new()),
                HttpBody::End(trailers) => {
                    self.set_stage(key, Stage::Complete(trailers));
                    BodyRead::Closed
                }
                HttpBody::Failed(failure) => {
                    self.set_stage(key, Stage::Failed(failure));
                    BodyRead::Failed(failure)
                }
            })
        })
    }

    /// The trailers of a body that nobody reads any more; `None` while its end has not come.
    pub(crate) fn trailers(
        &mut self,
        key: ExchangeKey,
    ) -> Result<Option<Result<Fields, HttpFailure>>, RunEnd> {
        let mut traffic = mem::take(&mut self.traffic);
        let Some(exchange) = traffic.exchanges.get_mut(&key) else {
            self.traffic = traffic;
            return Ok(Some(Err(HttpFailure::Internal)));
        };
        let told = match &mut exchange.stage {
            Stage::Head => Ok(HttpBody::Failed(HttpFailure::Internal)),
            Stage::Body => self.learn(Kind::STREAM_READ, |host| {
                exchange.look_for_end(host);
                exchange.found.take().unwrap_or(HttpBody::Pending)
            }),
            Stage::Complete(trailers) => Ok(HttpBody::End(mem::take(trailers))),
            Stage::Failed(failure) => Ok(HttpBody::Failed(*failure)),
        };
        self.traffic = traffic;
        match told? {
            HttpBody::Bytes(_) | HttpBody::Pending => Ok(None),
            HttpBody::End(trailers) => {
                self.set_stage(key, Stage::Complete(Fields::new()));
                Ok(Some(Ok(trailers)))
            }
            HttpBody::Failed(failure) => {
                self.set_stage(key, Stage::Failed(failure));
                Ok(Some(Err(failure)))
            }
        }
    }

    /// Ends an exchange whose request will never be complete.
    pub(super) fn cut_exchange(&mut self, key: ExchangeKey, failure: HttpFailure) {
        let Some(exchange) = self.traffic.exchanges.get_mut(&key) else { return };
        exchange.stage = Stage::Failed(failure);
        if let Some(id) = exchange.id.take() {
            self.host.http_close(id);
        }
    }

    /// The component has let go of a response. Nothing of the exchange goes on.
    pub(crate) fn release_exchange(&mut self, key: ExchangeKey) -> Result<(), RunEnd> {
        let Some(exchange) = self.traffic.exchanges.remove(&key) else { return Ok(()) };
        if let Some(body) = exchange.request_body {
            self.abandon_body(body)?;
        }
        if let Some(id) = exchange.id {
            self.host.http_close(id);
        }
        Ok(())
    }

    /// The run is over, and so are its exchanges.
    pub(crate) fn close_exchanges(&mut self) {
        let exchanges = mem::take(&mut self.traffic.exchanges);
        exchanges.into_values().filter_map(|exchange| exchange.id).for_each(|id| self.host.http_close(id));
    }

    fn set_stage(&mut self, key: ExchangeKey, stage: Stage) {
        if let Some(exchange) = self.traffic.exchanges.get_mut(&key) {
            exchange.stage = stage;
        }
    }
}

/// For people: what was asked for, without what may be secret.
fn describe(request: &HttpRequest) -> String {
    alloc::format!("another request: {} to {}", request.method, request.authority)
}
