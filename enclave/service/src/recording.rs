//! What will be in a receipt, while an exchange goes on.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::Ipv4Addr;

use attestation_receipt::{
    BodyEnd, BodySide, Disclosure, EXPORTER_LABEL, Field, HandshakeSignature, Opening, Peer, ReceiptSecret,
    RecordError, Recorder, RequestHead, RequestOutcome, ResponseHead, ResponseOutcome, Tls, Validity,
};
use enclave_http::{Fields, Framing, HeadLimits, RequestHead as SentHead};
use enclave_runtime::HttpRequest;
use enclave_tls::Session;
use sha2::{Digest, Sha256};

const NS_PER_US: u64 = 1_000;

/// As much of a body is kept until the end of its exchange, to be shown in the receipt. Of longer ones the receipt has
/// length and root only: the component has the bytes, and the opening to show them with.
const SHOWN_MAX_BYTES: usize = 64 * 1024;

/// An exchange as it passes.
pub(crate) struct Recording {
    recorder: Recorder,
    request_body: Shown,
    response_body: Shown,
    address: Ipv4Addr,
    port: u16,
    tls: Option<Box<Secured>>,
    end: BodyEnd,
    sent_us: Option<u64>,
    first_byte_us: Option<u64>,
}

/// A session, as receipts have it.
#[derive(Debug, Clone)]
struct Secured {
    host: String,
    tls: Tls,
    certificates: Vec<Vec<u8>>,
}

/// A body, if it is short.
#[derive(Default)]
struct Shown {
    bytes: Vec<u8>,
    is_cut: bool,
}

/// An exchange that is over.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) opening: Opening,
    pub(crate) chunks: Vec<Disclosure>,
    pub(crate) peer: Peer,
    pub(crate) tls: Tls,
    pub(crate) certificates: Vec<Vec<u8>>,
    pub(crate) request: RequestOutcome,
    pub(crate) response: ResponseOutcome,
    /// Request begun, first and last byte of the response, in microseconds since boot.
    pub(crate) times_us: [u64; 3],
}

impl Recording {
    /// Begins with what is sent: `head` are the bytes of the request's head.
    pub(crate) fn new(secret: [u8; 32], request: &HttpRequest, head: &[u8]) -> Self {
        let sent = SentHead::parse(head, &HeadLimits::DEFAULT).ok().flatten();
        let fields = sent.map(|(head, _)| head.fields().clone()).unwrap_or_default();
        let head = RequestHead {
            method: request.method.as_str().to_owned(),
            scheme: "https".to_owned(),
            authority: request.authority.to_string(),
            path_with_query: request.path_with_query.clone(),
            fields: fields_of(&fields).collect(),
        };
        Self {
            recorder: Recorder::new(ReceiptSecret::new(secret), head),
            request_body: Shown::default(),
            response_body: Shown::default(),
            address: Ipv4Addr::UNSPECIFIED,
            port: 0,
            tls: None,
            end: BodyEnd::Length,
            sent_us: None,
            first_byte_us: None,
        }
    }

    /// A connection was begun to this place.
    pub(crate) const fn connected_to(&mut self, address: Ipv4Addr, port: u16) {
        self.address = address;
        self.port = port;
    }

    /// The handshake is over, and the request begins to be sent.
    pub(crate) fn secured(&mut self, session: &Session, now_ns: u64) {
        if self.tls.is_none() {
            self.tls = secured(session).map(Box::new);
            self.sent_us = Some(now_ns / NS_PER_US);
        }
    }

    /// The request is sent once more, on another connection: nothing was received on this one.
    pub(crate) fn begin_again(&mut self) {
        (self.tls, self.sent_us) = (None, None);
    }

    pub(crate) fn request_body(&mut self, bytes: &[u8]) {
        self.recorder.request_body(bytes);
        self.request_body.push(bytes);
    }

    pub(crate) fn request_trailers(&mut self, trailers: &Fields) {
        self.recorder.request_trailers(fields_of(trailers));
    }

    /// The head of the response is there.
    pub(crate) fn response(&mut self, status: u16, fields: &Fields, framing: Framing, now_ns: u64) {
        self.first_byte_us.get_or_insert(now_ns / NS_PER_US);
        self.end = match framing {
            Framing::None | Framing::Length(_) => BodyEnd::Length,
            Framing::Chunked => BodyEnd::Chunked,
            Framing::UntilClose => BodyEnd::Closed,
        };
        // There is one head, and its status was parsed.
        let _ = self.recorder.response(ResponseHead { status, fields: fields_of(fields).collect() });
    }

    pub(crate) fn response_body(&mut self, bytes: &[u8]) {
        self.recorder.response_body(bytes);
        self.response_body.push(bytes);
    }

    pub(crate) fn response_trailers(&mut self, trailers: &Fields) {
        self.recorder.response_trailers(fields_of(trailers));
    }

    /// The exchange is over. `None` where there was no response to speak of.
    ///
    /// # Errors
    /// There is more of something than any receipt is of.
    pub(crate) fn finish(
        self,
        is_complete: bool,
        is_sent: bool,
        now_ns: u64,
    ) -> Result<Option<Recorded>, RecordError> {
        let (Some(secured), Some(sent_us), Some(first_us)) = (self.tls, self.sent_us, self.first_byte_us)
        else {
            return Ok(None);
        };
        let opening = self.recorder.finish()?;
        let mut chunks = self.request_body.chunks(&opening, BodySide::Request);
        chunks.extend(self.response_body.chunks(&opening, BodySide::Response));
        let Secured { host, tls, certificates } = *secured;
        let end = self.end;
        Ok(Some(Recorded {
            opening,
            chunks,
            peer: Peer { host, address: self.address, port: self.port },
            tls,
            certificates,
            request: if is_sent { RequestOutcome::Sent } else { RequestOutcome::Cut },
            response: if is_complete {
                ResponseOutcome::Complete { end }
            } else {
                ResponseOutcome::Truncated
            },
            times_us: [sent_us, first_us.max(sent_us), (now_ns / NS_PER_US).max(first_us)],
        }))
    }
}

impl Shown {
    fn push(&mut self, bytes: &[u8]) {
        self.is_cut |= self.bytes.len().saturating_add(bytes.len()) > SHOWN_MAX_BYTES;
        if self.is_cut {
            self.bytes = Vec::new();
        } else {
            self.bytes.extend_from_slice(bytes);
        }
    }

    fn chunks(&self, opening: &Opening, side: BodySide) -> Vec<Disclosure> {
        if self.is_cut {
            return Vec::new();
        }
        let all = 0..u64::try_from(self.bytes.len()).unwrap_or(0);
        opening.disclose_body(side, all, &self.bytes).unwrap_or_default()
    }
}

fn fields_of(fields: &Fields) -> impl Iterator<Item = Field> {
    let field =
        |field: &enclave_http::Field| Field { name: field.name().to_owned(), value: field.value().to_vec() };
    fields.iter().map(field)
}

/// What a receipt says of a session; `None` if it is none that receipts can speak of.
fn secured(session: &Session) -> Option<Secured> {
    let mut exporter = [0; 32];
    session.exporter(EXPORTER_LABEL, None, &mut exporter).ok()?;
    let peer = &session.peer;
    let indices = peer.path.iter().map(|index| u8::try_from(*index).ok());
    let tls = Tls {
        version: session.version.number(),
        cipher_suite: session.cipher_suite,
        group: session.key_exchange_group,
        was_retried: session.was_retried,
        alpn: session.alpn.clone(),
        client_random: session.client_random,
        server_random: Some(session.server_random),
        exporter,
        spki_sha256: peer.leaf_spki_sha256,
        chain: peer.chain.iter().map(|der| Sha256::digest(der).into()).collect(),
        path: indices.collect::<Option<_>>()?,
        root_spki_sha256: peer.root.spki_sha256,
        roots_digest: peer.roots_digest,
        was_pinned: peer.was_pinned,
        validity: Validity { not_before_s: peer.validity.not_before, not_after_s: peer.validity.not_after },
        signature: HandshakeSignature {
            scheme: session.signature.scheme,
            message: session.signature.message.clone(),
            signature: session.signature.signature.clone(),
        },
    };
    Some(Secured { host: session.host.to_string(), tls, certificates: peer.chain.clone() })
}
