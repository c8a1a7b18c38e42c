//! TDX quotes: parts that lie in the input where the lengths say, and errors that print.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use attestation_report::tdx::{Quote, QuoteHeader, TdBody};
use attestation_verify::tdx::read_quote;
use tests_fuzz::{Budget, Target};
use zerocopy::IntoBytes;

fn main() -> ExitCode {
    Target { name: "tdx-quote", max_bytes: 8192, budget: Budget::DEFAULT, run }.drive()
}

fn run(input: &[u8]) {
    let read = read_quote(Some(input));
    let quote = match Quote::parse(input) {
        Ok(quote) => quote,
        Err(error) => {
            let rejection = read.err();
            assert!(rejection.is_some_and(|rejection| rejection.reason().is_some()));
            return drop(error.to_string());
        }
    };
    assert_eq!(read.ok(), Some(quote));
    assert!(input.starts_with(quote.signed_bytes));
    let body = match &quote.body {
        TdBody::Report15(report) => report.as_bytes(),
        body => body.report().as_bytes(),
    };
    let data = quote.signature_data;
    assert!(quote.signed_bytes.starts_with(quote.header.as_bytes()) && quote.signed_bytes.ends_with(body));
    // Everything that has a length of its own, and the fixed parts between.
    let parts = [
        quote.signed_bytes.len(),
        4 + data.signature.len() + data.attestation_key.len(),
        6 + data.qe_report.as_bytes().len() + data.qe_report_signature.len(),
        2 + data.qe_authentication_data.len(),
        6 + data.certification_data.bytes.len(),
        quote.trailing_bytes,
    ];
    assert_eq!(parts.iter().sum::<usize>(), input.len());
    assert!(quote.signed_bytes.len() > size_of::<QuoteHeader>());
    let report = quote.body.report();
    drop((report.attributes().to_string(), report.features().to_string(), report.tee_tcb_svn().to_string()));
}
