//! The exchanges of one run.

use alloc::collections::BTreeMap;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::task::Poll;

use attestation_manifest::EgressPolicy;
use attestation_receipt::{CommitmentOpening, CommitmentOpenings, RunningRoot};
use attestation_roughtime::Proof;
use enclave_http::Fields;
use enclave_runtime::{
    EnclaveFailure, ExchangeId, HttpBody, HttpFailure, HttpRequest, HttpResponse, RunName,
};

use crate::exchange::Exchange;
use crate::idle::IdleChannels;
use crate::origin::Origin;
use crate::receipts::Issued;
use crate::recording::Recorded;
use crate::security::Security;
use crate::sockets::Sockets;

/// Exchanges that a run has open at once, at most: each has its buffers.
const EXCHANGES_MAX: usize = 16;

/// Receipts of a run that time servers can be quoted for at its end, at most: their digests are held until then. With more,
/// the end of their time stays asserted.
const COMMITTED_MAX: usize = 16 * 1024;

/// What a run has asked for and has not given up, and the receipts of what is over.
pub(crate) struct Exchanges {
    run: RunName,
    security: Security,
    open: BTreeMap<u32, Exchange>,
    idle: IdleChannels,
    last: u32,
    now_ns: u64,
    /// Over all receipts of the run.
    root: RunningRoot,
    newest: Option<Arc<Issued>>,
    /// Where the loader wants receipts.
    kept: Option<Kept>,
}

/// Receipts for the loader.
struct Kept {
    /// [`COMMITTED_MAX`].
    committed_max: usize,
    /// Not given to it yet, with their places among all of the run.
    unsent: Vec<(usize, Arc<Issued>)>,
    /// Of all, in their order; of so many at most.
    digests: Vec<[u8; 32]>,
    /// Places of those that it got, ascending.
    sent: Vec<usize>,
}

impl Kept {
    const fn new(committed_max: usize) -> Self {
        Self { committed_max, unsent: Vec::new(), digests: Vec::new(), sent: Vec::new() }
    }

    fn keep(&mut self, number: u64, issued: Arc<Issued>) {
        if self.digests.len() < self.committed_max {
            self.digests.push(issued.digest);
        }
        self.unsent.push((usize::try_from(number).unwrap_or(usize::MAX), issued));
    }
}

impl Exchanges {
    pub(crate) fn new(run: RunName, security: Security) -> Self {
        let (open, root) = (BTreeMap::new(), RunningRoot::default());
        let idle = IdleChannels::new(security.idle.clone());
        Self { run, security, open, idle, last: 0, now_ns: 0, root, newest: None, kept: None }
    }

    /// From now on receipts are kept for [`Self::take_unsent`].
    pub(crate) fn keep_receipts(&mut self) {
        self.kept = Some(Kept::new(COMMITTED_MAX));
    }

    /// Receipts that were issued since the last call, signed, each with the proof of the time that it names. One that is too
    /// long for a frame comes without certificates, or without what it shows of bodies.
    pub(crate) fn take_unsent(&mut self, max_bytes: usize) -> Vec<(Option<Arc<Proof>>, Vec<u8>)> {
        let Some(kept) = &mut self.kept else { return Vec::new() };
        let mut signed = Vec::new();
        for (place, issued) in core::mem::take(&mut kept.unsent) {
            match self.security.receipts.sign_within(&issued, max_bytes) {
                Ok(receipt) => {
                    kept.sent.push(place);
                    signed.push((issued.time_proof.clone(), receipt));
                }
                Err(error) => log::warn!("{} is not kept: {error}", issued.describe()),
            }
        }
        signed
    }

    /// What a time server is to be quoted for at the end: the root over all receipts, if the loader got any.
    pub(crate) fn root_to_commit_to(&self) -> Option<[u8; 32]> {
        let kept = self.kept.as_ref().filter(|kept| !kept.sent.is_empty())?;
        let is_whole = u64::try_from(kept.digests.len()) == Ok(self.root.receipts());
        if !is_whole {
            log::warn!("more than {} receipts: nobody says that they are not younger", kept.committed_max);
        }
        self.receipts_root().filter(|_| is_whole)
    }

    /// That a commitment with this salt is to that root: one for each receipt that the loader got.
    pub(crate) fn commitment_openings(
        &mut self,
        salt: [u8; 32],
    ) -> impl Iterator<Item = CommitmentOpening> + use<> {
        let (digests, sent) = self.kept.take().map(|kept| (kept.digests, kept.sent)).unwrap_or_default();
        let openings = CommitmentOpenings::new(salt, &digests).enumerate();
        openings.filter(move |(place, _)| sent.binary_search(place).is_ok()).map(|(_, opening)| opening)
    }

    /// Begins an exchange that the egress rules permit.
    ///
    /// # Errors
    /// They do not, or it cannot be begun.
    pub(crate) fn start(
        &mut self,
        request: &HttpRequest,
        policy: &EgressPolicy,
        secret: [u8; 32],
        sockets: Option<&mut dyn Sockets>,
        now_ns: u64,
    ) -> Result<ExchangeId, HttpFailure> {
        let origin = Origin::of(request)?;
        if !origin.is_permitted(policy, request.method.as_str()) {
            return Err(HttpFailure::RequestDenied);
        }
        if self.open.len() >= EXCHANGES_MAX {
            return Err(HttpFailure::ConnectionLimitReached);
        }
        let sockets = sockets.ok_or(HttpFailure::DestinationUnavailable)?;
        let peer = origin.is_secure().then(|| self.security.peer(&origin.host)).transpose()?;
        let mut exchange = Exchange::new(request, origin, peer, secret, now_ns)?;
        self.keep_spare(sockets, now_ns);
        match self.idle.take(exchange.origin(), &self.security.time, sockets, now_ns) {
            Some(channel) => exchange.go_on(channel),
            None => {
                // The guest has as many connections for a run as there are exchanges.
                let others = self.open.len().saturating_add(1);
                self.idle.leave_at_most(EXCHANGES_MAX.saturating_sub(others), sockets);
                exchange.connect(sockets)?;
            }
        }
        self.last = self.last.wrapping_add(1);
        self.open.insert(self.last, exchange);
        Ok(ExchangeId(self.last))
    }

    /// Puts connections aside that exchanges need no more, those included whose responses the component still holds.
    fn keep_spare(&mut self, sockets: &mut dyn Sockets, now_ns: u64) {
        for exchange in self.open.values_mut() {
            if let Some(channel) = exchange.take_spare() {
                self.idle.keep(exchange.origin().clone(), channel, sockets, now_ns);
            }
        }
    }

    /// Moves all of them.
    pub(crate) fn step(&mut self, sockets: &mut dyn Sockets, now_ns: u64) {
        self.now_ns = now_ns;
        for exchange in self.open.values_mut() {
            exchange.step(sockets, now_ns);
        }
        self.keep_spare(sockets, now_ns);
        self.idle.step(sockets, now_ns);
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
        let Some(exchange) = self.open.get_mut(&id.0) else { return HttpBody::Failed(HttpFailure::Internal) };
        let body = exchange.read_body(max_bytes);
        let is_end = matches!(body, HttpBody::End(_) | HttpBody::Failed(_));
        let recorded = if is_end { exchange.take_recorded(true) } else { None };
        self.issue(recorded);
        body
    }

    pub(crate) fn has_body(&mut self, id: ExchangeId) -> bool {
        self.get(id).is_none_or(|exchange| exchange.has_body())
    }

    /// Whether there is nothing to move.
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty() && self.idle.is_empty()
    }

    pub(crate) fn close(&mut self, id: ExchangeId, sockets: Option<&mut dyn Sockets>) {
        let Some(mut exchange) = self.open.remove(&id.0) else { return };
        let recorded = exchange.take_recorded(true);
        self.issue(recorded);
        let Some(sockets) = sockets else { return };
        if let Some(channel) = exchange.take_spare() {
            self.idle.keep(exchange.origin().clone(), channel, sockets, self.now_ns);
        }
        exchange.close(sockets);
    }

    /// Makes the receipt of an exchange that is over.
    fn issue(&mut self, recorded: Option<Recorded>) {
        let Some(recorded) = recorded else { return };
        // Without the time there was no handshake.
        let Some(time) = self.security.time.last_known(self.now_ns) else { return };
        let number = self.root.receipts();
        match self.security.receipts.issue(self.run, number, recorded, time) {
            Ok(issued) => {
                log::debug!("{}", issued.describe());
                self.root.push(&issued.digest);
                let issued = Arc::new(issued);
                if let Some(kept) = &mut self.kept {
                    kept.keep(number, issued.clone());
                }
                self.newest = Some(issued);
            }
            Err(error) => log::warn!("an exchange has no receipt: {error}"),
        }
    }

    /// The receipt of the exchange that was over last, signed.
    ///
    /// # Errors
    /// What the component is told.
    pub(crate) fn receipt(&self) -> Result<Vec<u8>, EnclaveFailure> {
        let issued = self.newest.as_ref().ok_or_else(no_receipt)?;
        let signed = self.security.receipts.sign(issued);
        signed.map(|signed| signed.encode()).map_err(|error| EnclaveFailure::Invalid(error.to_string()))
    }

    /// What opens it.
    ///
    /// # Errors
    /// What the component is told.
    pub(crate) fn opening(&self) -> Result<Vec<u8>, EnclaveFailure> {
        self.newest.as_ref().map(|issued| issued.opening().to_vec()).ok_or_else(no_receipt)
    }

    /// The root over all receipts of the run; `None` without any.
    pub(crate) fn receipts_root(&self) -> Option<[u8; 32]> {
        self.root.root()
    }

    /// The run is over.
    pub(crate) fn close_all(&mut self, sockets: &mut dyn Sockets) {
        for mut exchange in core::mem::take(&mut self.open).into_values() {
            let recorded = exchange.take_recorded(true);
            self.issue(recorded);
            exchange.close(sockets);
        }
        self.idle.leave_at_most(0, sockets);
    }
}

fn no_receipt() -> EnclaveFailure {
    EnclaveFailure::Invalid("no HTTPS exchange of this run is over yet".into())
}

impl core::fmt::Debug for Exchanges {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Exchanges").field("open", &self.open.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
