//! Bytes that came in, handed to rustls record by record.
//!
//! rustls decrypts and joins in the buffer that it is shown, and takes all records of it before it lets us encrypt anything.
//! So it is shown one record more at a time: what has to wait, waits undecrypted, and writing goes on meanwhile.
//!
//! Panics: never on input.

use alloc::vec::Vec;

/// Type, version, and length in two bytes (RFC 8446, section 5.1).
const HEADER_BYTES: usize = 5;
/// The longest record that rustls reads: the one of TLS 1.2 (RFC 5246, section 6.2.3).
const RECORD_MAX_BYTES: usize = HEADER_BYTES + 16 * 1024 + 2048;
/// The longest handshake message that rustls reads. It stays here until all of it has come.
const MESSAGE_MAX_BYTES: usize = 64 * 1024;
/// How much is buffered at most.
pub(crate) const INCOMING_MAX_BYTES: usize = MESSAGE_MAX_BYTES + 2 * RECORD_MAX_BYTES;

#[derive(Debug, Default)]
pub(crate) struct Incoming {
    bytes: Vec<u8>,
    /// Before this all is done with.
    start: usize,
    /// From `start` to here rustls has been shown.
    shown: usize,
    /// From `start` to here come the records that it has been shown all of.
    whole: usize,
}

/// What more is shown.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Shown<'b> {
    /// Nothing: no record is complete.
    Nothing,
    /// The header of a record that is still coming, so that a bad one is refused at once.
    Header,
    /// A record.
    Record(&'b [u8]),
}

impl Incoming {
    pub(crate) const fn room(&self) -> usize {
        INCOMING_MAX_BYTES.saturating_sub(self.bytes.len().saturating_sub(self.start))
    }

    /// Takes what there is room for, and says how much that is.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> usize {
        let taken = bytes.get(..self.room()).unwrap_or(bytes);
        self.bytes.drain(..self.start);
        self.start = 0;
        self.bytes.extend_from_slice(taken);
        taken.len()
    }

    /// What rustls is shown.
    pub(crate) fn shown(&mut self) -> &mut [u8] {
        let end = self.start.saturating_add(self.shown);
        self.bytes.get_mut(self.start..end).unwrap_or_default()
    }

    /// Drops the first `count` bytes of what rustls is shown.
    pub(crate) fn discard(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.bytes.len());
        self.shown = self.shown.saturating_sub(count);
        self.whole = self.whole.saturating_sub(count);
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
        }
    }

    /// Shows more.
    pub(crate) fn show(&mut self) -> Shown<'_> {
        let rest = self.bytes.get(self.start.saturating_add(self.whole)..).unwrap_or_default();
        let Some(&[_, _, _, high, low]) = rest.first_chunk::<HEADER_BYTES>() else { return Shown::Nothing };
        let length = HEADER_BYTES.saturating_add(usize::from(u16::from_be_bytes([high, low])));
        let Some(record) = rest.get(..length) else {
            let with_header = self.whole.saturating_add(HEADER_BYTES);
            let is_news = self.shown < with_header;
            self.shown = self.shown.max(with_header);
            return if is_news { Shown::Header } else { Shown::Nothing };
        };
        self.whole = self.whole.saturating_add(length);
        self.shown = self.whole;
        Shown::Record(record)
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDS: [&[u8]; 3] =
        [b"\x16\x03\x03\x00\x02ab", b"\x17\x03\x03\x00\x00", b"\x17\x03\x03\x00\x01c"];

    fn filled(bytes: &[u8]) -> Incoming {
        let mut incoming = Incoming::default();
        assert_eq!(incoming.push(bytes), bytes.len());
        incoming
    }

    #[test]
    fn one_record_is_shown_at_a_time() {
        let mut incoming = filled(&RECORDS.concat());
        assert!(incoming.shown().is_empty());
        for record in RECORDS {
            assert_eq!(incoming.show(), Shown::Record(record));
            assert_eq!(incoming.shown(), record);
            incoming.discard(record.len());
        }
        assert_eq!(incoming.show(), Shown::Nothing);
        assert_eq!(incoming.room(), INCOMING_MAX_BYTES);
    }

    #[test]
    fn what_is_kept_stays_before_the_next_record() {
        let mut incoming = filled(&RECORDS.concat());
        incoming.show();
        incoming.show();
        assert_eq!(incoming.shown(), RECORDS[..2].concat());
        incoming.discard(7);
        assert_eq!(incoming.shown(), RECORDS[1]);
        assert_eq!(incoming.push(b"\x17"), 1);
        assert_eq!(incoming.shown(), RECORDS[1]);
        incoming.show();
        assert_eq!(incoming.shown(), RECORDS[1..].concat());
        assert_eq!(incoming.show(), Shown::Nothing);
    }

    #[test]
    fn headers_are_shown_before_their_records() {
        let mut incoming = Incoming::default();
        for byte in &RECORDS[0][..4] {
            incoming.push(&[*byte]);
            assert_eq!(incoming.show(), Shown::Nothing);
            assert!(incoming.shown().is_empty());
        }
        incoming.push(&RECORDS[0][4..6]);
        assert_eq!(incoming.show(), Shown::Header);
        assert_eq!(incoming.shown(), &RECORDS[0][..5]);
        assert_eq!(incoming.show(), Shown::Nothing);
        incoming.push(&RECORDS[0][6..]);
        assert_eq!(incoming.show(), Shown::Record(RECORDS[0]));
    }

    #[test]
    fn more_than_there_is_room_for_is_not_taken() {
        let mut incoming = filled(&vec![0; INCOMING_MAX_BYTES - 1]);
        assert_eq!(incoming.push(b"ab"), 1);
        assert_eq!(incoming.push(b"b"), 0);
        incoming.clear();
        assert_eq!(incoming.room(), INCOMING_MAX_BYTES);
    }
}
