//! A network of servers that follow scripts, one for each connection in the order in which they are begun.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::net::Ipv4Addr;

use tests_servers::MemoryServer;

use crate::sockets::{Broken, Connection, ConnectionState, Query, Question, Sockets, Unresolved};

/// What becomes of a connection.
pub(crate) enum Script {
    /// It cannot be begun.
    Impossible(Broken),
    /// Nobody answers.
    Silence,
    /// It fails at once.
    Fails(Broken),
    /// One answer for each request, which is over with its head; to one more, the end.
    Answers(Vec<&'static [u8]>),
    /// A server of HTTPS.
    Tls(Box<MemoryServer>),
}

pub(crate) struct Line {
    script: Script,
    pub(crate) state: ConnectionState,
    /// From the guest.
    pub(crate) sent: Vec<u8>,
    /// To the guest.
    pub(crate) arrived: Vec<u8>,
    answered: usize,
    pub(crate) is_released: bool,
}

#[derive(Default)]
pub(crate) struct Scripted {
    /// Of every name.
    pub(crate) addresses: Vec<Ipv4Addr>,
    scripts: VecDeque<Script>,
    pub(crate) called: Vec<(Ipv4Addr, u16)>,
    lines: BTreeMap<u64, Line>,
}

impl Scripted {
    pub(crate) fn new(scripts: Vec<Script>) -> Self {
        let scripts = scripts.into();
        Self { addresses: alloc::vec![Ipv4Addr::new(192, 0, 2, 7)], scripts, ..Self::default() }
    }

    /// The connection with this number, from 1.
    pub(crate) fn line(&mut self, number: u64) -> &mut Line {
        self.lines.get_mut(&number).expect("it was begun")
    }

    /// The numbers of those that are open as the guest sees it.
    pub(crate) fn held(&self) -> Vec<u64> {
        self.lines.iter().filter(|(_, line)| !line.is_released).map(|(number, _)| *number).collect()
    }
}

impl Line {
    fn take(&mut self, bytes: &[u8]) {
        self.sent.extend_from_slice(bytes);
        match &mut self.script {
            Script::Answers(answers) => {
                let heads = self.sent.windows(4).filter(|window| window == b"\r\n\r\n").count();
                while self.answered < heads {
                    match answers.get(self.answered) {
                        Some(answer) => self.arrived.extend_from_slice(answer),
                        None => self.state = ConnectionState::PeerClosed,
                    }
                    self.answered += 1;
                }
            }
            Script::Tls(server) => self.arrived.extend(server.exchange(bytes)),
            Script::Impossible(_) | Script::Silence | Script::Fails(_) => {}
        }
    }
}

impl Sockets for Scripted {
    fn resolve(&mut self, _name: &str) -> Option<Query> {
        Some(Query(0))
    }

    fn resolved(&mut self, _query: Query) -> Option<Result<Vec<Ipv4Addr>, Unresolved>> {
        Some(Ok(self.addresses.clone()))
    }

    fn forget(&mut self, _query: Query) {}

    fn ask(&mut self, _address: Ipv4Addr, _port: u16, _payload: &[u8]) -> Result<Question, Broken> {
        Err(Broken::Unreachable)
    }

    fn answered(&mut self, _question: Question) -> Option<Vec<u8>> {
        None
    }

    fn hang_up(&mut self, _question: Question) {}

    fn connect(&mut self, address: Ipv4Addr, port: u16) -> Result<Connection, Broken> {
        self.called.push((address, port));
        let script = self.scripts.pop_front().expect("no connection was expected");
        let state = match script {
            Script::Impossible(broken) => return Err(broken),
            Script::Silence => ConnectionState::Connecting,
            Script::Fails(broken) => ConnectionState::Failed(broken),
            Script::Answers(_) | Script::Tls(_) => ConnectionState::Open,
        };
        let number = self.called.len() as u64;
        let (sent, arrived) = (Vec::new(), Vec::new());
        self.lines.insert(number, Line { script, state, sent, arrived, answered: 0, is_released: false });
        Ok(Connection(number))
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
        self.line(connection.0).state
    }

    fn send_room(&mut self, _connection: Connection) -> usize {
        usize::MAX
    }

    fn send(&mut self, connection: Connection, bytes: &[u8]) -> usize {
        let line = self.line(connection.0);
        if line.state != ConnectionState::Open {
            return 0;
        }
        line.take(bytes);
        bytes.len()
    }

    fn unsent(&mut self, _connection: Connection) -> usize {
        0
    }

    fn receive(&mut self, connection: Connection, max_bytes: usize, into: &mut Vec<u8>) -> usize {
        let arrived = &mut self.line(connection.0).arrived;
        let count = arrived.len().min(max_bytes);
        into.extend(arrived.drain(..count));
        count
    }

    fn shutdown(&mut self, _connection: Connection) {}

    fn release(&mut self, connection: Connection) {
        let line = self.line(connection.0);
        assert!(!line.is_released, "once");
        line.is_released = true;
    }
}
