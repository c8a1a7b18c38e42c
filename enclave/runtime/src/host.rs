//! What a run may reach outside.

use alloc::vec::Vec;
use core::task::Poll;

use bytes::Bytes;
use enclave_http::Fields;

use crate::enclave::EnclaveFailure;
use crate::filesystem::Files;
use crate::http::{ExchangeId, HttpBody, HttpFailure, HttpRequest, HttpResponse, ResponseHead};
use crate::vault::VaultHost;

/// Where a run's input comes from and its output goes. Every function returns at once.
pub trait Console: Send + 'static {
    /// Moves bytes between streams and devices. Called whenever the component waits, a slice of fuel ends, or its calls have
    /// taken a while, so every few milliseconds.
    ///
    /// # Errors
    /// Whatever is returned ends the run.
    fn pump(&mut self) -> Result<(), Stop>;

    /// Takes up to `max_bytes` of standard input. After [`InputRead::End`] it is not called again.
    fn read_input(&mut self, max_bytes: usize) -> InputRead;

    /// How many bytes [`write_output`](Self::write_output) accepts now. Zero makes the component wait.
    fn output_space(&mut self, output: Output) -> usize;

    /// Takes output over; never more than [`output_space`](Self::output_space) said.
    fn write_output(&mut self, output: Output, bytes: Bytes);

    /// The trailers of a service's request; asked for once at most, after [`InputRead::End`].
    fn input_trailers(&mut self) -> Fields {
        Fields::new()
    }

    /// Takes the head of a service's response; once at most, and before any of its body, which is what is then written to
    /// [`Output::Stdout`]. A console of jobs never gets one.
    fn respond(&mut self, _head: &ResponseHead) {}

    /// The body of a service's response is complete. A run that ends without this left half a response.
    fn finish_response(&mut self, _trailers: Fields) {}
}

/// All of the outside of a run that happens for the first time: what the component learns from here goes into its
/// transcript. Every function returns at once.
pub trait JobHost: Console {
    /// Time since an arbitrary start, in nanoseconds; never goes back.
    fn monotonic_ns(&mut self) -> u64;

    /// Time since 1970-01-01 in nanoseconds; `None` where the component may not have it. Pending while those who are to say
    /// it have not.
    fn wall_ns(&mut self) -> Poll<Option<u64>>;

    /// Fills `buffer` with unpredictable bytes.
    fn fill_random(&mut self, buffer: &mut [u8]);

    /// Whether [`record`](Self::record) can take another piece. While it cannot, the component waits, step after step.
    fn can_record(&mut self) -> bool;

    /// Takes a piece of the transcript over, in order.
    fn record(&mut self, piece: &[u8]);

    /// Begins to send a request, if the manifest permits it and there is a way to send it. What goes wrong later is said by
    /// [`http_response`](Self::http_response) and [`http_body_read`](Self::http_body_read).
    ///
    /// # Errors
    /// The component gets no exchange, but this. A host without a network refuses everything.
    fn http_start(&mut self, _request: &HttpRequest) -> Result<ExchangeId, HttpFailure> {
        Err(HttpFailure::RequestDenied)
    }

    /// How many bytes of the request's body [`http_body_write`](Self::http_body_write) accepts now. It becomes less by
    /// writing only. An exchange that has failed accepts everything and drops it: the response says so.
    fn http_body_space(&mut self, _exchange: ExchangeId) -> usize {
        usize::MAX
    }

    /// Takes a part of the request's body over; never more than [`http_body_space`](Self::http_body_space) said.
    fn http_body_write(&mut self, _exchange: ExchangeId, _bytes: Bytes) {}

    /// The request's body is complete.
    fn http_body_finish(&mut self, _exchange: ExchangeId, _trailers: Fields) {}

    /// The final response's head, or why there is none; once ready it is not asked for again.
    fn http_response(&mut self, _exchange: ExchangeId) -> Poll<Result<HttpResponse, HttpFailure>> {
        Poll::Ready(Err(HttpFailure::Internal))
    }

    /// Whether [`http_response`](Self::http_response) would be ready.
    fn http_has_response(&mut self, _exchange: ExchangeId) -> bool {
        true
    }

    /// Takes up to `max_bytes`, at least one, of the response's body.
    fn http_body_read(&mut self, _exchange: ExchangeId, _max_bytes: usize) -> HttpBody {
        HttpBody::Failed(HttpFailure::Internal)
    }

    /// Whether [`http_body_read`](Self::http_body_read) would give something else than [`HttpBody::Pending`].
    fn http_has_body(&mut self, _exchange: ExchangeId) -> bool {
        true
    }

    /// Nobody asks for this exchange any more. A request or response that is not complete is cut off.
    fn http_close(&mut self, _exchange: ExchangeId) {}

    /// The signed receipt of the exchange under TLS that was over last, at most
    /// [`RECEIPT_MAX_BYTES`](crate::RECEIPT_MAX_BYTES).
    ///
    /// # Errors
    /// What the component is told.
    fn receipt(&mut self) -> Result<Vec<u8>, EnclaveFailure> {
        Err(EnclaveFailure::Invalid("no HTTPS exchange of this run is over yet".into()))
    }

    /// What opens that receipt, likewise.
    ///
    /// # Errors
    /// What the component is told.
    fn receipt_opening(&mut self) -> Result<Vec<u8>, EnclaveFailure> {
        self.receipt()
    }

    /// A snapshot of the files that the run begins with, empty when there are none. Asked for once, and only of a run that
    /// [keeps its files](crate::Job::keeps_files).
    fn files(&mut self) -> Bytes {
        Bytes::new()
    }

    /// Takes the files that such a run ended with, if it ended by itself. What comes of one that trapped or exceeded a limit
    /// is dropped.
    fn keep_files(&mut self, _files: Files) {}

    /// What is kept beside the runs. Without it the component has no store, no key and no evidence.
    fn vault(&mut self) -> Option<&mut dyn VaultHost> {
        None
    }
}

/// Answer of [`Console::read_input`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputRead {
    /// At least one byte and not more than asked for.
    Bytes(Bytes),
    /// Nothing now, perhaps later.
    Pending,
    /// Nothing ever again.
    End,
}

/// Where output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Standard output: the result.
    Stdout,
    /// Standard error: what the program says about its run.
    Stderr,
}

/// Why the outside ended a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Stop {
    /// Whoever sent the job took it back.
    #[error("cancelled")]
    Cancelled,
    /// Nobody is left to take the output.
    #[error("connection lost")]
    ConnectionLost,
}
