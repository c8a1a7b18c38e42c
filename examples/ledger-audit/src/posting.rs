//! One line of the ledger.

use core::fmt;

use crate::books::{AMOUNT_MAX, Currency};

/// Columns of [`HEADER`](crate::HEADER).
const COLUMNS: usize = 7;
/// Longest account name in bytes.
const ACCOUNT_MAX_BYTES: usize = 64;

/// What a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Posting<'a> {
    pub(crate) transaction: u64,
    pub(crate) date: Date,
    pub(crate) account: &'a str,
    pub(crate) currency: Currency,
    pub(crate) side: Side,
    /// Minor units, 1 to [`AMOUNT_MAX`].
    pub(crate) amount: u64,
}

/// Which column carries the amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Debit,
    Credit,
}

/// A calendar date of the Gregorian calendar. Orders as time does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// Why a line does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// Account names are 1 to 64 of `A-Z a-z 0-9 . : _ -`.
    Account,
    /// Amounts are whole numbers of minor units from 1 to [`AMOUNT_MAX`].
    Amount,
    /// Currencies are three capital letters.
    Currency,
    /// Not `YYYY-MM-DD`, or no such day.
    Date,
    /// Not seven fields.
    FieldCount,
    /// Longer than [`LINE_MAX_BYTES`](crate::LINE_MAX_BYTES).
    LineTooLong,
    /// Neither debit nor credit, or both.
    OneSide,
    /// A quote that opens, closes or doubles where it may not.
    Quotes,
    /// The memo is not UTF-8.
    Text,
    /// A total would exceed [`AMOUNT_MAX`].
    TotalTooLarge,
    /// Transaction numbers are decimal.
    TransactionNumber,
}

impl Malformed {
    /// The reason as the report spells it. Needs no escaping in JSON.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Account => "account: expected 1 to 64 of A-Z a-z 0-9 . : _ -",
            Self::Amount => "amount: expected a whole number of minor units from 1 to 9007199254740991",
            Self::Currency => "currency: expected three capital letters",
            Self::Date => "date: expected an existing day as YYYY-MM-DD",
            Self::FieldCount => "expected seven fields",
            Self::LineTooLong => "line longer than 4096 bytes",
            Self::OneSide => "expected either a debit or a credit",
            Self::Quotes => "misplaced quote",
            Self::Text => "memo: expected UTF-8",
            Self::TotalTooLarge => "a total would exceed 9007199254740991",
            Self::TransactionNumber => "transaction: expected a decimal number",
        }
    }
}

/// Reads one line without its line break.
pub(crate) fn parse_posting(line: &[u8]) -> Result<Posting<'_>, Malformed> {
    let [transaction, date, account, currency, debit, credit, memo] = split(line)?;
    core::str::from_utf8(memo).map_err(|_| Malformed::Text)?;
    let (side, amount) = match (debit, credit) {
        (amount, b"") if !amount.is_empty() => (Side::Debit, amount),
        (b"", amount) if !amount.is_empty() => (Side::Credit, amount),
        _ => return Err(Malformed::OneSide),
    };
    let amount =
        decimal(amount).filter(|amount| (1..=AMOUNT_MAX).contains(amount)).ok_or(Malformed::Amount)?;
    Ok(Posting {
        transaction: decimal(transaction).ok_or(Malformed::TransactionNumber)?,
        date: parse_date(date).ok_or(Malformed::Date)?,
        account: parse_account(account).ok_or(Malformed::Account)?,
        currency: parse_currency(currency).ok_or(Malformed::Currency)?,
        side,
        amount,
    })
}

/// Cuts a line into fields and takes the outer quotes away. Doubled quotes inside stay doubled: only the memo can
/// have them, and nobody reads it.
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
        let end = rest.iter().position(|&byte| byte == b',');
        let (field, after) = match end.and_then(|end| rest.split_at_checked(end)) {
            Some((field, after)) => (field, after.get(1..)),
            None => (rest, None),
        };
        return if field.contains(&b'"') { Err(Malformed::Quotes) } else { Ok((field, after)) };
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

fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |value, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

fn parse_date(text: &[u8]) -> Option<Date> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return None };
    let year = u16::try_from(decimal(&[y1, y2, y3, y4])?).ok()?;
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
    (1..=days).contains(&day).then_some(Date { year, month, day })
}

fn parse_account(name: &[u8]) -> Option<&str> {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b".:_-".contains(byte);
    let fits = (1..=ACCOUNT_MAX_BYTES).contains(&name.len()) && name.iter().all(allowed);
    if fits { core::str::from_utf8(name).ok() } else { None }
}

fn parse_currency(code: &[u8]) -> Option<Currency> {
    let code: [u8; 3] = code.try_into().ok()?;
    code.iter().all(u8::is_ascii_uppercase).then_some(Currency(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_it_says() {
        let posting = parse_posting(br#"17,2024-02-29,assets:bank,EUR,1250,,"rent, ""March"" ""#).unwrap();
        assert_eq!(posting.transaction, 17);
        assert_eq!(posting.date.to_string(), "2024-02-29");
        assert_eq!((posting.account, posting.currency), ("assets:bank", Currency(*b"EUR")));
        assert_eq!((posting.side, posting.amount), (Side::Debit, 1250));
        assert_eq!(parse_posting(b"17,2024-02-29,a,EUR,,1,").unwrap().side, Side::Credit);
        assert_eq!(parse_posting(br#""17","2024-02-29","a","EUR","1","","""#).unwrap().amount, 1);
    }

    #[test]
    fn every_rule_bites() {
        let cases: [(&[u8], Malformed); 22] = [
            (b"", Malformed::FieldCount),
            (b"1,2024-01-01,a,EUR,1,", Malformed::FieldCount),
            (b"1,2024-01-01,a,EUR,1,,x,y", Malformed::FieldCount),
            (b"x,2024-01-01,a,EUR,1,,", Malformed::TransactionNumber),
            (b"-1,2024-01-01,a,EUR,1,,", Malformed::TransactionNumber),
            (b"18446744073709551616,2024-01-01,a,EUR,1,,", Malformed::TransactionNumber),
            (b"1,2023-02-29,a,EUR,1,,", Malformed::Date),
            (b"1,2024-13-01,a,EUR,1,,", Malformed::Date),
            (b"1,2024-04-31,a,EUR,1,,", Malformed::Date),
            (b"1,24-01-01,a,EUR,1,,", Malformed::Date),
            (b"1,2024-01-01,,EUR,1,,", Malformed::Account),
            (b"1,2024-01-01,a b,EUR,1,,", Malformed::Account),
            (b"1,2024-01-01,a,eur,1,,", Malformed::Currency),
            (b"1,2024-01-01,a,EURO,1,,", Malformed::Currency),
            (b"1,2024-01-01,a,EUR,,,", Malformed::OneSide),
            (b"1,2024-01-01,a,EUR,1,1,", Malformed::OneSide),
            (b"1,2024-01-01,a,EUR,0,,", Malformed::Amount),
            (b"1,2024-01-01,a,EUR,9007199254740992,,", Malformed::Amount),
            (b"1,2024-01-01,a,EUR,1.5,,", Malformed::Amount),
            (b"1,2024-01-01,a,EUR,1,,say \"x\"", Malformed::Quotes),
            (b"1,2024-01-01,a,EUR,1,,\"open", Malformed::Quotes),
            (b"1,2024-01-01,a,EUR,1,,\xff", Malformed::Text),
        ];
        for (line, expected) in cases {
            assert_eq!(parse_posting(line), Err(expected), "{}", line.escape_ascii());
        }
    }
}
