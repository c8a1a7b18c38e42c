//! Two stacks on a cable that can be cut, or lose what it carries.

mod cable;
mod closing;
mod datagrams;
mod figures;
mod listening;
mod memory;
mod names;
mod probing;
mod traffic;
mod udp;

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use smoltcp::wire::Ipv4Cidr;

use self::cable::{End, cable};
use super::*;
use crate::net::SocketLimits;
use crate::net::connection::Failure;

const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PORT: u16 = 80;
/// Questions by UDP that the client may have open.
const QUESTIONS: usize = 3;
/// Simulated time between two looks.
const STEP_US: u64 = 100;

/// A stack and its end of the cable.
struct Host {
    stack: Stack,
    device: End,
}

impl Stack {
    /// When it has something to do by itself, or 0 when there is something already.
    fn wake_us(&self) -> u64 {
        let touched = self.is_service_touched || self.table.slots.is_any_touched();
        let wake_us = self.service_wake_us.min(self.datagrams.wake_us());
        if touched { 0 } else { wake_us.min(self.table.slots.first_wake_us()) }
    }
}

/// Both, and the time.
struct World {
    client: Host,
    server: Host,
    now_us: u64,
}

impl Host {
    fn new(mut device: End, address: Ipv4Addr, limits: &NetworkLimits) -> Self {
        let [.., last] = address.octets();
        let mut stack = Stack::new(&mut device, [2, 0, 0, 0, 0, last], last.into(), limits);
        // DHCP begins by saying that there is no lease.
        stack.poll(0, &mut device);
        stack.apply(terms(address));
        Self { stack, device }
    }

    /// Everything that has come.
    fn take(&mut self, id: ConnectionId) -> Vec<u8> {
        let mut taken = Vec::new();
        let count = self.stack.receive(id, usize::MAX, |bytes| taken.extend_from_slice(bytes));
        assert_eq!(count, taken.len());
        taken
    }
}

impl World {
    fn new() -> Self {
        Self::with_limits(&NetworkLimits::DEFAULT)
    }

    /// A server that listens, with these limits, and a client with the default ones, which may ask besides.
    fn with_limits(limits: &NetworkLimits) -> Self {
        let (left, right) = cable();
        let client = NetworkLimits {
            outgoing: SocketLimits { connections: 1024, ..NetworkLimits::DEFAULT.incoming },
            datagrams: QUESTIONS,
            ..NetworkLimits::DEFAULT
        };
        let mut world = Self {
            client: Host::new(left, CLIENT, &client),
            server: Host::new(right, SERVER, limits),
            now_us: 0,
        };
        world.server.stack.listen(PORT, 256, Timeouts::DEFAULT).unwrap();
        world
    }

    fn step(&mut self) {
        self.now_us += STEP_US;
        self.client.stack.poll(self.now_us, &mut self.client.device);
        self.server.stack.poll(self.now_us, &mut self.server.device);
    }

    fn run_for(&mut self, us: u64) {
        let end_us = self.now_us + us;
        while self.now_us < end_us {
            self.step();
        }
    }

    /// Steps in which nothing is due are skipped.
    fn run_fast_for(&mut self, us: u64) {
        let end_us = self.now_us + us;
        while self.now_us < end_us {
            self.step();
            let busy = self.client.device.has_mail() || self.server.device.has_mail();
            if !busy {
                let wake_us = self.client.stack.wake_us().min(self.server.stack.wake_us());
                self.now_us = self.now_us.max(wake_us.min(end_us).saturating_sub(STEP_US));
            }
        }
    }

    #[track_caller]
    fn run_until<V>(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> Option<V>) -> V {
        let end_us = self.now_us + 5_000_000;
        while self.now_us < end_us {
            self.step();
            if let Some(value) = done(self) {
                return value;
            }
        }
        panic!("never: {what}");
    }

    fn connect(&mut self) -> ConnectionId {
        self.client.stack.connect(SERVER, PORT, Timeouts::DEFAULT).unwrap()
    }

    /// An open connection: its names on both sides.
    fn open(&mut self) -> (ConnectionId, ConnectionId) {
        let client = self.connect();
        let server = self.run_until("accepted", |world| world.server.stack.accept());
        assert_eq!(self.states(client, server), (ConnectionState::Open, ConnectionState::Open));
        (client, server)
    }

    fn states(&self, client: ConnectionId, server: ConnectionId) -> (ConnectionState, ConnectionState) {
        (self.client.stack.state(client), self.server.stack.state(server))
    }

    #[track_caller]
    fn run_to_states(
        &mut self,
        (client, server): (ConnectionId, ConnectionId),
        expected: (ConnectionState, ConnectionState),
    ) {
        for _ in 0..1000 {
            if self.states(client, server) == expected {
                return;
            }
            self.step();
        }
        panic!("expected {expected:?}, found {:?}", self.states(client, server));
    }

    /// Every socket that was made is back, but for those that listen.
    #[track_caller]
    fn assert_nothing_left(&self) {
        let (client, server) = (self.client.stack.table.counts(), self.server.stack.table.counts());
        assert_eq!((client.live, client.made), (0, client.spare), "{client:?}");
        assert_eq!((server.live, server.made), (1, server.spare + 1), "{server:?}");
    }
}

fn terms(address: Ipv4Addr) -> Terms {
    Terms { address: Some(Ipv4Cidr::new(address, 24)), gateway: None, name_servers: Vec::new() }
}

/// Bytes that are not the same anywhere near.
fn pattern(count: usize, seed: usize) -> Vec<u8> {
    (0..count).map(|at| u8::try_from((at * 31 + at / 251 + seed) % 256).unwrap()).collect()
}
