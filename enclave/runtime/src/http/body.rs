//! Bodies that a component writes: of requests to others, and of the response to whoever asked.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::mem;

use bytes::Bytes;
use enclave_http::{BodyPlan, Fields};
use sha2::{Digest, Sha256};

use super::{ExchangeKey, limits};
use crate::bindings::wasi::http::types::ErrorCode;

/// Names a body of this run. Never given to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BodyKey(u32);

/// What a body belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Message {
    /// A request to somebody else.
    Request,
    /// The response of a service.
    Response,
}

impl Message {
    /// Its body has another length than was promised.
    pub(crate) const fn wrong_length(self, written: u64) -> ErrorCode {
        match self {
            Self::Request => ErrorCode::HttpRequestBodySize(Some(written)),
            Self::Response => ErrorCode::HttpResponseBodySize(Some(written)),
        }
    }
}

/// All bodies that are being written. The same in a replay.
#[derive(Default)]
pub(crate) struct Bodies {
    bodies: BTreeMap<BodyKey, Body>,
    begun: u32,
    /// In all of them that wait for their heads.
    kept_bytes: usize,
}

/// One of them.
pub(super) struct Body {
    pub(super) message: Message,
    pub(super) stage: Stage,
    /// What the head promises.
    pub(super) promised: Option<u64>,
    pub(super) written: u64,
    /// What the last `check-write` permitted, less what was written since.
    pub(super) permitted: usize,
    /// Of what was sent with an exchange.
    pub(super) hash: Sha256,
}

/// Where a body is.
pub(super) enum Stage {
    /// With us, because its head was not sent yet.
    Kept(Vec<u8>),
    /// Likewise, and it is complete.
    Whole(Vec<u8>, Fields),
    /// On the way with this exchange.
    Exchange(ExchangeKey),
    /// On the way with the response.
    Response,
    /// Nobody will ever read it.
    Abandoned,
}

/// What there is of a body when its head is sent.
pub(super) struct Beginning {
    pub(super) kept: Bytes,
    /// With these it is complete.
    pub(super) trailers: Option<Fields>,
}

/// Where bytes go that a component writes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    /// They are kept.
    Kept,
    /// Out with the exchange.
    Exchange(ExchangeKey),
    /// Out with the response.
    Response,
}

/// Why bytes are not taken.
pub(crate) enum Refusal {
    /// Nobody reads them.
    Closed,
    /// There would be more than was promised.
    TooLong(ErrorCode),
    /// There is no room, and as long as the component waits there never will be.
    NoRoom,
}

impl Bodies {
    pub(super) fn begin(&mut self, message: Message, promised: Option<u64>) -> BodyKey {
        let key = BodyKey(self.begun);
        self.begun = self.begun.saturating_add(1);
        let stage = Stage::Kept(Vec::new());
        let body = Body { message, stage, promised, written: 0, permitted: 0, hash: Sha256::new() };
        self.bodies.insert(key, body);
        key
    }

    pub(super) fn get(&self, key: BodyKey) -> Option<&Body> {
        self.bodies.get(&key)
    }

    pub(super) fn get_mut(&mut self, key: BodyKey) -> Option<&mut Body> {
        self.bodies.get_mut(&key)
    }

    pub(super) fn remove(&mut self, key: BodyKey) -> Option<Body> {
        let body = self.bodies.remove(&key)?;
        if let Stage::Kept(kept) | Stage::Whole(kept, _) = &body.stage {
            self.kept_bytes = self.kept_bytes.saturating_sub(kept.len());
        }
        Some(body)
    }

    /// How many bytes more can be kept.
    pub(super) fn room(&self, kept: &[u8]) -> usize {
        let of_body = limits::KEPT_BODY_BYTES.saturating_sub(kept.len());
        of_body.min(limits::KEPT_BYTES.saturating_sub(self.kept_bytes))
    }

    /// What the head says of the body. `None` when the component gave it up.
    pub(super) fn plan(&self, key: BodyKey) -> Option<BodyPlan> {
        Some(match &self.get(key)?.stage {
            Stage::Whole(kept, trailers) if trailers.is_empty() && kept.is_empty() => BodyPlan::None,
            Stage::Whole(kept, trailers) if trailers.is_empty() => BodyPlan::Length(byte_count(kept.len())),
            _ => BodyPlan::Unknown,
        })
    }

    /// The head was sent; from now on the body is on its way, too.
    pub(super) fn attach(&mut self, key: BodyKey, way: Stage) -> Option<Beginning> {
        let body = self.bodies.get_mut(&key)?;
        let (kept, trailers) = match mem::replace(&mut body.stage, way) {
            Stage::Kept(kept) => (kept, None),
            Stage::Whole(kept, trailers) => (kept, Some(trailers)),
            Stage::Exchange(_) | Stage::Response | Stage::Abandoned => return None,
        };
        self.kept_bytes = self.kept_bytes.saturating_sub(kept.len());
        if body.message == Message::Request {
            body.hash.update(&kept);
        }
        Some(Beginning { kept: kept.into(), trailers })
    }

    /// The head will never be sent.
    pub(super) fn give_up(&mut self, key: BodyKey) {
        let Some(body) = self.remove(key) else { return };
        // The writer of a body that is not complete still holds its key.
        if !matches!(body.stage, Stage::Whole(..)) {
            self.bodies.insert(key, Body { stage: Stage::Abandoned, ..body });
        }
    }

    /// Takes bytes into account, and says where they go.
    pub(super) fn admit(&mut self, key: BodyKey, bytes: &[u8]) -> Result<Way, Refusal> {
        let room = match self.get(key).map(|body| &body.stage) {
            Some(Stage::Kept(kept)) => self.room(kept),
            _ => usize::MAX,
        };
        let body = self.bodies.get_mut(&key).ok_or(Refusal::Closed)?;
        let written = body.written.saturating_add(byte_count(bytes.len()));
        let way = match &mut body.stage {
            Stage::Whole(..) | Stage::Abandoned => return Err(Refusal::Closed),
            _ if body.promised.is_some_and(|promised| written > promised) => {
                return Err(Refusal::TooLong(body.message.wrong_length(written)));
            }
            Stage::Kept(_) if bytes.len() > room => return Err(Refusal::NoRoom),
            Stage::Kept(kept) => {
                kept.extend_from_slice(bytes);
                self.kept_bytes = self.kept_bytes.saturating_add(bytes.len());
                Way::Kept
            }
            Stage::Exchange(exchange) => {
                body.hash.update(bytes);
                Way::Exchange(*exchange)
            }
            Stage::Response => Way::Response,
        };
        body.written = written;
        body.permitted = body.permitted.saturating_sub(bytes.len());
        Ok(way)
    }
}

impl Body {
    /// Whether it can be complete now.
    pub(super) fn check_length(&self, answers_head: bool) -> Result<(), ErrorCode> {
        // The response to HEAD promises what GET would give.
        let may_be_empty = answers_head && self.message == Message::Response && self.written == 0;
        match self.promised {
            Some(promised) if promised != self.written && !may_be_empty => {
                Err(self.message.wrong_length(self.written))
            }
            _ => Ok(()),
        }
    }
}

fn byte_count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
