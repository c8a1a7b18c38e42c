//! Sends bodies, and takes down what was sent.

use alloc::vec::Vec;
use core::task::Poll;

use attestation_transcript::Kind;
use bytes::Bytes;
use enclave_http::Fields;
use sha2::{Digest, Sha256};

use super::body::{Beginning, Body, BodyKey, Message, Refusal, Stage, Way};
use super::{ExchangeKey, HttpFailure};
use crate::bindings::wasi::http::types::ErrorCode;
use crate::host::{JobHost, Output};
use crate::io::{PIECE_BYTES, Pollable};
use crate::learnt::Learnt;
use crate::limits::RunEnd;
use crate::outside::Outside;

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Complete,
    CutOff,
}

impl<H: JobHost + ?Sized> Outside<H> {
    /// How many bytes a writer may write without waiting; `None` when nobody reads them.
    pub(crate) fn permit_body(&mut self, key: BodyKey) -> Result<Option<usize>, RunEnd> {
        let bodies = &self.traffic.bodies;
        let permitted = match bodies.get(key).map(|body| &body.stage) {
            None | Some(Stage::Whole(..) | Stage::Abandoned) => return Ok(None),
            Some(Stage::Kept(kept)) => bodies.room(kept),
            // Writing waits itself: the pace of whoever reads is nothing that the component learns.
            Some(Stage::Response) => PIECE_BYTES,
            Some(Stage::Exchange(exchange)) => {
                let Some(id) = self.exchange_id(*exchange) else { return Ok(None) };
                let space = self.learn(Kind::STREAM_WRITABLE, |host| {
                    u64::try_from(host.http_body_space(id).min(PIECE_BYTES)).unwrap_or(0)
                })?;
                usize::try_from(space).unwrap_or(0)
            }
        };
        if let Some(body) = self.traffic.bodies.get_mut(key) {
            body.permitted = permitted;
        }
        Ok(Some(permitted))
    }

    /// What is ready when there is room in a body.
    pub(crate) fn body_room(&self, key: BodyKey) -> Pollable {
        match self.traffic.bodies.get(key) {
            Some(Body { message: Message::Request, .. }) => Pollable::RequestBody(key),
            _ => Pollable::Always,
        }
    }

    /// What is left of the last permission.
    pub(crate) fn permitted_body(&self, key: BodyKey) -> usize {
        match self.traffic.bodies.get(key) {
            Some(Body { stage: Stage::Exchange(_), permitted, .. }) => *permitted,
            // Without waiting for anybody it is known what happens.
            _ => PIECE_BYTES,
        }
    }

    /// Takes bytes into account, and says where they go.
    pub(crate) fn admit_body(&mut self, key: BodyKey, bytes: &[u8]) -> Result<Result<Way, Refusal>, RunEnd> {
        let way = self.traffic.bodies.admit(key, bytes);
        let message = self.traffic.bodies.get(key).map(|body| body.message);
        match way {
            Ok(Way::Response) => self.charge_output(Output::Stdout, bytes.len())?,
            Ok(Way::Kept | Way::Exchange(_)) if message == Some(Message::Request) => {
                self.charge_request(bytes.len())?;
            }
            _ => {}
        }
        Ok(way)
    }

    /// Passes on what was taken into account, as far as the host takes it; ready when nothing is left.
    pub(crate) fn poll_send(&mut self, exchange: ExchangeKey, rest: &mut Bytes) -> Poll<Result<(), RunEnd>> {
        self.strike_in_wait()?;
        let Some(id) = self.exchange_id(exchange) else { return Poll::Ready(Ok(())) };
        while !rest.is_empty() {
            let space = self.host.http_body_space(id);
            if space == 0 {
                return Poll::Pending;
            }
            let piece = rest.split_to(rest.len().min(space));
            self.host.http_body_write(id, piece);
        }
        Poll::Ready(Ok(()))
    }

    /// The head was sent with this exchange.
    pub(super) fn attach_body(&mut self, key: BodyKey, exchange: ExchangeKey) -> Option<Beginning> {
        self.traffic.bodies.attach(key, Stage::Exchange(exchange))
    }

    /// The writer says that the body is complete.
    pub(crate) fn finish_body(
        &mut self,
        key: BodyKey,
        trailers: Fields,
    ) -> Result<Result<(), ErrorCode>, RunEnd> {
        let answers_head = self.traffic.answer.answers_head;
        let Some(body) = self.traffic.bodies.get_mut(key) else { return Ok(Ok(())) };
        if let Err(code) = body.check_length(answers_head) {
            self.cut_body(key)?;
            return Ok(Err(code));
        }
        if let Stage::Kept(kept) = &mut body.stage {
            body.stage = Stage::Whole(core::mem::take(kept), trailers);
            return Ok(Ok(()));
        }
        let Some(body) = self.traffic.bodies.remove(key) else { return Ok(Ok(())) };
        match body.stage {
            Stage::Exchange(exchange) => {
                self.note_sent(Ending::Complete, body.hash, &trailers)?;
                if let Some(id) = self.exchange_id(exchange) {
                    self.host.http_body_finish(id, trailers);
                }
            }
            Stage::Response => self.finish_answer(trailers),
            Stage::Kept(_) | Stage::Whole(..) | Stage::Abandoned => {}
        }
        Ok(Ok(()))
    }

    /// The writer goes without saying that the body is complete. Whoever reads it must not take it for that.
    pub(crate) fn cut_body(&mut self, key: BodyKey) -> Result<(), RunEnd> {
        let Some(body) = self.traffic.bodies.remove(key) else { return Ok(()) };
        let Stage::Exchange(exchange) = body.stage else { return Ok(()) };
        self.note_sent(Ending::CutOff, body.hash, &Fields::new())?;
        self.cut_exchange(exchange, HttpFailure::RequestBodySize);
        Ok(())
    }

    /// The exchange ends before its request.
    pub(super) fn abandon_body(&mut self, key: BodyKey) -> Result<(), RunEnd> {
        let Some(body) = self.traffic.bodies.get_mut(key) else { return Ok(()) };
        body.stage = Stage::Abandoned;
        let hash = body.hash.clone();
        self.note_sent(Ending::CutOff, hash, &Fields::new())
    }

    /// Takes down what was sent. A body that is cut off by the run's end is not taken down: the run's last entries are
    /// about other things.
    fn note_sent(&mut self, ending: Ending, hash: Sha256, trailers: &Fields) -> Result<(), RunEnd> {
        let mut deed = Vec::new();
        deed.push(match ending {
            Ending::Complete => 1,
            Ending::CutOff => 2,
        });
        deed.extend_from_slice(&hash.finalize());
        if !trailers.is_empty() {
            let mut text = Vec::new();
            trailers.write(&mut text);
            deed.extend_from_slice(&Sha256::digest(&text));
        }
        self.act(Kind::HTTP_REQUEST, &deed, || "another request's body".into(), |_| ())
    }
}
