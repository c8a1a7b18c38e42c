//! What a client asks for.

use std::io;

use attestation_submission::{EVIDENCE_PATH, JOBS_PATH};
use httparse::{EMPTY_HEADER, Header, Request, Status};

use super::pace::Paced;
use super::reply::Refusal;

const HEAD_MAX_BYTES: usize = 8 << 10;
const FIELDS_MAX: usize = 64;
const READ_BYTES: usize = 1024;

/// A request's head, and what has come behind it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) ask: Ask,
    pub(super) rest: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// What the guest shows of itself.
    Evidence,
    /// A private job.
    Job {
        /// Of its envelope.
        bytes: u64,
        /// Whether the client sends it only when it is told to.
        awaits_continue: bool,
    },
}

impl Head {
    /// Reads a head; what it is refused for is inside.
    pub(super) fn read(paced: &mut Paced<'_>) -> io::Result<Result<Self, Refusal>> {
        let (deadline, mut bytes) = (Paced::deadline(), Vec::new());
        loop {
            if let Some(parsed) = parse(&bytes).transpose() {
                return Ok(parsed);
            }
            if bytes.len() >= HEAD_MAX_BYTES {
                return Ok(Err(Refusal::new(431, "a head of at most 8192 bytes")));
            }
            let mut piece = [0; READ_BYTES];
            let count = paced.read_some(&mut piece, deadline)?;
            bytes.extend_from_slice(piece.get(..count).unwrap_or_default());
        }
    }
}

/// `None` when it has not come whole.
fn parse(bytes: &[u8]) -> Result<Option<Head>, Refusal> {
    let mut fields = [EMPTY_HEADER; FIELDS_MAX];
    let mut request = Request::new(&mut fields);
    let length = match request.parse(bytes) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(Refusal::new(431, "at most 64 fields")),
        Err(_) => return Err(Refusal::new(400, "a request of HTTP/1.1")),
    };
    let (method, path) = (request.method.unwrap_or_default(), request.path.unwrap_or_default());
    let ask = match (path, method) {
        (EVIDENCE_PATH, "GET") => {
            if body_bytes(request.headers)?.is_some_and(|bytes| bytes > 0) {
                return Err(Refusal::new(400, "no body of such a request"));
            }
            Ask::Evidence
        }
        (JOBS_PATH, "POST") => {
            let bytes = body_bytes(request.headers)?.ok_or(Refusal::new(411, "a Content-Length"))?;
            Ask::Job { bytes, awaits_continue: awaits_continue(request.headers)? }
        }
        (EVIDENCE_PATH, _) => return Err(Refusal::new(405, "GET").allowing("GET")),
        (JOBS_PATH, _) => return Err(Refusal::new(405, "POST").allowing("POST")),
        _ => return Err(Refusal::new(404, "/evidence or /jobs")),
    };
    let rest = bytes.get(length..).unwrap_or_default().to_vec();
    Ok(Some(Head { ask, rest }))
}

fn values<'f>(fields: &'f [Header<'_>], name: &str) -> impl Iterator<Item = &'f [u8]> {
    fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
}

/// Digits only: a number's parser would take a plus.
fn body_bytes(fields: &[Header<'_>]) -> Result<Option<u64>, Refusal> {
    if values(fields, "transfer-encoding").next().is_some() {
        return Err(Refusal::new(411, "a Content-Length and no Transfer-Encoding"));
    }
    let mut lengths = values(fields, "content-length");
    let Some(length) = lengths.next() else { return Ok(None) };
    let digits = str::from_utf8(length).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    match (digits.and_then(|text| text.parse().ok()), lengths.next()) {
        (Some(bytes), None) => Ok(Some(bytes)),
        _ => Err(Refusal::new(400, "one Content-Length, in digits")),
    }
}

fn awaits_continue(fields: &[Header<'_>]) -> Result<bool, Refusal> {
    match values(fields, "expect").next() {
        None => Ok(false),
        Some(value) if value.eq_ignore_ascii_case(b"100-continue") => Ok(true),
        Some(_) => Err(Refusal::new(417, "100-continue or nothing")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(head: &str) -> u16 {
        parse(head.as_bytes()).unwrap_err().status()
    }

    #[test]
    fn heads_are_read_in_every_cut() {
        let head = "POST /jobs HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-Continue\r\n\r\n";
        for length in 0..head.len() {
            assert_eq!(parse(&head.as_bytes()[..length]), Ok(None), "{length} bytes");
        }
        let ask = Ask::Job { bytes: 5, awaits_continue: true };
        let whole = format!("{head}abc");
        assert_eq!(parse(whole.as_bytes()), Ok(Some(Head { ask, rest: b"abc".to_vec() })));
        let evidence = parse(b"GET /evidence HTTP/1.1\r\n\r\n").unwrap().unwrap();
        assert_eq!(evidence.ask, Ask::Evidence);
    }

    #[test]
    fn other_heads_are_refused() {
        let job = |fields: &str| format!("POST /jobs HTTP/1.1\r\n{fields}\r\n");
        assert_eq!(status("GET / HTTP/1.1\r\n\r\n"), 404);
        assert_eq!(status("POST /evidence HTTP/1.1\r\n\r\n"), 405);
        assert_eq!(status("GET /jobs HTTP/1.1\r\n\r\n"), 405);
        assert_eq!(status("GET /evidence HTTP/1.1\r\nContent-Length: 1\r\n\r\n"), 400);
        assert_eq!(status(&job("")), 411);
        assert_eq!(status(&job("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n")), 411);
        assert_eq!(status(&job("Content-Length: 1\r\nExpect: more\r\n")), 417);
        for length in ["+1", "", "1 2", "0x1", "-1", "99999999999999999999"] {
            assert_eq!(status(&job(&format!("Content-Length: {length}\r\n"))), 400, "{length:?}");
        }
        assert_eq!(status(&job("Content-Length: 1\r\nContent-Length: 1\r\n")), 400);
        assert_eq!(status("\0\0\0\0"), 400);
        assert_eq!(status("GET /evidence HTTP/9.9\r\n\r\n"), 400);
        assert_eq!(status(&job(&"a: b\r\n".repeat(65))), 431);
    }
}
