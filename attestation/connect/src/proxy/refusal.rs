//! What a local program is told in place of the guest's answer.

use core::time::Duration;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

use crate::ConnectError;

/// How long the rest of a request is waited for, and how much of it is read: whoever closes with something unread resets,
/// and the answer is lost.
const PATIENCE: Duration = Duration::from_secs(2);
const REST_MAX_BYTES: usize = 4 * 1024 * 1024;
const PIECE_BYTES: usize = 16 * 1024;

/// Why there is no answer of the guest.
pub(super) enum Refusal<'a> {
    NotConnected { error: &'a ConnectError },
    TooMany { limit: usize },
}

impl Refusal<'_> {
    /// Answers, and closes. Whether it arrives nobody finds out.
    pub(super) fn send(&self, local: &TcpStream) {
        let _ = self.try_send(local);
    }

    fn try_send(&self, mut local: &TcpStream) -> io::Result<()> {
        local.set_write_timeout(Some(PATIENCE))?;
        local.write_all(self.response().as_bytes())?;
        local.shutdown(Shutdown::Write)?;
        let (since, mut rest) = (Instant::now(), REST_MAX_BYTES);
        let mut piece = [0; PIECE_BYTES];
        while rest > 0 {
            let left = PATIENCE.saturating_sub(since.elapsed());
            if left.is_zero() {
                break;
            }
            local.set_read_timeout(Some(left))?;
            match local.read(&mut piece)? {
                0 => break,
                count => rest = rest.saturating_sub(count),
            }
        }
        Ok(())
    }

    fn response(&self) -> String {
        let (status, reason) = match self {
            Self::NotConnected { error } => ("502 Bad Gateway", error.to_string()),
            Self::TooMany { limit } => (
                "503 Service Unavailable",
                format!("{limit} connections are open already\n  ask again later"),
            ),
        };
        let body = reason + "\n";
        let length = body.len();
        // A browser is not to guess what it is: parts of it are of strangers.
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
    }
}
