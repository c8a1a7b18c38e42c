//! Reading what the command line names about receipts.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use attestation_claim::SignedClaim;
use attestation_manifest::reference::ReferenceValues;
use attestation_receipt::{
    BodySecret, BodySide, Opening, RunningBody, SIGNED_RECEIPT_MAX_BYTES, SignedReceipt,
};
use attestation_recognise::{FILE_MAX_BYTES, Item, Kind, RecogniseError, recognise};
use attestation_roughtime::PROOF_MAX_BYTES;

use super::arguments::ReceiptArguments;
use super::{Given, Opened};
use crate::files::{FileError, FileKind, read_reference};
use crate::progress::{Audience, Progress};

/// The longest opening of a commitment: sixty siblings and a few numbers.
const COMMITMENT_MAX_BYTES: usize = 4096;
/// Bodies are hashed in pieces: they may be larger than memory.
const PIECE_BYTES: usize = 64 * 1024;

const RECEIPT: FileKind = FileKind {
    what: "receipt",
    limit: SIGNED_RECEIPT_MAX_BYTES,
    next: "name a receipt that `redoubt job --receipts` stored, or that `redoubt-verify redact` made",
};
const OTHER: FileKind = FileKind {
    what: "receipt, evidence or collateral",
    limit: FILE_MAX_BYTES,
    next: "name a receipt, a proof of the time, evidence, a certificate, list or bundle",
};
const EVIDENCE: FileKind = FileKind {
    what: "evidence",
    limit: FILE_MAX_BYTES,
    next: "name what `redoubt job --evidence` stored, or a claim of the same boot",
};
const PROOF: FileKind = FileKind {
    what: "proof of the time",
    limit: PROOF_MAX_BYTES,
    next: "name a proof that `redoubt job --receipts` stored beside the receipt",
};
const COMMITMENT: FileKind = FileKind {
    what: "opening of a commitment",
    limit: COMMITMENT_MAX_BYTES,
    next: "name what shows that a proof of the time commits to the receipt, or leave --commitment out",
};
const OPENING: FileKind = FileKind {
    what: "opening",
    limit: SIGNED_RECEIPT_MAX_BYTES,
    next: "name the opening that the program got with the receipt, or leave --opening out",
};
const REQUEST_BODY: FileKind = FileKind {
    what: "body of the request",
    limit: usize::MAX,
    next: "name the file that should be it, or leave --request-body out",
};
const RESPONSE_BODY: FileKind = FileKind {
    what: "body of the response",
    limit: usize::MAX,
    next: "name the file that should be it, or leave --response-body out",
};

/// Files that cannot be used. Whoever typed their names is guilty, or whoever wrote them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptFileError {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// Reference values that may come from whoever is checked.
    #[error(
        "{}: reference values among the files: --reference FILE names yours, and nobody else's count",
        path.display()
    )]
    Corim {
        /// Where they are.
        path: PathBuf,
    },
    /// Something else than a receipt where one has to be.
    #[error("receipt {}: expected one receipt, found {found}\n  {next}", path.display(), next = RECEIPT.next)]
    NoReceipt {
        /// Where it is.
        path: PathBuf,
        /// What is there.
        found: String,
    },
    /// It is nothing that is known.
    #[error("{}: {source}\n  {next}", path.display(), next = OTHER.next)]
    Unknown {
        /// Where it is.
        path: PathBuf,
        /// What is there.
        source: RecogniseError,
    },
}

/// What all files hold.
#[derive(Debug)]
pub struct ReceiptFiles {
    pub(super) receipts: Vec<Given>,
    pub(super) evidence: Vec<Given>,
    pub(super) claims: Vec<Given>,
    pub(super) proofs: Vec<Given>,
    pub(super) commitments: Vec<Given>,
    pub(super) opened: Option<Opened>,
    pub(super) reference: ReferenceValues,
    /// For verifying evidence of hardware.
    pub(super) items: Vec<Item>,
}

impl ReceiptFiles {
    /// Reads all files, bodies last: a typing error shows before gigabytes are hashed.
    ///
    /// # Errors
    /// The first file that cannot be used.
    pub fn read(arguments: &ReceiptArguments) -> Result<Self, ReceiptFileError> {
        let mut files = Self {
            receipts: vec![read_receipt(&arguments.receipt)?],
            evidence: Vec::new(),
            claims: Vec::new(),
            proofs: Vec::new(),
            commitments: Vec::new(),
            opened: None,
            reference: read_reference(&arguments.reference)?,
            items: Vec::new(),
        };
        for path in &arguments.files {
            files.sort_in(path)?;
        }
        if let Some(path) = &arguments.evidence {
            files.take_evidence(path)?;
        }
        for path in &arguments.time {
            files.proofs.push(given(path, PROOF.read_named(path)?));
        }
        for path in &arguments.commitment {
            files.commitments.push(given(path, COMMITMENT.read_named(path)?));
        }
        files.opened = arguments.opening.as_deref().map(|path| read_opened(path, arguments)).transpose()?;
        Ok(files)
    }

    /// Puts each thing in a file where it belongs.
    fn sort_in(&mut self, path: &Path) -> Result<(), ReceiptFileError> {
        let unknown = |source| ReceiptFileError::Unknown { path: path.to_owned(), source };
        for item in recognise(&OTHER.read_named(path)?).map_err(unknown)? {
            match item.kind {
                Kind::Receipt => self.receipts.push(given(path, item.bytes)),
                Kind::TimeProof => self.proofs.push(given(path, item.bytes)),
                Kind::Evidence | Kind::Claim => self.take_vouchers(path, &item),
                Kind::ReferenceManifest => return Err(ReceiptFileError::Corim { path: path.to_owned() }),
                _ => self.items.push(item),
            }
        }
        Ok(())
    }

    /// What is not known is damaged evidence.
    fn take_evidence(&mut self, path: &Path) -> Result<(), ReceiptFileError> {
        let bytes = EVIDENCE.read_named(path)?;
        let items = recognise(&bytes).unwrap_or_default();
        match items.iter().find(|item| matches!(item.kind, Kind::Evidence | Kind::Claim)) {
            Some(item) => self.take_vouchers(path, item),
            None => self.evidence.push(given(path, bytes)),
        }
        Ok(())
    }

    /// Evidence, or a claim with the evidence in it.
    fn take_vouchers(&mut self, path: &Path, item: &Item) {
        let bytes = item.bytes.clone();
        if item.kind != Kind::Claim {
            return self.evidence.push(given(path, bytes));
        }
        let claim = SignedClaim::parse(&bytes).ok();
        self.evidence.extend(claim.map(|claim| given(path, claim.unverified_evidence().encode())));
        self.claims.push(given(path, bytes));
    }
}

/// The receipt in a file. What is not known is taken for a damaged one: then the verdict says what is wrong with it.
fn read_receipt(path: &Path) -> Result<Given, ReceiptFileError> {
    let bytes = RECEIPT.read_named(path)?;
    let Ok(items) = recognise(&bytes) else { return Ok(given(path, bytes)) };
    match items.as_slice() {
        [Item { kind: Kind::Receipt, bytes, .. }] => Ok(given(path, bytes.clone())),
        others => {
            let found: Vec<&str> = others.iter().map(|item| item.kind.title()).collect();
            Err(ReceiptFileError::NoReceipt { path: path.to_owned(), found: found.join(", ") })
        }
    }
}

/// The one receipt in a file, parsed: for `redact`.
pub(crate) fn parse_receipt(path: &Path) -> Result<SignedReceipt, ReceiptFileError> {
    let Given { bytes, .. } = read_receipt(path)?;
    SignedReceipt::parse(&bytes)
        .map_err(|error| ReceiptFileError::NoReceipt { path: path.to_owned(), found: error.to_string() })
}

/// Bodies are hashed with secrets of the opening; without one that can be read there is nothing to compare them with.
fn read_opened(path: &Path, arguments: &ReceiptArguments) -> Result<Opened, ReceiptFileError> {
    let opening = Opening::decode(&OPENING.read_named(path)?);
    let mut bodies = Vec::new();
    let named = [
        (BodySide::Request, REQUEST_BODY, &arguments.request_body),
        (BodySide::Response, RESPONSE_BODY, &arguments.response_body),
    ];
    for (side, kind, body) in named {
        if let (Ok(opening), Some(path)) = (&opening, body) {
            let running = hash_body(kind, path, opening.secret().body(side), arguments.json)?;
            bodies.push((side, running.finish()));
        }
    }
    Ok(Opened { opening, bodies })
}

fn hash_body(
    kind: FileKind,
    path: &Path,
    secret: BodySecret,
    json: bool,
) -> Result<RunningBody, ReceiptFileError> {
    let hash = || {
        let file = std::fs::File::open(path)?;
        let progress = Progress::of_stream(&format!("of the {} hashed", kind.what), Audience::of_json(json));
        let (mut reader, mut body) = (progress.counting(file), RunningBody::new(secret));
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            match reader.read(&mut piece) {
                Ok(0) => return Ok(body),
                Ok(count) => body.update(piece.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    };
    Ok(hash().map_err(|source| kind.read_error(path, source))?)
}

fn given(path: &Path, bytes: Vec<u8>) -> Given {
    Given { name: path.display().to_string(), bytes }
}
