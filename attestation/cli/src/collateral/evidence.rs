//! What files are, and what is needed to verify them.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use attestation_bundle::Kind;
use attestation_claim::SignedClaim;
use attestation_collateral::plan::{self, Plan, PlanError, TdxPlatform};
use attestation_collateral::{Object, Request};
use attestation_evidence::{Evidence, Platform};
use attestation_recognise::{Kind as Wrapped, recognise};
use attestation_report::hcl::{self, HclReport};
use attestation_report::spdm::MeasurementReport;
use attestation_report::tdx::Quote;
use attestation_report::{ProductLine, SnpReport};
use attestation_verify::nvidia::SdkEvidence;
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
    /// Its contents do not tell what it is, or that it is no evidence.
    #[error(
        "evidence {}: {problem}\n  name a report, a quote, or what came with one; say what it is, like event-log={}",
        path.display(), path.display()
    )]
    Unknown {
        /// Which file.
        path: PathBuf,
        /// What was expected and found.
        problem: String,
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
    let lists: Result<Vec<Vec<Piece>>, EvidenceError> =
        arguments.evidence.iter().map(|named| read_file(named)).collect();
    lists.map(|lists| lists.into_iter().flatten().collect())
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

fn read_file(named: &str) -> Result<Vec<Piece>, EvidenceError> {
    let stated = named.split_once('=').and_then(|(word, path)| Some((kind_of_word(word)?, path)));
    let path = stated.map_or(Path::new(named), |(_, path)| Path::new(path)).to_owned();
    let mut contents = Vec::new();
    let opened = File::open(&path);
    let read = opened.and_then(|file| file.take(FILE_MAX_BYTES.saturating_add(1)).read_to_end(&mut contents));
    if let Err(source) = read {
        return Err(EvidenceError::Read { path, source });
    }
    let kind = stated.map(|(kind, _)| kind).or_else(|| certificates_kind(&contents));
    match kind {
        Some(kind) => Ok(vec![Piece { path, kind, contents: der_of_vek(kind, contents) }]),
        None => unwrap(&path, &contents),
    }
}

/// A VCEK or VLEK is DER in bundles, in whatever form it came.
fn der_of_vek(kind: Kind, contents: Vec<u8>) -> Vec<u8> {
    let list = if kind == Kind::Vek { pem::certificates(&contents).unwrap_or_default() } else { Vec::new() };
    list.into_iter().next().unwrap_or(contents)
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

/// What a file holds, out of what clouds and SDKs wrap it in.
fn unwrap(path: &Path, contents: &[u8]) -> Result<Vec<Piece>, EvidenceError> {
    let unknown = |problem: String| EvidenceError::Unknown { path: path.to_owned(), problem };
    let items = recognise(contents).map_err(|error| unknown(error.to_string()))?;
    let mut pieces = Vec::new();
    for item in items {
        let kind = match item.kind {
            Wrapped::NvidiaEvidence => {
                let list = SdkEvidence::parse(&item.bytes).map_err(|error| unknown(error.to_string()))?;
                for device in list.devices() {
                    let piece = |kind, contents: &[u8]| Piece {
                        path: path.to_owned(),
                        kind,
                        contents: contents.into(),
                    };
                    pieces.push(piece(Kind::NvidiaReport, &device.report));
                    pieces.push(piece(Kind::NvidiaChain, &device.chain));
                }
                continue;
            }
            Wrapped::Claim => {
                let claim = SignedClaim::parse(&item.bytes).map_err(|error| unknown(error.to_string()))?;
                let contents = claim.unverified_evidence().encode();
                pieces.push(Piece { path: path.to_owned(), kind: Kind::Evidence, contents });
                continue;
            }
            // Authorities that came along are fetched all the same: theirs is the list that revokes them.
            Wrapped::Certificate if certificates_kind(&item.bytes) != Some(Kind::Vek) => continue,
            Wrapped::Certificate => Kind::Vek,
            other => kind_of_evidence(other).ok_or_else(|| unknown(format!("found a {}", other.title())))?,
        };
        pieces.push(Piece { path: path.to_owned(), kind, contents: item.bytes });
    }
    Ok(pieces)
}

/// Collateral is no evidence to fetch for.
const fn kind_of_evidence(kind: Wrapped) -> Option<Kind> {
    match kind {
        Wrapped::SnpReport => Some(Kind::SnpReport),
        Wrapped::TdxQuote => Some(Kind::TdxQuote),
        Wrapped::SpdmReport => Some(Kind::NvidiaReport),
        Wrapped::HclReport => Some(Kind::HclReport),
        Wrapped::TpmQuote => Some(Kind::VtpmQuote),
        Wrapped::TpmSignature => Some(Kind::VtpmSignature),
        Wrapped::TpmRegisters => Some(Kind::VtpmPcrs),
        Wrapped::EventLog => Some(Kind::EventLog),
        Wrapped::Evidence => Some(Kind::Evidence),
        Wrapped::Rim => Some(Kind::Rim),
        _ => None,
    }
}

fn certificates_kind(contents: &[u8]) -> Option<Kind> {
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
