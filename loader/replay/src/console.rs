//! The console of a replayed run: input from a reader, output to a writer, both hashed.

use std::io::{self, Cursor, ErrorKind, Read, Write};

use attestation_claim::RunningDigest;
use attestation_claim::message::{Field, Response, encode_end, no_response};
use bytes::Bytes;
use enclave_runtime::enclave_http::Fields;
use enclave_runtime::{Console, IncomingRequest, InputRead, Output, ResponseHead, Stop};

use crate::request::ServedRequest;

/// Output that is taken over at once.
const OUTPUT_SPACE_BYTES: usize = 64 * 1024;

/// How far a response came.
#[derive(Debug, Clone, Copy, Default)]
struct ResponseSide {
    has_head: bool,
    is_whole: bool,
    body_bytes: u64,
}

/// Input, outputs, and the first thing that went wrong with them.
pub(crate) struct ReplayConsole {
    input: Box<dyn Read + Send>,
    output: Box<dyn Write + Send>,
    error_output: Box<dyn Write + Send>,
    /// What a request ends with; `None`: its body is not whole, or this is a job.
    trailers: Option<Fields>,
    is_service: bool,
    response: ResponseSide,
    /// The component asks for more of its request than the claim says it has read. A run that time ended while it waited
    /// does not come so far: its transcript ends it before.
    reads_on: bool,
    pub(crate) input_digest: RunningDigest,
    pub(crate) output_digest: RunningDigest,
    pub(crate) input_failure: Option<io::Error>,
    pub(crate) output_failure: Option<io::Error>,
}

impl ReplayConsole {
    pub(crate) fn new(
        input: Box<dyn Read + Send>,
        output: Box<dyn Write + Send>,
        error_output: Box<dyn Write + Send>,
    ) -> Self {
        Self {
            input,
            output,
            error_output,
            trailers: None,
            is_service: false,
            response: ResponseSide::default(),
            reads_on: false,
            input_digest: RunningDigest::default(),
            output_digest: RunningDigest::default(),
            input_failure: None,
            output_failure: None,
        }
    }

    /// One of a request, whose output is a response.
    pub(crate) fn of_request(
        served: ServedRequest,
        output: Box<dyn Write + Send>,
        error_output: Box<dyn Write + Send>,
    ) -> (IncomingRequest, Self) {
        let ServedRequest { request, body, trailers } = served;
        let console = Self::new(Box::new(Cursor::new(body)), output, error_output);
        (request, Self { trailers, is_service: true, ..console })
    }

    fn write(&mut self, bytes: &[u8]) {
        self.output_digest.update(bytes);
        if let Err(error) = self.output.write_all(bytes) {
            self.output_failure.get_or_insert(error);
        }
    }

    /// Writes what is missing of a response that the component did not complete.
    pub(crate) fn end_response(&mut self) {
        let ResponseSide { has_head, is_whole, body_bytes } = self.response;
        if !has_head {
            self.write(&no_response());
        }
        if !is_whole {
            self.write(&encode_end(None, body_bytes));
        }
    }

    /// What the component left belongs to the input too.
    pub(crate) fn read_rest(&mut self) {
        while let InputRead::Bytes(_) = self.read_input(OUTPUT_SPACE_BYTES) {}
    }
}

impl Console for ReplayConsole {
    fn pump(&mut self) -> Result<(), Stop> {
        let is_broken = self.input_failure.is_some() || self.output_failure.is_some() || self.reads_on;
        if is_broken { Err(Stop::ConnectionLost) } else { Ok(()) }
    }

    fn read_input(&mut self, max_bytes: usize) -> InputRead {
        let mut piece = vec![0; max_bytes];
        loop {
            match self.input.read(&mut piece) {
                // There was more, or at least no end, when the component was given its last piece.
                Ok(0) if self.is_service && self.trailers.is_none() => {
                    self.reads_on = true;
                    return InputRead::Pending;
                }
                Ok(0) => return InputRead::End,
                Ok(count) => {
                    piece.truncate(count);
                    self.input_digest.update(&piece);
                    return InputRead::Bytes(Bytes::from(piece));
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.input_failure.get_or_insert(error);
                    return InputRead::End;
                }
            }
        }
    }

    fn output_space(&mut self, _output: Output) -> usize {
        OUTPUT_SPACE_BYTES
    }

    fn write_output(&mut self, output: Output, bytes: Bytes) {
        let written = match output {
            Output::Stdout => {
                self.response.body_bytes += bytes.len() as u64;
                return self.write(&bytes);
            }
            Output::Stderr => self.error_output.write_all(&bytes),
        };
        if let Err(error) = written {
            self.output_failure.get_or_insert(error);
        }
    }

    fn input_trailers(&mut self) -> Fields {
        self.trailers.clone().unwrap_or_default()
    }

    fn respond(&mut self, head: &ResponseHead) {
        self.response.has_head = true;
        let head = Response { status: head.status.get(), fields: borrowed(&head.fields) }.encode();
        self.write(&head);
    }

    fn finish_response(&mut self, trailers: Fields) {
        self.response.is_whole = true;
        self.write(&encode_end(Some(&borrowed(&trailers)), self.response.body_bytes));
    }
}

fn borrowed(fields: &Fields) -> Vec<Field<'_>> {
    fields.iter().map(|field| (field.name(), field.value())).collect()
}
