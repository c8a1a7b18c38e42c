//! `redoubt-verify receipt`: reads, checks, and writes down what was fetched.

use std::path::{Path, PathBuf};

use attestation_receipt::BodySide;

use super::arguments::ReceiptArguments;
use super::fetched::whole_body;
use super::files::{ReceiptFileError, ReceiptFiles};
use super::{Checked, Inputs, check, json, table};
use crate::appraise::TrustedRoots;
use crate::check::{Expected, Hardware, SimulatedEvidence};
use crate::files::{FileError, write_new};
use crate::render::Colours;
use crate::terms::{self, TermError};

/// Why nothing was checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptCommandError {
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] ReceiptFileError),
    /// A word means nothing.
    #[error(transparent)]
    Term(#[from] TermError),
    /// Where the body should go there is something, or nothing can be written.
    #[error("--out: {0}")]
    Out(FileError),
    /// Several bodies, and one name.
    #[error("--out {}: expected one receipt, found {found}: write their bodies one by one", path.display())]
    SeveralBodies {
        /// What was typed.
        path: PathBuf,
        /// Receipts.
        found: usize,
    },
}

/// A verdict, and what became of the body.
#[derive(Debug)]
pub struct Answer {
    /// For standard output.
    pub text: String,
    /// Whether the verdict accepts.
    pub is_accepted: bool,
    /// What was asked for and cannot be had, though the verdict accepts.
    pub complaint: Option<String>,
}

/// Does what the command line says.
///
/// # Errors
/// Nothing was checked, or the body could not be written.
pub fn run(arguments: &ReceiptArguments, colours: Colours) -> Result<Answer, ReceiptCommandError> {
    let policy = terms::policy(&arguments.policy)?;
    let files = ReceiptFiles::read(arguments)?;
    let at = terms::instant(&arguments.at, &files.items)?;
    check_out(arguments.out.as_deref(), files.receipts.len())?;
    let simulated =
        if arguments.allow_simulated { SimulatedEvidence::Allowed } else { SimulatedEvidence::Refused };
    let hardware = Hardware { items: &files.items, policy: &policy, at, roots: TrustedRoots::of_vendors() };
    let checked = check(&Inputs {
        receipts: &files.receipts,
        evidence: &files.evidence,
        claims: &files.claims,
        proofs: &files.proofs,
        commitments: &files.commitments,
        opened: files.opened.as_ref(),
        expected: Expected { reference: &files.reference, simulated, hardware },
    });
    answer(arguments, &checked, colours)
}

/// Before anything takes long.
fn check_out(out: Option<&Path>, receipts: usize) -> Result<(), ReceiptCommandError> {
    let Some(path) = out else { return Ok(()) };
    if receipts > 1 {
        return Err(ReceiptCommandError::SeveralBodies { path: path.to_owned(), found: receipts });
    }
    if path.symlink_metadata().is_ok() {
        return Err(ReceiptCommandError::Out(FileError::Exists { path: path.to_owned() }));
    }
    Ok(())
}

fn answer(
    arguments: &ReceiptArguments,
    checked: &Checked,
    colours: Colours,
) -> Result<Answer, ReceiptCommandError> {
    let is_accepted = checked.verdict.is_accepted();
    let out = arguments.out.as_deref().filter(|_| is_accepted);
    let body = checked.fetched.first().and_then(|first| whole_body(&first.receipt, BodySide::Response));
    let written = match out.zip(body) {
        Some((path, body)) => {
            write_new(path, &body).map_err(ReceiptCommandError::Out)?;
            Some((path, body.len()))
        }
        None => None,
    };
    let missing = out.filter(|_| written.is_none());
    let complaint = missing.map(|path| {
        let why = "the receipt does not show all of the response's body, so nothing was written";
        format!("--out {}: {why}", path.display())
    });
    let mut text = if arguments.json { json(checked, written) } else { table(checked, colours) };
    if let Some((path, bytes)) = written.filter(|_| !arguments.json) {
        text.push_str(&format!("\n{bytes} bytes of the response's body are in {}\n", path.display()));
    }
    Ok(Answer { text, is_accepted, complaint })
}
