//! `cargo xtask ledger`: a realistic ledger of any size, reproducible from a seed.
//!
//! A trading company's year: sales with tax, customers' payments, purchases, wages, rent, currency exchange, over some
//! thousand customers and suppliers and four currencies. Written as it is made; nothing is held in memory.

use core::fmt::Write as _;
use core::str::FromStr;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use crate::draft;
use crate::process::Progress;
use anyhow::{Result, ensure};
use clap::Args;

/// The format that `examples/ledger-audit` reads.
const HEADER: &str = "transaction,date,account,currency,debit,credit,memo\n";
/// Currencies by weight; the first one is the company's own.
const CURRENCIES: [&str; 8] = ["EUR", "EUR", "EUR", "EUR", "USD", "USD", "GBP", "CHF"];
/// Between two reports of progress, too.
const BUFFER_BYTES: usize = 1 << 20;
/// Transactions per day, about.
const PER_DAY: u64 = 180;

/// Options of `cargo xtask ledger`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Size: the file ends with the transaction that reaches it
    #[arg(long, value_name = "SIZE", default_value = "10MB")]
    pub(crate) bytes: ByteCount,
    /// The same seed and size give the same bytes
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How many transactions to spoil, evenly spread
    #[arg(long, default_value_t = 0)]
    pub(crate) faults: u64,
}

/// A number of bytes as people write it: `512`, `10MB`, `16MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByteCount(pub(crate) u64);

impl FromStr for ByteCount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
        let unit = match text.get(digits.len()..).unwrap_or_default() {
            "" | "B" => 1,
            "kB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            other => return Err(format!("unknown unit {other:?}: expected B, kB, MB, GB, KiB, MiB or GiB")),
        };
        let number: u64 = digits.parse().map_err(|error| format!("{digits:?}: {error}"))?;
        number.checked_mul(unit).map(Self).ok_or_else(|| format!("{text} is too large"))
    }
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) bytes: u64,
    pub(crate) transactions: u64,
    pub(crate) postings: u64,
    pub(crate) faults: u64,
}

/// Writes the file that `options` describe, whole or not at all.
pub(crate) fn write(options: &Options) -> Result<()> {
    let shown = options.out.display();
    let progress = Progress::start(&format!("writing {shown}"));
    let written = draft::write(&options.out, |file| fill(file, options, &progress));
    progress.end(written.is_ok());
    let Written { bytes, transactions, postings, faults } = written?;
    println!("{shown}: {bytes} bytes, {transactions} transactions, {postings} postings, {faults} faults");
    Ok(())
}

fn fill(file: &File, options: &Options, progress: &Progress) -> Result<Written> {
    let mut out =
        BufWriter::with_capacity(BUFFER_BYTES, Counted { file, bytes: 0, of: options.bytes.0, progress });
    let written = generate(&mut out, options.bytes.0, options.seed, options.faults)?;
    out.flush()?;
    ensure!(
        written.faults == options.faults,
        "--faults {}: only {} fit into {} bytes: ask for fewer, or for more bytes",
        options.faults,
        written.faults,
        options.bytes.0
    );
    Ok(written)
}

/// A file that shows how much of it there is.
struct Counted<'a> {
    file: &'a File,
    bytes: u64,
    of: u64,
    progress: &'a Progress,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.bytes += count as u64;
        self.progress.detail(&format!("{} of {} MB", self.bytes / 1_000_000, self.of / 1_000_000));
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Writes transactions until `bytes` are reached. `faults` of them, evenly spread, do not balance.
pub(crate) fn generate(out: &mut impl Write, bytes: u64, seed: u64, faults: u64) -> io::Result<Written> {
    let mut written = Written { bytes: 0, transactions: 0, postings: 0, faults: 0 };
    let mut company = Company { random: Random(seed), text: String::from(HEADER), number: 0 };
    loop {
        out.write_all(company.text.as_bytes())?;
        written.bytes += company.text.len() as u64;
        if written.bytes >= bytes {
            return Ok(written);
        }
        company.text.clear();
        // The i-th fault comes once i/(n+1) of the file is written, so that faults never depend on each other.
        let due = u128::from(written.faults + 1) * u128::from(bytes) / (u128::from(faults) + 1);
        let spoiled = written.faults < faults && u128::from(written.bytes) >= due;
        written.postings += company.transaction(spoiled);
        written.transactions += 1;
        written.faults += u64::from(spoiled);
    }
}

/// SplitMix64: tiny, the same everywhere, good enough to look like business.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// An amount in minor units: most are small, some are large.
    fn amount(&mut self) -> u64 {
        let magnitude = 10_u64.pow(3 + u32::try_from(self.below(4)).unwrap_or(0));
        magnitude + self.below(9 * magnitude)
    }
}

/// The company: what happened last, and the text of the transaction at hand.
#[derive(Debug)]
struct Company {
    random: Random,
    text: String,
    number: u64,
}

/// One side of a transaction: positive is debit, negative is credit.
type Entry = (String, &'static str, i64);

impl Company {
    /// Writes the next transaction into `text` and returns the number of its postings.
    fn transaction(&mut self, spoiled: bool) -> u64 {
        self.number += 1;
        let currency = self.pick_currency();
        let amount = i64::try_from(self.random.amount()).unwrap_or(i64::MAX);
        let (memo, mut entries) = match self.random.below(20) {
            0..8 => self.sale(currency, amount),
            8..13 => self.payment(currency, amount),
            13..17 => self.purchase(currency, amount),
            17 => self.wages(amount),
            18 => self.exchange(amount),
            _ => (
                "\"Rent, office and warehouse\"".to_owned(),
                transfer("expenses:rent", "assets:bank.EUR", "EUR", amount),
            ),
        };
        if spoiled {
            self.spoil(&mut entries);
        }
        let date = self.date();
        for (account, currency, amount) in &entries {
            let number = self.number;
            let (debit, credit) = if *amount > 0 {
                (amount.to_string(), String::new())
            } else {
                (String::new(), (-amount).to_string())
            };
            // Writing to a `String` cannot fail.
            let _infallible =
                writeln!(self.text, "{number},{date},{account},{currency},{debit},{credit},{memo}");
        }
        entries.len() as u64
    }

    /// A fat finger, or a line that was lost.
    fn spoil(&mut self, entries: &mut Vec<Entry>) {
        if self.random.below(2) == 0 {
            entries.pop();
        } else if let Some((_, _, amount)) = entries.first_mut() {
            *amount += amount.signum() * (1 + i64::try_from(self.random.below(90)).unwrap_or(0));
        }
    }

    fn sale(&mut self, currency: &'static str, net: i64) -> (String, Vec<Entry>) {
        let customer = self.random.below(7000);
        let tax = net * [0, 7, 19, 20][usize::try_from(self.number % 4).unwrap_or(0)] / 100;
        let region = ["north", "south", "east", "west"][usize::try_from(customer % 4).unwrap_or(0)];
        let mut entries = vec![
            (format!("assets:receivable:c{customer:05}"), currency, net + tax),
            (format!("income:sales.{region}"), currency, -net),
        ];
        if tax > 0 {
            entries.push(("liabilities:tax.output".to_owned(), currency, -tax));
        }
        (format!("Invoice {:08}", self.number), entries)
    }

    fn payment(&mut self, currency: &'static str, amount: i64) -> (String, Vec<Entry>) {
        let customer = self.random.below(7000);
        let fee = amount / 400;
        let mut entries = vec![
            (format!("assets:bank.{currency}"), currency, amount - fee),
            (format!("assets:receivable:c{customer:05}"), currency, -amount),
        ];
        if fee > 0 {
            entries.push(("expenses:bank.fees".to_owned(), currency, fee));
        }
        (format!("\"Payment of customer {customer}, thank you\""), entries)
    }

    fn purchase(&mut self, currency: &'static str, net: i64) -> (String, Vec<Entry>) {
        let supplier = self.random.below(3000);
        let tax = net / 5;
        let entries = vec![
            (format!("assets:stock.g{:03}", supplier % 400), currency, net),
            ("assets:tax.input".to_owned(), currency, tax),
            (format!("liabilities:payable:s{supplier:05}"), currency, -(net + tax)),
        ];
        (format!("\"Order {:07} of \"\"S{supplier}\"\"\"", self.number), entries)
    }

    fn wages(&mut self, gross: i64) -> (String, Vec<Entry>) {
        let (tax, insurance) = (gross / 4, gross / 10);
        let entries = vec![
            (format!("expenses:wages.d{:02}", self.random.below(20)), "EUR", gross),
            ("liabilities:tax.wages".to_owned(), "EUR", -tax),
            ("liabilities:insurance".to_owned(), "EUR", -insurance),
            ("assets:bank.EUR".to_owned(), "EUR", -(gross - tax - insurance)),
        ];
        ("Wages".to_owned(), entries)
    }

    /// Balances in each of its two currencies, through a clearing account.
    fn exchange(&mut self, sold: i64) -> (String, Vec<Entry>) {
        let rate = 900 + i64::try_from(self.random.below(250)).unwrap_or(0);
        let bought = sold * rate / 1000;
        let mut entries = transfer("assets:exchange", "assets:bank.EUR", "EUR", sold);
        entries.extend(transfer("assets:bank.USD", "assets:exchange", "USD", bought));
        (format!("EUR to USD at {}.{:03}", rate / 1000, rate % 1000), entries)
    }

    fn pick_currency(&mut self) -> &'static str {
        let index = usize::try_from(self.random.below(CURRENCIES.len() as u64)).unwrap_or(0);
        CURRENCIES.get(index).copied().unwrap_or("EUR")
    }

    /// Days of 28 to a month: real dates, no calendar.
    fn date(&self) -> String {
        let day = self.number / PER_DAY;
        format!("{:04}-{:02}-{:02}", 2024 + day / (28 * 12), 1 + day / 28 % 12, 1 + day % 28)
    }
}

fn transfer(to: &str, from: &str, currency: &'static str, amount: i64) -> Vec<Entry> {
    vec![(to.to_owned(), currency, amount), (from.to_owned(), currency, -amount)]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use super::*;

    fn ledger(bytes: u64, seed: u64, faults: u64) -> (String, Written) {
        let mut out = Vec::new();
        let written = generate(&mut out, bytes, seed, faults).unwrap();
        (String::from_utf8(out).unwrap(), written)
    }

    /// Transactions that do not balance, found without any code of the generator.
    fn unbalanced(ledger: &str) -> usize {
        let mut sums: BTreeMap<(&str, &str), i64> = BTreeMap::new();
        for line in ledger.lines().skip(1) {
            let fields: Vec<&str> = line.splitn(7, ',').collect();
            let amount = |index: usize| fields[index].parse::<i64>().unwrap_or(0);
            *sums.entry((fields[0], fields[3])).or_default() += amount(4) - amount(5);
        }
        sums.values().filter(|sum| **sum != 0).count()
    }

    #[test]
    fn same_options_same_bytes() {
        assert_eq!(ledger(50_000, 3, 2), ledger(50_000, 3, 2));
        assert_ne!(ledger(50_000, 3, 0).0, ledger(50_000, 4, 0).0);
    }

    #[test]
    fn balances_except_for_the_faults() {
        for faults in [0, 1, 17] {
            let (text, written) = ledger(300_000, 9, faults);
            assert_eq!(written.faults, faults);
            assert_eq!(unbalanced(&text) as u64, faults);
            assert_eq!(text.len() as u64, written.bytes);
            assert!(written.bytes >= 300_000 && written.bytes < 300_500);
            assert_eq!(text.lines().count() as u64, written.postings + 1);
        }
    }

    #[test]
    fn a_ledger_without_all_of_its_faults_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("ledger.csv");
        let options = |faults| Options { out: out.clone(), bytes: ByteCount(3_000_000), seed: 3, faults };
        let impossible = format!("{:#}", write(&options(1_000_000)).unwrap_err());
        assert!(impossible.contains("--faults 1000000"), "{impossible}");
        assert!(!out.exists());
        write(&options(2)).unwrap();
        assert!(fs::read_to_string(&out).unwrap() == ledger(3_000_000, 3, 2).0);
    }

    #[test]
    fn sizes_as_people_write_them() {
        let parse = |text: &str| text.parse::<ByteCount>().map(|count| count.0);
        assert_eq!(parse("512"), Ok(512));
        assert_eq!(parse("10MB"), Ok(10_000_000));
        assert_eq!(parse("16MiB"), Ok(16 << 20));
        for wrong in ["", "MB", "1.5MB", "10mb", "18446744073709551615GB"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
