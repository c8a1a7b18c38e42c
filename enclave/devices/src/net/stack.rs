//! TCP/IP above a device: one interface, its sockets, and the time at which they next have something to do.
//!
//! Only those sockets are looked at that have something to do: that were sent a packet, used by their user, or whose timer
//! runs out. With nothing of all that, a look is one question to the device.

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use enclave_wire::network::NetworkLimits;
use smoltcp::iface::{Config, Interface, PollResult, SocketSet};
use smoltcp::phy::Device;
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress};

use super::connection::{ConnectError, ConnectionId, ConnectionState, ListenError, ResolveError, Timeouts};
use super::datagrams::{AskError, Datagrams, QuestionId};
use super::frame::{self, Delivery, Kind};
use super::lease::{Lease, Terms};
use super::resolver::{QueryId, Resolver, SERVERS_MAX};
use super::slots::Role;
use super::table::{After, Table, Taker};

/// Most packets that come in at one look, so that a host with more of them does not keep us here.
const PACKETS_AT_ONCE: usize = 256;
/// Most packets that one connection sends at one look.
const SENDS_AT_ONCE: usize = 64;

/// The stack, without its device.
pub(super) struct Stack {
    interface: Interface,
    /// For DHCP and DNS. Takes what is for no connection and no question.
    services: SocketSet<'static>,
    lease: Lease,
    resolver: Resolver,
    is_service_touched: bool,
    service_wake_us: u64,
    datagrams: Datagrams,
    table: Table,
    now_us: u64,
    /// The frame that is being looked at.
    frame: Vec<u8>,
    /// Those that are sending.
    senders: Vec<usize>,
    /// Which of them was first last time.
    turn: usize,
}

impl Stack {
    pub(super) fn new(device: &mut impl Device, mac: [u8; 6], seed: u64, limits: &NetworkLimits) -> Self {
        let mut config = Config::new(HardwareAddress::Ethernet(EthernetAddress(mac)));
        config.random_seed = seed;
        let interface = Interface::new(config, device, Instant::ZERO);
        let mut services = SocketSet::new(Vec::with_capacity(SERVERS_MAX + 1));
        let lease = Lease::new(&mut services);
        let resolver = Resolver::new(limits.queries, &mut services);
        Self {
            interface,
            services,
            lease,
            resolver,
            is_service_touched: true,
            service_wake_us: 0,
            datagrams: Datagrams::new(limits.datagrams),
            table: Table::new(limits, seed),
            now_us: 0,
            frame: Vec::new(),
            senders: Vec::new(),
            turn: 0,
        }
    }

    /// Moves packets and timers along; never blocks.
    pub(super) fn poll(&mut self, now_us: u64, device: &mut impl Device) {
        self.now_us = now_us;
        self.table.set_now(now_us);
        self.resolver.set_now(now_us);
        self.ingress(device);
        // They are few, of one packet each: they wait for no connection's turn.
        if now_us >= self.datagrams.wake_us() {
            self.datagrams.egress(smoltcp_time(now_us), &mut self.interface, device);
        }
        if now_us >= self.table.slots.first_wake_us() {
            self.table.slots.touch_due(now_us);
        }
        if self.table.slots.is_any_touched() {
            self.table.observe(After::Ingress);
            self.egress(device);
            self.table.observe(After::Egress);
            self.note_wakes();
        }
        if self.is_service_touched || now_us >= self.service_wake_us {
            self.serve(device);
        }
    }

    /// Takes packets in.
    fn ingress(&mut self, device: &mut impl Device) {
        let now = smoltcp_time(self.now_us);
        for _ in 0..PACKETS_AT_ONCE {
            let mut frame = core::mem::take(&mut self.frame);
            let is_there = frame::take(device, now, &mut frame);
            if is_there {
                self.deliver(&frame, device);
            }
            self.frame = frame;
            if !is_there {
                return;
            }
        }
    }

    fn deliver(&mut self, frame: &[u8], device: &mut impl Device) {
        let (now, mut delivery) = (smoltcp_time(self.now_us), Delivery::new(device, frame));
        let kind = frame::kind_of(frame);
        if let Kind::Call(ends) | Kind::Segment(ends) = kind {
            match self.table.taker(kind, ends) {
                Taker::Nobody => {}
                // A reset would tell the caller to give up. Without an answer it calls again after a second, as RFC 9293
                // asks of it in section 3.8.1.
                Taker::Full => return,
                Taker::Connection(index) => {
                    if let Some(live) = self.table.slots.get_mut(index) {
                        live.line.ingress(now, &mut self.interface, &mut delivery);
                    }
                    return self.table.note_packet(index, ends);
                }
            }
        }
        if let Kind::Datagram(ends) = kind
            && self.datagrams.expects(ends)
        {
            return self.datagrams.ingress(now, &mut self.interface, &mut delivery);
        }
        self.interface.poll_ingress_single(now, &mut delivery, &mut self.services);
        match kind {
            Kind::Call(_) | Kind::Segment(_) => {}
            // Whoever has been waiting for a neighbour's hardware address can go on.
            Kind::Arp => self.touch_all(),
            Kind::Datagram(_) | Kind::Other => self.is_service_touched = true,
        }
    }

    /// Has those send that have something to send, a packet each in turn.
    fn egress(&mut self, device: &mut impl Device) {
        let now = smoltcp_time(self.now_us);
        self.senders.clear();
        self.senders.extend((0..).map_while(|at| self.table.slots.touched(at)));
        // Where the device has no room for all, it is not always the same who have to wait.
        self.turn = self.turn.wrapping_add(1);
        let first = self.turn % self.senders.len().max(1);
        self.senders.rotate_left(first);
        let (slots, interface) = (&mut self.table.slots, &mut self.interface);
        for _ in 0..SENDS_AT_ONCE {
            let mut send = |index: &usize| {
                slots.get_mut(*index).is_some_and(|live| live.line.egress(now, interface, device))
            };
            self.senders.retain(|index| send(index));
            if self.senders.is_empty() {
                return;
            }
        }
    }

    /// Sets the alarms of those that were looked at.
    fn note_wakes(&mut self) {
        let (now, slots) = (smoltcp_time(self.now_us), &mut self.table.slots);
        let mut at = 0;
        while let Some(index) = slots.touched(at) {
            at += 1;
            let Some(live) = slots.get(index) else { continue };
            let wake_us = live.line.wake_us(now, &mut self.interface);
            let end_us = if let Role::Draining { until_us } = live.role { until_us } else { u64::MAX };
            slots.set_wake(index, wake_us.min(end_us));
        }
        slots.clear_touched();
    }

    /// Moves DHCP and DNS along.
    fn serve(&mut self, device: &mut impl Device) {
        let now = smoltcp_time(self.now_us);
        self.is_service_touched = false;
        for _ in 0..SENDS_AT_ONCE {
            if matches!(self.interface.poll_egress(now, device, &mut self.services), PollResult::None) {
                break;
            }
        }
        if let Some(terms) = self.lease.follow(&mut self.services) {
            self.apply(terms);
        }
        self.resolver.advance(&mut self.interface, &mut self.services);
        let wake = self.interface.poll_at(now, &self.services);
        let wake_us = wake.map_or(u64::MAX, |at| u64::try_from(at.total_micros()).unwrap_or(0));
        self.service_wake_us = wake_us.min(self.resolver.deadline_us().unwrap_or(u64::MAX));
    }

    fn touch_all(&mut self) {
        self.is_service_touched = true;
        self.datagrams.touch();
        for index in self.table.slots.indices() {
            self.table.slots.touch(index);
        }
    }

    /// Puts the terms of a lease into force.
    pub(super) fn apply(&mut self, terms: Terms) {
        self.resolver.set_servers(&terms.name_servers, &mut self.services);
        if self.lease.apply(terms, &mut self.interface) {
            self.table.lose_address();
        }
        self.touch_all();
    }

    pub(super) const fn terms(&self) -> &Terms {
        self.lease.terms()
    }

    pub(super) fn connect(
        &mut self,
        address: Ipv4Addr,
        port: u16,
        timeouts: Timeouts,
    ) -> Result<ConnectionId, ConnectError> {
        if self.terms().address.is_none() {
            return Err(ConnectError::NoAddress);
        }
        if !self.lease.reaches(address) {
            return Err(ConnectError::Unreachable);
        }
        self.table.connect((address, port), timeouts, &mut self.interface)
    }

    pub(super) fn listen(
        &mut self,
        port: u16,
        backlog: usize,
        timeouts: Timeouts,
    ) -> Result<(), ListenError> {
        self.table.listen(port, backlog, timeouts)
    }

    pub(super) fn stop_listening(&mut self, port: u16) {
        self.table.stop_listening(port);
    }

    pub(super) fn accept(&mut self) -> Option<ConnectionId> {
        self.table.accept()
    }

    pub(super) fn waiting(&self) -> usize {
        self.table.waiting()
    }

    pub(super) fn state(&self, id: ConnectionId) -> ConnectionState {
        self.table.state(id)
    }

    pub(super) fn peer(&self, id: ConnectionId) -> Option<(Ipv4Addr, u16)> {
        let remote = self.table.socket(id)?.remote_endpoint()?;
        let IpAddress::Ipv4(address) = remote.addr;
        Some((address, remote.port))
    }

    pub(super) fn send(&mut self, id: ConnectionId, bytes: &[u8]) -> usize {
        let Some(socket) = self.table.socket_mut(id) else { return 0 };
        let accepted = socket.send_slice(bytes).unwrap_or(0);
        if accepted > 0 {
            self.table.slots.touch(id.index);
        }
        accepted
    }

    pub(super) fn send_room(&self, id: ConnectionId) -> usize {
        let socket = self.table.socket(id).filter(|socket| socket.may_send());
        socket.map_or(0, |socket| socket.send_capacity().saturating_sub(socket.send_queue()))
    }

    pub(super) fn unsent_len(&self, id: ConnectionId) -> usize {
        self.table.socket(id).map_or(0, |socket| socket.send_queue())
    }

    pub(super) fn receive(
        &mut self,
        id: ConnectionId,
        max_bytes: usize,
        mut consume: impl FnMut(&[u8]),
    ) -> usize {
        let Some(socket) = self.table.socket_mut(id) else { return 0 };
        let mut total = 0;
        // What has come lies in one piece, or in two where the buffer wraps around.
        while total < max_bytes && socket.can_recv() {
            let taken = socket.recv(|bytes| {
                let piece = bytes.get(..max_bytes - total).unwrap_or(bytes);
                consume(piece);
                (piece.len(), piece.len())
            });
            let Ok(taken) = taken else { break };
            total += taken;
        }
        if total > 0 {
            self.table.slots.touch(id.index);
        }
        total
    }

    pub(super) fn received_len(&self, id: ConnectionId) -> usize {
        self.table.socket(id).map_or(0, |socket| socket.recv_queue())
    }

    pub(super) fn shutdown_send(&mut self, id: ConnectionId) {
        self.table.shutdown_send(id);
    }

    pub(super) fn abort(&mut self, id: ConnectionId) {
        self.table.abort(id);
    }

    pub(super) fn release(&mut self, id: ConnectionId) {
        self.table.release(id);
    }

    pub(super) fn resolve(&mut self, name: &str) -> Result<QueryId, ResolveError> {
        self.is_service_touched = true;
        self.resolver.resolve(name, &mut self.interface, &mut self.services)
    }

    pub(super) fn resolved(&mut self, id: QueryId) -> Option<Result<Vec<Ipv4Addr>, ResolveError>> {
        self.resolver.resolved(id)
    }

    pub(super) fn forget(&mut self, id: QueryId) {
        self.resolver.forget(id, &mut self.services);
    }

    pub(super) fn ask(
        &mut self,
        address: Ipv4Addr,
        port: u16,
        payload: &[u8],
    ) -> Result<QuestionId, AskError> {
        if self.terms().address.is_none() {
            return Err(AskError::NoAddress);
        }
        if !self.lease.reaches(address) {
            return Err(AskError::Unreachable);
        }
        self.datagrams.ask((address, port), payload, &mut self.table.ports, self.now_us)
    }

    pub(super) fn answered(&mut self, id: QuestionId) -> Option<Vec<u8>> {
        self.datagrams.answered(id)
    }

    pub(super) fn hang_up(&mut self, id: QuestionId) {
        self.datagrams.hang_up(id, &mut self.table.ports, self.now_us);
    }
}

fn smoltcp_time(now_us: u64) -> Instant {
    Instant::from_micros(i64::try_from(now_us).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
