//! Surroundings of a guest's service on this machine: its time, and its loopback in the place of the guest's own network.

use core::net::Ipv4Addr;
use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpStream, UdpSocket};
use std::time::Instant;

use enclave_service::{
    Broken, Connection, ConnectionState, HeapFigures, NetworkFigures, ProbeAnswer, Query, Question, Sockets,
    Surroundings, Unresolved,
};

/// Every name and port of TCP leads to one server.
#[derive(Debug)]
pub(crate) struct Loopback {
    port: u16,
    started: Instant,
    open: HashMap<u64, (TcpStream, ConnectionState)>,
    /// Questions about the time.
    asked: HashMap<u64, UdpSocket>,
    next: u64,
}

impl Loopback {
    /// All connections lead to this port.
    pub(crate) fn to(port: u16) -> Self {
        Self { port, started: Instant::now(), open: HashMap::new(), asked: HashMap::new(), next: 0 }
    }
}

impl Surroundings for Loopback {
    fn now_ns(&mut self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn fill_random(&mut self, bytes: &mut [u8]) {
        bytes.fill(0x5A);
    }

    fn poll(&mut self) -> Result<(), String> {
        Ok(())
    }

    fn heap(&mut self) -> HeapFigures {
        HeapFigures::default()
    }

    fn begin_job(&mut self) -> Result<(), String> {
        Ok(())
    }

    fn network(&mut self) -> Option<NetworkFigures> {
        None
    }

    fn sockets(&mut self) -> Option<&mut dyn Sockets> {
        Some(self)
    }

    fn start_probe(&mut self, _destination: &str, _payload: &[u8], _timeout_us: u64) -> Result<(), String> {
        Err("not offered here".into())
    }

    fn take_probe(&mut self) -> Option<ProbeAnswer> {
        None
    }
}

impl Sockets for Loopback {
    fn resolve(&mut self, _name: &str) -> Option<Query> {
        Some(Query(0))
    }

    fn resolved(&mut self, _query: Query) -> Option<Result<Vec<Ipv4Addr>, Unresolved>> {
        Some(Ok(vec![Ipv4Addr::LOCALHOST]))
    }

    fn forget(&mut self, _query: Query) {}

    fn ask(&mut self, address: Ipv4Addr, port: u16, payload: &[u8]) -> Result<Question, Broken> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|_| Broken::Unreachable)?;
        let is_sent = socket.set_nonblocking(true).and_then(|()| socket.send_to(payload, (address, port)));
        is_sent.map_err(|_| Broken::Unreachable)?;
        self.next += 1;
        self.asked.insert(self.next, socket);
        Ok(Question(self.next))
    }

    fn answered(&mut self, question: Question) -> Option<Vec<u8>> {
        let mut answer = vec![0; 4096];
        let count = self.asked.get(&question.0)?.recv(&mut answer).ok()?;
        answer.truncate(count);
        Some(answer)
    }

    fn hang_up(&mut self, question: Question) {
        self.asked.remove(&question.0);
    }

    fn connect(&mut self, address: Ipv4Addr, _port: u16) -> Result<Connection, Broken> {
        let stream = TcpStream::connect((address, self.port)).map_err(|_| Broken::Refused)?;
        stream.set_nonblocking(true).map_err(|_| Broken::Reset)?;
        self.next += 1;
        self.open.insert(self.next, (stream, ConnectionState::Open));
        Ok(Connection(self.next))
    }

    fn listen(&mut self, _port: u16, _backlog: usize) -> bool {
        false
    }

    fn accept(&mut self) -> Option<Connection> {
        None
    }

    fn waiting(&mut self) -> usize {
        0
    }

    fn state(&mut self, connection: Connection) -> ConnectionState {
        self.open.get(&connection.0).map_or(ConnectionState::Closed, |(_, state)| *state)
    }

    fn send_room(&mut self, _connection: Connection) -> usize {
        64 << 10
    }

    fn send(&mut self, connection: Connection, bytes: &[u8]) -> usize {
        let Some((stream, _)) = self.open.get_mut(&connection.0).filter(|_| !bytes.is_empty()) else {
            return 0;
        };
        stream.write(bytes).unwrap_or(0)
    }

    fn unsent(&mut self, _connection: Connection) -> usize {
        0
    }

    fn receive(&mut self, connection: Connection, max_bytes: usize, into: &mut Vec<u8>) -> usize {
        let Some((stream, state)) = self.open.get_mut(&connection.0).filter(|_| max_bytes > 0) else {
            return 0;
        };
        let begin = into.len();
        into.resize(begin + max_bytes, 0);
        let count = match stream.read(&mut into[begin..]) {
            Ok(0) => {
                *state = ConnectionState::PeerClosed;
                0
            }
            Ok(count) => count,
            Err(_) => 0,
        };
        into.truncate(begin + count);
        count
    }

    fn shutdown(&mut self, _connection: Connection) {}

    fn release(&mut self, connection: Connection) {
        self.open.remove(&connection.0);
    }
}
