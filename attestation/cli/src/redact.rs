//! Receipts that show less: for others than those who may see everything. They verify as before.

mod what;

use std::path::{Path, PathBuf};

use attestation_evidence::text::printable_line;
use attestation_receipt::{BodySide, Disclosure, SignedReceipt};
use serde::Serialize;

use crate::files::{FileError, write_new};
use crate::receipt::arguments::RedactArguments;
use crate::receipt::files::{ReceiptFileError, parse_receipt};
use what::names_of;

pub use what::{What, WhatError};

/// What nobody can take out.
const ALWAYS_SEEN: &str =
    "host, address, TLS session, times, the run and the number of leaves are always seen";
const NOT_VERIFIED: &str = "nothing was verified: `redoubt-verify receipt` does that";

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedactError {
    /// There is no receipt to read.
    #[error(transparent)]
    Receipt(#[from] ReceiptFileError),
    /// It cannot be written.
    #[error("--out: {0}")]
    Out(FileError),
    /// A word that means nothing in this receipt.
    #[error("{option} {what}: expected something that {} shows, found nothing of it", path.display())]
    Nothing {
        /// Which option.
        option: &'static str,
        /// What was typed.
        what: What,
        /// Of which receipt.
        path: PathBuf,
    },
    /// Bytes behind the end of a body.
    #[error("{option} {what}: expected bytes of a body with {bytes} bytes")]
    Range {
        /// Which option.
        option: &'static str,
        /// What was typed.
        what: What,
        /// Length of the body.
        bytes: u64,
    },
}

/// What became of a receipt.
#[derive(Debug, Serialize)]
struct Report {
    file: String,
    bytes: usize,
    /// In the words of the command line.
    shown: Vec<String>,
    hidden: Vec<String>,
    /// Leaves that were hidden already. What they are only their holder knows.
    hidden_before: u64,
    notes: Vec<String>,
}

/// Does what the command line says, and gives what it prints.
///
/// # Errors
/// [`RedactError`]: then nothing was written.
pub fn run(arguments: &RedactArguments) -> Result<String, RedactError> {
    let before = parse_receipt(&arguments.receipt)?;
    check_words("--hide", &arguments.hide, &before, &arguments.receipt)?;
    check_words("--show", &arguments.show, &before, &arguments.receipt)?;
    let after = redacted(before.clone(), arguments);
    let bytes = after.encode();
    write_new(&arguments.out, &bytes).map_err(RedactError::Out)?;
    let report = report(&arguments.out, bytes.len(), &before, &after);
    Ok(if arguments.json { json(&report) } else { table(&report) })
}

/// Whoever hides something that is not there may have meant something that is.
fn check_words(
    option: &'static str,
    words: &[What],
    receipt: &SignedReceipt,
    path: &Path,
) -> Result<(), RedactError> {
    for what in words {
        if let Some(bytes) = what.body_that_ends_before(receipt) {
            return Err(RedactError::Range { option, what: what.clone(), bytes });
        }
        if !what.is_in(receipt) {
            return Err(RedactError::Nothing { option, what: what.clone(), path: path.to_owned() });
        }
    }
    Ok(())
}

fn redacted(receipt: SignedReceipt, arguments: &RedactArguments) -> SignedReceipt {
    let RedactArguments { hide, show, .. } = arguments;
    let keeps = |what: &What| (show.is_empty() || show.contains(what)) && !hide.contains(what);
    let receipt = if keeps(&What::Certificates) { receipt } else { receipt.without_certificates() };
    let receipt = if keeps(&What::Evidence) { receipt } else { receipt.without_evidence() };
    receipt.redacted(|disclosure| {
        let is_shown = show.is_empty() || show.iter().any(|what| what.shows(disclosure));
        is_shown && !hide.iter().any(|what| what.hides(disclosure))
    })
}

fn report(path: &Path, bytes: usize, before: &SignedReceipt, after: &SignedReceipt) -> Report {
    let is_left = |disclosure: &&Disclosure| {
        after.unverified_disclosures().iter().any(|left| left.place() == disclosure.place())
    };
    let all = || before.unverified_disclosures().iter();
    let mut shown = names_of(all().filter(is_left));
    let mut hidden = names_of(all().filter(|disclosure| !is_left(disclosure)));
    for what in [What::Certificates, What::Evidence] {
        if what.is_in(before) {
            let list = if what.is_in(after) { &mut shown } else { &mut hidden };
            list.push(what.to_string());
        }
    }
    let leaves = all().filter(|disclosure| disclosure.as_leaf().is_some()).count();
    let count = before.unverified_receipt().leaves.count;
    let mut notes = vec![ALWAYS_SEEN.to_owned()];
    notes.extend(
        [BodySide::Request, BodySide::Response].into_iter().filter_map(|side| length_seen(after, side)),
    );
    notes.push(NOT_VERIFIED.to_owned());
    let hidden_before = count.saturating_sub(u64::try_from(leaves).unwrap_or(u64::MAX));
    Report { file: path.display().to_string(), bytes, shown, hidden, hidden_before, notes }
}

/// The leaf of a body has its length, and without it no chunk can be shown.
fn length_seen(receipt: &SignedReceipt, side: BodySide) -> Option<String> {
    let leaves = receipt.unverified_disclosures().iter().filter_map(Disclosure::as_leaf);
    let body = leaves.filter_map(|leaf| leaf.value.body(side)).find(|body| body.bytes > 0)?;
    Some(format!("the {} is shown, so its length is seen: {} bytes", side.kind(), body.bytes))
}

fn json(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report).unwrap_or_default();
    text.push('\n');
    text
}

fn table(report: &Report) -> String {
    let mut text = format!("{}: {} bytes\n", report.file, report.bytes);
    let list = |word: &str, names: &[String]| -> String {
        names.iter().map(|name| format!("{word:<8}{}\n", printable_line(name))).collect()
    };
    text.push_str(&list("shown", &report.shown));
    text.push_str(&list("hidden", &report.hidden));
    if report.hidden_before > 0 {
        text.push_str(&list("hidden", &[format!("{} leaves that were hidden before", report.hidden_before)]));
    }
    text.push_str(&list("note", &report.notes));
    text
}
