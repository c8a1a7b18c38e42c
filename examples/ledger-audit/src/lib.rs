//! Audits a double-entry ledger without ever holding it in memory.
//!
//! The ledger is CSV with the header [`HEADER`]. Each line is one posting; the postings of a transaction stand
//! together; transaction numbers rise. Amounts are positive integers in minor units (cents), in exactly one of the
//! columns `debit` and `credit`. Fields may be quoted, but may not contain a line break.
//!
//! The report depends on the input's bytes only: no clock, no randomness, no hash-map order. That is what lets a
//! stranger run it again and compare. Memory grows with the number of accounts, never with the number of lines.
//! Panics: never on input.
#![forbid(unsafe_code)]

mod books;
mod lines;
mod posting;
mod report;

use std::io::{self, Read};

use books::Books;
use lines::{Line, LineReader};
use posting::parse_posting;

pub use books::{AMOUNT_MAX, Currency, LISTED_MAX, OutOfOrder, Turnover, Unbalanced};
pub use lines::LINE_MAX_BYTES;
pub use posting::{Date, Malformed};
pub use report::{MalformedLine, Report};

/// The first line of every ledger.
pub const HEADER: &str = "transaction,date,account,currency,debit,credit,memo";

/// The input is not a ledger at all.
#[derive(Debug)]
#[non_exhaustive]
pub enum Unusable {
    /// Not a byte in it.
    Empty,
    /// The first line is not [`HEADER`].
    Header {
        /// The beginning of what stood there, made printable.
        found: String,
    },
    /// Standard input failed.
    Io(io::Error),
}

impl core::fmt::Display for Unusable {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Empty => write!(f, "the input is empty: expected the header {HEADER:?}"),
            Self::Header { found } => {
                write!(f, "not a ledger: expected the header {HEADER:?}, found \"{found}\"")
            }
            Self::Io(error) => write!(f, "cannot read the input: {error}"),
        }
    }
}

impl core::error::Error for Unusable {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Empty | Self::Header { .. } => None,
        }
    }
}

/// Reads the ledger to its end and says what is wrong with it.
///
/// # Errors
/// The input is empty, does not begin with [`HEADER`], or cannot be read. A ledger with wrong lines is no error: the
/// report lists them.
pub fn audit(input: impl Read) -> Result<Report, Unusable> {
    let mut lines = LineReader::new(input);
    match lines.next_line().map_err(Unusable::Io)? {
        None => return Err(Unusable::Empty),
        Some(Line::Whole(header)) if header == HEADER.as_bytes() => {}
        Some(Line::Whole(other) | Line::TooLong(other)) => {
            let shown = other.get(..other.len().min(HEADER.len())).unwrap_or(other);
            return Err(Unusable::Header { found: shown.escape_ascii().to_string() });
        }
    }
    let mut books = Books::default();
    let mut malformed = Vec::new();
    let mut malformed_count: u64 = 0;
    let mut number: u64 = 1;
    while let Some(line) = lines.next_line().map_err(Unusable::Io)? {
        number = number.saturating_add(1);
        let posted = match line {
            Line::Whole(bytes) => parse_posting(bytes).and_then(|posting| books.post(number, &posting)),
            Line::TooLong(_) => Err(Malformed::LineTooLong),
        };
        if let Err(reason) = posted {
            malformed_count = malformed_count.saturating_add(1);
            if malformed.len() < LISTED_MAX {
                malformed.push(MalformedLine { line: number, reason });
            }
        }
    }
    books.close();
    let (sha256, bytes) = lines.finish();
    Ok(Report { sha256, bytes, lines: number, books, malformed, malformed_count })
}
