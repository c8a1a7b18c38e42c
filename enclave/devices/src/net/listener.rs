//! Ports that are listened on.
//!
//! A socket of our stack takes one call and is busy with it. One socket listens per port; once it is called, another takes
//! its place before the next packet is looked at, as long as there are sockets and the backlog has room.

use alloc::vec::Vec;

use super::connection::{ListenError, Timeouts};

/// Most ports.
pub(super) const LISTENERS_MAX: usize = 4;

/// A port that is listened on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listener {
    pub(super) port: u16,
    /// Most connections that were not accepted yet.
    pub(super) backlog: usize,
    /// How many there are.
    pub(super) waiting: usize,
    /// The place of the socket that listens.
    pub(super) head: Option<usize>,
    /// For its connections.
    pub(super) timeouts: Timeouts,
}

impl Listener {
    pub(super) const fn has_room(&self) -> bool {
        self.waiting < self.backlog
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Listeners(Vec<Listener>);

impl Listeners {
    pub(super) fn add(&mut self, port: u16, backlog: usize, timeouts: Timeouts) -> Result<(), ListenError> {
        if port == 0 {
            return Err(ListenError::Port);
        }
        if self.of_port(port).is_some() {
            return Err(ListenError::InUse { port });
        }
        if self.0.len() == LISTENERS_MAX {
            return Err(ListenError::TooMany { limit: LISTENERS_MAX });
        }
        self.0.push(Listener { port, backlog: backlog.max(1), waiting: 0, head: None, timeouts });
        Ok(())
    }

    pub(super) fn remove(&mut self, port: u16) -> Option<Listener> {
        let at = self.0.iter().position(|listener| listener.port == port)?;
        Some(self.0.swap_remove(at))
    }

    pub(super) fn of_port(&self, port: u16) -> Option<&Listener> {
        self.0.iter().find(|listener| listener.port == port)
    }

    fn of_port_mut(&mut self, port: u16) -> Option<&mut Listener> {
        self.0.iter_mut().find(|listener| listener.port == port)
    }

    /// One after the other.
    pub(super) fn get(&self, at: usize) -> Option<Listener> {
        self.0.get(at).copied()
    }

    /// The socket at this port was called: the connection waits, and nobody listens.
    pub(super) fn note_call(&mut self, port: u16) {
        if let Some(listener) = self.of_port_mut(port) {
            listener.head = None;
            listener.waiting += 1;
        }
    }

    /// One of those connections does not wait any more.
    pub(super) fn note_leave(&mut self, port: u16) {
        if let Some(listener) = self.of_port_mut(port) {
            listener.waiting = listener.waiting.saturating_sub(1);
        }
    }

    pub(super) fn set_head(&mut self, at: usize, head: Option<usize>) {
        if let Some(listener) = self.0.get_mut(at) {
            listener.head = head;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_listened_on_once() {
        let mut listeners = Listeners::default();
        let mut add = |port| listeners.add(port, 1, Timeouts::DEFAULT);
        assert_eq!(add(0), Err(ListenError::Port));
        assert_eq!((add(80), add(80)), (Ok(()), Err(ListenError::InUse { port: 80 })));
        assert_eq!((add(81), add(82), add(65_535)), (Ok(()), Ok(()), Ok(())));
        assert_eq!(add(83), Err(ListenError::TooMany { limit: LISTENERS_MAX }));
        assert_eq!(listeners.remove(80).map(|listener| listener.port), Some(80));
        assert_eq!(listeners.add(83, 1, Timeouts::DEFAULT), Ok(()));
    }
}
