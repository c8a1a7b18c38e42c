//! Heads of answers, and answers without a job.

use std::io;

use attestation_submission::ANSWER_TYPE;
use loader_vmm::error::GuestError;

use super::pace::Paced;

/// When a client that found no room may come again.
const RETRY_AFTER_S: u32 = 10;

/// Why a request is not done, and what would have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    status: u16,
    text: String,
    /// A field.
    more: String,
}

impl Refusal {
    pub(super) fn new(status: u16, expected: &str) -> Self {
        Self { status, text: format!("expected {expected}\n"), more: String::new() }
    }

    pub(super) fn allowing(self, method: &str) -> Self {
        Self { more: format!("allow: {method}\r\n"), ..self }
    }

    pub(super) fn too_long(limit: u64) -> Self {
        Self::new(413, &format!("an envelope of at most {limit} bytes"))
    }

    pub(super) fn busy() -> Self {
        Self {
            status: 503,
            text: "too many jobs are here already: try again later\n".to_owned(),
            more: format!("retry-after: {RETRY_AFTER_S}\r\n"),
        }
    }

    /// The guest's queue has no room, or there is no guest.
    pub(super) fn of(error: &GuestError) -> Self {
        match error {
            GuestError::QueueFull { .. } => Self::busy(),
            _ => Self { status: 503, text: "the guest is gone\n".to_owned(), more: String::new() },
        }
    }

    #[cfg(test)]
    pub(super) const fn status(&self) -> u16 {
        self.status
    }

    pub(super) fn write(&self, paced: &mut Paced<'_>) -> io::Result<()> {
        let Self { status, text, more } = self;
        let head = format!(
            "HTTP/1.1 {status} {}\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n{more}connection: close\r\n\r\n{text}",
            reason(*status),
            text.len()
        );
        paced.write(head.as_bytes())
    }
}

const fn reason(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        411 => "Length Required",
        413 => "Content Too Large",
        417 => "Expectation Failed",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        _ => "Error",
    }
}

/// Something that is at hand.
pub(super) fn whole(paced: &mut Paced<'_>, media_type: &str, bytes: &[u8]) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {media_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        bytes.len()
    );
    paced.write(head.as_bytes())?;
    paced.write(bytes)
}

/// The envelope may come.
pub(super) fn go_on(paced: &mut Paced<'_>) -> io::Result<()> {
    paced.write(b"HTTP/1.1 100 Continue\r\n\r\n")
}

/// The answer of a job follows, until the connection is closed.
pub(super) fn begin_answer(paced: &mut Paced<'_>) -> io::Result<()> {
    paced.write(
        format!("HTTP/1.1 200 OK\r\ncontent-type: {ANSWER_TYPE}\r\nconnection: close\r\n\r\n").as_bytes(),
    )
}
