//! The outside of a job's component: its streams, and what it may ask for.

use alloc::vec::Vec;
use core::task::Poll;

use attestation_manifest::WallClock;
use bytes::Bytes;
use enclave_http::Fields;
use enclave_platform::ByteStream;
use enclave_runtime::{
    Console, EnclaveFailure, ExchangeId, Files, HttpBody, HttpFailure, HttpRequest, HttpResponse, InputRead,
    JobHost, Output, Stop, VaultHost,
};

use super::{JobStreams, TRANSCRIPT_WAITING_MAX_BYTES};
use crate::serve::Guest;
use crate::surroundings::Surroundings;

impl<S, E> Console for JobStreams<S, E>
where
    S: ByteStream + Send + 'static,
    E: Surroundings,
{
    fn pump(&mut self) -> Result<(), Stop> {
        if let Err(failure) = self.step() {
            self.failure = Some(failure);
            return Err(Stop::ConnectionLost);
        }
        if self.is_cancelled { Err(Stop::Cancelled) } else { Ok(()) }
    }

    fn read_input(&mut self, max_bytes: usize) -> InputRead {
        self.note_first_call();
        if self.queue.is_empty() {
            self.flush_tail();
        }
        let Some(front) = self.queue.front_mut() else {
            return if self.is_input_complete() { InputRead::End } else { InputRead::Pending };
        };
        let piece = front.split_to(front.len().min(max_bytes));
        if front.is_empty() {
            self.queue.pop_front();
        }
        self.queued_bytes -= piece.len() as u64;
        InputRead::Bytes(piece)
    }

    fn output_space(&mut self, output: Output) -> usize {
        self.note_first_call();
        match output {
            Output::Stdout => self.stdout.room(),
            Output::Stderr => self.stderr.room(),
        }
    }

    fn write_output(&mut self, output: Output, bytes: Bytes) {
        let outlet = match output {
            Output::Stdout => {
                self.output.update(&bytes);
                &mut self.stdout
            }
            Output::Stderr => &mut self.stderr,
        };
        outlet.put(&bytes);
        if outlet.room() == 0
            && let Err(failure) = self.send_written()
        {
            self.failure = Some(failure);
        }
    }
}

impl<S, E> JobHost for JobStreams<S, E>
where
    S: ByteStream + Send + 'static,
    E: Surroundings,
{
    fn monotonic_ns(&mut self) -> u64 {
        self.guest.surroundings.now_ns()
    }

    fn wall_ns(&mut self) -> Poll<Option<u64>> {
        self.note_first_call();
        let now_ns = self.guest.surroundings.now_ns();
        match self.wall_clock {
            WallClock::Host => {
                let elapsed_ns = now_ns.saturating_sub(self.started_ns);
                Poll::Ready(Some(self.start.wall_ns.saturating_add(elapsed_ns)))
            }
            WallClock::Roughtime => self.guest.security.time.estimate_ns(now_ns).map(Some),
            _ => Poll::Ready(None),
        }
    }

    fn fill_random(&mut self, buffer: &mut [u8]) {
        self.guest.surroundings.fill_random(buffer);
    }

    /// While a receipt waits, the component does not get to make more of them.
    fn can_record(&mut self) -> bool {
        self.records.is_empty() && self.transcript.waiting() < TRANSCRIPT_WAITING_MAX_BYTES
    }

    fn record(&mut self, piece: &[u8]) {
        self.transcript.put(piece);
    }

    fn http_start(&mut self, request: &HttpRequest) -> Result<ExchangeId, HttpFailure> {
        let now_ns = self.guest.surroundings.now_ns();
        let Guest { egress, surroundings, .. } = &mut self.guest;
        let secret = surroundings.random();
        self.exchanges.start(request, egress, secret, surroundings.sockets(), now_ns)
    }

    fn http_body_space(&mut self, exchange: ExchangeId) -> usize {
        self.exchanges.body_space(exchange)
    }

    fn http_body_write(&mut self, exchange: ExchangeId, bytes: Bytes) {
        self.exchanges.write_body(exchange, &bytes, self.guest.surroundings.sockets());
    }

    fn http_body_finish(&mut self, exchange: ExchangeId, trailers: Fields) {
        self.exchanges.finish_body(exchange, &trailers, self.guest.surroundings.sockets());
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
        self.exchanges.close(exchange, self.guest.surroundings.sockets());
    }

    fn receipt(&mut self) -> Result<Vec<u8>, EnclaveFailure> {
        self.exchanges.receipt()
    }

    fn receipt_opening(&mut self) -> Result<Vec<u8>, EnclaveFailure> {
        self.exchanges.opening()
    }

    fn files(&mut self) -> Bytes {
        self.guest.vault.files()
    }

    fn keep_files(&mut self, files: Files) {
        self.files = Some(files);
    }

    fn vault(&mut self) -> Option<&mut dyn VaultHost> {
        Some(&mut self.guest.vault)
    }
}
