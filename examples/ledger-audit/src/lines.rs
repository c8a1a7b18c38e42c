//! Cuts the input into lines, hashing it on the way.

use std::io::{self, ErrorKind, Read};

use sha2::{Digest, Sha256};

/// The longest line that is looked at, in bytes, without its line break. What is longer is skipped and reported.
pub const LINE_MAX_BYTES: usize = 4096;

/// One read of the input: large, because in the guest every read is a host call.
const CHUNK_BYTES: usize = 64 * 1024;

/// A line without its line break (`\n` or `\r\n`).
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// All of it.
    Whole(&'a [u8]),
    /// The first [`LINE_MAX_BYTES`] of a longer one.
    TooLong(&'a [u8]),
}

/// Reads lines in one pass. Holds one chunk and one line.
#[derive(Debug)]
pub(crate) struct LineReader<R> {
    input: R,
    hash: Sha256,
    bytes: u64,
    chunk: Vec<u8>,
    /// How much of `chunk` was read, and how much of that was handed out.
    filled: usize,
    taken: usize,
    line: Vec<u8>,
}

impl<R: Read> LineReader<R> {
    pub(crate) fn new(input: R) -> Self {
        let line = Vec::with_capacity(LINE_MAX_BYTES);
        Self { input, hash: Sha256::new(), bytes: 0, chunk: vec![0; CHUNK_BYTES], filled: 0, taken: 0, line }
    }

    /// The next line, or `None` at the end. A last line without a line break counts; an empty rest does not.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let mut length: usize = 0;
        loop {
            if self.taken == self.filled && !self.refill()? {
                return Ok(if length == 0 { None } else { Some(self.cut(length)) });
            }
            let rest = self.chunk.get(self.taken..self.filled).unwrap_or_default();
            let end = rest.iter().position(|&byte| byte == b'\n');
            let piece = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            // One byte of slack for the `\r` that `cut` takes away.
            let room = (LINE_MAX_BYTES + 1).saturating_sub(self.line.len());
            self.line.extend_from_slice(piece.get(..piece.len().min(room)).unwrap_or_default());
            length = length.saturating_add(piece.len());
            self.taken = self.taken.saturating_add(piece.len());
            if end.is_some() {
                self.taken = self.taken.saturating_add(1);
                return Ok(Some(self.cut(length)));
            }
        }
    }

    /// SHA-256 and length of everything that was read.
    pub(crate) fn finish(self) -> ([u8; 32], u64) {
        (self.hash.finalize().into(), self.bytes)
    }

    fn refill(&mut self) -> io::Result<bool> {
        self.taken = 0;
        self.filled = loop {
            match self.input.read(&mut self.chunk) {
                Ok(count) => break count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        };
        self.hash.update(self.chunk.get(..self.filled).unwrap_or_default());
        self.bytes = self.bytes.saturating_add(u64::try_from(self.filled).unwrap_or(u64::MAX));
        Ok(self.filled > 0)
    }

    fn cut(&self, length: usize) -> Line<'_> {
        let kept = self.line.as_slice();
        let (line, length) = match kept.strip_suffix(b"\r") {
            Some(stripped) if length == kept.len() => (stripped, length.saturating_sub(1)),
            _ => (kept, length),
        };
        if length > LINE_MAX_BYTES {
            Line::TooLong(line.get(..LINE_MAX_BYTES).unwrap_or(line))
        } else {
            Line::Whole(line)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out `step` bytes at a time, so that every cut between chunks occurs.
    struct Dribble<'a>(&'a [u8], usize);

    impl Read for Dribble<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(self.1).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn lines(input: &[u8], step: usize) -> Vec<Vec<u8>> {
        let mut reader = LineReader::new(Dribble(input, step));
        let mut found = Vec::new();
        while let Some(line) = reader.next_line().unwrap() {
            match line {
                Line::Whole(bytes) => found.push(bytes.to_vec()),
                Line::TooLong(bytes) => found.push([b"LONG ", &bytes[..3]].concat()),
            }
        }
        assert_eq!(reader.finish().1, input.len() as u64);
        found
    }

    #[test]
    fn every_kind_of_end_at_every_cut() {
        let input = b"one\r\ntwo\n\nfour\r";
        for step in 1..=input.len() {
            assert_eq!(lines(input, step), [&b"one"[..], b"two", b"", b"four"]);
        }
        assert!(lines(b"", 1).is_empty());
    }

    #[test]
    fn long_lines_are_cut_and_skipped() {
        let exact = vec![b'a'; LINE_MAX_BYTES];
        let mut input = exact.clone();
        input.extend_from_slice(b"\r\n");
        input.extend(vec![b'b'; LINE_MAX_BYTES + 1]);
        input.extend_from_slice(b"\nnext\n");
        for step in [1, 1000, 100_000] {
            assert_eq!(lines(&input, step), [exact.as_slice(), b"LONG bbb", b"next"]);
        }
    }
}
