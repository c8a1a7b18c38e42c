//! Connections and names, as the guest's network has them.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::Ipv4Addr;

/// TCP and DNS. Every function returns at once; [`Surroundings::poll`](crate::Surroundings::poll) moves things along.
/// Whatever comes from here is the host's to change: names may resolve to anything, and bytes may be anybody's.
pub trait Sockets {
    /// Asks for the addresses of a name.
    ///
    /// # Errors
    /// For people: why it cannot be asked.
    fn resolve(&mut self, name: &str) -> Result<Query, String>;

    /// The answer, once there is one; the query is then forgotten.
    fn resolved(&mut self, query: Query) -> Option<Result<Vec<Ipv4Addr>, String>>;

    /// Begins a connection.
    ///
    /// # Errors
    /// For people: why not.
    fn connect(&mut self, address: Ipv4Addr, port: u16) -> Result<Connection, String>;

    /// Takes the next connection to the port that [`listen`](Self::listen) opened.
    fn accept(&mut self) -> Option<Connection>;

    /// Opens a port.
    ///
    /// # Errors
    /// For people: why not.
    fn listen(&mut self, port: u16) -> Result<(), String>;

    /// Where a connection is.
    fn state(&mut self, connection: Connection) -> ConnectionState;

    /// How many bytes [`send`](Self::send) takes now.
    fn send_room(&mut self, connection: Connection) -> usize;

    /// Takes as many bytes as there is room for, and says how many.
    fn send(&mut self, connection: Connection, bytes: &[u8]) -> usize;

    /// Appends up to `max_bytes` of what has arrived, and says how many.
    fn receive(&mut self, connection: Connection, max_bytes: usize, into: &mut Vec<u8>) -> usize;

    /// Sends the end of our side, after everything that was taken.
    fn shutdown(&mut self, connection: Connection);

    /// Forgets a connection; one that was not shut down is reset.
    fn release(&mut self, connection: Connection);
}

/// A question to DNS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Query(pub u64);

/// A TCP connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Connection(pub u64);

/// Where a connection is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionState {
    /// Not there yet.
    Connecting,
    /// Both sides may send.
    Open,
    /// The peer sends nothing more; what has arrived can still be received.
    PeerClosed,
    /// Over, in good order.
    Closed,
    /// Over; the text says why.
    Failed(String),
}
