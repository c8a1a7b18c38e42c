//! The server's random, which rustls tells nobody: read from the ServerHello as it comes in.
//!
//! Spec: RFC 8446, sections 4.1.3 and 5.1; RFC 5246, section 7.4.1.3. Both versions have it at the same place. These are
//! the bytes that rustls gets next; what it would not take never opens a connection.
//!
//! Panics: never on input.

use alloc::vec::Vec;

const HANDSHAKE: u8 = 22;
const SERVER_HELLO: u8 = 2;

/// Header of a record.
const RECORD_HEADER_BYTES: usize = 5;
/// Of a handshake message: type, and length in three bytes.
const MESSAGE_HEADER_BYTES: usize = 4;
/// Behind the version.
const RANDOM_AT: usize = MESSAGE_HEADER_BYTES + 2;

/// SHA-256 of "HelloRetryRequest": in place of a random, it says that another ServerHello will come (RFC 8446, section
/// 4.1.3).
const RETRY: [u8; 32] = [
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91, 0xC2,
    0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
];

/// Watches records until the random is there.
#[derive(Debug)]
pub(crate) enum HelloWatch {
    /// Handshake messages so far, of which the last is not complete.
    Waiting(Vec<u8>),
    Seen([u8; 32]),
    /// The server began with something else, which rustls refuses.
    Lost,
}

impl HelloWatch {
    pub(crate) const fn new() -> Self {
        Self::Waiting(Vec::new())
    }

    /// Takes the next record, whole.
    pub(crate) fn record(&mut self, record: &[u8]) {
        let Self::Waiting(messages) = self else { return };
        // Change cipher spec and alerts may come between.
        let (Some(&HANDSHAKE), Some(payload)) = (record.first(), record.get(RECORD_HEADER_BYTES..)) else {
            return;
        };
        messages.extend_from_slice(payload);
        while let Self::Waiting(messages) = self {
            let Some(length) = first_message_bytes(messages) else { return };
            let random = messages.get(RANDOM_AT..).and_then(<[u8]>::first_chunk).copied();
            match (messages.first(), random) {
                (Some(&SERVER_HELLO), Some(RETRY)) => drop(messages.drain(..length)),
                (Some(&SERVER_HELLO), Some(random)) => *self = Self::Seen(random),
                _ => *self = Self::Lost,
            }
        }
    }

    pub(crate) const fn random(&self) -> Option<[u8; 32]> {
        match self {
            Self::Seen(random) => Some(*random),
            Self::Waiting(_) | Self::Lost => None,
        }
    }
}

/// How long the first message is, when all of it is there.
fn first_message_bytes(messages: &[u8]) -> Option<usize> {
    let &[_, high, middle, low] = messages.first_chunk::<MESSAGE_HEADER_BYTES>()?;
    let body = usize::try_from(u32::from_be_bytes([0, high, middle, low])).ok()?;
    let length = MESSAGE_HEADER_BYTES.checked_add(body)?;
    (messages.len() >= length).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(random: [u8; 32]) -> Vec<u8> {
        [&[SERVER_HELLO, 0, 0, 37, 3, 3][..], &random, &[0, 0x13, 0x02]].concat()
    }

    fn record(kind: u8, payload: &[u8]) -> Vec<u8> {
        let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
        [&[kind, 3, 3][..], &length, payload].concat()
    }

    fn watched(records: &[Vec<u8>]) -> HelloWatch {
        let mut watch = HelloWatch::new();
        records.iter().for_each(|bytes| watch.record(bytes));
        watch
    }

    #[test]
    fn randoms_are_read_in_whichever_pieces() {
        let hello = hello([7; 32]);
        assert_eq!(watched(&[record(22, &hello)]).random(), Some([7; 32]));
        let pieces: Vec<_> = hello.chunks(3).map(|piece| record(22, piece)).collect();
        assert_eq!(watched(&pieces).random(), Some([7; 32]));
        let more = [hello.clone(), vec![11, 0, 0, 0]].concat();
        assert_eq!(watched(&[record(22, &more)]).random(), Some([7; 32]));
        assert_eq!(watched(&[record(22, &hello[..40])]).random(), None);
    }

    #[test]
    fn requests_to_retry_are_passed_over() {
        let records = [record(22, &hello(RETRY)), record(20, &[1]), record(22, &hello([9; 32]))];
        assert_eq!(watched(&records).random(), Some([9; 32]));
        let together = [hello(RETRY), hello([9; 32])].concat();
        assert_eq!(watched(&[record(22, &together)]).random(), Some([9; 32]));
    }

    #[test]
    fn other_messages_are_no_hello() {
        let records = [record(22, &[11, 0, 0, 0]), record(22, &hello([7; 32]))];
        assert!(matches!(watched(&records), HelloWatch::Lost));
        assert!(matches!(watched(&[record(22, &[SERVER_HELLO, 0, 0, 2, 3, 3])]), HelloWatch::Lost));
        assert_eq!(watched(&[record(23, &hello([7; 32])), vec![], vec![22, 3]]).random(), None);
    }
}
