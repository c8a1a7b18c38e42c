//! Says what expenses in many currencies come to in one, at rates that a server published, and shows how.
//!
//! The expenses are CSV with the header [`HEADER`]. Amounts are decimal numbers, negative where money came back. Fields may
//! be quoted, but may not contain a line break. The rates are JSON ([`Rates`]). Each expense is converted and rounded to cents
//! on its own, half to even, as it would be booked; sums are exact. No floating-point number is ever involved.
//!
//! The report depends on the bytes of expenses and rates only. Memory grows with the number of currencies, never with the
//! number of lines. Panics: never on input.
#![forbid(unsafe_code)]

mod decimal;
mod expense;
mod lines;
mod rates;
mod report;
mod url;

use std::io::{self, Read};

use expense::parse_expense;
use lines::{Line, LineReader};
use report::Books;

pub use decimal::{Amount, Cents, Rate};
pub use expense::{Currency, Date, Malformed};
pub use lines::LINE_MAX_BYTES;
pub use rates::{NoRates, RATES_MAX_BYTES, Rates};
pub use report::{LISTED_MAX, MalformedLine, Report};
pub use url::{NoUrl, Url};

/// The first line of every list of expenses.
pub const HEADER: &str = "date,what,amount,currency";

/// The input is no list of expenses at all.
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
                write!(f, "no list of expenses: expected the header {HEADER:?}, found \"{found}\"")
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

/// Reads the expenses to their end and converts each at `rates`, which came from `url`.
///
/// # Errors
/// The input is empty, does not begin with [`HEADER`], or cannot be read. Wrong lines are no error: the report lists them.
pub fn convert<'a>(input: impl Read, url: Url<'a>, rates: &'a Rates) -> Result<Report<'a>, Unusable> {
    let mut lines = LineReader::new(input);
    match lines.next_line().map_err(Unusable::Io)? {
        None => return Err(Unusable::Empty),
        Some(Line::Whole(header)) if header == HEADER.as_bytes() => {}
        Some(Line::Whole(other) | Line::TooLong(other)) => {
            let shown = other.get(..HEADER.len()).unwrap_or(other);
            return Err(Unusable::Header { found: shown.escape_ascii().to_string() });
        }
    }
    let mut books = Books::default();
    let mut number: u64 = 1;
    while let Some(line) = lines.next_line().map_err(Unusable::Io)? {
        number = number.saturating_add(1);
        let entered = match line {
            Line::Whole(bytes) => parse_expense(bytes).and_then(|expense| books.enter(&expense, rates)),
            Line::TooLong(_) => Err(Malformed::LineTooLong),
        };
        if let Err(reason) = entered {
            books.refuse(number, reason);
        }
    }
    let (sha256, bytes) = lines.finish();
    Ok(Report { sha256, bytes, lines: number, url, rates, books })
}
