//! What files are, and what is needed to verify them.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use attestation_bundle::Kind;
use attestation_collateral::plan::{self, Plan, PlanError, TdxPlatform};
use attestation_collateral::{Object, Request};
use attestation_evidence::{Evidence, Platform};
use attestation_report::hcl::{self, HclReport};
use attestation_report::spdm::MeasurementReport;
use attestation_report::tdx::Quote;
use attestation_report::{ProductLine, SnpReport};
use attestation_x509::{Certificate, pem};

use super::arguments::SubjectArguments;

/// The longest file of any kind.
const FILE_MAX_BYTES: u64 = 1024 * 1024;

/// Files that cannot be used. Whoever named them is guilty.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// Nothing is named.
    #[error(
        "evidence: expected a report or a quote, found none\n  name files, or what they would say: see --help"
    )]
    Nothing,
    /// It cannot be opened or read.
    #[error("evidence {}: {source}\n  name a report, a quote, or a certificate that came with one", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Its contents do not tell what it is.
    #[error(
        "evidence {}: expected a report, quote, certificate or evidence of a guest, found something else\n  \
         say what it is, like event-log={}",
        path.display(), path.display()
    )]
    Unknown {
        /// Which file.
        path: PathBuf,
    },
    /// The simulated platform has no vendor.
    #[error("evidence {}: simulated, so no vendor publishes anything about it\n  give it to check as it is", path.display())]
    Simulated {
        /// Which file.
        path: PathBuf,
    },
    /// It is not what it looks like.
    #[error("evidence {}: {problem}", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A device's certificates say what it is.
    #[error(
        "evidence {}: an NVIDIA report needs the device's chain of certificates, or --rim\n  \
         name both files, report and chain in the same order, or say --rim NV_GPU_DRIVER_GH100_535.104.05",
        path.display()
    )]
    DeviceChain {
        /// Which file.
        path: PathBuf,
    },
    /// The report does not say what to fetch.
    #[error("evidence {}: {source}", path.display())]
    Plan {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: PlanError,
    },
    /// Something that only its owner has.
    #[error(
        "evidence: expected the {kind} among the files, found none\n  it came with the report; no service hands it out"
    )]
    NotBrought {
        /// What.
        kind: Kind,
    },
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Where it was.
    pub path: PathBuf,
    /// What it is.
    pub kind: Kind,
    /// Its contents; certificates as DER.
    pub contents: Vec<u8>,
}

/// Reads all files that are named.
///
/// # Errors
/// The first file that cannot be used.
pub fn read(arguments: &SubjectArguments) -> Result<Vec<Piece>, EvidenceError> {
    arguments.evidence.iter().map(|named| read_piece(named)).collect()
}

/// What the pieces need besides themselves.
///
/// # Errors
/// A piece that says too little, or nothing to plan for.
pub fn plan(pieces: &[Piece], arguments: &SubjectArguments) -> Result<Plan, EvidenceError> {
    let mut all = plan::nvidia(&arguments.rims);
    if let (Some(fmspc), Some(ca)) = (arguments.fmspc, arguments.pck_ca) {
        all = all.and(plan::tdx(TdxPlatform { fmspc, ca: ca.into() }));
    }
    for piece in pieces {
        all = all.and(plan_of(piece, pieces, arguments)?);
    }
    // A certificate that came with the report is as good as one that is fetched.
    all.requests.retain(|request| !is_brought(request, pieces));
    let is_missing = |kind: &&Kind| !pieces.iter().any(|piece| piece.kind == **kind);
    match all.brought.iter().find(is_missing) {
        Some(kind) => Err(EvidenceError::NotBrought { kind: *kind }),
        None if all == Plan::default() && pieces.is_empty() => Err(EvidenceError::Nothing),
        None => Ok(all),
    }
}

fn read_piece(named: &str) -> Result<Piece, EvidenceError> {
    let stated = named.split_once('=').and_then(|(word, path)| Some((kind_of_word(word)?, path)));
    let path = stated.map_or(Path::new(named), |(_, path)| Path::new(path)).to_owned();
    let mut contents = Vec::new();
    if let Err(source) = File::open(&path)
        .and_then(|file| file.take(FILE_MAX_BYTES.saturating_add(1)).read_to_end(&mut contents))
    {
        return Err(EvidenceError::Read { path, source });
    }
    let kind = stated.map(|(kind, _)| kind).or_else(|| recognise(&contents));
    let Some(kind) = kind else { return Err(EvidenceError::Unknown { path }) };
    // A VCEK or VLEK is DER in bundles, in whatever form it came.
    if kind == Kind::Vek
        && let Ok(certificates) = pem::certificates(&contents)
        && let Some(first) = certificates.into_iter().next()
    {
        contents = first;
    }
    Ok(Piece { path, kind, contents })
}

/// Kinds that people may have to tell.
fn kind_of_word(word: &str) -> Option<Kind> {
    let words = [
        ("evidence", Kind::Evidence),
        ("snp-report", Kind::SnpReport),
        ("hcl-report", Kind::HclReport),
        ("vtpm-quote", Kind::VtpmQuote),
        ("vtpm-signature", Kind::VtpmSignature),
        ("vtpm-pcrs", Kind::VtpmPcrs),
        ("tdx-quote", Kind::TdxQuote),
        ("event-log", Kind::EventLog),
        ("nvidia-report", Kind::NvidiaReport),
        ("nvidia-chain", Kind::NvidiaChain),
        ("vek", Kind::Vek),
        ("pck-chain", Kind::PckChain),
        ("rim", Kind::Rim),
    ];
    words.into_iter().find(|(known, _)| *known == word).map(|(_, kind)| kind)
}

/// What contents show. Only enough to tell files apart: whether they are what they look like, verification says.
fn recognise(contents: &[u8]) -> Option<Kind> {
    match contents {
        [b'H', b'C', b'L', b'A', ..] => Some(Kind::HclReport),
        // SPDM 1.1 GET_MEASUREMENTS, signed, all blocks.
        [0x11, 0xE0, 0x01, 0xFF, ..] => Some(Kind::NvidiaReport),
        // TPM_GENERATED_VALUE, TPM_ST_ATTEST_QUOTE.
        [0xFF, b'T', b'C', b'G', 0x80, 0x18, ..] => Some(Kind::VtpmQuote),
        // Version 4 or 5, ECDSA P-256, TEE type of TDX.
        [4 | 5, 0, 2, 0, 0x81, 0, 0, 0, ..] => Some(Kind::TdxQuote),
        _ if SnpReport::parse_structure(contents).is_ok() => Some(Kind::SnpReport),
        _ if Evidence::decode(contents).is_ok() => Some(Kind::Evidence),
        _ => recognise_certificates(contents),
    }
}

fn recognise_certificates(contents: &[u8]) -> Option<Kind> {
    let list = pem::certificates(contents).unwrap_or_else(|_| vec![contents.to_vec()]);
    let name_of = |der: &Vec<u8>| Some(Certificate::parse(der).ok()?.subject().common_name()?.to_owned());
    let (first, last) = (name_of(list.first()?)?, name_of(list.last()?)?);
    match (first.as_str(), last.as_str()) {
        ("SEV-VCEK" | "SEV-VLEK", _) => Some(Kind::Vek),
        ("Intel SGX PCK Certificate", _) => Some(Kind::PckChain),
        (_, "NVIDIA Device Identity CA") => Some(Kind::NvidiaChain),
        _ => None,
    }
}

fn plan_of(piece: &Piece, all: &[Piece], arguments: &SubjectArguments) -> Result<Plan, EvidenceError> {
    let path = || piece.path.clone();
    let said_badly = |source| EvidenceError::Plan { path: path(), source };
    if let Some(report) = snp_report(piece) {
        return plan::snp(&report, arguments.product.map(ProductLine::from)).map_err(said_badly);
    }
    match piece.kind {
        Kind::TdxQuote if arguments.fmspc.is_none() => plan_tdx(piece, &piece.contents, all),
        Kind::NvidiaReport if arguments.rims.is_empty() => plan_nvidia(piece, all),
        Kind::Evidence => match Evidence::decode(&piece.contents) {
            Ok(evidence) if evidence.platform == Platform::Tdx => plan_tdx(piece, &evidence.report, all),
            Ok(evidence) if evidence.platform == Platform::Simulated => {
                Err(EvidenceError::Simulated { path: path() })
            }
            Ok(_) => Ok(Plan::default()),
            Err(error) => Err(EvidenceError::Malformed { path: path(), problem: error.to_string() }),
        },
        _ => Ok(Plan::default()),
    }
}

fn plan_tdx(piece: &Piece, quote: &[u8], all: &[Piece]) -> Result<Plan, EvidenceError> {
    let path = || piece.path.clone();
    let quote = Quote::parse(quote)
        .map_err(|error| EvidenceError::Malformed { path: path(), problem: error.to_string() })?;
    let chain = all.iter().find(|other| other.kind == Kind::PckChain);
    let platform = TdxPlatform::of_quote(&quote, chain.map(|chain| chain.contents.as_slice()));
    platform.map(plan::tdx).map_err(|source| EvidenceError::Plan { path: path(), source })
}

/// The first report belongs to the first chain, as in a bundle.
fn plan_nvidia(piece: &Piece, all: &[Piece]) -> Result<Plan, EvidenceError> {
    let path = || piece.path.clone();
    let malformed = |problem: String| EvidenceError::Malformed { path: path(), problem };
    let of = |kind: Kind| all.iter().filter(move |other| other.kind == kind);
    let place = of(Kind::NvidiaReport).position(|other| core::ptr::eq(other, piece));
    let chain = place.and_then(|place| of(Kind::NvidiaChain).nth(place));
    let chain = chain.ok_or_else(|| EvidenceError::DeviceChain { path: path() })?;
    let report = MeasurementReport::parse(&piece.contents).map_err(|error| malformed(error.to_string()))?;
    let certificates = pem::certificates(&chain.contents).map_err(|error| malformed(error.to_string()))?;
    let leaf = Certificate::parse(certificates.first().map_or(&[], Vec::as_slice))
        .map_err(|error| malformed(error.to_string()))?;
    let names = plan::rims_of(&report, &leaf);
    names.map(|names| plan::nvidia(&names)).map_err(|source| EvidenceError::Plan { path: path(), source })
}

/// The report in a piece, where there is one of SEV-SNP.
fn snp_report(piece: &Piece) -> Option<SnpReport> {
    match piece.kind {
        Kind::SnpReport => SnpReport::parse_structure(&piece.contents).ok(),
        Kind::HclReport => {
            let blob = HclReport::parse(&piece.contents).ok()?;
            let is_snp = blob.report_type == hcl::REPORT_TYPE_SNP;
            SnpReport::parse_structure(blob.hardware_report).ok().filter(|_| is_snp)
        }
        Kind::Evidence => {
            let evidence = Evidence::decode(&piece.contents).ok()?;
            SnpReport::parse_structure(&evidence.report).ok().filter(|_| evidence.platform == Platform::Snp)
        }
        _ => None,
    }
}

fn is_brought(request: &Request, pieces: &[Piece]) -> bool {
    let certificates = pieces.iter().filter(|piece| piece.kind == Kind::Vek);
    matches!(request, Request::Vcek(_))
        && certificates.into_iter().any(|piece| Object::read(request, piece.contents.clone(), None).is_ok())
}
