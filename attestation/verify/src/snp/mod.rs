//! AMD SEV-SNP: report, VCEK or VLEK, ASK or ASVK, pinned ARK.
//!
//! Order: a signature is verified before what it signs is interpreted, from the root down. Nothing is read from the
//! report before its signature holds, except what its layout needs.

mod authorities;
mod endorsement;
mod findings;
mod report;
mod roots;

use attestation_report::{ReportError, SnpReport, hcl};

pub use authorities::AUTHORITIES;
pub use endorsement::{CHAIN_MAX, Collateral, Endorsement};
pub use roots::{Root, Roots};

use crate::{Code, Rejection, Trail, Verified, Verifier, Vtpm, VtpmBundle, VtpmChallenge, vtpm};

/// What [`Verified`] holds for SEV-SNP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnpEvidence {
    report: SnpReport,
    endorsement: Endorsement,
    vtpm: Option<Vtpm>,
    answers_a_challenge: bool,
}

impl SnpEvidence {
    /// What the chip reported.
    #[must_use]
    pub const fn report(&self) -> &SnpReport {
        &self.report
    }

    /// Whose key signed it.
    #[must_use]
    pub const fn endorsement(&self) -> &Endorsement {
        &self.endorsement
    }

    /// Whether a challenge was posed; evidence that does not answer it is never verified.
    #[must_use]
    pub const fn answers_a_challenge(&self) -> bool {
        self.answers_a_challenge
    }

    /// The virtual TPM that the report vouches for, in evidence of Azure.
    #[must_use]
    pub const fn vtpm(&self) -> Option<&Vtpm> {
        self.vtpm.as_ref()
    }
}

/// What the evidence has to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Challenge {
    /// `REPORT_DATA` must be this.
    ReportData([u8; 64]),
    /// Nobody asked: the report is looked at, not relied on for freshness.
    NotPosed,
}

/// Reads a report, verifies its endorsement, and verifies the report under it.
///
/// # Errors
/// The first check that fails, with all before it.
pub fn verify(
    report: Option<&[u8]>,
    collateral: &Collateral<'_>,
    challenge: Challenge,
    roots: &Roots<'_>,
    by: Verifier<'_>,
) -> Result<Verified<SnpEvidence>, Rejection> {
    let report = read_report(report)?;
    Endorsement::verify(collateral, roots, by)?.verify_report(report, challenge, by.signatures)
}

/// Verifies evidence of Azure, whose guests reach the report through a virtual TPM: report and endorsement as in [`verify`],
/// then the TPM's quote under the key that `REPORT_DATA` binds. The challenge is answered by the quote.
///
/// # Errors
/// The first check that fails, with all before it.
pub fn verify_azure(
    bundle: &VtpmBundle<'_>,
    collateral: &Collateral<'_>,
    challenge: VtpmChallenge<'_>,
    roots: &Roots<'_>,
    by: Verifier<'_>,
) -> Result<Verified<SnpEvidence>, Rejection> {
    let hcl = vtpm::parse_hcl(bundle.hcl_report, hcl::REPORT_TYPE_SNP)?;
    let report = read_report(Some(hcl.hardware_report))?;
    let endorsement = Endorsement::verify(collateral, roots, by)?;
    let verified = endorsement.verify_report(report, Challenge::NotPosed, by.signatures)?;
    let data = report.report_data;
    let (mut evidence, vtpm, trail) =
        vtpm::verify_behind(verified, &data, &hcl, bundle, challenge, by.signatures)?;
    evidence.vtpm = Some(vtpm);
    evidence.answers_a_challenge = challenge != VtpmChallenge::NotPosed;
    Ok(Verified::new(evidence, trail))
}

/// First stage: bytes to a report that nobody has signed yet.
///
/// # Errors
/// The structure is not that of a report.
pub fn read_report(bytes: Option<&[u8]>) -> Result<SnpReport, Rejection> {
    let mut trail = Trail::default();
    let parsed = bytes.map(SnpReport::parse_structure);
    let Some(parsed) = parsed else {
        let _ = trail.stop(Code::EvidenceMissing, "evidence", "a report", "none");
        return Err(Rejection::new(trail));
    };
    let code = match parsed {
        Ok(_) | Err(ReportError::Truncated { .. }) => Code::Truncated,
        Err(ReportError::TrailingBytes { .. }) => Code::TrailingBytes,
        Err(ReportError::SignaturePadding { .. }) => Code::SignaturePaddingNonzero,
        Err(_) => Code::UnsupportedVersion,
    };
    let result = trail.unwrap(code, "report structure", "a report of version 2 to 5", parsed);
    result.map_err(|_| Rejection::new(trail))
}
