//! A client, from its first request to the end of its connection.

use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use enclave_http::{
    BodyDecoder, BodyLimits, CONTINUE, Fields, Framing, HeadLimits, HttpError, Method, RequestFacts,
    RequestHead, Scheme, StatusCode,
};
use enclave_runtime::{IncomingRequest, JobReport, Running};

use super::host::{Ended, Reading, RequestHost, WritingStage};
use super::refusal::{Refusal, write_answer};
use super::wire::Wire;
use crate::sockets::Sockets;
use crate::surroundings::Surroundings;

/// How long a head may take from the connection or the end of the last response.
const HEAD_MAX_NS: u64 = 10_000_000_000;

/// How long a connection whose last request is answered may be idle while others wait for its place.
const IDLE_MIN_NS: u64 = 100_000_000;

/// Likewise, before its first request: one whose packet was lost comes a second later (RFC 6298, section 2.1), and who is
/// sent away without an answer may not try again.
const FIRST_MIN_NS: u64 = 2_000_000_000;

/// How long a client may take to read the end of its last response, and then to hang up.
const LINGER_MAX_NS: u64 = 2_000_000_000;

/// Requests to paths below are for the guest itself.
const GUEST_PATHS: &str = "/.well-known/redoubt/";

/// Most bytes of the body of such a request.
const ASKED_MAX_BYTES: usize = attestation_session::REQUEST_MAX_BYTES;

/// What is read over of a body that the component did not want, so that the connection can go on.
const SKIPPED_MAX_BYTES: usize = 64 << 10;

/// A connection.
#[derive(Debug)]
pub(crate) struct Client<E> {
    stage: Stage<E>,
    /// When the stage began.
    since_ns: u64,
}

#[derive(Debug)]
enum Stage<E> {
    /// Waits for the next request. `seen_bytes` of it are known to be no whole head.
    Head { wire: Wire, seen_bytes: usize, is_first: bool },
    /// The guest itself is asked. What has come of the request's body is here.
    Asking { wire: Wire, reading: Reading, asked: Asked },
    /// The component answers.
    Answering { run: Running<RequestHost<E>> },
    /// The component has answered; what it did not read of the request comes first.
    Skipping { wire: Wire, reading: Reading, left_bytes: usize },
    /// Everything is said: sends what is left, then waits for the client to hang up, so that it reads all of it. A
    /// connection that is closed with something unread is reset, and what was sent is lost.
    Lingering { wire: Wire, is_shut: bool },
    /// Over, and given back.
    Gone,
}

/// A request that can be given to the component.
pub(crate) struct Received {
    pub(crate) request: IncomingRequest,
    pub(crate) reading: Reading,
    pub(crate) facts: RequestFacts,
}

/// A request to the guest, not to its component.
#[derive(Debug)]
struct Asked {
    facts: RequestFacts,
    is_post: bool,
    path: String,
    body: Vec<u8>,
}

/// Who answers.
pub(crate) trait Begin<E> {
    /// What a client is told that has posted `body` to the guest itself, at this path, in this connection: media type and
    /// body.
    fn answer(&mut self, path: &str, body: &[u8], wire: &Wire) -> Result<(&'static str, Vec<u8>), Refusal>;
    /// Begins to answer.
    fn begin(&mut self, received: Received, wire: Wire) -> Running<RequestHost<E>>;
    /// The run is over.
    fn ended(&mut self, report: &JobReport, ended: &Ended);
    /// Most bytes of a request's body.
    fn body_max_bytes(&self) -> u64;
}

impl<E: Surroundings> Client<E> {
    pub(crate) const fn new(wire: Wire, now_ns: u64) -> Self {
        let stage = Stage::Head { wire, seen_bytes: 0, is_first: true };
        Self { stage, since_ns: now_ns }
    }

    /// Goes on, as far as that goes without waiting.
    /// `may_begin` says whether the component can be given another request.
    pub(crate) fn step(
        &mut self,
        sockets: &mut dyn Sockets,
        now_ns: u64,
        may_begin: bool,
        service: &mut impl Begin<E>,
    ) {
        let stage = mem::replace(&mut self.stage, Stage::Gone);
        let was = mem::discriminant(&stage);
        self.stage = match stage {
            Stage::Head { mut wire, seen_bytes, is_first } => {
                wire.step(sockets);
                if may_begin {
                    self.step_head(wire, seen_bytes, is_first, now_ns, service)
                } else {
                    Stage::Head { wire, seen_bytes, is_first }
                }
            }
            Stage::Asking { mut wire, reading, asked } => {
                wire.step(sockets);
                self.step_asked(wire, reading, asked, now_ns, service)
            }
            Stage::Answering { mut run } => match run.step() {
                None => Stage::Answering { run },
                Some((report, host)) => finish(&report, host, service),
            },
            Stage::Skipping { mut wire, reading, left_bytes } => {
                wire.step(sockets);
                self.skip(wire, reading, left_bytes, now_ns)
            }
            Stage::Lingering { wire, is_shut } => self.linger(wire, is_shut, sockets, now_ns),
            Stage::Gone => Stage::Gone,
        };
        if mem::discriminant(&self.stage) != was {
            self.since_ns = now_ns;
        }
        self.give_back(sockets);
    }

    fn step_head(
        &self,
        mut wire: Wire,
        seen_bytes: usize,
        is_first: bool,
        now_ns: u64,
        service: &mut impl Begin<E>,
    ) -> Stage<E> {
        if wire.incoming.len() > seen_bytes {
            match read_head(&mut wire, service.body_max_bytes()) {
                Ok(Some(received)) => return begin(received, wire, service),
                Ok(None) => {}
                Err(error) => return refuse(wire, &Refusal::from(&error), &RequestFacts::UNREADABLE),
            }
        }
        if wire.is_ended() {
            return Stage::Lingering { wire, is_shut: false };
        }
        if now_ns.saturating_sub(self.since_ns) <= HEAD_MAX_NS {
            let seen_bytes = wire.incoming.len();
            return Stage::Head { wire, seen_bytes, is_first };
        }
        if wire.incoming.is_empty() && !is_first {
            // Keeping it open was a kindness.
            return Stage::Lingering { wire, is_shut: false };
        }
        refuse(wire, &Refusal::slow_head(), &RequestFacts::UNREADABLE)
    }

    /// Reads a request to the guest, and answers it.
    fn step_asked(
        &self,
        mut wire: Wire,
        mut reading: Reading,
        mut asked: Asked,
        now_ns: u64,
        service: &mut impl Begin<E>,
    ) -> Stage<E> {
        if mem::take(&mut reading.awaits_continue) {
            wire.outgoing().extend_from_slice(CONTINUE);
        }
        if let Err(refusal) = read_asked(&mut wire, &mut reading, &mut asked) {
            return refuse(wire, &refusal, &asked.facts);
        }
        if !reading.decoder.is_done() {
            if wire.is_ended() {
                return Stage::Lingering { wire, is_shut: false };
            }
            if now_ns.saturating_sub(self.since_ns) > HEAD_MAX_NS {
                return refuse(wire, &Refusal::slow_head(), &asked.facts);
            }
            return Stage::Asking { wire, reading, asked };
        }
        match service.answer(&asked.path, &asked.body, &wire) {
            Ok((kind, body)) => {
                let persists = write_answer(StatusCode::OK, kind, &body, true, &asked.facts, wire.outgoing());
                if persists {
                    Stage::Head { wire, seen_bytes: 0, is_first: false }
                } else {
                    Stage::Lingering { wire, is_shut: false }
                }
            }
            Err(refusal) => refuse(wire, &refusal, &asked.facts),
        }
    }

    /// Reads over the rest of a body.
    fn skip(&self, mut wire: Wire, mut reading: Reading, left_bytes: usize, now_ns: u64) -> Stage<E> {
        let before = wire.incoming.len();
        let is_sound = skip_body(&mut wire, &mut reading);
        let left_bytes = left_bytes.saturating_sub(before.saturating_sub(wire.incoming.len()));
        if reading.decoder.is_done() {
            return Stage::Head { wire, seen_bytes: 0, is_first: false };
        }
        let is_late = now_ns.saturating_sub(self.since_ns) > HEAD_MAX_NS;
        if !is_sound || left_bytes == 0 || is_late || wire.is_ended() {
            return Stage::Lingering { wire, is_shut: false };
        }
        Stage::Skipping { wire, reading, left_bytes }
    }

    fn linger(&self, mut wire: Wire, is_shut: bool, sockets: &mut dyn Sockets, now_ns: u64) -> Stage<E> {
        wire.step(sockets);
        wire.incoming.clear();
        let is_shut = is_shut || (wire.is_sent() && wire.shutdown(sockets));
        let is_over = wire.is_broken() || (is_shut && wire.is_hung_up());
        if is_over || now_ns.saturating_sub(self.since_ns) > LINGER_MAX_NS {
            wire.release(sockets);
            return Stage::Gone;
        }
        Stage::Lingering { wire, is_shut }
    }

    /// Whether there is nobody left.
    pub(crate) const fn is_gone(&self) -> bool {
        matches!(self.stage, Stage::Gone)
    }

    /// Whether the component answers a request of this client.
    pub(crate) const fn is_answering(&self) -> bool {
        matches!(self.stage, Stage::Answering { .. })
    }

    /// Since when nothing has come of the next request, where that is long enough for this client to go.
    pub(crate) fn idle_since_ns(&self, now_ns: u64) -> Option<u64> {
        let Stage::Head { wire, is_first, .. } = &self.stage else { return None };
        let patience_ns = if *is_first { FIRST_MIN_NS } else { IDLE_MIN_NS };
        let is_idle = wire.incoming.is_empty() && now_ns.saturating_sub(self.since_ns) > patience_ns;
        is_idle.then_some(self.since_ns)
    }

    /// Whether this client's place is free soon.
    pub(crate) const fn is_leaving(&self) -> bool {
        matches!(self.stage, Stage::Lingering { .. })
    }

    /// Ends a connection that waits for its next request.
    pub(crate) fn dismiss(&mut self, now_ns: u64) {
        self.stage = match mem::replace(&mut self.stage, Stage::Gone) {
            Stage::Head { wire, .. } => Stage::Lingering { wire, is_shut: false },
            stage => stage,
        };
        self.since_ns = now_ns;
    }

    /// A connection whose other end is gone needs no ceremony.
    fn give_back(&mut self, sockets: &mut dyn Sockets) {
        match mem::replace(&mut self.stage, Stage::Gone) {
            Stage::Head { wire, .. }
            | Stage::Asking { wire, .. }
            | Stage::Skipping { wire, .. }
            | Stage::Lingering { wire, .. }
                if wire.is_broken() =>
            {
                wire.release(sockets);
            }
            stage => self.stage = stage,
        }
    }
}

/// Takes a head from what has arrived.
fn read_head(wire: &mut Wire, body_max_bytes: u64) -> Result<Option<Received>, HttpError> {
    let Some((head, bytes)) = RequestHead::parse(&wire.incoming, &HeadLimits::DEFAULT)? else {
        return Ok(None);
    };
    let limits = BodyLimits { body_bytes: body_max_bytes, ..BodyLimits::DEFAULT };
    let framing = head.framing()?;
    let awaits_continue = head.expects_continue()? && framing != Framing::None;
    let decoder = BodyDecoder::new(framing, &limits)?;
    wire.incoming.drain(..bytes);
    let reading = Reading { decoder, awaits_continue, trailers: Fields::new(), error: None };
    let facts = RequestFacts::of(&head);
    let request = IncomingRequest {
        method: head.method().clone(),
        scheme: if wire.is_under_tls() { Scheme::Https } else { Scheme::Http },
        authority: head.authority().cloned(),
        path_with_query: head.target().path_with_query().map(Into::into),
        fields: head.into_fields(),
    };
    Ok(Some(Received { request, reading, facts }))
}

/// Requests to the guest never reach its component, and need no run.
fn begin<E>(received: Received, wire: Wire, service: &mut impl Begin<E>) -> Stage<E> {
    let Received { request, reading, facts } = received;
    let path = request.path_with_query.as_deref().unwrap_or_default();
    if !path.starts_with(GUEST_PATHS) {
        let run = service.begin(Received { request, reading, facts }, wire);
        return Stage::Answering { run };
    }
    let asked = Asked { facts, is_post: request.method == Method::POST, path: path.into(), body: Vec::new() };
    Stage::Asking { wire, reading, asked }
}

/// Takes what has come of a request to the guest.
fn read_asked(wire: &mut Wire, reading: &mut Reading, asked: &mut Asked) -> Result<(), Refusal> {
    if !asked.is_post {
        return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "the guest takes POST here"));
    }
    while !reading.decoder.is_done() && !wire.incoming.is_empty() {
        let decoded = reading.decoder.decode(&wire.incoming).map_err(|error| Refusal::from(&error))?;
        let consumed = decoded.consumed;
        asked.body.extend_from_slice(decoded.data);
        wire.incoming.drain(..consumed);
        if asked.body.len() > ASKED_MAX_BYTES {
            return Err(Refusal::new(StatusCode::CONTENT_TOO_LARGE, "no request to the guest is that long"));
        }
    }
    Ok(())
}

/// Sends what is missing, and decides whether the connection goes on.
fn finish<E: Surroundings>(
    report: &JobReport,
    host: RequestHost<E>,
    service: &mut impl Begin<E>,
) -> Stage<E> {
    let ended = host.end();
    service.ended(report, &ended);
    let Ended { mut wire, reading, writing, .. } = ended;
    let has_head = match &writing.stage {
        // A client that was not told to go on may or may not send its body.
        WritingStage::Complete { persists: true } if !reading.awaits_continue => {
            return Stage::Skipping { wire, reading, left_bytes: SKIPPED_MAX_BYTES };
        }
        WritingStage::Nothing => false,
        WritingStage::Unfit { has_head, .. } => *has_head,
        WritingStage::Body { .. } => true,
        WritingStage::Complete { .. } => return Stage::Lingering { wire, is_shut: false },
    };
    if !has_head {
        let refusal = reading.error.as_ref().map_or_else(|| Refusal::of_outcome(&report.outcome), Into::into);
        return refuse(wire, &refusal, &writing.facts);
    }
    // The rest never comes: whoever reads must see that, so the connection breaks before the end of the body.
    wire.cut();
    Stage::Lingering { wire, is_shut: false }
}

/// Reads over what has arrived of a body; `false` when that is none.
fn skip_body(wire: &mut Wire, reading: &mut Reading) -> bool {
    while !reading.decoder.is_done() && !wire.incoming.is_empty() {
        match reading.decoder.decode(&wire.incoming) {
            Ok(decoded) => {
                let consumed = decoded.consumed;
                wire.incoming.drain(..consumed);
            }
            Err(_) => return false,
        }
    }
    true
}

fn refuse<E>(mut wire: Wire, refusal: &Refusal, request: &RequestFacts) -> Stage<E> {
    refusal.encode(request, wire.outgoing());
    Stage::Lingering { wire, is_shut: false }
}
