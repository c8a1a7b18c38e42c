//! The host of a guest, over HTTP/1.1: one connection for each question. It is not trusted with anything.

use core::time::Duration;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};

use attestation_evidence::EVIDENCE_MAX_BYTES;
use attestation_evidence::text::printable_line;
use attestation_submission::{EVIDENCE_PATH, JOB_TYPE, JOBS_PATH};
use httparse::{EMPTY_HEADER, Response, Status};

use super::error::SubmitError;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a host may say nothing that has no job to wait for, or take nothing.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long is waited for the word to go on. Who does not know of that gets the envelope all the same.
const CONTINUE_TIMEOUT: Duration = Duration::from_secs(5);
const HEAD_MAX_BYTES: usize = 16 << 10;
const FIELDS_MAX: usize = 64;
const PIECE_BYTES: usize = 64 << 10;
/// Of the words with which something is declined.
const WORDS_MAX_BYTES: u64 = 1024;

/// What a client knows of a host.
#[derive(Debug, Clone, Copy)]
pub(super) struct Host<'a> {
    /// Name or address, and port.
    pub(super) to: &'a str,
}

/// The beginning of an answer.
#[derive(Debug)]
struct Head {
    status: u16,
    retry_after_s: Option<u32>,
}

/// A connection, and what came on it that nobody has read.
#[derive(Debug)]
pub(super) struct Exchange<'a> {
    host: Host<'a>,
    stream: TcpStream,
    waiting: Vec<u8>,
}

impl<'a> Host<'a> {
    /// The evidence that the host shows, not looked at.
    pub(super) fn evidence(self) -> Result<Vec<u8>, SubmitError> {
        let mut exchange = self.connect()?;
        exchange.write(format!("GET {EVIDENCE_PATH} HTTP/1.1\r\n{}\r\n", self.fields()).as_bytes())?;
        exchange.expect_success()?;
        let limit = u64::try_from(EVIDENCE_MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
        let mut evidence = Vec::new();
        exchange.take(limit).read_to_end(&mut evidence).map_err(|error| self.failed("evidence", error))?;
        Ok(evidence)
    }

    /// Begins to submit an envelope of so many bytes; the host has not declined yet.
    pub(super) fn begin_job(self, bytes: u64) -> Result<Exchange<'a>, SubmitError> {
        let mut exchange = self.connect()?;
        let head = format!(
            "POST {JOBS_PATH} HTTP/1.1\r\n{}content-type: {JOB_TYPE}\r\ncontent-length: {bytes}\r\nexpect: 100-continue\r\n\r\n",
            self.fields()
        );
        exchange.write(head.as_bytes())?;
        exchange.await_continue()?;
        Ok(exchange)
    }

    fn fields(self) -> String {
        format!("host: {}\r\nconnection: close\r\nuser-agent: redoubt-verify\r\n", self.to)
    }

    fn connect(self) -> Result<Exchange<'a>, SubmitError> {
        let failed = |error| self.failed("cannot connect", error);
        let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
        for address in self.to.to_socket_addrs().map_err(failed)? {
            match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
                Ok(stream) => {
                    stream.set_write_timeout(Some(IDLE_TIMEOUT)).map_err(failed)?;
                    stream.set_read_timeout(Some(IDLE_TIMEOUT)).map_err(failed)?;
                    return Ok(Exchange { host: self, stream, waiting: Vec::new() });
                }
                Err(error) => last = error,
            }
        }
        Err(failed(last))
    }

    pub(super) fn failed(self, what: &'static str, source: io::Error) -> SubmitError {
        SubmitError::Connection { to: self.to.to_owned(), what, source }
    }

    fn not_http(self, found: &'static str) -> SubmitError {
        SubmitError::NotHttp { to: self.to.to_owned(), found }
    }
}

impl Exchange<'_> {
    /// Sends more. Where the host hangs up, it may have said why.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), SubmitError> {
        let Err(error) = self.stream.write_all(bytes) else { return Ok(()) };
        let failed = self.host.failed("cannot send", error);
        match self.read_head() {
            Ok(head) if head.status != 200 => Err(self.declined(&head)),
            _ => Err(failed),
        }
    }

    /// The envelope is sent: the answer follows, when there is one.
    pub(super) fn expect_answer(&mut self) -> Result<(), SubmitError> {
        self.expect_success()?;
        // The job may take as long as it takes.
        self.stream.set_read_timeout(None).map_err(|error| self.host.failed("cannot wait", error))
    }

    fn expect_success(&mut self) -> Result<(), SubmitError> {
        loop {
            let head = self.read_head()?;
            match head.status {
                100..=199 => {}
                200 => return Ok(()),
                _ => return Err(self.declined(&head)),
            }
        }
    }

    fn await_continue(&mut self) -> Result<(), SubmitError> {
        self.set_read_timeout(CONTINUE_TIMEOUT)?;
        let head = self.read_head();
        self.set_read_timeout(IDLE_TIMEOUT)?;
        match head {
            Ok(Head { status: 100..=199, .. }) => Ok(()),
            Ok(head) => Err(self.declined(&head)),
            Err(SubmitError::Connection { source, .. }) if is_timeout(&source) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn set_read_timeout(&self, timeout: Duration) -> Result<(), SubmitError> {
        self.stream.set_read_timeout(Some(timeout)).map_err(|error| self.host.failed("cannot wait", error))
    }

    fn declined(&mut self, head: &Head) -> SubmitError {
        let to = self.host.to.to_owned();
        if head.status == 503 && head.retry_after_s.is_some() {
            return SubmitError::Busy { to, after_s: head.retry_after_s };
        }
        let mut words = Vec::new();
        // Without its words it is declined as well.
        let _ = self.take(WORDS_MAX_BYTES).read_to_end(&mut words);
        let text = printable_line(String::from_utf8_lossy(&words).trim());
        SubmitError::Declined { to, status: head.status, text }
    }

    fn read_head(&mut self) -> Result<Head, SubmitError> {
        let host = self.host;
        loop {
            if let Some((head, length)) = parse_head(&self.waiting).map_err(|found| host.not_http(found))? {
                self.waiting.drain(..length.min(self.waiting.len()));
                return Ok(head);
            }
            if self.waiting.len() >= HEAD_MAX_BYTES {
                return Err(host.not_http("a head of more than 16 KiB"));
            }
            let mut piece = [0; 1024];
            let count = self.stream.read(&mut piece).map_err(|error| host.failed("no answer", error))?;
            if count == 0 {
                return Err(host.failed("no answer", ErrorKind::UnexpectedEof.into()));
            }
            self.waiting.extend_from_slice(piece.get(..count).unwrap_or_default());
        }
    }

    /// The next bytes of the answer; none at its end.
    pub(super) fn read_piece(&mut self) -> io::Result<Vec<u8>> {
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            match self.read(&mut piece) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(count) => {
                    piece.truncate(count);
                    return Ok(piece);
                }
            }
        }
    }
}

impl Read for Exchange<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.waiting.is_empty() {
            return self.stream.read(into);
        }
        let count = self.waiting.as_slice().read(into)?;
        self.waiting.drain(..count);
        Ok(count)
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
}

/// A head and its length, once it has come whole.
fn parse_head(bytes: &[u8]) -> Result<Option<(Head, usize)>, &'static str> {
    let mut fields = [EMPTY_HEADER; FIELDS_MAX];
    let mut response = Response::new(&mut fields);
    match response.parse(bytes) {
        Ok(Status::Partial) => Ok(None),
        Err(_) => Err("something else"),
        Ok(Status::Complete(length)) => {
            let status = response.code.ok_or("an answer without a status")?;
            let retry = response.headers.iter().find(|field| field.name.eq_ignore_ascii_case("retry-after"));
            let retry_after_s = retry.and_then(|field| str::from_utf8(field.value).ok()?.parse().ok());
            Ok(Some((Head { status, retry_after_s }, length)))
        }
    }
}
