//! What goes between a connection and the two sides of it: plaintext above, ciphertext below. The same for a client and a
//! server.

use alloc::vec::Vec;

use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, InsufficientSizeError, ReadTraffic,
    WriteTraffic,
};

use crate::TlsError;

/// While more plaintext than this waits to be taken, nothing is decrypted.
pub(crate) const PLAINTEXT_PAUSE_BYTES: usize = 32 * 1024;
/// How much plaintext waits to be encrypted at most.
const UNSENT_MAX_BYTES: usize = 32 * 1024;
/// While this much ciphertext or more waits to be sent, nothing is encrypted.
const OUTGOING_PAUSE_BYTES: usize = 32 * 1024;
/// Plaintext of a record at most (RFC 8446, section 5.1).
const FRAGMENT_MAX_BYTES: usize = 16 * 1024;
/// What a record has besides: at most 5 bytes before, 8 for a nonce, one for a type and 16 for a tag.
const RECORD_OVERHEAD_BYTES: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Traffic {
    /// Ciphertext to be sent.
    pub(crate) outgoing: Vec<u8>,
    /// What the peer said.
    pub(crate) plaintext: Vec<u8>,
    /// What is to be said.
    unsent: Vec<u8>,
    close: Close,
}

/// Where our own end of the conversation is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Close {
    #[default]
    Open,
    /// As soon as all is said.
    Wanted,
    Sent,
}

/// What a connection's state leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// There is more to do with the same bytes.
    Again,
    /// Nothing is left to do without more bytes.
    Blocked,
    /// The peer says no more.
    PeerClosed,
}

/// Does something into the room that it is given, and says how many bytes came of it; or how many it needs, or `None` when
/// it never will.
type Put<'p> = &'p mut dyn FnMut(&mut [u8]) -> Result<usize, Option<usize>>;

impl Traffic {
    /// How much more may be said now.
    pub(crate) const fn write_room(&self) -> usize {
        match self.close {
            Close::Open => UNSENT_MAX_BYTES.saturating_sub(self.unsent.len()),
            Close::Wanted | Close::Sent => 0,
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> usize {
        let taken = bytes.get(..self.write_room()).unwrap_or(bytes);
        self.unsent.extend_from_slice(taken);
        taken.len()
    }

    pub(crate) const fn is_flushed(&self) -> bool {
        self.outgoing.is_empty() && self.unsent.is_empty() && !matches!(self.close, Close::Wanted)
    }

    pub(crate) fn close(&mut self) {
        if self.close == Close::Open {
            self.close = Close::Wanted;
        }
    }

    /// Says no more, not even that.
    pub(crate) fn abandon(&mut self) {
        self.unsent = Vec::new();
        self.close = Close::Sent;
    }

    /// Does what a connection's state asks for.
    pub(crate) fn handle<Data>(
        &mut self,
        state: ConnectionState<'_, '_, Data>,
    ) -> Result<Progress, TlsError> {
        match state {
            ConnectionState::EncodeTlsData(data) => self.encode(data)?,
            // What was encoded is in `outgoing`, before everything that comes after it.
            ConnectionState::TransmitTlsData(transmit) => transmit.done(),
            ConnectionState::ReadTraffic(read) => self.read(read)?,
            ConnectionState::PeerClosed => return Ok(Progress::PeerClosed),
            ConnectionState::WriteTraffic(write) => {
                self.encrypt(write)?;
                return Ok(Progress::Blocked);
            }
            ConnectionState::BlockedHandshake | ConnectionState::Closed => return Ok(Progress::Blocked),
            // Data before the handshake's end is never offered.
            _ => return Err(TlsError::Internal("a state of TLS that is never asked for")),
        }
        Ok(Progress::Again)
    }

    fn encode<Data>(&mut self, mut data: EncodeTlsData<'_, Data>) -> Result<(), TlsError> {
        self.put(RECORD_OVERHEAD_BYTES, &mut |room| {
            data.encode(room).map_err(|error| match error {
                EncodeError::InsufficientSize(InsufficientSizeError { required_size }) => Some(required_size),
                EncodeError::AlreadyEncoded => None,
            })
        })
    }

    fn read<Data>(&mut self, mut read: ReadTraffic<'_, '_, Data>) -> Result<(), TlsError> {
        while let Some(record) = read.next_record() {
            let record = record.map_err(|_| TlsError::Internal("a record that cannot be taken"))?;
            self.plaintext.extend_from_slice(record.payload);
        }
        Ok(())
    }

    fn encrypt<Data>(&mut self, mut write: WriteTraffic<'_, Data>) -> Result<(), TlsError> {
        while !self.unsent.is_empty() && self.outgoing.len() < OUTGOING_PAUSE_BYTES {
            let fragment: Vec<u8> = self.unsent.drain(..self.unsent.len().min(FRAGMENT_MAX_BYTES)).collect();
            let room = fragment.len().saturating_add(RECORD_OVERHEAD_BYTES);
            self.put(room, &mut |room| write.encrypt(&fragment, room).map_err(needed))?;
        }
        if self.unsent.is_empty() && self.close == Close::Wanted {
            self.put(RECORD_OVERHEAD_BYTES, &mut |room| write.queue_close_notify(room).map_err(needed))?;
            self.close = Close::Sent;
        }
        Ok(())
    }

    /// Lets `put` write behind what is in `outgoing`, where it is given `room` bytes first.
    fn put(&mut self, mut room: usize, put: Put<'_>) -> Result<(), TlsError> {
        let start = self.outgoing.len();
        loop {
            self.outgoing.resize(start.saturating_add(room), 0);
            let written = put(self.outgoing.get_mut(start..).unwrap_or_default());
            self.outgoing.truncate(start.saturating_add(written.unwrap_or_default()));
            match written {
                Ok(_) => return Ok(()),
                Err(Some(needed)) if needed > room => room = needed,
                Err(_) => return Err(TlsError::KeysExhausted),
            }
        }
    }
}

fn needed(error: EncryptError) -> Option<usize> {
    match error {
        EncryptError::InsufficientSize(InsufficientSizeError { required_size }) => Some(required_size),
        EncryptError::EncryptExhausted => None,
    }
}
