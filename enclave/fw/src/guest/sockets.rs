//! The network as the service's sockets.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::Ipv4Addr;

use enclave_devices::net::{
    AskError, ConnectError, ConnectionId, ConnectionState as NetState, Failure, Network, QueryId, QuestionId,
    ResolveError, Timeouts,
};
use enclave_service::{Broken, Connection, ConnectionState, Query, Question, Sockets, Unresolved};

/// The network with the names that the service has for what is in it. A name is never given twice.
#[derive(Debug)]
pub(super) struct RealSockets {
    pub(super) network: Network,
    last: u64,
    connections: BTreeMap<u64, ConnectionId>,
    queries: BTreeMap<u64, QueryId>,
    questions: BTreeMap<u64, QuestionId>,
}

impl RealSockets {
    pub(super) const fn new(network: Network) -> Self {
        Self {
            network,
            last: 0,
            connections: BTreeMap::new(),
            queries: BTreeMap::new(),
            questions: BTreeMap::new(),
        }
    }

    fn name(&mut self, id: ConnectionId) -> Connection {
        self.last += 1;
        self.connections.insert(self.last, id);
        Connection(self.last)
    }

    fn id(&self, connection: Connection) -> Option<ConnectionId> {
        self.connections.get(&connection.0).copied()
    }
}

impl Sockets for RealSockets {
    fn resolve(&mut self, name: &str) -> Option<Query> {
        let id = self.network.resolve(name).ok()?;
        self.last += 1;
        self.queries.insert(self.last, id);
        Some(Query(self.last))
    }

    fn resolved(&mut self, query: Query) -> Option<Result<Vec<Ipv4Addr>, Unresolved>> {
        let Some(id) = self.queries.get(&query.0) else { return Some(Err(Unresolved::Silence)) };
        let answer = self.network.resolved(*id)?;
        self.queries.remove(&query.0);
        Some(answer.map_err(|error| match error {
            ResolveError::NotFound => Unresolved::Unknown,
            _ => Unresolved::Silence,
        }))
    }

    fn forget(&mut self, query: Query) {
        if let Some(id) = self.queries.remove(&query.0) {
            self.network.forget(id);
        }
    }

    fn ask(&mut self, address: Ipv4Addr, port: u16, payload: &[u8]) -> Result<Question, Broken> {
        let asked = self.network.ask(address, port, payload);
        let id = asked.map_err(|error| match error {
            AskError::TooMany { .. } | AskError::NoLocalPort => Broken::TooMany,
            _ => Broken::Unreachable,
        })?;
        self.last += 1;
        self.questions.insert(self.last, id);
        Ok(Question(self.last))
    }

    fn answered(&mut self, question: Question) -> Option<Vec<u8>> {
        let id = self.questions.get(&question.0)?;
        self.network.answered(*id)
    }

    fn hang_up(&mut self, question: Question) {
        if let Some(id) = self.questions.remove(&question.0) {
            self.network.hang_up(id);
        }
    }

    fn connect(&mut self, address: Ipv4Addr, port: u16) -> Result<Connection, Broken> {
        match self.network.connect(address, port, Timeouts::DEFAULT) {
            Ok(id) => Ok(self.name(id)),
            Err(ConnectError::TooMany { .. } | ConnectError::NoLocalPort) => Err(Broken::TooMany),
            Err(_) => Err(Broken::Unreachable),
        }
    }

    fn listen(&mut self, port: u16, backlog: usize) -> bool {
        self.network.listen(port, backlog, Timeouts::DEFAULT).is_ok()
    }

    fn accept(&mut self) -> Option<Connection> {
        let id = self.network.accept()?;
        Some(self.name(id))
    }

    fn waiting(&mut self) -> usize {
        self.network.waiting()
    }

    fn state(&mut self, connection: Connection) -> ConnectionState {
        let state = self.id(connection).map_or(NetState::Closed, |id| self.network.state(id));
        match state {
            NetState::Connecting => ConnectionState::Connecting,
            NetState::Open => ConnectionState::Open,
            NetState::PeerClosed => ConnectionState::PeerClosed,
            NetState::Failed(Failure::Refused) => ConnectionState::Failed(Broken::Refused),
            NetState::Failed(Failure::TimedOut) => ConnectionState::Failed(Broken::TimedOut),
            NetState::Failed(Failure::Unreachable) => ConnectionState::Failed(Broken::Unreachable),
            NetState::Failed(_) => ConnectionState::Failed(Broken::Reset),
            _ => ConnectionState::Closed,
        }
    }

    fn send_room(&mut self, connection: Connection) -> usize {
        self.id(connection).map_or(0, |id| self.network.send_room(id))
    }

    fn send(&mut self, connection: Connection, bytes: &[u8]) -> usize {
        self.id(connection).map_or(0, |id| self.network.send(id, bytes))
    }

    fn unsent(&mut self, connection: Connection) -> usize {
        self.id(connection).map_or(0, |id| self.network.unsent_len(id))
    }

    fn receive(&mut self, connection: Connection, max_bytes: usize, into: &mut Vec<u8>) -> usize {
        let Some(id) = self.id(connection) else { return 0 };
        self.network.receive(id, max_bytes, |piece| into.extend_from_slice(piece))
    }

    fn shutdown(&mut self, connection: Connection) {
        if let Some(id) = self.id(connection) {
            self.network.shutdown_send(id);
        }
    }

    fn release(&mut self, connection: Connection) {
        if let Some(id) = self.connections.remove(&connection.0) {
            self.network.release(id);
        }
    }
}
