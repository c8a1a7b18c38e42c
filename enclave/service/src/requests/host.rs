//! What one request has around it: its client's connection, the clock, and the exchanges it begins.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::task::Poll;

use attestation_claim::Digested;
use attestation_manifest::{EgressPolicy, Logs, WallClock};
use bytes::Bytes;
use enclave_http::{
    BodyDecoder, BodyEncoder, CONTINUE, Fields, HeadLimits, HttpError, OutgoingError, OutgoingResponse,
    RequestFacts,
};
use enclave_runtime::{
    Console, EnclaveFailure, ExchangeId, HttpBody, HttpFailure, HttpRequest, HttpResponse, IncomingRequest,
    InputRead, JobHost, Output, ResponseHead, RunName, Stop, VaultHost,
};

use super::kept::{Kept, Outbox};
use super::wire::Wire;
use crate::exchanges::Exchanges;
use crate::parcel::Audience;
use crate::security::Security;
use crate::shared::Shared;
use crate::surroundings::Surroundings;
use crate::vault::SharedVault;

/// How long a line of a component's log may be in the guest's.
const LOG_LINE_MAX_BYTES: usize = 1024;

/// What is the same for all requests of a service.
#[derive(Debug)]
pub(crate) struct Facilities<E> {
    pub(crate) shared: Shared<E>,
    pub(crate) egress: Arc<EgressPolicy>,
    pub(crate) security: Security,
    pub(crate) logs: Logs,
    pub(crate) wall_clock: WallClock,
    /// Added to the time since boot it is the time of day, as the host says; `None` until it has.
    pub(crate) wall_offset_ns: Option<u64>,
    /// What outlasts requests.
    pub(crate) vault: SharedVault,
    /// For whom what is kept of requests is.
    pub(crate) audience: Audience,
    /// Where what is kept of requests goes; `None` where nobody keeps it.
    pub(crate) outbox: Option<Outbox>,
}

impl<E> Clone for Facilities<E> {
    fn clone(&self) -> Self {
        let Self { shared, egress, security, logs, wall_clock, wall_offset_ns, vault, audience, outbox } =
            self;
        Self {
            shared: shared.clone(),
            egress: egress.clone(),
            security: security.clone(),
            logs: *logs,
            wall_clock: *wall_clock,
            wall_offset_ns: *wall_offset_ns,
            vault: vault.clone(),
            audience: audience.clone(),
            outbox: outbox.clone(),
        }
    }
}

/// The request's side that is read.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) decoder: BodyDecoder,
    /// The client waits for a word before it sends its body.
    pub(crate) awaits_continue: bool,
    /// What came after the body, once that was read to its end.
    pub(crate) trailers: Fields,
    /// What is wrong with the body.
    pub(crate) error: Option<HttpError>,
}

/// The response's side, as far as it came.
#[derive(Debug)]
pub(crate) struct Writing {
    pub(crate) facts: RequestFacts,
    pub(crate) stage: WritingStage,
}

/// How far a response came.
#[derive(Debug)]
pub(crate) enum WritingStage {
    /// Nothing is written.
    Nothing,
    /// The head is, and a part of the body.
    Body { encoder: BodyEncoder, persists: bool },
    /// All of it is.
    Complete { persists: bool },
    /// The component's response cannot be sent.
    Unfit { error: OutgoingError, has_head: bool },
}

/// What is left of a request whose run is over.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) wire: Wire,
    pub(crate) reading: Reading,
    pub(crate) writing: Writing,
    pub(crate) run: RunName,
    /// From its head to the end of its run.
    pub(crate) run_us: u64,
    /// Request and response, where they are kept.
    pub(crate) messages: Option<(Digested, Digested)>,
    /// Over the receipts of what was fetched under TLS.
    pub(crate) receipts_root: Option<[u8; 32]>,
}

/// The outside of one request.
#[derive(Debug)]
pub(crate) struct RequestHost<E> {
    facilities: Facilities<E>,
    run: RunName,
    started_ns: u64,
    pub(crate) wire: Wire,
    pub(crate) reading: Reading,
    pub(crate) writing: Writing,
    kept: Option<Kept>,
    exchanges: Exchanges,
    /// The beginning of a line of log that is not complete.
    log_line: Vec<u8>,
}

impl<E: Surroundings> RequestHost<E> {
    pub(crate) fn new(
        facilities: Facilities<E>,
        run: RunName,
        request: &IncomingRequest,
        wire: Wire,
        reading: Reading,
        facts: RequestFacts,
    ) -> Self {
        let kept = facilities.outbox.clone().map(|outbox| {
            let mut shared = facilities.shared.clone();
            let salts = [shared.random(), shared.random()];
            Kept::new(outbox, run.sequence, request, &facilities.audience, salts)
        });
        let started_ns = facilities.shared.clone().now_ns();
        let exchanges = Exchanges::new(run, facilities.security.clone());
        Self {
            facilities,
            run,
            started_ns,
            wire,
            reading,
            writing: Writing { facts, stage: WritingStage::Nothing },
            kept,
            exchanges,
            log_line: Vec::new(),
        }
    }

    /// The run is over.
    pub(crate) fn end(mut self) -> Ended {
        self.flush_log();
        let run_ns = self.now_ns().saturating_sub(self.started_ns);
        let Self { facilities, mut exchanges, run, wire, reading, writing, kept, .. } = self;
        facilities.shared.with_sockets(|sockets| exchanges.close_all(sockets));
        let (messages, receipts_root) = (kept.map(Kept::end), exchanges.receipts_root());
        Ended { wire, reading, writing, run, run_us: run_ns / 1_000, messages, receipts_root }
    }

    fn now_ns(&self) -> u64 {
        self.facilities.shared.clone().now_ns()
    }

    /// The next piece of the request's body; `None` where it has not come.
    fn next_piece(&mut self, max_bytes: usize) -> Result<Option<Bytes>, HttpError> {
        let Self { wire, reading, .. } = self;
        while !reading.decoder.is_done() {
            let window = wire.incoming.get(..wire.incoming.len().min(max_bytes)).unwrap_or_default();
            if window.is_empty() {
                break;
            }
            let decoded = reading.decoder.decode(window)?;
            let (data, consumed) = (Bytes::copy_from_slice(decoded.data), decoded.consumed);
            wire.incoming.drain(..consumed);
            if !data.is_empty() {
                return Ok(Some(data));
            }
        }
        if !reading.decoder.is_done() && wire.is_ended() {
            reading.decoder.end_of_stream()?;
        }
        Ok(None)
    }

    fn flush_log(&mut self) {
        if !self.log_line.is_empty() {
            log::info!(
                "request {}: {}",
                self.run.sequence,
                String::from_utf8_lossy(&self.log_line).escape_debug()
            );
            self.log_line.clear();
        }
    }

    fn log(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if *byte == b'\n' || self.log_line.len() >= LOG_LINE_MAX_BYTES {
                self.flush_log();
            }
            if *byte != b'\n' {
                self.log_line.push(*byte);
            }
        }
    }

    fn fail(&mut self, error: OutgoingError) {
        let has_head = !matches!(self.writing.stage, WritingStage::Nothing);
        self.writing.stage = WritingStage::Unfit { error, has_head };
    }
}

impl<E: Surroundings> Console for RequestHost<E> {
    fn pump(&mut self) -> Result<(), Stop> {
        let Self { facilities, wire, exchanges, .. } = self;
        let now_ns = facilities.shared.now_ns();
        facilities.shared.with_sockets(|sockets| {
            wire.step(sockets);
            if !exchanges.is_empty() {
                exchanges.step(sockets, now_ns);
            }
        });
        if self.wire.is_lost() || self.reading.error.is_some() {
            return Err(Stop::ConnectionLost);
        }
        Ok(())
    }

    fn read_input(&mut self, max_bytes: usize) -> InputRead {
        if !self.can_record() {
            return InputRead::Pending;
        }
        if core::mem::take(&mut self.reading.awaits_continue) {
            self.wire.outgoing().extend_from_slice(CONTINUE);
        }
        match self.next_piece(max_bytes) {
            Ok(Some(piece)) => {
                if let Some(kept) = &mut self.kept {
                    kept.read(&piece);
                }
                InputRead::Bytes(piece)
            }
            Ok(None) if self.reading.decoder.is_done() => {
                self.reading.trailers = self.reading.decoder.take_trailers();
                if let Some(kept) = &mut self.kept {
                    kept.read_end(&self.reading.trailers);
                }
                InputRead::End
            }
            Ok(None) => InputRead::Pending,
            Err(error) => {
                self.reading.error = Some(error);
                InputRead::Pending
            }
        }
    }

    fn input_trailers(&mut self) -> Fields {
        self.reading.trailers.clone()
    }

    fn output_space(&mut self, output: Output) -> usize {
        match output {
            Output::Stdout => self.wire.room(),
            Output::Stderr => LOG_LINE_MAX_BYTES,
        }
    }

    fn write_output(&mut self, output: Output, bytes: Bytes) {
        if output == Output::Stderr {
            // Sealed for readers it would be one envelope without end: not offered.
            if self.facilities.logs == Logs::Public {
                self.log(&bytes);
            }
            return;
        }
        if let Some(kept) = &mut self.kept {
            kept.write(&bytes);
        }
        let WritingStage::Body { encoder, .. } = &mut self.writing.stage else { return };
        if let Err(error) = encoder.encode(&bytes, self.wire.outgoing()) {
            self.fail(error);
        }
    }

    fn respond(&mut self, head: &ResponseHead) {
        let ResponseHead { status, fields, body } = head;
        if let Some(kept) = &mut self.kept {
            kept.respond(*status, fields);
        }
        let response = OutgoingResponse { status: *status, fields, body: *body, persists: true };
        match response.encode(&self.writing.facts, &HeadLimits::DEFAULT, self.wire.outgoing()) {
            Ok(start) => {
                self.writing.stage = WritingStage::Body { encoder: start.body, persists: start.persists };
            }
            Err(error) => self.fail(error),
        }
    }

    fn finish_response(&mut self, trailers: Fields) {
        if let Some(kept) = &mut self.kept {
            kept.write_end(&trailers);
        }
        let stage = core::mem::replace(&mut self.writing.stage, WritingStage::Nothing);
        let WritingStage::Body { encoder, persists } = stage else {
            self.writing.stage = stage;
            return;
        };
        self.writing.stage = match encoder.finish(&trailers, self.wire.outgoing()) {
            Ok(()) => WritingStage::Complete { persists },
            Err(error) => WritingStage::Unfit { error, has_head: true },
        };
    }
}

impl<E: Surroundings> JobHost for RequestHost<E> {
    fn monotonic_ns(&mut self) -> u64 {
        self.now_ns()
    }

    fn wall_ns(&mut self) -> Poll<Option<u64>> {
        let now_ns = self.now_ns();
        let Facilities { wall_clock, wall_offset_ns, security, .. } = &self.facilities;
        match wall_clock {
            WallClock::Host => Poll::Ready(wall_offset_ns.map(|offset_ns| offset_ns.saturating_add(now_ns))),
            WallClock::Roughtime => security.time.estimate_ns(now_ns).map(Some),
            _ => Poll::Ready(None),
        }
    }

    fn fill_random(&mut self, buffer: &mut [u8]) {
        self.facilities.shared.fill_random(buffer);
    }

    fn can_record(&mut self) -> bool {
        self.facilities.outbox.as_ref().is_none_or(Outbox::has_room)
    }

    fn record(&mut self, piece: &[u8]) {
        if let Some(kept) = &mut self.kept {
            kept.record(piece);
        }
    }

    fn vault(&mut self) -> Option<&mut dyn VaultHost> {
        Some(&mut self.facilities.vault)
    }

    fn receipt(&mut self) -> Result<Vec<u8>, EnclaveFailure> {
        self.exchanges.receipt()
    }

    fn receipt_opening(&mut self) -> Result<Vec<u8>, EnclaveFailure> {
        self.exchanges.opening()
    }

    fn http_start(&mut self, request: &HttpRequest) -> Result<ExchangeId, HttpFailure> {
        let now_ns = self.now_ns();
        let Self { facilities: Facilities { shared, egress, .. }, exchanges, .. } = self;
        let secret = shared.random();
        exchanges.start(request, egress, secret, shared.sockets(), now_ns)
    }

    fn http_body_space(&mut self, exchange: ExchangeId) -> usize {
        self.exchanges.body_space(exchange)
    }

    fn http_body_write(&mut self, exchange: ExchangeId, bytes: Bytes) {
        self.exchanges.write_body(exchange, &bytes, self.facilities.shared.sockets());
    }

    fn http_body_finish(&mut self, exchange: ExchangeId, trailers: Fields) {
        self.exchanges.finish_body(exchange, &trailers, self.facilities.shared.sockets());
    }

    fn http_response(&mut self, exchange: ExchangeId) -> Poll<Result<HttpResponse, HttpFailure>> {
        self.exchanges.response(exchange)
    }

    fn http_has_response(&mut self, exchange: ExchangeId) -> bool {
        self.exchanges.has_response(exchange)
    }

    fn http_body_read(&mut self, exchange: ExchangeId, max_bytes: usize) -> HttpBody {
        self.exchanges.read_body(exchange, max_bytes)
    }

    fn http_has_body(&mut self, exchange: ExchangeId) -> bool {
        self.exchanges.has_body(exchange)
    }

    fn http_close(&mut self, exchange: ExchangeId) {
        self.exchanges.close(exchange, self.facilities.shared.sockets());
    }
}
