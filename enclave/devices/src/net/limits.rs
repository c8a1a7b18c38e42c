//! What a connection, a name and a question take here, held against what the builder of an image counts for them.

use enclave_wire::network::{CONNECTION_BYTES, DATAGRAM_BYTES, IDLE_BYTES, QUERY_BYTES};
use smoltcp::iface::SocketStorage;
use smoltcp::socket::dns::DnsQuery;

use super::connection::ConnectionId;
use super::datagrams::Datagrams;
use super::device::DEVICE_BYTES;
use super::line::Line;
use super::ports::LocalPorts;
use super::resolver::{Resolver, SERVERS_MAX};
use super::slots::Slots;
use super::table::Table;

/// Names that a user of the network keeps for its connections, in a map: nodes are at least half full.
const NAME_BYTES: usize = 4 * size_of::<(u64, ConnectionId)>();

/// Its set, its entries in the list of spare ones and among the places, and its names.
const LINE_BYTES: usize =
    size_of::<SocketStorage<'_>>() + size_of::<Line>() + Slots::BYTES + Table::ENDS_BYTES + NAME_BYTES;
const _: () =
    assert!(LINE_BYTES as u64 <= CONNECTION_BYTES, "a connection takes more than is counted for it");

/// Lists of names that are resolved grow by doubling, once for each server and once for us.
const RESOLVING_BYTES: usize =
    2 * (size_of::<Option<DnsQuery>>() * SERVERS_MAX + Resolver::QUERY_BYTES + NAME_BYTES);
const _: () = assert!(RESOLVING_BYTES as u64 <= QUERY_BYTES, "a name takes more than is counted for it");

/// Its place, its socket with what is sent and what has come, and its names.
const ASKING_BYTES: usize = Datagrams::QUESTION_BYTES + NAME_BYTES;
const _: () = assert!(ASKING_BYTES as u64 <= DATAGRAM_BYTES, "a question takes more than is counted for it");

/// The sets of DHCP and DNS, and packets that are looked at.
const SERVICES_BYTES: usize = size_of::<SocketStorage<'_>>() * (SERVERS_MAX + 1) + (64 << 10);
const _: () = assert!(
    LocalPorts::MEMORY_BYTES + (DEVICE_BYTES + SERVICES_BYTES) as u64 <= IDLE_BYTES,
    "a network takes more than is counted for it"
);
