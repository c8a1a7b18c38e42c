//! `ledger-audit`: ledger on standard input, JSON report on standard output.
//!
//! Exit status 0: the audit was completed, whatever it found (`"balanced": false` is a result, not a failure).
//! 2: the input is not a ledger. 1: the report could not be written.

#![forbid(unsafe_code)]

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use examples_ledger_audit::{Report, audit};

fn main() -> ExitCode {
    let report = match audit(io::stdin().lock()) {
        Ok(report) => report,
        Err(unusable) => {
            eprintln!("ledger-audit: {unusable}");
            return ExitCode::from(2);
        }
    };
    match print(&report) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ledger-audit: cannot write the report: {error}");
            ExitCode::FAILURE
        }
    }
}

fn print(report: &Report) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    report.write_json(&mut out)?;
    out.flush()
}
