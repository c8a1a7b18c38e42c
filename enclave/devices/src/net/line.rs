//! A socket in a set of its own, with its buffers, and the places where they are kept.

use alloc::vec;
use alloc::vec::Vec;

use enclave_wire::network::SocketLimits;
use smoltcp::iface::{Interface, PollResult, SocketHandle, SocketSet};
use smoltcp::phy::Device;
use smoltcp::socket::tcp::{Socket, SocketBuffer};
use smoltcp::time::{Duration, Instant};

use super::connection::Timeouts;

/// What serves one connection after the other.
pub(super) struct Line {
    set: SocketSet<'static>,
    handle: SocketHandle,
}

impl Line {
    fn new(limits: &SocketLimits) -> Self {
        let buffer = |bytes: usize| SocketBuffer::new(vec![0; bytes]);
        let mut socket = Socket::new(buffer(limits.receive_bytes), buffer(limits.send_bytes));
        // Small messages that wait for each other: neither side may wait for more to come.
        socket.set_nagle_enabled(false);
        socket.set_ack_delay(None);
        let mut set = SocketSet::new(Vec::with_capacity(1));
        let handle = set.add(socket);
        Self { set, handle }
    }

    pub(super) fn socket(&self) -> &Socket<'static> {
        self.set.get(self.handle)
    }

    pub(super) fn socket_mut(&mut self) -> &mut Socket<'static> {
        self.set.get_mut(self.handle)
    }

    /// The connection fails after so much silence.
    pub(super) fn set_silence(&mut self, silence_us: u64) {
        self.socket_mut().set_timeout(Some(duration(silence_us)));
    }

    /// Takes in the packet that the device has received.
    pub(super) fn ingress(&mut self, now: Instant, interface: &mut Interface, device: &mut impl Device) {
        interface.poll_ingress_single(now, device, &mut self.set);
    }

    /// Sends the next packet, and does what timers say; whether there may be more to send.
    pub(super) fn egress(
        &mut self,
        now: Instant,
        interface: &mut Interface,
        device: &mut impl Device,
    ) -> bool {
        !matches!(interface.poll_egress(now, device, &mut self.set), PollResult::None)
    }

    /// When there is something to send or a timer runs out.
    pub(super) fn wake_us(&self, now: Instant, interface: &mut Interface) -> u64 {
        let wake = interface.poll_at(now, &self.set);
        wake.map_or(u64::MAX, |at| u64::try_from(at.total_micros()).unwrap_or(0))
    }
}

/// Lines of one size: made when first needed, and then used again and again.
pub(super) struct Pool {
    limits: SocketLimits,
    made: usize,
    spare: Vec<Line>,
}

impl Pool {
    pub(super) const fn new(limits: SocketLimits) -> Self {
        Self { limits: limits.sane(), made: 0, spare: Vec::new() }
    }

    /// How many there may be.
    pub(super) const fn limit(&self) -> usize {
        self.limits.connections
    }

    pub(super) const fn has_more(&self) -> bool {
        !self.spare.is_empty() || self.made < self.limits.connections
    }

    /// A closed one.
    pub(super) fn take(&mut self, timeouts: &Timeouts) -> Option<Line> {
        if !self.has_more() {
            return None;
        }
        let mut line = self.spare.pop().unwrap_or_else(|| {
            self.made += 1;
            // There is none in it now; later it has room for all of them, and for no more.
            self.spare.reserve_exact(self.made);
            Line::new(&self.limits)
        });
        line.socket_mut().set_keep_alive(timeouts.keep_alive_us.map(duration));
        Some(line)
    }

    /// Takes a line back; its connection, if there still is one, is forgotten.
    pub(super) fn give_back(&mut self, mut line: Line) {
        line.socket_mut().abort();
        self.spare.push(line);
    }

    #[cfg(test)]
    pub(super) const fn counts(&self) -> (usize, usize) {
        (self.made, self.spare.len())
    }
}

fn duration(us: u64) -> Duration {
    Duration::from_micros(us.max(1_000))
}
