//! What is kept of a request for whoever checks it later: digests of both messages in its claim, and on the way out to the
//! loader the request itself and its transcript.

use alloc::collections::VecDeque;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

use attestation_claim::message::{Field, Request, Response, encode_end, no_response};
use attestation_claim::{Digested, RunningDigest};
use attestation_envelope::Content;
use enclave_http::{Fields, StatusCode};
use enclave_runtime::IncomingRequest;
use enclave_wire::frame::FrameKind;
use spin::Mutex;

use crate::parcel::{Audience, Parcel};

/// While more than this waits for the loader, components wait.
const OUTBOX_BYTES: usize = 256 << 10;

/// Frames for the loader, from all requests.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outbox(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    frames: VecDeque<(FrameKind, u32, Vec<u8>)>,
    bytes: usize,
}

impl Outbox {
    /// Whether a component may learn more.
    pub(crate) fn has_room(&self) -> bool {
        self.0.lock().bytes < OUTBOX_BYTES
    }

    /// `number` is a request's. On the wire it has 32 bits: fewer are open at once.
    pub(crate) fn push(&self, kind: FrameKind, number: u64, body: Vec<u8>) {
        #[expect(clippy::cast_possible_truncation, reason = "the loader knows the rest from the claim")]
        let number = number as u32;
        let mut waiting = self.0.lock();
        waiting.bytes += body.len();
        waiting.frames.push_back((kind, number, body));
    }

    /// The next frame to send.
    pub(crate) fn pop(&self) -> Option<(FrameKind, u32, Vec<u8>)> {
        let mut waiting = self.0.lock();
        let frame = waiting.frames.pop_front()?;
        waiting.bytes -= frame.2.len();
        Some(frame)
    }
}

/// What is kept of one request.
#[derive(Debug)]
pub(crate) struct Kept {
    outbox: Outbox,
    number: u64,
    input: MessageDigest,
    output: MessageDigest,
    /// The request, and its transcript.
    parcels: [Parcel; 2],
}

/// A message's hash, as far as the message came.
#[derive(Debug, Default)]
struct MessageDigest {
    digest: RunningDigest,
    body_bytes: u64,
    is_whole: bool,
}

impl Kept {
    /// `salts` are random.
    pub(crate) fn new(
        outbox: Outbox,
        number: u64,
        request: &IncomingRequest,
        audience: &Audience,
        salts: [[u8; 32]; 2],
    ) -> Self {
        let authority = request.authority.as_ref().map(ToString::to_string);
        let message = Request {
            method: request.method.as_str(),
            scheme: request.scheme.as_str(),
            authority: authority.as_deref(),
            path_with_query: request.path_with_query.as_deref(),
            fields: borrowed(&request.fields),
        };
        let [request_salt, transcript_salt] = salts;
        let (request, request_head) = audience.begin(Content::Request, request_salt);
        let (transcript, transcript_head) = audience.begin(Content::Transcript, transcript_salt);
        let (input, output) = (MessageDigest::default(), MessageDigest::default());
        let mut kept = Self { outbox, number, input, output, parcels: [request, transcript] };
        kept.push(FrameKind::REQUEST, request_head);
        kept.push(FrameKind::TRANSCRIPT, transcript_head);
        kept.note_input(message.encode());
        kept
    }

    fn push(&self, kind: FrameKind, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            self.outbox.push(kind, self.number, bytes);
        }
    }

    fn note_input(&mut self, bytes: Vec<u8>) {
        self.input.digest.update(&bytes);
        let [request, _] = &mut self.parcels;
        let leaving = request.pass(bytes.into()).into_owned();
        self.push(FrameKind::REQUEST, leaving);
    }

    /// The component reads this of the body.
    pub(crate) fn read(&mut self, piece: &[u8]) {
        self.input.body_bytes += piece.len() as u64;
        self.note_input(piece.to_vec());
    }

    /// It has read all of it, and these are the trailers.
    pub(crate) fn read_end(&mut self, trailers: &Fields) {
        self.input.is_whole = true;
        self.note_input(encode_end(Some(&borrowed(trailers)), self.input.body_bytes));
    }

    /// The response begins.
    pub(crate) fn respond(&mut self, status: StatusCode, fields: &Fields) {
        self.output.digest.update(&Response { status: status.get(), fields: borrowed(fields) }.encode());
    }

    /// The component writes this of its body.
    pub(crate) fn write(&mut self, piece: &[u8]) {
        self.output.body_bytes += piece.len() as u64;
        self.output.digest.update(piece);
    }

    /// It is complete.
    pub(crate) fn write_end(&mut self, trailers: &Fields) {
        self.output.is_whole = true;
        self.output.digest.update(&encode_end(Some(&borrowed(trailers)), self.output.body_bytes));
    }

    /// The next piece of the transcript.
    pub(crate) fn record(&mut self, piece: &[u8]) {
        let [_, transcript] = &mut self.parcels;
        let leaving = transcript.pass(piece.into()).into_owned();
        self.push(FrameKind::TRANSCRIPT, leaving);
    }

    /// Nothing more comes: both messages as they are now.
    pub(crate) fn end(mut self) -> (Digested, Digested) {
        if !self.input.is_whole {
            self.note_input(encode_end(None, self.input.body_bytes));
        }
        let [request, transcript] = self.parcels.each_mut().map(Parcel::finish);
        self.push(FrameKind::REQUEST, request);
        self.push(FrameKind::TRANSCRIPT, transcript);
        if self.output.digest.bytes() == 0 {
            self.output.digest.update(&no_response());
        }
        if !self.output.is_whole {
            self.output.digest.update(&encode_end(None, self.output.body_bytes));
        }
        (self.input.digest.digested(), self.output.digest.digested())
    }
}

fn borrowed(fields: &Fields) -> Vec<Field<'_>> {
    fields.iter().map(|field| (field.name(), field.value())).collect()
}
