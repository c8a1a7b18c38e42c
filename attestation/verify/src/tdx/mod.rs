//! Intel TDX: quote, attestation key, quoting enclave, PCK certificate, pinned root; and what Intel says of the
//! platform.
//!
//! Order: a signature is verified before what it signs is interpreted, from the root down. Nothing is read from the
//! quote before its signature holds, except what its layout needs and the certificates that it carries.
//!
//! Absent collateral is not forgotten: for each piece that is missing a finding says so, and no status of the TCB is
//! made up. Collateral that is there must hold, or the evidence is rejected.

mod assessment;
mod document;
mod event_log;
mod findings;
mod pck;
mod qe_identity;
mod roots;
mod signature;
mod status;
mod tcb_info;
mod unverified;

use attestation_report::hcl;
use attestation_report::tdx::{BodyType, EnclaveReport, Quote, QuoteError, QuoteHeader, TdBody, TdReport10};
use attestation_x509::intel::{PckFields, Role};
use attestation_x509::{Certificate, Instant};

pub use assessment::{Shortfall, TcbAssessment, TcbEvaluation, TcbPart};
pub use document::{DOCUMENT_MAX_BYTES, Issue};
pub use event_log::{CcelEvents, EVENT_LOG_MAX_BYTES, Event, EventLog, EventLogError, Rtmrs};
pub use roots::Roots;
pub use status::TcbStatus;
pub use unverified::{DocumentError, DocumentSubject, UnverifiedDocument};

use self::assessment::Subject;
use self::document::Contents;
use self::pck::Pck;
use self::qe_identity::QeIdentity;
use self::tcb_info::TcbInfo;
pub use crate::snp::Challenge;
use crate::trail::Stop;
use crate::{Code, Rejection, Trail, Verified, Verifier, Vtpm, VtpmBundle, VtpmChallenge, vtpm};

/// Most certificates that are looked at in one chain.
pub const CHAIN_MAX: usize = 16;

/// Everything that came with a quote. Certificates and lists are DER.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Collateral<'a> {
    /// PCK certificate and its issuers, leaf first; looked at only when the quote carries no chain.
    pub pck_chain: &'a [&'a [u8]],
    /// TCB info for the platform.
    pub tcb_info: Option<Document<'a>>,
    /// Identity of the quoting enclave.
    pub qe_identity: Option<Document<'a>>,
    /// Revocation lists: of the PCK certificate's issuer, and of the root.
    pub crls: &'a [&'a [u8]],
    /// What the domain's registers were extended with.
    pub event_log: Option<EventLog<'a>>,
}

/// A signed document as Intel's service answers: `{"tcbInfo":{…},"signature":"…"}`, or `enclaveIdentity` in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Document<'a> {
    /// The whole answer.
    pub body: &'a [u8],
    /// Certificate of the key that signed and its issuers as DER, leaf first.
    pub issuer_chain: &'a [&'a [u8]],
}

/// What [`Verified`] holds for TDX.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TdxEvidence {
    header: QuoteHeader,
    body: TdBody,
    qe_report: EnclaveReport,
    pck: PckFields,
    pck_ca: Role,
    pck_certificate: Certificate,
    tcb: Option<TcbAssessment>,
    trailing_bytes: usize,
    vtpm: Option<Vtpm>,
    answers_a_challenge: bool,
}

impl TdxEvidence {
    /// Whether a challenge was posed; evidence that does not answer it is never verified.
    #[must_use]
    pub const fn answers_a_challenge(&self) -> bool {
        self.answers_a_challenge
    }

    /// Header of the quote.
    #[must_use]
    pub const fn header(&self) -> &QuoteHeader {
        &self.header
    }

    /// What the TDX module reported, in the layout of its version.
    #[must_use]
    pub const fn body(&self) -> &TdBody {
        &self.body
    }

    /// What every version of the TDX module reports.
    #[must_use]
    pub const fn report(&self) -> &TdReport10 {
        self.body.report()
    }

    /// Report of the quoting enclave.
    #[must_use]
    pub const fn qe_report(&self) -> &EnclaveReport {
        &self.qe_report
    }

    /// What Intel certifies of the platform: PPID, FMSPC, security versions.
    #[must_use]
    pub const fn pck(&self) -> &PckFields {
        &self.pck
    }

    /// Which authority certified the platform.
    #[must_use]
    pub const fn pck_ca(&self) -> Role {
        self.pck_ca
    }

    /// Certificate of the platform's key.
    #[must_use]
    pub const fn pck_certificate(&self) -> &Certificate {
        &self.pck_certificate
    }

    /// What Intel says of everything below the domain; `None` where TCB info or QE identity is missing.
    #[must_use]
    pub const fn tcb(&self) -> Option<&TcbAssessment> {
        self.tcb.as_ref()
    }

    /// How many bytes followed the quote.
    #[must_use]
    pub const fn trailing_bytes(&self) -> usize {
        self.trailing_bytes
    }

    /// The virtual TPM that the quote vouches for, in evidence of Azure.
    #[must_use]
    pub const fn vtpm(&self) -> Option<&Vtpm> {
        self.vtpm.as_ref()
    }
}

/// Reads a quote and verifies all that came with it.
///
/// # Errors
/// The first check that fails, with all before it.
pub fn verify(
    quote: Option<&[u8]>,
    collateral: &Collateral<'_>,
    challenge: Challenge,
    roots: &Roots<'_>,
    by: Verifier<'_>,
) -> Result<Verified<TdxEvidence>, Rejection> {
    let quote = read_quote(quote)?;
    let mut trail = Trail::default();
    match check(&mut trail, &quote, collateral, challenge, roots, by) {
        Ok(evidence) => Ok(Verified::new(evidence, trail)),
        Err(_) => Err(Rejection::new(trail)),
    }
}

/// Verifies evidence of Azure, whose guests have their quote from the host's service and what is fresh from a virtual TPM:
/// quote and collateral as in [`verify`], then the TPM's quote under the key that `REPORTDATA` binds. The challenge is
/// answered by the TPM. What the blob has as its hardware report, only the machine that made it can verify; it is not
/// looked at.
///
/// # Errors
/// The first check that fails, with all before it.
pub fn verify_azure(
    quote: Option<&[u8]>,
    bundle: &VtpmBundle<'_>,
    collateral: &Collateral<'_>,
    challenge: VtpmChallenge<'_>,
    roots: &Roots<'_>,
    by: Verifier<'_>,
) -> Result<Verified<TdxEvidence>, Rejection> {
    let hcl = vtpm::parse_hcl(bundle.hcl_report, hcl::REPORT_TYPE_TDX)?;
    let verified = verify(quote, collateral, Challenge::NotPosed, roots, by)?;
    let data = verified.evidence().report().report_data;
    let (mut evidence, vtpm, trail) =
        vtpm::verify_behind(verified, &data, &hcl, bundle, challenge, by.signatures)?;
    evidence.vtpm = Some(vtpm);
    evidence.answers_a_challenge = challenge != VtpmChallenge::NotPosed;
    Ok(Verified::new(evidence, trail))
}

/// First stage: bytes to a quote that nobody has signed yet.
///
/// # Errors
/// The structure is not that of a quote.
pub fn read_quote(bytes: Option<&[u8]>) -> Result<Quote<'_>, Rejection> {
    let mut trail = Trail::default();
    let Some(bytes) = bytes else {
        let _ = trail.stop(Code::EvidenceMissing, "evidence", "a quote", "none");
        return Err(Rejection::new(trail));
    };
    let parsed = Quote::parse(bytes);
    let code = match parsed {
        Ok(_) | Err(QuoteError::Truncated { .. }) => Code::Truncated,
        Err(QuoteError::TeeType { .. } | QuoteError::BodyType { found: BodyType::SGX }) => {
            Code::UnsupportedTeeType
        }
        Err(QuoteError::Version { .. } | QuoteError::BodyType { .. }) => Code::UnsupportedVersion,
        Err(QuoteError::AttestationKeyType { .. }) => Code::UnsupportedKeyType,
        Err(_) => Code::Malformed,
    };
    let result = trail.unwrap(code, "quote structure", "a TDX quote of version 4 or 5", parsed);
    result.map_err(|_| Rejection::new(trail))
}

fn check(
    trail: &mut Trail,
    quote: &Quote<'_>,
    collateral: &Collateral<'_>,
    challenge: Challenge,
    roots: &Roots<'_>,
    by: Verifier<'_>,
) -> Result<TdxEvidence, Stop> {
    let pck = pck::verify(trail, quote, collateral, roots, by)?;
    signature::check(trail, quote, &pck.key, challenge, by.signatures)?;
    let tcb = assess(trail, quote, collateral, &pck, by)?;
    findings::note(trail, quote);
    if let Some(log) = &collateral.event_log {
        event_log::note(trail, log, quote.body.report());
    }
    Ok(TdxEvidence {
        header: *quote.header,
        body: quote.body,
        qe_report: *quote.signature_data.qe_report,
        pck: pck.fields,
        pck_ca: pck.ca,
        pck_certificate: pck.certificate,
        tcb,
        trailing_bytes: quote.trailing_bytes,
        vtpm: None,
        answers_a_challenge: challenge != Challenge::NotPosed,
    })
}

/// Verifies TCB info and QE identity, that they are about this platform and this quote, and assesses the platform by
/// both.
fn assess(
    trail: &mut Trail,
    quote: &Quote<'_>,
    collateral: &Collateral<'_>,
    pck: &Pck,
    by: Verifier<'_>,
) -> Result<Option<TcbAssessment>, Stop> {
    let mut signed = |kind, document: &Option<_>, other| match document {
        Some(document) => document::verify(trail, kind, document, pck, other, by).map(Some),
        None => Ok(None),
    };
    let tcb_info = signed(&TcbInfo::KIND, &collateral.tcb_info, None)?;
    let qe_identity =
        signed(&QeIdentity::KIND, &collateral.qe_identity, tcb_info.as_ref().map(|signed| signed.issuer))?;
    let tcb_info = tcb_info.map(|signed| read_tcb_info(trail, signed.body, quote, pck, by.at)).transpose()?;
    let qe_identity =
        qe_identity.map(|signed| read_qe_identity(trail, signed.body, quote, by.at)).transpose()?;
    for (what, is_there) in [("TCB info", tcb_info.is_some()), ("QE identity", qe_identity.is_some())] {
        let found = if is_there { "supplied" } else { "none" };
        trail.note(Code::CollateralMissing, what, "supplied", found, is_there);
    }
    let (Some(tcb_info), Some(qe_identity)) = (tcb_info, qe_identity) else { return Ok(None) };
    let subject = Subject {
        pck: &pck.fields,
        qe_report: quote.signature_data.qe_report,
        body: &quote.body,
        tcb_info: &tcb_info,
        qe_identity: &qe_identity,
    };
    let assessment = subject.assess();
    assessment.note(trail);
    Ok(Some(assessment))
}

fn read_tcb_info<'a>(
    trail: &mut Trail,
    body: &'a str,
    quote: &Quote<'_>,
    pck: &Pck,
    at: Instant,
) -> Result<TcbInfo<'a>, Stop> {
    let info: TcbInfo<'_> = document::read(trail, body)?;
    info.check_platform(trail, &pck.fields)?;
    info.check_module(trail, quote.body.report())?;
    document::note_age(trail, &TcbInfo::KIND, &info.issue(), at);
    Ok(info)
}

fn read_qe_identity<'a>(
    trail: &mut Trail,
    body: &'a str,
    quote: &Quote<'_>,
    at: Instant,
) -> Result<QeIdentity<'a>, Stop> {
    let identity: QeIdentity<'_> = document::read(trail, body)?;
    identity.check(trail, quote.signature_data.qe_report)?;
    document::note_age(trail, &QeIdentity::KIND, &identity.issue(), at);
    Ok(identity)
}
