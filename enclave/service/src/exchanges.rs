//! The exchanges of one run.

use alloc::collections::BTreeMap;
use core::task::Poll;

use attestation_manifest::{EgressPolicy, EgressScheme};
use enclave_http::{Fields, Scheme};
use enclave_runtime::{ExchangeId, HttpBody, HttpFailure, HttpRequest, HttpResponse};

use crate::exchange::{Exchange, destination};
use crate::security::Security;
use crate::sockets::Sockets;

/// Exchanges that a run has open at once, at most: each has its buffers.
const EXCHANGES_MAX: usize = 16;

/// What a run has asked for and has not given up.
#[derive(Default)]
pub(crate) struct Exchanges {
    open: BTreeMap<u32, Exchange>,
    last: u32,
}

impl Exchanges {
    /// Begins an exchange that the egress rules permit.
    ///
    /// # Errors
    /// They do not, or it cannot be begun.
    pub(crate) fn start(
        &mut self,
        request: &HttpRequest,
        policy: &EgressPolicy,
        security: &Security,
        sockets: Option<&mut dyn Sockets>,
        now_ns: u64,
    ) -> Result<ExchangeId, HttpFailure> {
        let (host, port) = destination(request).ok_or(HttpFailure::RequestDenied)?;
        let scheme = match request.scheme {
            Scheme::Https => EgressScheme::Https,
            Scheme::Http => EgressScheme::Http,
            _ => return Err(HttpFailure::ProtocolError),
        };
        if !policy.permits(scheme, &host, port, request.method.as_str()) {
            return Err(HttpFailure::RequestDenied);
        }
        if self.open.len() >= EXCHANGES_MAX {
            return Err(HttpFailure::ConnectionLimitReached);
        }
        let sockets = sockets.ok_or(HttpFailure::DestinationUnavailable)?;
        let exchange = Exchange::start(request, security, sockets, now_ns)?;
        self.last = self.last.wrapping_add(1);
        self.open.insert(self.last, exchange);
        Ok(ExchangeId(self.last))
    }

    /// Moves all of them.
    pub(crate) fn step(&mut self, sockets: &mut dyn Sockets, now_ns: u64) {
        for exchange in self.open.values_mut() {
            exchange.step(sockets, now_ns);
        }
    }

    fn get(&mut self, id: ExchangeId) -> Option<&mut Exchange> {
        self.open.get_mut(&id.0)
    }

    /// See [`JobHost::http_body_space`](enclave_runtime::JobHost::http_body_space), as of all that follow.
    pub(crate) fn body_space(&mut self, id: ExchangeId) -> usize {
        self.get(id).map_or(usize::MAX, |exchange| exchange.body_space())
    }

    pub(crate) fn write_body(&mut self, id: ExchangeId, bytes: &[u8], sockets: Option<&mut dyn Sockets>) {
        if let Some((exchange, sockets)) = self.get(id).zip(sockets) {
            exchange.write_body(bytes, sockets);
        }
    }

    pub(crate) fn finish_body(
        &mut self,
        id: ExchangeId,
        trailers: &Fields,
        sockets: Option<&mut dyn Sockets>,
    ) {
        if let Some((exchange, sockets)) = self.get(id).zip(sockets) {
            exchange.finish_body(trailers, sockets);
        }
    }

    pub(crate) fn response(&mut self, id: ExchangeId) -> Poll<Result<HttpResponse, HttpFailure>> {
        self.get(id).map_or(Poll::Ready(Err(HttpFailure::Internal)), Exchange::response)
    }

    pub(crate) fn has_response(&mut self, id: ExchangeId) -> bool {
        self.get(id).is_none_or(|exchange| exchange.has_response())
    }

    pub(crate) fn read_body(&mut self, id: ExchangeId, max_bytes: usize) -> HttpBody {
        self.get(id).map_or(HttpBody::Failed(HttpFailure::Internal), |exchange| exchange.read_body(max_bytes))
    }

    pub(crate) fn has_body(&mut self, id: ExchangeId) -> bool {
        self.get(id).is_none_or(|exchange| exchange.has_body())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(crate) fn close(&mut self, id: ExchangeId, sockets: Option<&mut dyn Sockets>) {
        if let Some((exchange, sockets)) = self.open.remove(&id.0).zip(sockets) {
            exchange.close(sockets);
        }
    }

    /// The run is over.
    pub(crate) fn close_all(&mut self, sockets: &mut dyn Sockets) {
        for exchange in core::mem::take(&mut self.open).into_values() {
            exchange.close(sockets);
        }
    }
}

impl core::fmt::Debug for Exchanges {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Exchanges").field("open", &self.open.len()).finish_non_exhaustive()
    }
}
