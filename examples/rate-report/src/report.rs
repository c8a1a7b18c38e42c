//! What the expenses come to, and its one spelling in JSON.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::decimal::{Amount, Cents, Rate};
use crate::expense::{Currency, Date, Expense, Malformed};
use crate::rates::Rates;
use crate::url::Url;

/// Version of the report's format.
const REPORT_VERSION: u32 = 1;
/// How many malformed lines the report lists; all of them are counted.
pub const LISTED_MAX: usize = 100;

/// What the expenses come to.
#[derive(Debug)]
pub struct Report<'a> {
    pub(crate) sha256: [u8; 32],
    pub(crate) bytes: u64,
    pub(crate) lines: u64,
    pub(crate) url: Url<'a>,
    pub(crate) rates: &'a Rates,
    pub(crate) books: Books,
}

/// A line that does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MalformedLine {
    /// The header is line 1.
    pub line: u64,
    /// Why.
    pub reason: Malformed,
}

/// What was read so far.
#[derive(Debug, Default)]
pub(crate) struct Books {
    sums: BTreeMap<Currency, Sum>,
    total: Cents,
    expenses: u64,
    period: Option<(Date, Date)>,
    malformed: Vec<MalformedLine>,
    malformed_count: u64,
}

/// The expenses in one currency.
#[derive(Debug, Clone, Copy)]
struct Sum {
    rate: Rate,
    expenses: u64,
    amount: Amount,
    in_base: Cents,
}

impl Books {
    /// Enters an expense; a refused one leaves every sum as it was.
    pub(crate) fn enter(&mut self, expense: &Expense, rates: &Rates) -> Result<(), Malformed> {
        let Expense { date, amount, currency } = *expense;
        let rate = rates.of(currency).ok_or(Malformed::NoRate)?;
        let before = self.sums.get(&currency).copied().unwrap_or(Sum::nothing(rate));
        let in_base = amount.at(rate).ok_or(Malformed::TotalTooLarge)?;
        let after = before.plus(amount, in_base).ok_or(Malformed::TotalTooLarge)?;
        self.total = self.total.plus(in_base).ok_or(Malformed::TotalTooLarge)?;
        // From here on nothing can fail.
        self.sums.insert(currency, after);
        self.expenses = self.expenses.saturating_add(1);
        let (first, last) = self.period.unwrap_or((date, date));
        self.period = Some((first.min(date), last.max(date)));
        Ok(())
    }

    /// Notes a line that does not count.
    pub(crate) fn refuse(&mut self, line: u64, reason: Malformed) {
        self.malformed_count = self.malformed_count.saturating_add(1);
        if self.malformed.len() < LISTED_MAX {
            self.malformed.push(MalformedLine { line, reason });
        }
    }
}

impl Sum {
    fn nothing(rate: Rate) -> Self {
        Self { rate, expenses: 0, amount: Amount::default(), in_base: Cents::default() }
    }

    fn plus(self, amount: Amount, in_base: Cents) -> Option<Self> {
        Some(Self {
            rate: self.rate,
            expenses: self.expenses.saturating_add(1),
            amount: self.amount.plus(amount)?,
            in_base: self.in_base.plus(in_base)?,
        })
    }
}

impl Report<'_> {
    /// Every line counts.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.books.malformed_count == 0
    }

    /// Writes the report: fixed key order, one currency per line, a line break at the end. Amounts and rates are strings,
    /// because numbers of JSON are floating-point numbers to many who read them. No string in it needs escaping: codes and
    /// the address are restricted when they are read, reasons are our own.
    ///
    /// # Errors
    /// `out` failed.
    pub fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{{")?;
        writeln!(out, "  \"report\": \"rate-report\",")?;
        writeln!(out, "  \"version\": {REPORT_VERSION},")?;
        writeln!(out, "  \"complete\": {},", self.is_complete())?;
        self.write_sources(out)?;
        self.write_lines(out)?;
        self.write_sums(out)?;
        writeln!(out, "}}")
    }

    fn write_sources(&self, out: &mut impl Write) -> io::Result<()> {
        write!(out, "  \"input\": {{\"sha256\": \"")?;
        write_hex(out, &self.sha256)?;
        writeln!(out, "\", \"bytes\": {}, \"lines\": {}}},", self.bytes, self.lines)?;
        let Rates { sha256, bytes, base, date, .. } = self.rates;
        write!(out, "  \"rates\": {{\"url\": \"{}\", \"sha256\": \"", self.url)?;
        write_hex(out, sha256)?;
        writeln!(out, "\", \"bytes\": {bytes}, \"base\": \"{base}\", \"date\": \"{date}\"}},")
    }

    fn write_lines(&self, out: &mut impl Write) -> io::Result<()> {
        let books = &self.books;
        match books.period {
            Some((first, last)) => {
                writeln!(out, "  \"period\": {{\"first\": \"{first}\", \"last\": \"{last}\"}},")?;
            }
            None => writeln!(out, "  \"period\": null,")?,
        }
        writeln!(out, "  \"expenses\": {},", books.expenses)?;
        writeln!(out, "  \"malformed_lines\": {},", books.malformed_count)?;
        write_list(out, "malformed", &books.malformed, |out, MalformedLine { line, reason }| {
            write!(out, "{{\"line\": {line}, \"reason\": \"{}\"}}", reason.reason())
        })
    }

    fn write_sums(&self, out: &mut impl Write) -> io::Result<()> {
        write_list(out, "currencies", &self.books.sums, |out, (currency, sum)| {
            let Sum { rate, expenses, amount, in_base } = sum;
            write!(out, "{{\"currency\": \"{currency}\", \"expenses\": {expenses}, ")?;
            write!(out, "\"total\": \"{amount}\", \"rate\": \"{rate}\", \"in_base\": \"{in_base}\"}}")
        })?;
        let (base, total) = (self.rates.base, self.books.total);
        writeln!(out, "  \"total\": {{\"currency\": \"{base}\", \"amount\": \"{total}\"}}")
    }
}

fn write_hex(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
}

fn write_list<W: Write, T>(
    out: &mut W,
    name: &str,
    entries: impl IntoIterator<Item = T>,
    entry: impl Fn(&mut W, T) -> io::Result<()>,
) -> io::Result<()> {
    write!(out, "  \"{name}\": [")?;
    let mut any = false;
    for item in entries {
        write!(out, "{}\n    ", if any { "," } else { "" })?;
        entry(out, item)?;
        any = true;
    }
    writeln!(out, "{}],", if any { "\n  " } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expense::parse_expense;

    #[test]
    fn a_refused_expense_changes_nothing() {
        let rates = r#"{"base":"EUR","date":"2026-11-27","rates":{"AAA":1e-12,"BBB":1e-12}}"#;
        let rates = Rates::parse(rates.as_bytes()).unwrap();
        let mut books = Books::default();
        let expense = |currency: &str| {
            parse_expense(format!("2026-11-27,a,1000000000000000,{currency}").as_bytes()).unwrap()
        };
        books.enter(&expense("AAA"), &rates).unwrap();
        // No input is long enough to get there by itself.
        let almost = (0..126).try_fold(Cents::default(), |sum, bit| sum.plus(power_of_two(bit))).unwrap();
        books.total = almost.plus(almost).unwrap();
        let before = format!("{books:?}");
        assert_eq!(books.enter(&expense("AAA"), &rates), Err(Malformed::TotalTooLarge));
        assert_eq!(books.enter(&expense("BBB"), &rates), Err(Malformed::TotalTooLarge));
        assert_eq!(books.enter(&expense("CCC"), &rates), Err(Malformed::NoRate));
        assert_eq!(format!("{books:?}"), before);
    }

    fn power_of_two(bit: u32) -> Cents {
        let cent = Amount::parse(b"0.01").unwrap().at(Rate::ONE).unwrap();
        (0..bit).fold(cent, |sum, _| sum.plus(sum).unwrap())
    }
}
