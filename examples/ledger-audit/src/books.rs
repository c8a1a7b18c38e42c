//! What the auditor remembers: turnover per account and currency, and the transaction that is being read.

use std::collections::BTreeMap;

use crate::posting::{Date, Malformed, Posting, Side};

/// Largest amount and largest total, in minor units: the integers that every JSON reader keeps exactly (RFC 7493).
pub const AMOUNT_MAX: u64 = (1 << 53) - 1;
/// How many findings of one kind the report lists; all of them are counted.
pub const LISTED_MAX: usize = 100;

/// An ISO 4217 code, capital letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Currency(pub(crate) [u8; 3]);

impl core::fmt::Display for Currency {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

/// Sums of one account, or of all of them, in one currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Turnover {
    /// Minor units, at most [`AMOUNT_MAX`].
    pub debit: u64,
    /// Minor units, at most [`AMOUNT_MAX`].
    pub credit: u64,
}

impl Turnover {
    /// Debits less credits, minor units.
    #[must_use]
    pub fn balance(self) -> i64 {
        // Both are at most `AMOUNT_MAX`, far inside the range.
        self.debit.checked_signed_diff(self.credit).unwrap_or_default()
    }

    fn plus(self, side: Side, amount: u64) -> Option<Self> {
        let add = |sum: u64| sum.checked_add(amount).filter(|sum| *sum <= AMOUNT_MAX);
        Some(match side {
            Side::Debit => Self { debit: add(self.debit)?, ..self },
            Side::Credit => Self { credit: add(self.credit)?, ..self },
        })
    }
}

/// A transaction whose debits differ from its credits in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unbalanced {
    /// Number of the transaction.
    pub transaction: u64,
    /// Line of its first posting; the header is line 1.
    pub line: u64,
    /// The currency.
    pub currency: Currency,
    /// Debits less credits, minor units.
    pub difference: i64,
}

/// A transaction whose number is below the one before it: moved, repeated or split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOfOrder {
    /// Number of the transaction.
    pub transaction: u64,
    /// Line of its first posting; the header is line 1.
    pub line: u64,
}

/// Sums per currency, sorted by it. A sorted list: almost all have one or two entries.
#[derive(Debug, Default)]
pub(crate) struct Turnovers(Vec<(Currency, Turnover)>);

impl Turnovers {
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (Currency, Turnover)> {
        self.0.iter().copied()
    }

    fn add(&mut self, posting: &Posting<'_>) -> Result<(), Malformed> {
        let found = self.0.binary_search_by_key(&posting.currency, |(currency, _)| *currency);
        let (before, index) = match found {
            Ok(index) => (self.0.get(index).map(|(_, turnover)| *turnover).unwrap_or_default(), index),
            Err(index) => (Turnover::default(), index),
        };
        let after = before.plus(posting.side, posting.amount).ok_or(Malformed::TotalTooLarge)?;
        match self.0.get_mut(index).filter(|_| found.is_ok()) {
            Some((_, turnover)) => *turnover = after,
            None => self.0.insert(index, (posting.currency, after)),
        }
        Ok(())
    }
}

/// The state of the audit.
#[derive(Debug, Default)]
pub(crate) struct Books {
    pub(crate) accounts: BTreeMap<Box<str>, Turnovers>,
    pub(crate) totals: Turnovers,
    pub(crate) period: Option<(Date, Date)>,
    pub(crate) postings: u64,
    pub(crate) transactions: u64,
    pub(crate) unbalanced: Vec<Unbalanced>,
    pub(crate) unbalanced_count: u64,
    pub(crate) out_of_order: Vec<OutOfOrder>,
    pub(crate) out_of_order_count: u64,
    /// Numbers that the rising sequence left out.
    pub(crate) missing_numbers: u64,
    open: Option<Open>,
}

/// The transaction that is being read.
#[derive(Debug)]
struct Open {
    number: u64,
    line: u64,
    turnovers: Turnovers,
}

impl Books {
    /// Enters a posting; a refused one leaves every sum as it was.
    pub(crate) fn post(&mut self, line: u64, posting: &Posting<'_>) -> Result<(), Malformed> {
        self.turn_to(posting.transaction, line);
        // First, because no account's and no transaction's sum is ever above the currency's: when this one fits, so
        // do the others, and nothing is half entered.
        self.totals.add(posting)?;
        match self.accounts.get_mut(posting.account) {
            Some(account) => account.add(posting)?,
            None => self.accounts.entry(posting.account.into()).or_default().add(posting)?,
        }
        if let Some(open) = &mut self.open {
            open.turnovers.add(posting)?;
        }
        self.postings = self.postings.saturating_add(1);
        let (first, last) = self.period.unwrap_or((posting.date, posting.date));
        self.period = Some((first.min(posting.date), last.max(posting.date)));
        Ok(())
    }

    /// Ends the last transaction.
    pub(crate) fn close(&mut self) {
        let Some(Open { number, line, turnovers }) = self.open.take() else { return };
        for (currency, turnover) in turnovers.iter() {
            let difference = turnover.balance();
            if difference != 0 {
                self.unbalanced_count = self.unbalanced_count.saturating_add(1);
                note(&mut self.unbalanced, Unbalanced { transaction: number, line, currency, difference });
            }
        }
    }

    /// Makes `number` the transaction that is being read.
    fn turn_to(&mut self, number: u64, line: u64) {
        let before = self.open.as_ref().map(|open| open.number);
        if before == Some(number) {
            return;
        }
        self.close();
        self.transactions = self.transactions.saturating_add(1);
        // The first one may have any number: a ledger may be one month of many.
        match before.map(|before| number.checked_sub(before)) {
            None => {}
            Some(Some(step)) => {
                self.missing_numbers = self.missing_numbers.saturating_add(step.saturating_sub(1));
            }
            Some(None) => {
                self.out_of_order_count = self.out_of_order_count.saturating_add(1);
                note(&mut self.out_of_order, OutOfOrder { transaction: number, line });
            }
        }
        self.open = Some(Open { number, line, turnovers: Turnovers::default() });
    }
}

fn note<T>(list: &mut Vec<T>, finding: T) {
    if list.len() < LISTED_MAX {
        list.push(finding);
    }
}
