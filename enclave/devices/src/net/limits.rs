//! How many connections there may be, and the memory that they take.

use smoltcp::iface::SocketStorage;
use smoltcp::socket::dns::DnsQuery;

use super::line::Line;
use super::ports::LocalPorts;
use super::resolver::SERVERS_MAX;
use super::slots::Slots;
use super::table::Table;

/// Less than a full packet is of no use; more than this no window of ours has to have.
const BUFFER_BYTES: (usize, usize) = (2048, 1 << 20);

/// Connections of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketLimits {
    /// How many at a time, those included that are being opened or closed, and of each port the one that is awaited.
    pub connections: usize,
    /// What each can hold of what has come: the largest window that the other side sees.
    pub receive_bytes: usize,
    /// What each can hold of what is to be sent or not acknowledged.
    pub send_bytes: usize,
}

/// What the network may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkLimits {
    /// Connections that this side begins.
    pub outgoing: SocketLimits,
    /// Connections that others begin.
    pub incoming: SocketLimits,
    /// Names that are being resolved.
    pub queries: usize,
}

impl NetworkLimits {
    /// For a service with 256 connections and more, a few of its own, and bodies in pieces of some ten kilobytes.
    pub const DEFAULT: Self = Self {
        outgoing: SocketLimits { connections: 64, receive_bytes: 64 << 10, send_bytes: 32 << 10 },
        incoming: SocketLimits { connections: 384, receive_bytes: 16 << 10, send_bytes: 32 << 10 },
        queries: 32,
    };

    /// The most bytes of heap that connections, questions and their lists take with these limits. Sockets are made when
    /// they are first needed and then kept, so this is what a guest that has been busy holds.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        let sockets = [self.outgoing, self.incoming].map(|sockets| sockets.memory_bytes());
        let servers = (size_of::<SocketStorage<'_>>() * SERVERS_MAX) as u64;
        // Lists of questions grow by doubling, once for each server and once for us.
        let query_bytes = (size_of::<Option<DnsQuery>>() * SERVERS_MAX + 512) as u64;
        let queries = query_bytes.saturating_mul(self.queries.next_power_of_two() as u64);
        let parts = sockets.into_iter().chain([servers, queries, LocalPorts::MEMORY_BYTES]);
        parts.fold(0, u64::saturating_add)
    }
}

impl SocketLimits {
    /// With buffers of a size that works.
    pub(super) const fn sane(self) -> Self {
        Self {
            connections: self.connections,
            receive_bytes: sane_buffer(self.receive_bytes),
            send_bytes: sane_buffer(self.send_bytes),
        }
    }

    fn memory_bytes(&self) -> u64 {
        let sane = self.sane();
        // Its set, its entries in the list of spare ones and among the places, and its name.
        let lists = size_of::<SocketStorage<'_>>() + size_of::<Line>() + Slots::BYTES + Table::ENDS_BYTES;
        let each = (sane.receive_bytes + sane.send_bytes + lists) as u64;
        each.saturating_mul(self.connections as u64)
    }
}

const fn sane_buffer(bytes: usize) -> usize {
    let (least, most) = BUFFER_BYTES;
    if bytes < least {
        least
    } else if bytes > most {
        most
    } else {
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_mostly_buffers() {
        let limits = NetworkLimits::DEFAULT;
        let buffers = 64 * (96 << 10) + 384 * (48 << 10);
        let bytes = limits.memory_bytes();
        assert!((buffers..buffers + (1 << 20) + (256 << 10)).contains(&bytes), "{bytes}");
        let more = NetworkLimits { queries: 64, ..limits }.memory_bytes();
        assert!(more > bytes);
    }

    #[test]
    fn absurd_limits_are_brought_to_sense() {
        let limits = SocketLimits { connections: 1, receive_bytes: 0, send_bytes: usize::MAX }.sane();
        assert_eq!((limits.receive_bytes, limits.send_bytes), (2048, 1 << 20));
    }
}
