//! Connections, names and datagrams, as the guest's network has them.

use alloc::vec::Vec;
use core::net::Ipv4Addr;

/// TCP, DNS and UDP. Every function returns at once; [`Surroundings::poll`](crate::Surroundings::poll) moves things along.
/// Whatever comes from here is the host's to change: names may resolve to anything, and bytes may be anybody's.
pub trait Sockets {
    /// Asks for the addresses of a name; `None` where nobody can be asked.
    fn resolve(&mut self, name: &str) -> Option<Query>;

    /// The answer, once there is one; the query is then forgotten. `Err` says whether the servers knew no address, or did
    /// not answer.
    fn resolved(&mut self, query: Query) -> Option<Result<Vec<Ipv4Addr>, Unresolved>>;

    /// Forgets a query that has no answer yet.
    fn forget(&mut self, query: Query);

    /// Sends a datagram to a server, once.
    ///
    /// # Errors
    /// Why it is not sent.
    fn ask(&mut self, address: Ipv4Addr, port: u16, payload: &[u8]) -> Result<Question, Broken>;

    /// The next datagram that came back from there. It may be anybody's, and so may many before the answer.
    fn answered(&mut self, question: Question) -> Option<Vec<u8>>;

    /// Forgets a question, answered or not.
    fn hang_up(&mut self, question: Question);

    /// Begins a connection.
    ///
    /// # Errors
    /// Why there is none.
    fn connect(&mut self, address: Ipv4Addr, port: u16) -> Result<Connection, Broken>;

    /// Opens a port. `false` where that cannot be.
    fn listen(&mut self, port: u16, backlog: usize) -> bool;

    /// Takes the next connection to the port that [`listen`](Self::listen) opened.
    fn accept(&mut self) -> Option<Connection>;

    /// How many connections [`accept`](Self::accept) would give now.
    fn waiting(&mut self) -> usize;

    /// Where a connection is.
    fn state(&mut self, connection: Connection) -> ConnectionState;

    /// How many bytes [`send`](Self::send) takes now.
    fn send_room(&mut self, connection: Connection) -> usize;

    /// Takes as many bytes as there is room for, and says how many.
    fn send(&mut self, connection: Connection, bytes: &[u8]) -> usize;

    /// How many bytes are on the way that the peer has not confirmed.
    fn unsent(&mut self, connection: Connection) -> usize;

    /// Appends up to `max_bytes` of what has arrived, and says how many.
    fn receive(&mut self, connection: Connection, max_bytes: usize, into: &mut Vec<u8>) -> usize;

    /// Sends the end of our side, after everything that was taken.
    fn shutdown(&mut self, connection: Connection);

    /// Forgets a connection; one that is not closed is reset.
    fn release(&mut self, connection: Connection);
}

/// A question to DNS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query(pub u64);

/// Why a name has no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unresolved {
    /// The servers do not know it.
    Unknown,
    /// They do not answer.
    Silence,
}

/// A question to a server by UDP: there may be an answer until it is hung up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question(pub u64);

/// A TCP connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection(pub u64);

/// Where a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionState {
    /// Not there yet.
    Connecting,
    /// Both sides may send.
    Open,
    /// The peer sends nothing more; what has arrived can still be received.
    PeerClosed,
    /// Over, in good order.
    Closed,
    /// Over.
    Failed(Broken),
}

/// Why a connection is over, or it or a question never came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// Nobody listens there.
    Refused,
    /// The peer broke it off.
    Reset,
    /// The peer was silent for too long.
    TimedOut,
    /// There is no way there.
    Unreachable,
    /// There are as many connections, or questions, as there may be.
    TooMany,
}
