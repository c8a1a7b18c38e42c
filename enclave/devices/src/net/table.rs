//! The connections: whose they are, how far they are, and what becomes of their sockets.
//!
//! A socket of our stack, with its buffers, goes from the pool into a place, serves one connection, and comes back when
//! the connection is over and released. TIME-WAIT ends at once: its socket would be of use for ten seconds only to answer a
//! repeated FIN, which a reset does as well, since both sides have everything by then. The local ports of outgoing
//! connections rest instead, in [`LocalPorts`].

use alloc::collections::{BTreeMap, VecDeque};
use core::net::Ipv4Addr;

use enclave_wire::network::NetworkLimits;
use smoltcp::iface::Interface;
use smoltcp::socket::tcp::{Socket, State};
use smoltcp::wire::{IpAddress, IpEndpoint};

use super::connection::{
    ConnectError, ConnectionId, ConnectionState, Failure, ListenError, Timeouts, is_destination,
};
use super::frame::{Ends, Kind};
use super::line::{Line, Pool};
use super::listener::{LISTENERS_MAX, Listeners};
use super::ports::LocalPorts;
use super::slots::{Live, Role, Side, Slots};

/// How long a released connection may take to close: what was sent still has to arrive.
const LINGER_US: u64 = 10_000_000;
/// How long a reset may take to leave: the next router may be silent.
const RESET_US: u64 = 1_000_000;
/// How long a caller may take to answer our answer.
const HANDSHAKE_US: u64 = 10_000_000;

/// All connections.
pub(super) struct Table {
    pub(super) slots: Slots,
    by_ends: BTreeMap<Ends, usize>,
    incoming: Pool,
    outgoing: Pool,
    listeners: Listeners,
    /// Places of connections that may be accepted, longest wait first.
    accept_queue: VecDeque<usize>,
    /// Questions take theirs from here too: nobody sees the same sequence twice.
    pub(super) ports: LocalPorts,
    now_us: u64,
}

/// Who takes a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taker {
    /// The connection in this place.
    Connection(usize),
    /// A listener that has no socket free: nobody, and nothing is said.
    Full,
    /// Nobody: the stack answers with a reset.
    Nobody,
}

/// What made sockets change since they were last looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// Packets came in.
    Ingress,
    /// Packets were sent, and timers ran out.
    Egress,
}

impl Table {
    /// What the map of ends takes for each connection: nodes are at least half full.
    pub(super) const ENDS_BYTES: usize = 4 * (size_of::<Ends>() + size_of::<usize>());

    pub(super) fn new(limits: &NetworkLimits, seed: u64) -> Self {
        Self {
            slots: Slots::default(),
            by_ends: BTreeMap::new(),
            incoming: Pool::new(limits.incoming),
            outgoing: Pool::new(limits.outgoing),
            listeners: Listeners::default(),
            accept_queue: VecDeque::new(),
            ports: LocalPorts::new(seed),
            now_us: 0,
        }
    }

    pub(super) const fn set_now(&mut self, now_us: u64) {
        self.now_us = now_us;
    }

    /// Begins a connection.
    pub(super) fn connect(
        &mut self,
        peer: (Ipv4Addr, u16),
        timeouts: Timeouts,
        interface: &mut Interface,
    ) -> Result<ConnectionId, ConnectError> {
        if !is_destination(peer) {
            return Err(ConnectError::Destination);
        }
        let too_many = ConnectError::TooMany { limit: self.outgoing.limit() };
        let mut line = self.take_line(Side::Outgoing, &timeouts).ok_or(too_many)?;
        let Some(local_port) = self.ports.take(self.now_us) else {
            self.outgoing.give_back(line);
            return Err(ConnectError::NoLocalPort);
        };
        line.set_silence(timeouts.connect_us);
        let remote = IpEndpoint::new(IpAddress::Ipv4(peer.0), peer.1);
        if line.socket_mut().connect(interface.context(), remote, local_port).is_err() {
            self.ports.give_back(local_port, self.now_us);
            self.outgoing.give_back(line);
            return Err(ConnectError::NoAddress);
        }
        let ends = Ends { local_port, peer };
        let index = self.slots.occupy(Live {
            line,
            side: Side::Outgoing,
            role: Role::Owned,
            last: State::SynSent,
            failure: None,
            timeouts,
            local_port,
            ends: Some(ends),
        });
        self.by_ends.insert(ends, index);
        self.slots.id(index).ok_or(ConnectError::NoAddress)
    }

    pub(super) fn listen(
        &mut self,
        port: u16,
        backlog: usize,
        timeouts: Timeouts,
    ) -> Result<(), ListenError> {
        self.listeners.add(port, backlog, timeouts)?;
        self.ports.reserve(port);
        self.replenish();
        Ok(())
    }

    /// Stops listening; connections that were not accepted are broken off.
    pub(super) fn stop_listening(&mut self, port: u16) {
        if self.listeners.remove(port).is_none() {
            return;
        }
        self.ports.unreserve(port);
        for index in self.slots.indices() {
            let Some(live) = self.slots.get(index).filter(|live| live.local_port == port) else { continue };
            match live.role {
                Role::Listening => self.vacate(index),
                Role::Called | Role::Waiting => self.break_off(index),
                Role::Owned | Role::Draining { .. } => {}
            }
        }
    }

    /// The next connection that others have begun.
    pub(super) fn accept(&mut self) -> Option<ConnectionId> {
        let index = self.accept_queue.pop_front()?;
        self.leave_listener(index);
        self.slots.get_mut(index)?.role = Role::Owned;
        self.replenish();
        self.slots.id(index)
    }

    /// How many such there are.
    pub(super) fn waiting(&self) -> usize {
        self.accept_queue.len()
    }

    pub(super) fn state(&self, id: ConnectionId) -> ConnectionState {
        let Some(live) = self.slots.owned(id) else { return ConnectionState::Closed };
        if let Some(failure) = live.failure {
            return ConnectionState::Failed(failure);
        }
        match live.last {
            State::SynSent | State::SynReceived => ConnectionState::Connecting,
            State::Established | State::FinWait1 | State::FinWait2 => ConnectionState::Open,
            State::CloseWait | State::LastAck | State::Closing => ConnectionState::PeerClosed,
            State::TimeWait | State::Closed | State::Listen => ConnectionState::Closed,
        }
    }

    /// The socket of a connection.
    pub(super) fn socket(&self, id: ConnectionId) -> Option<&Socket<'static>> {
        self.slots.owned(id).map(|live| live.line.socket())
    }

    /// Likewise, to use it: touch the place if there was something to do.
    pub(super) fn socket_mut(&mut self, id: ConnectionId) -> Option<&mut Socket<'static>> {
        self.slots.owned_mut(id).map(|live| live.line.socket_mut())
    }

    /// Ends sending, after what was given to send.
    pub(super) fn shutdown_send(&mut self, id: ConnectionId) {
        self.slots.touch(id.index);
        let live = self.slots.owned_mut(id).filter(|live| live.last != State::SynSent);
        if let Some(live) = live {
            live.line.socket_mut().close();
            live.last = live.line.socket().state();
        }
    }

    /// Breaks a connection off: the other side gets a reset.
    pub(super) fn abort(&mut self, id: ConnectionId) {
        self.slots.touch(id.index);
        if let Some(live) = self.slots.owned_mut(id) {
            live.line.socket_mut().abort();
            live.last = State::Closed;
        }
    }

    /// Gives a connection up: what was sent still arrives, what comes is not read any more.
    pub(super) fn release(&mut self, id: ConnectionId) {
        let now_us = self.now_us;
        let Some(live) = self.slots.owned_mut(id) else { return };
        let socket = live.line.socket_mut();
        let wait_us = match socket.state() {
            State::Closed => RESET_US,
            // Nothing was sent that could still arrive.
            State::SynSent | State::SynReceived => {
                socket.abort();
                RESET_US
            }
            _ => {
                socket.close();
                LINGER_US
            }
        };
        live.last = socket.state();
        live.role = Role::Draining { until_us: now_us.saturating_add(wait_us) };
        self.slots.touch(id.index);
        self.settle(id.index, After::Egress);
    }

    /// All connections are over: this side has another address or none.
    pub(super) fn lose_address(&mut self) {
        for index in self.slots.indices() {
            let Some(live) = self.slots.get_mut(index) else { continue };
            match live.role {
                Role::Listening => {}
                Role::Called | Role::Waiting | Role::Draining { .. } => self.vacate(index),
                Role::Owned if is_over(live.last) => {}
                Role::Owned => {
                    live.line.socket_mut().abort();
                    (live.last, live.failure) = (State::Closed, Some(Failure::Unreachable));
                    self.slots.touch(index);
                }
            }
        }
    }

    /// Who takes a packet of this kind between these ends.
    pub(super) fn taker(&self, kind: Kind, ends: Ends) -> Taker {
        if let Some(index) = self.by_ends.get(&ends) {
            return Taker::Connection(*index);
        }
        match self.listeners.of_port(ends.local_port) {
            Some(listener) if matches!(kind, Kind::Call(_)) => {
                listener.head.map_or(Taker::Full, Taker::Connection)
            }
            _ => Taker::Nobody,
        }
    }

    /// A packet between these ends went to this place. If a listener took it for a call, another socket takes its place.
    pub(super) fn note_packet(&mut self, index: usize, ends: Ends) {
        self.slots.touch(index);
        let Some(live) = self.slots.get_mut(index) else { return };
        if live.role == Role::Listening && live.line.socket().state() != State::Listen {
            (live.role, live.ends) = (Role::Called, Some(ends));
            self.by_ends.insert(ends, index);
            self.listeners.note_call(ends.local_port);
            self.replenish();
        }
    }

    /// Follows what has become of those connections that had something to do.
    pub(super) fn observe(&mut self, after: After) {
        let mut at = 0;
        while let Some(index) = self.slots.touched(at) {
            at += 1;
            let Some(live) = self.slots.get_mut(index) else { continue };
            let (state, unsent) = (live.line.socket().state(), live.line.socket().send_queue() > 0);
            if state != live.last {
                if matches!(state, State::Established | State::CloseWait) {
                    live.line.set_silence(live.timeouts.silence_us);
                }
                live.failure = live.failure.or_else(|| failure_of(live.last, state, after, unsent));
                live.last = state;
            }
            self.settle(index, after);
        }
        self.replenish();
    }

    /// Moves a connection on that is not a user's.
    fn settle(&mut self, index: usize, after: After) {
        let Some(live) = self.slots.get_mut(index) else { return };
        let is_gone = match live.last {
            // The other side's FIN is to be acknowledged yet.
            State::TimeWait => after == After::Egress,
            // With a remote endpoint there is somebody to send a reset to yet.
            State::Closed => live.line.socket().remote_endpoint().is_none(),
            _ => false,
        };
        match live.role {
            Role::Owned | Role::Listening => {}
            Role::Called | Role::Waiting if is_over(live.last) => self.vacate(index),
            // The caller took its call back: the socket listens again, beside the one that took its place.
            Role::Called if live.last == State::Listen => self.vacate(index),
            Role::Called if live.last != State::SynReceived => {
                live.role = Role::Waiting;
                self.accept_queue.push_back(index);
            }
            Role::Called | Role::Waiting => {}
            Role::Draining { .. } if is_gone => self.vacate(index),
            Role::Draining { until_us } if self.now_us >= until_us => self.break_off(index),
            Role::Draining { .. } => discard(live.line.socket_mut()),
        }
    }

    /// Sends a reset if there is still somebody to send it to, and empties the place soon after.
    fn break_off(&mut self, index: usize) {
        self.leave_listener(index);
        let until_us = self.now_us.saturating_add(RESET_US);
        match self.slots.get_mut(index) {
            Some(live) if live.last != State::Closed => {
                live.line.socket_mut().abort();
                (live.last, live.role) = (State::Closed, Role::Draining { until_us });
                self.slots.touch(index);
            }
            _ => self.vacate(index),
        }
    }

    /// Has a socket listen at each port where there is none, as long as there are sockets and its backlog has room.
    fn replenish(&mut self) {
        for at in 0..LISTENERS_MAX {
            let Some(listener) = self.listeners.get(at) else { return };
            if listener.head.is_none() && listener.has_room() {
                let head = self.start_listening(listener.port, listener.timeouts);
                self.listeners.set_head(at, head);
            }
        }
    }

    fn start_listening(&mut self, port: u16, timeouts: Timeouts) -> Option<usize> {
        let mut line = self.take_line(Side::Incoming, &timeouts)?;
        line.set_silence(HANDSHAKE_US);
        if line.socket_mut().listen(port).is_err() {
            self.incoming.give_back(line);
            return None;
        }
        Some(self.slots.occupy(Live {
            line,
            side: Side::Incoming,
            role: Role::Listening,
            last: State::Listen,
            failure: None,
            timeouts,
            local_port: port,
            ends: None,
        }))
    }

    /// A socket from the pool, or that of the connection which has been closing for longest and has nothing to say.
    fn take_line(&mut self, side: Side, timeouts: &Timeouts) -> Option<Line> {
        if !self.pool(side).has_more() {
            let closing = self.slots.iter().filter_map(|(index, live)| match live.role {
                Role::Draining { until_us } if live.side == side && has_said_all(live.last) => {
                    Some((until_us, index))
                }
                _ => None,
            });
            let (_, oldest) = closing.min()?;
            self.vacate(oldest);
        }
        self.pool(side).take(timeouts)
    }

    const fn pool(&mut self, side: Side) -> &mut Pool {
        match side {
            Side::Incoming => &mut self.incoming,
            Side::Outgoing => &mut self.outgoing,
        }
    }

    /// Empties a place: its socket goes back to the pool.
    fn vacate(&mut self, index: usize) {
        self.leave_listener(index);
        let Some(live) = self.slots.vacate(index) else { return };
        if let Some(ends) = live.ends {
            self.by_ends.remove(&ends);
        }
        if live.side == Side::Outgoing {
            self.ports.give_back(live.local_port, self.now_us);
        }
        self.pool(live.side).give_back(live.line);
    }

    /// A connection that was waiting at a listener is not any more.
    fn leave_listener(&mut self, index: usize) {
        let live = self.slots.get(index).filter(|live| matches!(live.role, Role::Called | Role::Waiting));
        let Some(local_port) = live.map(|live| live.local_port) else { return };
        self.accept_queue.retain(|waiting| *waiting != index);
        self.listeners.note_leave(local_port);
    }
}

#[cfg(test)]
impl Table {
    pub(super) fn counts(&self) -> Counts {
        let (incoming, outgoing) = (self.incoming.counts(), self.outgoing.counts());
        let live = self.slots.iter().count();
        let known = self.slots.iter().filter(|(_, live)| live.ends.is_some()).count();
        assert_eq!(self.by_ends.len(), known);
        Counts { live, made: incoming.0 + outgoing.0, spare: incoming.1 + outgoing.1 }
    }
}

/// Places in use, and sockets.
#[cfg(test)]
#[derive(Debug)]
pub(super) struct Counts {
    pub(super) live: usize,
    pub(super) made: usize,
    pub(super) spare: usize,
}

/// Why a connection went from one state to another, unless both sides wanted it.
fn failure_of(from: State, to: State, after: After, unsent: bool) -> Option<Failure> {
    match (from, to, after) {
        (State::Closed | State::TimeWait, _, _) => None,
        (State::SynSent, State::Closed, After::Ingress) => Some(Failure::Refused),
        // The last acknowledgement, or a reset after it.
        (State::LastAck, State::Closed, After::Ingress) if !unsent => None,
        (_, State::Closed, After::Ingress) => Some(Failure::Reset),
        (_, State::Closed, After::Egress) => Some(Failure::TimedOut),
        _ => None,
    }
}

/// Whether all that this side had to say has arrived.
const fn has_said_all(state: State) -> bool {
    matches!(state, State::FinWait2) || is_over(state)
}

const fn is_over(state: State) -> bool {
    matches!(state, State::Closed | State::TimeWait)
}

/// Throws away what has come, so that more may come.
fn discard(socket: &mut Socket<'_>) {
    while socket.can_recv() && socket.recv(|bytes| (bytes.len(), ())).is_ok() {}
}
