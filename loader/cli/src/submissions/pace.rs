//! A connection whose other side has to keep up.

use core::time::Duration;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

/// How long a client may take for a head, and for each piece that it sends or takes.
const PIECE_TIMEOUT: Duration = Duration::from_secs(30);
/// What is read or written within that, at most.
pub(super) const PIECE_BYTES: usize = 64 << 10;
/// How long, and how much of it, is listened to a client that was refused: it reads nothing while it sends.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 4 << 20;

#[derive(Debug)]
pub(super) struct Paced<'s> {
    stream: &'s TcpStream,
}

impl<'s> Paced<'s> {
    pub(super) fn new(stream: &'s TcpStream) -> io::Result<Self> {
        // An answer's parts are short, and each is waited for.
        stream.set_nodelay(true)?;
        Ok(Self { stream })
    }

    /// When a piece that begins now has to be through.
    pub(super) fn deadline() -> Instant {
        Instant::now() + PIECE_TIMEOUT
    }

    /// Some bytes, at least one.
    pub(super) fn read_some(&mut self, into: &mut [u8], deadline: Instant) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(left(deadline)?))?;
        loop {
            match self.stream.read(into) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    /// As many bytes as there is room for, which is a piece.
    pub(super) fn read_piece(&mut self, into: &mut [u8]) -> io::Result<()> {
        let deadline = Self::deadline();
        let mut read = 0;
        while let Some(rest) = into.get_mut(read..).filter(|rest| !rest.is_empty()) {
            read += self.read_some(rest, deadline)?;
        }
        Ok(())
    }

    /// All of them, piece by piece.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        bytes.chunks(PIECE_BYTES).try_for_each(|piece| self.write_piece(piece))
    }

    fn write_piece(&mut self, mut piece: &[u8]) -> io::Result<()> {
        let deadline = Self::deadline();
        while !piece.is_empty() {
            self.stream.set_write_timeout(Some(left(deadline)?))?;
            match self.stream.write(piece) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => piece = piece.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Lets a client find its answer that is still sending: to close on it would throw the answer away.
    pub(super) fn linger(&mut self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)?;
        let (deadline, mut bytes, mut heard) = (Instant::now() + LINGER, [0; 4096], 0);
        while heard < LINGER_BYTES {
            match self.read_some(&mut bytes, deadline) {
                Ok(count) => heard += count,
                Err(_) => break,
            }
        }
        Ok(())
    }
}

/// Not zero, which would be for ever.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}
