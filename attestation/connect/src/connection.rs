//! A proven connection, to be read and written: by one thread, or by one for each direction.

use core::time::Duration;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::ClientConnection;

use crate::Peer;
use crate::handshake::{Greeted, timed_out};

/// A record of TLS and a little more.
const PIECE_BYTES: usize = 17 * 1024;

/// Proven to end in the guest that its evidence is of. Reading says `Ok(0)` only where the guest ended the connection itself;
/// where somebody cut it, [`ErrorKind::UnexpectedEof`].
#[derive(Debug)]
pub struct Connection {
    peer: Peer,
    read: ReadHalf,
    write: WriteHalf,
}

/// What comes from the guest.
#[derive(Debug)]
pub struct ReadHalf {
    shared: Arc<Shared>,
    /// Received, and not decrypted yet.
    received: Vec<u8>,
    consumed: usize,
}

/// What goes to the guest.
#[derive(Debug)]
pub struct WriteHalf {
    shared: Arc<Shared>,
    /// Encrypted, and not sent yet.
    pending: Vec<u8>,
    sent: usize,
    is_closed: bool,
}

/// Nobody waits for the network while holding the lock, so neither direction waits for the other. Only the writing half
/// sends: reading answers nothing, and TLS 1.3 wants that of nobody before the next thing that is written.
#[derive(Debug)]
struct Shared {
    tls: Mutex<ClientConnection>,
    socket: TcpStream,
}

impl Connection {
    pub(crate) fn new(greeted: Greeted, peer: Peer, idle: Duration) -> io::Result<Self> {
        let Greeted { tls, socket, .. } = greeted;
        let shared = Arc::new(Shared { tls: Mutex::new(tls), socket });
        shared.set_timeout(idle)?;
        let read = ReadHalf { shared: Arc::clone(&shared), received: Vec::new(), consumed: 0 };
        let write = WriteHalf { shared, pending: Vec::new(), sent: 0, is_closed: false };
        Ok(Self { peer, read, write })
    }

    /// Who is at the other end.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Changes how long a read or a write may wait, of both halves.
    ///
    /// # Errors
    /// The system refuses; a wait of nothing, for one.
    pub fn set_timeout(&self, limit: Duration) -> io::Result<()> {
        self.read.shared.set_timeout(limit)
    }

    /// Tells the guest that nothing more comes. What it has to say can still be read.
    ///
    /// # Errors
    /// It could not be told.
    pub fn close_write(&mut self) -> io::Result<()> {
        self.write.close()
    }

    /// One half for each thread. The connection is over once both are gone.
    #[must_use]
    pub fn split(self) -> (ReadHalf, WriteHalf) {
        (self.read, self.write)
    }
}

impl Read for Connection {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.read.read(into)
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write.flush()
    }
}

impl Shared {
    fn set_timeout(&self, limit: Duration) -> io::Result<()> {
        self.socket.set_read_timeout(Some(limit))?;
        self.socket.set_write_timeout(Some(limit))
    }

    fn abort(&self) {
        // It fails where there is nothing left to end.
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    fn tls(&self) -> MutexGuard<'_, ClientConnection> {
        // rustls remembers that it failed.
        self.tls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReadHalf {
    /// [`WriteHalf::abort`].
    pub fn abort(&self) {
        self.shared.abort();
    }

    /// What is there to read without waiting; `None` if there is nothing yet.
    fn read_received(&mut self, into: &mut [u8]) -> io::Result<Option<usize>> {
        let mut tls = self.shared.tls();
        loop {
            match tls.reader().read(into) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                read => return read.map(Some),
            }
            let mut rest = self.received.get(self.consumed..).unwrap_or_default();
            if rest.is_empty() {
                return Ok(None);
            }
            let consumed = tls.read_tls(&mut rest)?;
            self.consumed = self.consumed.saturating_add(consumed);
            tls.process_new_packets().map_err(io::Error::other)?;
        }
    }

    fn receive(&mut self) -> io::Result<()> {
        self.received.resize(PIECE_BYTES, 0);
        self.consumed = PIECE_BYTES;
        let count = (&self.shared.socket).read(&mut self.received).map_err(timed_out)?;
        self.received.truncate(count);
        self.consumed = 0;
        if count == 0 {
            // TLS has to know, to tell an end from a cut.
            self.shared.tls().read_tls(&mut io::empty())?;
        }
        Ok(())
    }
}

impl Read for ReadHalf {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(count) = self.read_received(into)? {
                return Ok(count);
            }
            self.receive()?;
        }
    }
}

impl WriteHalf {
    /// Ends both directions at once, without a word of TLS: reading and writing fail from now on, in both halves. The guest
    /// sees a connection that was cut.
    pub fn abort(&self) {
        self.shared.abort();
    }

    /// Tells the guest that nothing more comes, once all that was written is sent. To be repeated where it timed out.
    ///
    /// # Errors
    /// It could not be told.
    pub fn close(&mut self) -> io::Result<()> {
        if !self.is_closed {
            self.is_closed = true;
            self.shared.tls().send_close_notify();
            self.encrypted()?;
        }
        self.send()?;
        self.shared.socket.shutdown(Shutdown::Write)
    }

    /// Takes over what TLS wants to send.
    fn encrypted(&mut self) -> io::Result<()> {
        let mut tls = self.shared.tls();
        while tls.wants_write() {
            tls.write_tls(&mut self.pending)?;
        }
        Ok(())
    }

    fn send(&mut self) -> io::Result<()> {
        loop {
            let rest = self.pending.get(self.sent..).unwrap_or_default();
            if rest.is_empty() {
                self.pending.clear();
                self.sent = 0;
                return Ok(());
            }
            match (&self.shared.socket).write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => self.sent = self.sent.saturating_add(count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(timed_out(error)),
            }
        }
    }
}

impl Write for WriteHalf {
    /// Where it times out nothing of `bytes` was taken, and they may be written again.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_closed {
            return Err(ErrorKind::BrokenPipe.into());
        }
        self.send()?;
        let count = self.shared.tls().writer().write(bytes)?;
        self.encrypted()?;
        match self.send() {
            // They are taken: the next call sends the rest.
            Err(error) if error.kind() == ErrorKind::TimedOut => Ok(count),
            sent => sent.map(|()| count),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}
