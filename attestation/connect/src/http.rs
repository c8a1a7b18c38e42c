//! The one exchange that this crate makes itself: a request for a proof, and what comes back. HTTP/1.1 with lengths and
//! nothing else, so that it is clear where the answer ends and the caller's connection begins.

use std::io::{self, ErrorKind, Read, Write};

use attestation_evidence::text::printable_line;
use attestation_session::{CONTENT_TYPE, REQUEST_CONTENT_TYPE, SESSION_MAX_BYTES, SESSION_PATH};

/// The longest head of an answer.
const HEAD_MAX_BYTES: usize = 16 * 1024;
/// Most fields in it.
const FIELDS_MAX: usize = 64;
/// How much of a refusal's reason is read.
const REASON_MAX_BYTES: usize = 512;
const PIECE_BYTES: usize = 4096;

/// An answer that is no proof. Whoever answers is guilty.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The service refuses, or has nothing to answer with.
    #[error("status {status}: {reason}")]
    Status {
        /// Which.
        status: u16,
        /// What it says about it, made fit for a line.
        reason: String,
    },
    /// Not HTTP/1.1, or framed in another way than proofs are.
    #[error("expected {expected}")]
    Malformed {
        /// What would do.
        expected: &'static str,
    },
    /// Longer than anything that a service of a guest answers.
    #[error("expected a {what} of at most {limit} bytes, found more")]
    TooLong {
        /// What of it.
        what: &'static str,
        /// Most bytes.
        limit: usize,
    },
    /// The connection broke, or took too long.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Asks for a proof and reads it.
pub(crate) fn ask(
    stream: &mut (impl Read + Write),
    authority: &str,
    question: &[u8],
) -> Result<Vec<u8>, HttpError> {
    let length = question.len();
    let head = format!(
        "POST {SESSION_PATH} HTTP/1.1\r\nHost: {authority}\r\nContent-Type: {REQUEST_CONTENT_TYPE}\r\n\
         Accept: {CONTENT_TYPE}\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(&[head.as_bytes(), question].concat())?;
    stream.flush()?;
    read_answer(stream)
}

fn read_answer(stream: &mut impl Read) -> Result<Vec<u8>, HttpError> {
    let mut read = Vec::new();
    let end = read_head(stream, &mut read)?;
    let mut body = read.split_off(end);
    let head = Head::parse(&read)?;
    if head.status != 200 {
        return Err(refusal(stream, body, &head));
    }
    if !head.content_type.is_some_and(|found| found.eq_ignore_ascii_case(CONTENT_TYPE.as_bytes())) {
        return Err(HttpError::Malformed { expected: "a proof, found another Content-Type" });
    }
    let length = head.length()?;
    if length > SESSION_MAX_BYTES {
        return Err(HttpError::TooLong { what: "proof", limit: SESSION_MAX_BYTES });
    }
    read_body(stream, &mut body, length)?;
    if body.len() > length {
        return Err(HttpError::Malformed { expected: "nothing after the proof, for nothing else was asked" });
    }
    Ok(body)
}

/// Reads until a head is whole; where it ends.
fn read_head(stream: &mut impl Read, read: &mut Vec<u8>) -> Result<usize, HttpError> {
    const END: &[u8] = b"\r\n\r\n";
    loop {
        let end = read.windows(END.len()).position(|four| four == END).map(|at| at.saturating_add(END.len()));
        if end.unwrap_or(read.len()) > HEAD_MAX_BYTES {
            return Err(HttpError::TooLong { what: "head", limit: HEAD_MAX_BYTES });
        }
        if let Some(end) = end {
            return Ok(end);
        }
        read_piece(stream, read, PIECE_BYTES)?;
    }
}

fn read_body(stream: &mut impl Read, body: &mut Vec<u8>, length: usize) -> Result<(), HttpError> {
    while body.len() < length {
        // A byte more than is announced is noticed if it is here already.
        let missing = length.saturating_sub(body.len()).saturating_add(1);
        read_piece(stream, body, missing.min(PIECE_BYTES))?;
    }
    Ok(())
}

fn read_piece(stream: &mut impl Read, into: &mut Vec<u8>, most: usize) -> Result<(), HttpError> {
    let mut piece = [0; PIECE_BYTES];
    let piece = piece.get_mut(..most).unwrap_or_default();
    loop {
        match stream.read(piece) {
            Ok(0) => return Err(HttpError::Malformed { expected: "an answer, found the end of one" }),
            Ok(count) => {
                into.extend_from_slice(piece.get(..count).unwrap_or_default());
                return Ok(());
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// What the service says of why it proves nothing. That it says so too long or too slowly changes nothing.
fn refusal(stream: &mut impl Read, mut body: Vec<u8>, head: &Head<'_>) -> HttpError {
    let length = head.length().unwrap_or(0).min(REASON_MAX_BYTES);
    let _ = read_body(stream, &mut body, length);
    body.truncate(length);
    let text = String::from_utf8_lossy(&body);
    let text = text.trim();
    let reason = if text.is_empty() { "no reason given".to_owned() } else { printable_line(text) };
    HttpError::Status { status: head.status, reason }
}

/// What is looked at in a head.
struct Head<'a> {
    status: u16,
    content_type: Option<&'a [u8]>,
    lengths: Vec<&'a [u8]>,
    is_encoded: bool,
}

impl<'a> Head<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, HttpError> {
        let malformed = HttpError::Malformed { expected: "HTTP/1.1, found something else" };
        let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
        let mut response = httparse::Response::new(&mut fields);
        let is_whole = response.parse(bytes).is_ok_and(|parsed| parsed.is_complete());
        let Some(status) = response.code.filter(|_| is_whole && response.version == Some(1)) else {
            return Err(malformed);
        };
        let values = |name: &'static str| {
            let all = response.headers.iter().filter(move |field| field.name.eq_ignore_ascii_case(name));
            all.map(|field| field.value.trim_ascii())
        };
        Ok(Self {
            status,
            content_type: values("content-type").next(),
            lengths: values("content-length").collect(),
            is_encoded: values("transfer-encoding").next().is_some(),
        })
    }

    /// The one length. There are no two ways to see where an answer ends.
    fn length(&self) -> Result<usize, HttpError> {
        let digits = match self.lengths.as_slice() {
            [digits] if !self.is_encoded && digits.iter().all(u8::is_ascii_digit) => digits,
            _ => return Err(HttpError::Malformed { expected: "one Content-Length and no other framing" }),
        };
        let number = str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
        number.ok_or(HttpError::Malformed { expected: "a Content-Length that is a number" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> Result<Vec<u8>, String> {
        read_answer(&mut text.as_bytes()).map_err(|error| error.to_string())
    }

    fn ok(fields: &str) -> String {
        format!("HTTP/1.1 200 OK\r\nContent-Type: {CONTENT_TYPE}\r\n{fields}\r\n\r\n")
    }

    #[test]
    fn the_question_is_one_request() {
        let mut sent = Vec::new();
        struct Both<'a>(&'a mut Vec<u8>, &'a [u8]);
        impl Read for Both<'_> {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                self.1.read(into)
            }
        }
        impl Write for Both<'_> {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.write(bytes)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let proof = ok("Content-Length: 5") + "proof";
        assert_eq!(ask(&mut Both(&mut sent, proof.as_bytes()), "a.example:1", b"asked").unwrap(), b"proof");
        let expected = "POST /.well-known/redoubt/session HTTP/1.1\r\nHost: a.example:1\r\n\
            Content-Type: application/redoubt-session-request+cbor\r\nAccept: application/redoubt-session+cbor\r\n\
            Content-Length: 5\r\n\r\nasked";
        assert_eq!(String::from_utf8(sent).unwrap(), expected);
    }

    #[test]
    fn an_answer_has_one_length_and_one_type() {
        for (fields, body, words) in [
            ("Content-Length: 5", "proofs", "nothing after the proof"),
            ("Content-Length: 5", "proo", "found the end"),
            ("Content-Length: 5\r\nContent-Length: 5", "proof", "one Content-Length"),
            ("Content-Length: 5\r\nTransfer-Encoding: chunked", "proof", "one Content-Length"),
            ("Content-Length: +5", "proof", "one Content-Length"),
            ("Content-Length:", "proof", "a number"),
            ("Content-Length: 99999999999999999999999", "proof", "a number"),
            ("Content-Length: 99999999", "proof", "a proof of at most"),
            ("Transfer-Encoding: chunked", "5\r\nproof\r\n0\r\n\r\n", "one Content-Length"),
            ("X: y", "proof", "one Content-Length"),
        ] {
            let error = answer(&(ok(fields) + body)).unwrap_err();
            assert!(error.contains(words), "{fields}: {error}");
        }
        let html = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1\r\n\r\nx";
        assert!(answer(html).unwrap_err().contains("another Content-Type"));
        for garbage in ["HTTP/1.0 200 OK\r\n\r\n", "SSH-2.0-x\r\n\r\n", "\r\n\r\n", "HTTP/1.1 2 OK\r\n\r\n"] {
            assert!(answer(garbage).unwrap_err().contains("expected HTTP/1.1"), "{garbage}");
        }
    }

    #[test]
    fn a_refusal_says_why_and_does_nothing_to_a_terminal() {
        let said = |text: &str| answer(text).unwrap_err();
        let text = "HTTP/1.1 503 x\r\nContent-Length: 9\r\n\r\nno\u{1b}[2Jkey\n";
        assert_eq!(said(text), "status 503: no\\u{1b}[2Jkey");
        assert_eq!(said("HTTP/1.1 404 x\r\n\r\n"), "status 404: no reason given");
        let long = format!(
            "HTTP/1.1 500 x\r\nContent-Length: {}\r\n\r\n{}",
            1_u64 << 40,
            "x".repeat(REASON_MAX_BYTES * 2)
        );
        assert_eq!(said(&long), format!("status 500: {}", "x".repeat(REASON_MAX_BYTES)));
    }

    #[test]
    fn a_head_without_an_end_is_given_up() {
        let mut endless = Read::chain(&b"HTTP/1.1 200 OK\r\n"[..], io::repeat(b'x'));
        assert!(read_answer(&mut endless).unwrap_err().to_string().contains("a head of at most 16384"));
        let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(HEAD_MAX_BYTES));
        assert!(answer(&long).unwrap_err().contains("a head of at most 16384"));
    }
}
