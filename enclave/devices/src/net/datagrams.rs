//! Questions by UDP: one datagram to a server, and whatever comes back from there.
//!
//! Each question has a port of its own, so that whoever is not on the way has to guess it, besides the address and the port
//! that were asked. Datagrams with other ends are sorted out before they come here: they take no room from those that may be
//! the answer, and are told that nobody listens, as with any other port.

use alloc::vec;
use alloc::vec::Vec;
use core::net::Ipv4Addr;

use smoltcp::iface::{Interface, SocketHandle, SocketSet, SocketStorage};
use smoltcp::phy::Device;
use smoltcp::socket::udp::{PacketBuffer, PacketMetadata, Socket};
use smoltcp::time::Instant;
use smoltcp::wire::{IpAddress, IpEndpoint};

use super::connection::is_destination;
use super::frame::Ends;
use super::ports::LocalPorts;

/// Longest payload: a packet without fragments, less the headers of IPv4 and UDP.
pub const PAYLOAD_MAX_BYTES: usize = PACKET_BYTES - 20 - 8;
/// What Ethernet carries.
const PACKET_BYTES: usize = 1500;
/// Datagrams that are kept until somebody takes them.
const KEPT: usize = 4;

/// A question. Names it until it is hung up, and nothing after that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuestionId(u64);

/// A question that cannot be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// Not the address of one machine, or port 0.
    #[error("expected the address of one machine and a port from 1 on")]
    Destination,
    /// DHCP has not answered.
    #[error("no network address yet")]
    NoAddress,
    /// Neither on this network, nor is there a gateway.
    #[error("no way there: the network has no gateway")]
    Unreachable,
    /// No packet holds it.
    #[error("expected at most {PAYLOAD_MAX_BYTES} bytes, found {found}")]
    TooLong {
        /// How long it is.
        found: usize,
    },
    /// As many as there may be.
    #[error("expected at most {limit} questions at a time")]
    TooMany {
        /// [`NetworkLimits::datagrams`](super::NetworkLimits::datagrams).
        limit: usize,
    },
    /// Every local port was in use lately.
    #[error("no local port is free")]
    NoLocalPort,
}

/// Questions, with their sockets in a set of their own.
pub(super) struct Datagrams {
    sockets: SocketSet<'static>,
    questions: Vec<Question>,
    limit: usize,
    last: u64,
    /// When there is something to send; waiting for answers takes no looks.
    wake_us: u64,
}

struct Question {
    id: QuestionId,
    ends: Ends,
    socket: SocketHandle,
}

impl Datagrams {
    /// What a question takes here: its places in both lists, and what its socket holds.
    pub(super) const QUESTION_BYTES: usize = size_of::<Question>()
        + size_of::<SocketStorage<'_>>()
        + PAYLOAD_MAX_BYTES
        + KEPT * PACKET_BYTES
        + (KEPT + 1) * size_of::<PacketMetadata>();

    pub(super) fn new(limit: usize) -> Self {
        Self {
            sockets: SocketSet::new(Vec::with_capacity(limit)),
            questions: Vec::with_capacity(limit),
            limit,
            last: 0,
            wake_us: u64::MAX,
        }
    }

    /// Asks a server.
    pub(super) fn ask(
        &mut self,
        peer: (Ipv4Addr, u16),
        payload: &[u8],
        ports: &mut LocalPorts,
        now_us: u64,
    ) -> Result<QuestionId, AskError> {
        if !is_destination(peer) {
            return Err(AskError::Destination);
        }
        if payload.len() > PAYLOAD_MAX_BYTES {
            return Err(AskError::TooLong { found: payload.len() });
        }
        if self.questions.len() >= self.limit {
            return Err(AskError::TooMany { limit: self.limit });
        }
        let local_port = ports.take(now_us).ok_or(AskError::NoLocalPort)?;
        let Some(socket) = sending(local_port, peer, payload) else {
            ports.give_back(local_port, now_us);
            return Err(AskError::Destination);
        };
        self.last += 1;
        let id = QuestionId(self.last);
        let socket = self.sockets.add(socket);
        self.questions.push(Question { id, ends: Ends { local_port, peer }, socket });
        self.touch();
        Ok(id)
    }

    /// The next datagram that may be the answer.
    pub(super) fn answered(&mut self, id: QuestionId) -> Option<Vec<u8>> {
        let question = self.questions.iter().find(|question| question.id == id)?;
        let (payload, _sender) = self.sockets.get_mut::<Socket<'_>>(question.socket).recv().ok()?;
        Some(payload.to_vec())
    }

    /// Nobody wants to know any more.
    pub(super) fn hang_up(&mut self, id: QuestionId, ports: &mut LocalPorts, now_us: u64) {
        let Some(at) = self.questions.iter().position(|question| question.id == id) else { return };
        let question = self.questions.swap_remove(at);
        self.sockets.remove(question.socket);
        ports.give_back(question.ends.local_port, now_us);
    }

    /// Whether a datagram between these ends may be an answer.
    pub(super) fn expects(&self, ends: Ends) -> bool {
        self.questions.iter().any(|question| question.ends == ends)
    }

    /// Takes in the packet that the device has received: one that is expected.
    pub(super) fn ingress(&mut self, now: Instant, interface: &mut Interface, device: &mut impl Device) {
        interface.poll_ingress_single(now, device, &mut self.sockets);
    }

    /// Sends what was not sent yet.
    pub(super) fn egress(&mut self, now: Instant, interface: &mut Interface, device: &mut impl Device) {
        // Each has one packet at most, so one round is enough, unless the device has no room: then the next look is now.
        interface.poll_egress(now, device, &mut self.sockets);
        let wake = interface.poll_at(now, &self.sockets);
        self.wake_us = wake.map_or(u64::MAX, |at| u64::try_from(at.total_micros()).unwrap_or(0));
    }

    /// When [`Self::egress`] has something to do.
    pub(super) const fn wake_us(&self) -> u64 {
        self.wake_us
    }

    /// Something has changed: it may have something to do now.
    pub(super) const fn touch(&mut self) {
        if !self.questions.is_empty() {
            self.wake_us = 0;
        }
    }
}

/// A socket with a datagram that is to be sent, unless nothing can be sent there.
fn sending(local_port: u16, (address, port): (Ipv4Addr, u16), payload: &[u8]) -> Option<Socket<'static>> {
    let buffer = |packets, bytes| PacketBuffer::new(vec![PacketMetadata::EMPTY; packets], vec![0; bytes]);
    let mut socket = Socket::new(buffer(KEPT, KEPT * PACKET_BYTES), buffer(1, payload.len()));
    socket.bind(local_port).ok()?;
    socket.send_slice(payload, IpEndpoint::new(IpAddress::Ipv4(address), port)).ok()?;
    Some(socket)
}
