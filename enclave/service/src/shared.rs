//! Surroundings that many requests share.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::net::Ipv4Addr;

use spin::Mutex;

use crate::sockets::{Broken, Connection, ConnectionState, Query, Question, Sockets, Unresolved};
use crate::surroundings::{HeapFigures, NetworkFigures, ProbeAnswer, Surroundings};

/// A handle to the surroundings. Each call holds them for its own time only, so that a request and the loop around it
/// never wait for each other.
pub(crate) struct Shared<E>(Arc<Mutex<E>>);

impl<E: Surroundings> Shared<E> {
    pub(crate) fn new(surroundings: E) -> Self {
        Self(Arc::new(Mutex::new(surroundings)))
    }

    /// Does something with the sockets, where there are any.
    pub(crate) fn with_sockets<T>(&self, act: impl FnOnce(&mut dyn Sockets) -> T) -> Option<T> {
        self.0.lock().sockets().map(act)
    }
}

impl<E> Clone for Shared<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<E> fmt::Debug for Shared<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl<E: Surroundings> Surroundings for Shared<E> {
    fn now_ns(&mut self) -> u64 {
        self.0.lock().now_ns()
    }

    fn fill_random(&mut self, bytes: &mut [u8]) {
        self.0.lock().fill_random(bytes);
    }

    fn poll(&mut self) -> Result<(), String> {
        self.0.lock().poll()
    }

    fn heap(&mut self) -> HeapFigures {
        self.0.lock().heap()
    }

    fn begin_job(&mut self) -> Result<(), String> {
        self.0.lock().begin_job()
    }

    fn network(&mut self) -> Option<NetworkFigures> {
        self.0.lock().network()
    }

    fn sockets(&mut self) -> Option<&mut dyn Sockets> {
        let has_sockets = self.0.lock().sockets().is_some();
        has_sockets.then_some(self as &mut dyn Sockets)
    }

    fn start_probe(&mut self, destination: &str, payload: &[u8], timeout_us: u64) -> Result<(), String> {
        self.0.lock().start_probe(destination, payload, timeout_us)
    }

    fn take_probe(&mut self) -> Option<ProbeAnswer> {
        self.0.lock().take_probe()
    }
}

impl<E: Surroundings> Sockets for Shared<E> {
    fn resolve(&mut self, name: &str) -> Option<Query> {
        self.with_sockets(|sockets| sockets.resolve(name)).flatten()
    }

    fn resolved(&mut self, query: Query) -> Option<Result<Vec<Ipv4Addr>, Unresolved>> {
        self.with_sockets(|sockets| sockets.resolved(query)).unwrap_or(Some(Err(Unresolved::Silence)))
    }

    fn forget(&mut self, query: Query) {
        self.with_sockets(|sockets| sockets.forget(query));
    }

    fn ask(&mut self, address: Ipv4Addr, port: u16, payload: &[u8]) -> Result<Question, Broken> {
        self.with_sockets(|sockets| sockets.ask(address, port, payload)).unwrap_or(Err(Broken::Unreachable))
    }

    fn answered(&mut self, question: Question) -> Option<Vec<u8>> {
        self.with_sockets(|sockets| sockets.answered(question)).flatten()
    }

    fn hang_up(&mut self, question: Question) {
        self.with_sockets(|sockets| sockets.hang_up(question));
    }

    fn connect(&mut self, address: Ipv4Addr, port: u16) -> Result<Connection, Broken> {
        self.with_sockets(|sockets| sockets.connect(address, port)).unwrap_or(Err(Broken::Unreachable))
    }

    fn listen(&mut self, port: u16, backlog: usize) -> bool {
        self.with_sockets(|sockets| sockets.listen(port, backlog)).unwrap_or(false)
    }

    fn accept(&mut self) -> Option<Connection> {
        self.with_sockets(|sockets| sockets.accept()).flatten()
    }

    fn waiting(&mut self) -> usize {
        self.with_sockets(|sockets| sockets.waiting()).unwrap_or(0)
    }

    fn state(&mut self, connection: Connection) -> ConnectionState {
        self.with_sockets(|sockets| sockets.state(connection)).unwrap_or(ConnectionState::Closed)
    }

    fn send_room(&mut self, connection: Connection) -> usize {
        self.with_sockets(|sockets| sockets.send_room(connection)).unwrap_or(0)
    }

    fn send(&mut self, connection: Connection, bytes: &[u8]) -> usize {
        self.with_sockets(|sockets| sockets.send(connection, bytes)).unwrap_or(0)
    }

    fn unsent(&mut self, connection: Connection) -> usize {
        self.with_sockets(|sockets| sockets.unsent(connection)).unwrap_or(0)
    }

    fn receive(&mut self, connection: Connection, max_bytes: usize, into: &mut Vec<u8>) -> usize {
        self.with_sockets(|sockets| sockets.receive(connection, max_bytes, into)).unwrap_or(0)
    }

    fn shutdown(&mut self, connection: Connection) {
        self.with_sockets(|sockets| sockets.shutdown(connection));
    }

    fn release(&mut self, connection: Connection) {
        self.with_sockets(|sockets| sockets.release(connection));
    }
}
