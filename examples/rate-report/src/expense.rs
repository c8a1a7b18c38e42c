//! One line of the list.

use core::fmt;

use crate::decimal::Amount;

/// Columns of [`HEADER`](crate::HEADER).
const COLUMNS: usize = 4;

/// What a line says. What the money went on is checked to be text, and left out: nobody adds it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expense {
    pub(crate) date: Date,
    pub(crate) amount: Amount,
    pub(crate) currency: Currency,
}

/// An ISO 4217 code, capital letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

/// A date of the Gregorian calendar. Orders as time does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// Why a line does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// Not a decimal number of the size that [`Amount::parse`] takes.
    Amount,
    /// Currencies are three capital letters.
    Currency,
    /// Not `YYYY-MM-DD`, or no such day.
    Date,
    /// Not four fields.
    FieldCount,
    /// Longer than [`LINE_MAX_BYTES`](crate::LINE_MAX_BYTES).
    LineTooLong,
    /// There is no rate for the currency.
    NoRate,
    /// A quote that opens, closes or doubles where it may not.
    Quotes,
    /// What the money went on is not UTF-8.
    Text,
    /// A total would exceed what 128 bits hold.
    TotalTooLarge,
}

impl Malformed {
    /// The reason as the report spells it. Needs no escaping in JSON.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Amount => "amount: expected a decimal number of at most 10^15, with at most six decimals",
            Self::Currency => "currency: expected three capital letters",
            Self::Date => "date: expected an existing day as YYYY-MM-DD",
            Self::FieldCount => "expected four fields",
            Self::LineTooLong => "line longer than 4096 bytes",
            Self::NoRate => "currency: there is no rate for it",
            Self::Quotes => "misplaced quote",
            Self::Text => "what: expected UTF-8",
            Self::TotalTooLarge => "a total would be too large",
        }
    }
}

impl Currency {
    /// Reads a code.
    #[must_use]
    pub fn parse(code: &[u8]) -> Option<Self> {
        let code: [u8; 3] = code.try_into().ok()?;
        code.iter().all(u8::is_ascii_uppercase).then_some(Self(code))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

impl Date {
    /// Reads `YYYY-MM-DD`.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return None };
        let year = decimal(&[y1, y2, y3, y4])?;
        let month = u8::try_from(decimal(&[m1, m2])?).ok()?;
        let day = u8::try_from(decimal(&[d1, d2])?).ok()?;
        let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => return None,
        };
        (1..=days).contains(&day).then_some(Self { year, month, day })
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// Reads one line without its line break.
pub(crate) fn parse_expense(line: &[u8]) -> Result<Expense, Malformed> {
    let [date, what, amount, currency] = split(line)?;
    core::str::from_utf8(what).map_err(|_| Malformed::Text)?;
    Ok(Expense {
        date: Date::parse(date).ok_or(Malformed::Date)?,
        amount: Amount::parse(amount).ok_or(Malformed::Amount)?,
        currency: Currency::parse(currency).ok_or(Malformed::Currency)?,
    })
}

/// Cuts a line into fields and takes the outer quotes away. Doubled quotes inside stay doubled: only what the money went on
/// can have them, and nobody reads it.
fn split(line: &[u8]) -> Result<[&[u8]; COLUMNS], Malformed> {
    let mut fields = [&[] as &[u8]; COLUMNS];
    let mut rest = Some(line);
    for field in &mut fields {
        let (found, after) = next_field(rest.ok_or(Malformed::FieldCount)?)?;
        *field = found;
        rest = after;
    }
    if rest.is_some() { Err(Malformed::FieldCount) } else { Ok(fields) }
}

/// The first field of `rest`, and what follows its comma.
fn next_field(rest: &[u8]) -> Result<(&[u8], Option<&[u8]>), Malformed> {
    let Some(quoted) = rest.strip_prefix(b"\"") else {
        let mut parts = rest.splitn(2, |byte| *byte == b',');
        let field = parts.next().unwrap_or_default();
        return if field.contains(&b'"') { Err(Malformed::Quotes) } else { Ok((field, parts.next())) };
    };
    let (field, after) = quoted.split_at_checked(closing_quote(quoted)?).ok_or(Malformed::Quotes)?;
    match after {
        [b'"'] => Ok((field, None)),
        [b'"', b',', after @ ..] => Ok((field, Some(after))),
        _ => Err(Malformed::Quotes),
    }
}

/// Position of the first quote that is not doubled.
fn closing_quote(quoted: &[u8]) -> Result<usize, Malformed> {
    let mut bytes = quoted.iter().enumerate().peekable();
    while let Some((index, byte)) = bytes.next() {
        if *byte == b'"' && bytes.next_if(|(_, next)| **next == b'"').is_none() {
            return Ok(index);
        }
    }
    Err(Malformed::Quotes)
}

fn decimal(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0_u16, |value, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        value.checked_mul(10)?.checked_add(u16::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_it_says() {
        let expense = parse_expense(br#"2024-02-29,"taxi, ""late"" one",-12.50,USD"#).unwrap();
        assert_eq!(expense.date.to_string(), "2024-02-29");
        assert_eq!(expense.amount.to_string(), "-12.50");
        assert_eq!(expense.currency.to_string(), "USD");
        assert_eq!(parse_expense(br#""2024-02-29","","-12.5","USD""#), Ok(expense));
    }

    #[test]
    fn every_rule_bites() {
        let cases: [(&[u8], Malformed); 20] = [
            (b"", Malformed::FieldCount),
            (b"2024-01-01,a,1", Malformed::FieldCount),
            (b"2024-01-01,a,1,EUR,", Malformed::FieldCount),
            (b"2023-02-29,a,1,EUR", Malformed::Date),
            (b"1900-02-29,a,1,EUR", Malformed::Date),
            (b"2024-13-01,a,1,EUR", Malformed::Date),
            (b"2024-04-31,a,1,EUR", Malformed::Date),
            (b"2024-04-00,a,1,EUR", Malformed::Date),
            (b"24-01-01,a,1,EUR", Malformed::Date),
            (b"2024-1x-01,a,1,EUR", Malformed::Date),
            (b"2024-01-01,a,,EUR", Malformed::Amount),
            (b"2024-01-01,a,1.0000001,EUR", Malformed::Amount),
            (b"2024-01-01,a,\"1,50\",EUR", Malformed::Amount),
            (b"2024-01-01,a,1,eur", Malformed::Currency),
            (b"2024-01-01,a,1,EURO", Malformed::Currency),
            (b"2024-01-01,say \"x\",1,EUR", Malformed::Quotes),
            (b"2024-01-01,\"open,1,EUR", Malformed::Quotes),
            (b"2024-01-01,\"a\"b,1,EUR", Malformed::Quotes),
            (b"2024-01-01,a,1,\"EUR\"\"", Malformed::Quotes),
            (b"2024-01-01,\xff,1,EUR", Malformed::Text),
        ];
        for (line, expected) in cases {
            assert_eq!(parse_expense(line), Err(expected), "{}", line.escape_ascii());
        }
    }
}
