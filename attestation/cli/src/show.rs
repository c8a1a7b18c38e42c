//! What files of evidence and collateral say, field by field. Nothing is verified here, and every output says so.

mod azure;
mod certificate;
mod guest;
mod manifest;
mod nvidia;
mod receipt;
mod render;
mod snp;
mod tdx;
#[cfg(test)]
mod tests;

use attestation_envelope::{Head, is_envelope};
use attestation_recognise::{Item, Kind, RecogniseError, recognise};
use attestation_x509::pem;
use serde::Serialize;

pub use render::{json, table};

/// One thing that was found in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// The file that it is from.
    pub file: String,
    /// Stable name of what it is.
    pub kind: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// What it was wrapped in, outermost first.
    pub within: Vec<String>,
    /// Its size, without what it was wrapped in.
    pub bytes: usize,
    /// Its fields, in the order of its format; empty when it does not parse.
    pub fields: Vec<Field>,
    /// Why it does not parse, where it does not.
    pub problem: Option<String>,
    /// Things inside it that are shown like things of their own.
    pub parts: Vec<Self>,
}

/// A field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Its name, as the format's specification spells it.
    pub name: String,
    /// Its value, whole.
    pub value: String,
    /// What the value means, where that is not plain.
    pub meaning: Option<String>,
}

/// Shows what a file holds.
///
/// # Errors
/// The file is not known.
pub fn show(file: &str, bytes: &[u8]) -> Result<Vec<Shown>, RecogniseError> {
    if is_envelope(bytes) {
        return Ok(vec![show_envelope(file, bytes)]);
    }
    if let Some(shown) = manifest::file(file, bytes) {
        return Ok(vec![shown]);
    }
    Ok(recognise(bytes)?.iter().map(|item| show_item(file, item)).collect())
}

/// What everybody sees of what is for its readers alone.
fn show_envelope(file: &str, bytes: &[u8]) -> Shown {
    let mut fields = Fields::default();
    let head = Head::parse(bytes);
    if let Ok(head) = &head {
        fields.plain("content", head.content);
        fields.explained("readers", head.readers(), "with the key of one of them: redoubt-verify open");
    }
    Shown {
        file: file.to_owned(),
        kind: "redoubt-envelope",
        title: "envelope of a Redoubt guest",
        within: Vec::new(),
        bytes: bytes.len(),
        fields: fields.list,
        problem: head.err().map(|error| error.to_string()),
        parts: Vec::new(),
    }
}

fn show_item(file: &str, item: &Item) -> Shown {
    let mut fields = Fields::default();
    let outcome = match item.kind {
        Kind::SnpReport => snp::report(&mut fields, &item.bytes),
        Kind::Certificate => certificate::certificate(&mut fields, &item.bytes),
        Kind::RevocationList => certificate::revocation_list(&mut fields, &item.bytes),
        Kind::HclReport => azure::hcl_report(&mut fields, file, &item.bytes),
        Kind::TpmQuote => azure::quote(&mut fields, &item.bytes),
        Kind::TpmRegisters => {
            azure::registers(&mut fields, &item.bytes);
            Ok(())
        }
        Kind::TpmSignature => {
            fields.hex("signature", &item.bytes);
            Ok(())
        }
        Kind::TdxQuote => tdx::quote(&mut fields, file, &item.bytes),
        Kind::TcbInfo | Kind::QeIdentity => tdx::document(&mut fields, &item.bytes),
        Kind::EventLog => tdx::event_log(&mut fields, &item.bytes),
        Kind::SpdmReport => nvidia::report(&mut fields, &item.bytes),
        Kind::NvidiaEvidence => nvidia::list(&mut fields, file, &item.bytes),
        Kind::Rim => nvidia::manifest(&mut fields, file, &item.bytes),
        Kind::BundleTime => {
            fields.plain("time", String::from_utf8_lossy(&item.bytes));
            Ok(())
        }
        Kind::ReferenceManifest => guest::reference_values(&mut fields, &item.bytes),
        Kind::Evidence => guest::evidence(&mut fields, file, &item.bytes),
        Kind::Claim => guest::claim(&mut fields, file, &item.bytes),
        Kind::Receipt => receipt::receipt(&mut fields, file, &item.bytes),
        Kind::TimeProof => receipt::time_proof(&mut fields, &item.bytes),
        Kind::Request => guest::request(&mut fields, &item.bytes),
        Kind::Transcript => guest::transcript(&mut fields, &item.bytes),
        other => Err(format!("no fields of a {} are known to this build", other.title())),
    };
    let parsed = outcome.is_ok();
    Shown {
        file: file.to_owned(),
        kind: item.kind.name(),
        title: item.kind.title(),
        within: item.within.clone(),
        bytes: item.bytes.len(),
        fields: if parsed { fields.list } else { Vec::new() },
        problem: outcome.err(),
        parts: fields.parts,
    }
}

/// Fields as they are read.
#[derive(Default)]
struct Fields {
    list: Vec<Field>,
    parts: Vec<Shown>,
}

impl Fields {
    fn plain(&mut self, name: impl Into<String>, value: impl ToString) {
        self.list.push(Field { name: name.into(), value: value.to_string(), meaning: None });
    }

    fn explained(&mut self, name: impl Into<String>, value: impl ToString, meaning: impl Into<String>) {
        let meaning = Some(meaning.into()).filter(|meaning| !meaning.is_empty());
        self.list.push(Field { name: name.into(), value: value.to_string(), meaning });
    }

    fn hex(&mut self, name: impl Into<String>, bytes: &[u8]) {
        self.plain(name, hex(bytes));
    }

    /// Goes on with every certificate of a list inside.
    fn certificates(&mut self, file: &str, pem: &[u8]) {
        for certificate in pem::certificates(pem).unwrap_or_default() {
            self.part(file, Kind::Certificate, &certificate);
        }
    }

    /// Goes on with something inside, as if it were a file of its own.
    fn part(&mut self, file: &str, kind: Kind, bytes: &[u8]) {
        let item = Item { kind, bytes: bytes.to_vec(), within: Vec::new() };
        self.parts.push(show_item(file, &item));
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Names of the bits that are set, and what is left of the number.
fn bits(value: u64, names: &[(u64, &str)]) -> String {
    let mut words: Vec<String> =
        names.iter().filter(|(bit, _)| value & bit == *bit).map(|(_, name)| (*name).to_owned()).collect();
    let known = names.iter().fold(0, |known, (bit, _)| known | bit);
    if value & !known != 0 {
        words.push(format!("unknown bits {:#x}", value & !known));
    }
    words.join(", ")
}
