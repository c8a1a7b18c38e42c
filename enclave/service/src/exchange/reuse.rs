//! Connections that serve one exchange after the other (RFC 9112, section 9.3): which ones can, and what to do where one is gone.

use alloc::vec::Vec;

use enclave_runtime::HttpFailure;

use super::{Exchange, Place};
use crate::channel::Channel;
use crate::origin::Origin;
use crate::sockets::Sockets;

/// What a request on a connection that served others before needs to be sent once more: a server may hang up on an idle
/// connection just when a request is on its way.
pub(super) struct Again {
    /// A part of the request is sent.
    pub(super) is_sent: bool,
    /// All that was to be sent until now, where it may be sent twice: nothing of a body was taken, and nobody minds.
    head: Option<Vec<u8>>,
}

impl Again {
    /// What is kept to be sent once more.
    pub(super) fn head_bytes(&self) -> usize {
        self.head.as_ref().map_or(0, Vec::len)
    }
}

impl Exchange {
    /// Whom it asks, and how.
    pub(crate) const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Sends it over a connection to its origin that served others before.
    pub(crate) fn go_on(&mut self, channel: Channel) {
        let head = self.method.is_idempotent().then(|| self.outgoing.clone());
        self.again = Some(Again { is_sent: false, head });
        self.enter(channel);
    }

    /// Something was added to what is to be sent.
    pub(super) fn keep_no_head(&mut self) {
        if let Some(again) = &mut self.again {
            again.head = None;
        }
    }

    /// Whether the request may be sent once more after this (RFC 9112, section 9.3.1): the peer hung up without a word, and
    /// either got nothing or does the same when it gets it twice.
    pub(super) fn can_begin_again(&self, ending: HttpFailure) -> bool {
        let is_possible = |again: &Again| !again.is_sent || again.head.is_some();
        ending == HttpFailure::ConnectionTerminated && self.again.as_ref().is_some_and(is_possible)
    }

    /// Sends the request once more, over a connection of its own. If that is lost too, so be it.
    pub(super) fn begin_again(&mut self, sockets: &mut dyn Sockets) -> Result<(), HttpFailure> {
        log::debug!("a connection is gone that was kept: there will be another");
        if let Some(Again { is_sent: true, head: Some(head) }) = self.again.take() {
            self.outgoing = head;
        }
        self.disconnect(sockets);
        self.is_at_end = false;
        self.recording.iter_mut().for_each(|recording| recording.begin_again());
        self.connect(sockets)
    }

    /// Its connection, where it needs none any more and another exchange can have it: both sides have said all that they had
    /// to say, and would go on.
    pub(crate) fn take_spare(&mut self) -> Option<Channel> {
        let is_over = self.is_answered() && self.is_request_complete() && self.failure.is_none();
        // What is left over would be taken for the next response.
        let is_clean = self.incoming.is_empty() && !self.is_at_end;
        if !(self.persists && is_over && is_clean) {
            return None;
        }
        match core::mem::replace(&mut self.place, Place::Over) {
            Place::Connected(channel) => Some(channel),
            other => {
                self.place = other;
                None
            }
        }
    }
}
