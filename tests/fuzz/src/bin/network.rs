//! The guest's network on a host that writes into rings, buffers and packets at will: errors, no panic.
#![forbid(unsafe_code)]

use core::net::Ipv4Addr;
use std::process::ExitCode;

use enclave_devices::net::{ConnectionId, ConnectionState, Network, QueryId, QuestionId, Timeouts};
use tests_fuzz::host::{Device, Script, Step};
use tests_fuzz::network::{LIMITS, start};
use tests_fuzz::{Budget, Target};

/// Packets on the host's side, and lists.
const HOST_BYTES: usize = 128 << 10;
/// Answers to a question that are kept between two looks.
const LOOK_ANSWERS: usize = 4;
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);

fn main() -> ExitCode {
    let bytes = usize::try_from(LIMITS.memory_bytes()).unwrap_or(usize::MAX).saturating_add(HOST_BYTES);
    Target { name: "network", max_bytes: 8192, budget: Budget::with(bytes), run }.drive()
}

fn run(input: &[u8]) {
    let started = start();
    assert!(started.is_ok(), "the network does not start: {started:?}");
    let Ok((device, network)) = started else { return };
    let (Some(mut receive), Some(mut transmit)) = (device.queue(0), device.queue(1)) else { return };
    let mut guest =
        Guest { network, now_us: 0, connections: Vec::new(), queries: Vec::new(), questions: Vec::new() };
    let mut script = Script::new(input);
    while let Some(step) = script.next(&mut receive, &mut transmit) {
        match step {
            Step::Look { milliseconds } => guest.now_us += u64::from(milliseconds) * 1_000,
            Step::Send(payload) => guest.act(payload),
        }
        if let Err(error) = guest.network.poll(guest.now_us) {
            return drop(error.to_string());
        }
        guest.follow();
    }
}

/// A user of the network who does what it is told.
struct Guest {
    network: Network<Device>,
    now_us: u64,
    connections: Vec<ConnectionId>,
    queries: Vec<QueryId>,
    questions: Vec<QuestionId>,
}

impl Guest {
    /// The first byte says what to do.
    fn act(&mut self, payload: &[u8]) {
        let Some((choice, rest)) = payload.split_first() else { return };
        let first = self.connections.first().copied();
        match choice % 10 {
            1 => match self.network.connect(GATEWAY, 7, Timeouts::DEFAULT) {
                Ok(id) => self.connections.push(id),
                Err(error) => drop(error.to_string()),
            },
            2 => match self.network.resolve(&String::from_utf8_lossy(rest)) {
                Ok(id) => self.queries.push(id),
                Err(error) => drop(error.to_string()),
            },
            3 => first.into_iter().for_each(|id| self.network.shutdown_send(id)),
            4 => first.into_iter().for_each(|id| self.network.abort(id)),
            5 => first.into_iter().for_each(|id| self.release(id)),
            6 => self.now_us += 1_000_000 * rest.first().map_or(1, |seconds| u64::from(*seconds)),
            7 => self.queries.drain(..).for_each(|id| self.network.forget(id)),
            8 => match self.network.ask(GATEWAY, 2002, rest) {
                Ok(id) => self.questions.push(id),
                Err(error) => drop(error.to_string()),
            },
            9 => core::mem::take(&mut self.questions).into_iter().for_each(|id| self.hang_up(id)),
            _ => {
                let started = self.network.start_probe("10.0.2.2:7", payload, self.now_us, 50_000);
                drop(started.map_err(|error| error.to_string()));
            }
        }
    }

    /// Accepts, echoes, and lets go of what is over.
    fn follow(&mut self) {
        let _outcome = self.network.take_probe(self.now_us);
        let _shown = (self.network.address(), self.network.gateway(), self.network.mac());
        self.connections.extend(core::iter::from_fn(|| self.network.accept()));
        assert!(self.connections.len() <= LIMITS.incoming.connections + LIMITS.outgoing.connections);
        for id in self.connections.clone() {
            self.echo(id);
        }
        let network = &mut self.network;
        self.queries.retain(|id| network.resolved(*id).is_none());
        assert!(self.queries.len() <= LIMITS.queries);
        assert!(self.questions.len() <= LIMITS.datagrams);
        for id in &self.questions {
            let answers = core::iter::from_fn(|| self.network.answered(*id)).count();
            assert!(answers <= LOOK_ANSWERS, "{answers} answers to one question");
        }
    }

    fn hang_up(&mut self, id: QuestionId) {
        self.network.hang_up(id);
        assert_eq!(self.network.answered(id), None);
    }

    fn echo(&mut self, id: ConnectionId) {
        let (room, there) = (self.network.send_room(id), self.network.received_len(id));
        let mut bytes = Vec::new();
        let taken = self.network.receive(id, room, |piece| bytes.extend_from_slice(piece));
        assert_eq!((taken, taken), (bytes.len(), room.min(there)));
        assert_eq!(self.network.send(id, &bytes), taken);
        assert_eq!(self.network.send_room(id), room - taken);
        match self.network.state(id) {
            ConnectionState::Failed(failure) => {
                drop(failure.to_string());
                self.release(id);
            }
            ConnectionState::Closed => self.release(id),
            _ => {}
        }
    }

    fn release(&mut self, id: ConnectionId) {
        self.network.release(id);
        assert_eq!(self.network.state(id), ConnectionState::Closed);
        assert_eq!((self.network.received_len(id), self.network.send_room(id)), (0, 0));
        self.connections.retain(|other| *other != id);
    }
}
