//! Cuts the input into lines, hashing it on the way.

use std::io::{self, BufRead, BufReader, Read};

use sha2::{Digest, Sha256};

/// The longest line that is looked at, in bytes, without its line break. What is longer is skipped and reported.
pub const LINE_MAX_BYTES: usize = 4096;

/// One read of the input: large, because in the guest every read is a host call.
const CHUNK_BYTES: usize = 64 * 1024;

/// Reads lines in one pass. Holds one chunk and one line.
#[derive(Debug)]
pub(crate) struct LineReader<R> {
    input: BufReader<Hashed<R>>,
    line: Vec<u8>,
}

impl<R: Read> LineReader<R> {
    pub(crate) fn new(input: R) -> Self {
        let input = Hashed { input, hash: Sha256::new(), bytes: 0 };
        Self { input: BufReader::with_capacity(CHUNK_BYTES, input), line: Vec::new() }
    }

    /// The next line without its line break (`\n` or `\r\n`), of one that is too long the beginning; `None` at the end. A
    /// last line without a line break counts; an empty rest does not.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        // Room for the line break, which may have two bytes.
        const READ_MAX_BYTES: u64 = LINE_MAX_BYTES as u64 + 2;
        self.line.clear();
        if (&mut self.input).take(READ_MAX_BYTES).read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        let line = match self.line.strip_suffix(b"\n") {
            Some(line) => line.strip_suffix(b"\r").unwrap_or(line),
            None => {
                self.input.skip_until(b'\n')?;
                &self.line
            }
        };
        Ok(Some(match line.get(..LINE_MAX_BYTES).filter(|beginning| beginning.len() < line.len()) {
            Some(beginning) => Line::TooLong(beginning),
            None => Line::Whole(line),
        }))
    }

    /// SHA-256 and length of everything that was read.
    pub(crate) fn finish(self) -> ([u8; 32], u64) {
        let Hashed { hash, bytes, .. } = self.input.into_inner();
        (hash.finalize().into(), bytes)
    }
}

/// A line without its line break.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// All of it.
    Whole(&'a [u8]),
    /// The first [`LINE_MAX_BYTES`] of a longer one.
    TooLong(&'a [u8]),
}

/// The input, hashed as it is read.
#[derive(Debug)]
struct Hashed<R> {
    input: R,
    hash: Sha256,
    bytes: u64,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.hash.update(buffer.get(..count).unwrap_or_default());
        self.bytes = self.bytes.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out `step` bytes at a time, so that every cut between reads occurs.
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
                Line::TooLong(bytes) => {
                    assert_eq!(bytes.len(), LINE_MAX_BYTES);
                    found.push([b"LONG ", &bytes[..3]].concat());
                }
            }
        }
        let (sha256, bytes) = reader.finish();
        assert_eq!((sha256, bytes), (Sha256::digest(input).into(), input.len() as u64));
        found
    }

    #[test]
    fn every_kind_of_end_at_every_cut() {
        let input = b"one\r\ntwo\n\nfour\r\r\nfive";
        for step in 1..=input.len() {
            assert_eq!(lines(input, step), [&b"one"[..], b"two", b"", b"four\r", b"five"]);
        }
        assert!(lines(b"", 1).is_empty());
    }

    #[test]
    fn long_lines_are_cut_and_skipped() {
        let exact = vec![b'a'; LINE_MAX_BYTES];
        for (extra, end) in
            [(1, "\n"), (1, "\r\n"), (2, "\n"), (5000, "\r\n"), (1, ""), (2, ""), (100_000, "")]
        {
            let mut input = exact.clone();
            input.extend_from_slice(b"\r\n");
            input.extend(vec![b'b'; LINE_MAX_BYTES + extra]);
            input.extend_from_slice(end.as_bytes());
            for step in [1, 1000, 200_000] {
                let found = lines(&input, step);
                assert_eq!(found, [exact.as_slice(), b"LONG bbb"], "{extra} {end:?}");
                if !end.is_empty() {
                    let found = lines(&[&input[..], b"next\n"].concat(), step);
                    assert_eq!(found, [exact.as_slice(), b"LONG bbb", b"next"], "{extra} {end:?}");
                }
            }
        }
    }
}
