//! The result, and its one spelling in JSON.

use std::io::{self, Write};

use crate::books::{Books, OutOfOrder, Turnover, Unbalanced};
use crate::posting::Malformed;

/// Version of the report's format.
const REPORT_VERSION: u32 = 1;

/// What the audit found.
#[derive(Debug)]
pub struct Report {
    pub(crate) sha256: [u8; 32],
    pub(crate) bytes: u64,
    pub(crate) lines: u64,
    pub(crate) books: Books,
    pub(crate) malformed: Vec<MalformedLine>,
    pub(crate) malformed_count: u64,
}

/// A line that does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MalformedLine {
    /// The header is line 1.
    pub line: u64,
    /// Why.
    pub reason: Malformed,
}

impl Report {
    /// Every line was read, every transaction balances in every currency, and the numbers rise.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        self.malformed_count == 0 && self.books.unbalanced_count == 0 && self.books.out_of_order_count == 0
    }

    /// Writes the report: fixed key order, one account per line, a line break at the end. No string in it needs
    /// escaping: names are restricted when they are read, reasons are our own.
    ///
    /// # Errors
    /// `out` failed.
    pub fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{{")?;
        writeln!(out, "  \"report\": \"ledger-audit\",")?;
        writeln!(out, "  \"version\": {REPORT_VERSION},")?;
        writeln!(out, "  \"balanced\": {},", self.is_balanced())?;
        self.write_input(out)?;
        self.write_counts(out)?;
        self.write_findings(out)?;
        self.write_sums(out)?;
        writeln!(out, "}}")
    }

    fn write_input(&self, out: &mut impl Write) -> io::Result<()> {
        write!(out, "  \"input\": {{\"sha256\": \"")?;
        self.sha256.iter().try_for_each(|byte| write!(out, "{byte:02x}"))?;
        writeln!(out, "\", \"bytes\": {}, \"lines\": {}}},", self.bytes, self.lines)
    }

    fn write_counts(&self, out: &mut impl Write) -> io::Result<()> {
        let books = &self.books;
        match books.period {
            Some((first, last)) => {
                writeln!(out, "  \"period\": {{\"first\": \"{first}\", \"last\": \"{last}\"}},")?
            }
            None => writeln!(out, "  \"period\": null,")?,
        }
        writeln!(out, "  \"transactions\": {},", books.transactions)?;
        writeln!(out, "  \"postings\": {},", books.postings)?;
        writeln!(out, "  \"missing_numbers\": {},", books.missing_numbers)
    }

    fn write_findings(&self, out: &mut impl Write) -> io::Result<()> {
        let books = &self.books;
        writeln!(out, "  \"malformed_lines\": {},", self.malformed_count)?;
        write_list(out, "malformed", self.malformed.iter(), |out, MalformedLine { line, reason }| {
            write!(out, "{{\"line\": {line}, \"reason\": \"{}\"}}", reason.reason())
        })?;
        writeln!(out, "  \"unbalanced_transactions\": {},", books.unbalanced_count)?;
        write_list(out, "unbalanced", books.unbalanced.iter(), |out, finding| {
            let Unbalanced { transaction, line, currency, difference } = finding;
            write!(out, "{{\"transaction\": {transaction}, \"line\": {line}, ")?;
            write!(out, "\"currency\": \"{currency}\", \"difference\": {difference}}}")
        })?;
        writeln!(out, "  \"out_of_order_transactions\": {},", books.out_of_order_count)?;
        write_list(out, "out_of_order", books.out_of_order.iter(), |out, OutOfOrder { transaction, line }| {
            write!(out, "{{\"transaction\": {transaction}, \"line\": {line}}}")
        })
    }

    fn write_sums(&self, out: &mut impl Write) -> io::Result<()> {
        write_list(out, "totals", self.books.totals.iter(), |out, (currency, turnover)| {
            write!(out, "{{\"currency\": \"{currency}\", ")?;
            write_turnover(out, *turnover)
        })?;
        let accounts = &self.books.accounts;
        let sums = accounts
            .iter()
            .flat_map(|(name, sums)| sums.iter().map(move |(currency, sum)| (name, currency, sum)));
        writeln!(out, "  \"accounts\": {},", accounts.len())?;
        write_entries(out, "balances", sums, |out, (name, currency, turnover)| {
            write!(out, "{{\"account\": \"{name}\", \"currency\": \"{currency}\", ")?;
            write_turnover(out, *turnover)
        })?;
        writeln!(out)
    }
}

fn write_turnover(out: &mut impl Write, turnover: Turnover) -> io::Result<()> {
    let Turnover { debit, credit } = turnover;
    write!(out, "\"debit\": {debit}, \"credit\": {credit}, \"balance\": {}}}", turnover.balance())
}

/// A list that is not the report's last member.
fn write_list<W: Write, T>(
    out: &mut W,
    name: &str,
    entries: impl Iterator<Item = T>,
    entry: impl FnMut(&mut W, &T) -> io::Result<()>,
) -> io::Result<()> {
    write_entries(out, name, entries, entry)?;
    writeln!(out, ",")
}

fn write_entries<W: Write, T>(
    out: &mut W,
    name: &str,
    entries: impl Iterator<Item = T>,
    mut entry: impl FnMut(&mut W, &T) -> io::Result<()>,
) -> io::Result<()> {
    write!(out, "  \"{name}\": [")?;
    let mut any = false;
    for item in entries {
        write!(out, "{}\n    ", if any { "," } else { "" })?;
        entry(out, &item)?;
        any = true;
    }
    write!(out, "{}]", if any { "\n  " } else { "" })
}
