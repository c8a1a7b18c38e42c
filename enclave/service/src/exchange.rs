//! One request to a server and its response: a state machine that is stepped whenever the guest looks at its network.

mod reuse;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::task::Poll;

use bytes::Bytes;
use enclave_http::{
    BodyDecoder, BodyEncoder, BodyLimits, BodyPlan, Fields, HeadLimits, Method, OutgoingRequest,
    parse_final_response,
};
use enclave_runtime::{HttpBody, HttpFailure, HttpRequest, HttpResponse, HttpTimeouts};

use self::reuse::Again;
use crate::channel::{Channel, ChannelState};
use crate::connecting::Connecting;
use crate::origin::Origin;
use crate::recording::{Recorded, Recording};
use crate::security::Peer;
use crate::sockets::Sockets;

/// Bytes of request that wait for the network, at most, and of response that wait for the component.
const BUFFER_BYTES: usize = 32 * 1024;

/// How long to wait for the connection, and then for the first byte of a response, where the component does not say.
const PATIENCE_NS: u64 = 30_000_000_000;

/// The longest body that is taken. Who reads it is limited by time and fuel, not by this.
const BODY_LIMITS: BodyLimits = BodyLimits { body_bytes: u64::MAX, ..BodyLimits::DEFAULT };

/// A request under way.
pub(crate) struct Exchange {
    origin: Origin,
    peer: Option<Peer>,
    place: Place,
    method: Method,
    timeouts: HttpTimeouts,
    /// Since when the present step is waited for.
    since_ns: u64,
    /// Encoded and not yet sent.
    outgoing: Vec<u8>,
    /// Absent once the request is complete.
    encoder: Option<BodyEncoder>,
    /// Received and not yet decoded.
    incoming: Vec<u8>,
    /// The stream has ended in good order.
    is_at_end: bool,
    response: Reading,
    /// The peer would go on with the connection after this response.
    persists: bool,
    /// On a connection that served others before, until something comes back.
    again: Option<Again>,
    failure: Option<HttpFailure>,
    /// For its receipt; under TLS, until the exchange is over.
    recording: Option<Box<Recording>>,
    now_ns: u64,
}

enum Place {
    Connecting(Connecting),
    Connected(Channel),
    /// There is no connection any more, or never was.
    Over,
}

enum Reading {
    Head,
    /// Read, and not taken by the component yet.
    Ready(HttpResponse, BodyDecoder),
    Body(BodyDecoder),
    /// The component has all of it.
    Done,
}

impl Exchange {
    /// A request that is not on its way yet; to a peer, under TLS.
    ///
    /// # Errors
    /// It cannot be sent at all.
    pub(crate) fn new(
        request: &HttpRequest,
        origin: Origin,
        peer: Option<Peer>,
        secret: [u8; 32],
        now_ns: u64,
    ) -> Result<Self, HttpFailure> {
        let mut outgoing = Vec::new();
        let head = OutgoingRequest {
            method: &request.method,
            path_with_query: &request.path_with_query,
            authority: &request.authority,
            fields: &request.fields,
            body: request.body,
            persists: true,
        };
        let encoder = head.encode(&HeadLimits::DEFAULT, &mut outgoing).map_err(HttpFailure::from)?;
        let encoder = (request.body != BodyPlan::None).then_some(encoder);
        let recording = peer.is_some().then(|| Box::new(Recording::new(secret, request, &outgoing)));
        Ok(Self {
            origin,
            peer,
            place: Place::Over,
            method: request.method.clone(),
            timeouts: request.timeouts,
            since_ns: now_ns,
            outgoing,
            encoder,
            incoming: Vec::new(),
            is_at_end: false,
            response: Reading::Head,
            persists: false,
            again: None,
            failure: None,
            recording,
            now_ns,
        })
    }

    /// Sends it over a connection of its own.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn connect(&mut self, sockets: &mut dyn Sockets) -> Result<(), HttpFailure> {
        self.since_ns = self.now_ns;
        let until_ns = self.since_ns.saturating_add(self.timeouts.connect_ns.unwrap_or(PATIENCE_NS));
        let connecting = Connecting::start(&self.origin, self.peer.clone(), until_ns, sockets, self.now_ns)?;
        self.place = Place::Connecting(connecting);
        Ok(())
    }

    /// There is a connection.
    fn enter(&mut self, channel: Channel) {
        let (address, port) = (channel.address(), self.origin.port);
        self.recording.iter_mut().for_each(|recording| recording.connected_to(address, port));
        self.place = Place::Connected(channel);
    }

    /// Moves bytes and looks at the time.
    pub(crate) fn step(&mut self, sockets: &mut dyn Sockets, now_ns: u64) {
        self.now_ns = now_ns;
        if self.failure.is_none()
            && let Err(failure) = self.try_step(sockets, now_ns)
        {
            self.fail(failure, sockets);
        }
    }

    fn try_step(&mut self, sockets: &mut dyn Sockets, now_ns: u64) -> Result<(), HttpFailure> {
        if let Place::Connecting(connecting) = &mut self.place
            && let Some(channel) = connecting.step(sockets, now_ns)?
        {
            self.enter(channel);
        }
        self.step_connected(sockets, now_ns)
    }

    fn step_connected(&mut self, sockets: &mut dyn Sockets, now_ns: u64) -> Result<(), HttpFailure> {
        let Place::Connected(channel) = &mut self.place else { return Ok(()) };
        let state = channel.step(sockets, now_ns);
        if state == ChannelState::Opening {
            return self.check_connect_time(now_ns);
        }
        if self.again.as_ref().is_some_and(|again| !again.is_sent) && !channel.is_quiet(sockets, now_ns) {
            return self.begin_again(sockets);
        }
        if let Some((recording, session)) = self.recording.as_mut().zip(channel.session()) {
            recording.secured(session, now_ns);
        }
        let may_be_more = self.move_bytes(sockets);
        self.is_at_end |= !may_be_more && state == ChannelState::Ended;
        self.read_head()?;
        let ending = match state {
            ChannelState::Failed(failure) if !may_be_more && !self.is_answered() => failure,
            _ if self.is_at_end && matches!(self.response, Reading::Head) => {
                HttpFailure::ConnectionTerminated
            }
            _ => return self.check_response_time(now_ns),
        };
        if self.can_begin_again(ending) { self.begin_again(sockets) } else { Err(ending) }
    }

    /// Sends and receives what there is; whether more may have come than was looked at.
    fn move_bytes(&mut self, sockets: &mut dyn Sockets) -> bool {
        let Place::Connected(channel) = &mut self.place else { return false };
        let sent = channel.send(&self.outgoing, sockets);
        self.outgoing.drain(..sent);
        let room = BUFFER_BYTES.saturating_sub(self.incoming.len());
        let received = channel.receive(room, &mut self.incoming, sockets);
        if sent > 0 || received > 0 || !self.is_request_complete() {
            self.since_ns = self.now_ns;
        }
        if received > 0 {
            self.again = None;
        }
        if let Some(again) = &mut self.again {
            again.is_sent |= sent > 0;
        }
        received > 0 || room == 0
    }

    fn read_head(&mut self) -> Result<(), HttpFailure> {
        if !matches!(self.response, Reading::Head) {
            return Ok(());
        }
        let parsed = parse_final_response(&self.incoming, &HeadLimits::DEFAULT).map_err(HttpFailure::from)?;
        let Some((head, consumed)) = parsed else { return Ok(()) };
        self.incoming.drain(..consumed);
        let framing = head.framing(&self.method).map_err(HttpFailure::from)?;
        let decoder = BodyDecoder::new(framing, &BODY_LIMITS).map_err(HttpFailure::from)?;
        let status = head.status();
        self.persists = head.persists(&self.method);
        if let Some(recording) = &mut self.recording {
            recording.response(status.get(), head.fields(), framing, self.now_ns);
        }
        self.response = Reading::Ready(HttpResponse { status, fields: head.into_fields() }, decoder);
        Ok(())
    }

    fn is_request_complete(&self) -> bool {
        self.encoder.is_none() && self.outgoing.is_empty()
    }

    /// Whether nothing is missing any more that only the network could bring.
    fn is_answered(&self) -> bool {
        match &self.response {
            Reading::Head => false,
            Reading::Ready(_, decoder) | Reading::Body(decoder) => decoder.is_done(),
            Reading::Done => true,
        }
    }

    fn check_connect_time(&self, now_ns: u64) -> Result<(), HttpFailure> {
        let patience_ns = self.timeouts.connect_ns.unwrap_or(PATIENCE_NS);
        let is_over = now_ns.saturating_sub(self.since_ns) > patience_ns;
        if is_over { Err(HttpFailure::ConnectionTimeout) } else { Ok(()) }
    }

    fn check_response_time(&self, now_ns: u64) -> Result<(), HttpFailure> {
        let waited_ns = now_ns.saturating_sub(self.since_ns);
        let is_over = |patience_ns: Option<u64>| waited_ns > patience_ns.unwrap_or(PATIENCE_NS);
        match &self.response {
            Reading::Head if is_over(self.timeouts.first_byte_ns) => Err(HttpFailure::ResponseTimeout),
            Reading::Body(decoder)
                if !decoder.is_done()
                    && self.incoming.is_empty()
                    && is_over(self.timeouts.between_bytes_ns) =>
            {
                Err(HttpFailure::ConnectionReadTimeout)
            }
            _ => Ok(()),
        }
    }

    fn fail(&mut self, failure: HttpFailure, sockets: &mut dyn Sockets) {
        self.failure = Some(failure);
        self.disconnect(sockets);
        self.outgoing = Vec::new();
        self.incoming = Vec::new();
    }

    fn disconnect(&mut self, sockets: &mut dyn Sockets) {
        match core::mem::replace(&mut self.place, Place::Over) {
            Place::Connecting(connecting) => connecting.release(sockets),
            Place::Connected(channel) => channel.release(sockets),
            Place::Over => {}
        }
    }

    /// Room for more of the request's body.
    pub(crate) fn body_space(&self) -> usize {
        if self.failure.is_some() {
            return usize::MAX;
        }
        // It must not become less when the head has to be sent again.
        let kept = self.again.as_ref().map_or(0, Again::head_bytes);
        BUFFER_BYTES.saturating_sub(self.outgoing.len().max(kept))
    }

    /// More of the request's body.
    pub(crate) fn write_body(&mut self, bytes: &[u8], sockets: &mut dyn Sockets) {
        let Some(encoder) = self.encoder.as_mut().filter(|_| self.failure.is_none()) else { return };
        match encoder.encode(bytes, &mut self.outgoing) {
            Ok(()) => self.recording.iter_mut().for_each(|recording| recording.request_body(bytes)),
            Err(error) => self.fail(error.into(), sockets),
        }
        self.keep_no_head();
    }

    /// The request's body is complete.
    pub(crate) fn finish_body(&mut self, trailers: &Fields, sockets: &mut dyn Sockets) {
        let Some(encoder) = self.encoder.take().filter(|_| self.failure.is_none()) else { return };
        match encoder.finish(trailers, &mut self.outgoing) {
            Ok(()) => self.recording.iter_mut().for_each(|recording| recording.request_trailers(trailers)),
            Err(error) => self.fail(error.into(), sockets),
        }
        self.keep_no_head();
    }

    /// Whether [`response`](Self::response) is ready.
    pub(crate) const fn has_response(&self) -> bool {
        self.failure.is_some() || !matches!(self.response, Reading::Head)
    }

    /// The head of the response; once.
    pub(crate) fn response(&mut self) -> Poll<Result<HttpResponse, HttpFailure>> {
        match core::mem::replace(&mut self.response, Reading::Done) {
            Reading::Ready(response, decoder) => {
                self.response = Reading::Body(decoder);
                Poll::Ready(Ok(response))
            }
            other => {
                self.response = other;
                self.failure.map_or(Poll::Pending, |failure| Poll::Ready(Err(failure)))
            }
        }
    }

    /// The next of the response's body.
    pub(crate) fn read_body(&mut self, max_bytes: usize) -> HttpBody {
        let Reading::Body(decoder) = &mut self.response else {
            return self.failure.map_or(HttpBody::Pending, HttpBody::Failed);
        };
        while !decoder.is_done() {
            let window = self.incoming.get(..self.incoming.len().min(max_bytes)).unwrap_or_default();
            if window.is_empty() {
                break;
            }
            match decoder.decode(window) {
                Ok(decoded) => {
                    let data = Bytes::copy_from_slice(decoded.data);
                    self.incoming.drain(..decoded.consumed);
                    if !data.is_empty() {
                        self.recording.iter_mut().for_each(|recording| recording.response_body(&data));
                        return HttpBody::Bytes(data);
                    }
                }
                Err(error) => return HttpBody::Failed(error.into()),
            }
        }
        if let Some(failure) = self.failure {
            return HttpBody::Failed(failure);
        }
        if self.is_at_end
            && let Err(error) = decoder.end_of_stream()
        {
            return HttpBody::Failed(error.into());
        }
        if !decoder.is_done() {
            return HttpBody::Pending;
        }
        match core::mem::replace(&mut self.response, Reading::Done) {
            Reading::Body(mut decoder) => {
                let trailers = decoder.take_trailers();
                self.recording.iter_mut().for_each(|recording| recording.response_trailers(&trailers));
                HttpBody::End(trailers)
            }
            _ => HttpBody::Pending,
        }
    }

    /// What is in the exchange's receipt, once: when the component has all of the response, or gives the exchange up.
    pub(crate) fn take_recorded(&mut self, is_over: bool) -> Option<Recorded> {
        let has_all = match &self.response {
            Reading::Head => false,
            // A body that there is none of need not be read.
            Reading::Ready(_, decoder) | Reading::Body(decoder) => is_over && decoder.is_done(),
            Reading::Done => true,
        };
        let is_complete = has_all && self.failure.is_none();
        let recording = self.recording.take_if(|_| is_complete || is_over)?;
        match recording.finish(is_complete, self.is_request_complete(), self.now_ns) {
            Ok(recorded) => recorded,
            Err(error) => {
                log::warn!("an exchange has no receipt: {error}");
                None
            }
        }
    }

    /// Whether [`read_body`](Self::read_body) would give something else than "nothing yet".
    pub(crate) fn has_body(&self) -> bool {
        let is_done = matches!(&self.response, Reading::Body(decoder) if decoder.is_done());
        !self.incoming.is_empty() || self.failure.is_some() || self.is_at_end || is_done
    }

    /// Gives the connection back.
    pub(crate) fn close(mut self, sockets: &mut dyn Sockets) {
        self.disconnect(sockets);
    }
}

#[cfg(test)]
mod tests;
