//! NVIDIA GPUs and switches: measurement report, device chain, reference manifests (RIM), pinned roots for both.
//!
//! Order: a signature is verified before what it signs is interpreted, from the root down: the device chain, the RIMs,
//! the report, and only then what they say of each other.
//!
//! The report says nothing of whether confidential computing is on, whether developer tools are off, or which guest owns
//! the device. All that binds it to anything is the nonce: choose it so that it covers the evidence of the CPU.
//! Revocation is by OCSP alone, and no answers come with the evidence: that is a finding in every verification.

mod device;
mod golden;
mod machine;
mod report;
mod rim;
mod roots;
mod sdk;

use attestation_report::spdm::{MeasurementReport, NONCE_BYTES, SpdmError};

pub use device::{DEVICE_CHAIN_CERTIFICATES, Device, DeviceKind};
pub use golden::Comparison;
pub use machine::{DEVICES_MAX, MachineEvidence, verify_machine};
pub use rim::{RimEvidence, RimFiles, RimKind, Rims};
pub use roots::{RootSet, Roots};
pub use sdk::{SDK_EVIDENCE_MAX_BYTES, SdkDevice, SdkError, SdkEvidence};

use crate::trail::Stop;
use crate::{Code, Rejection, Trail, Verified, Verifier};

/// What [`Verified`] holds for a GPU or a switch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpuEvidence<'a> {
    report: MeasurementReport<'a>,
    device: Device,
    rims: Rims,
    comparison: Comparison,
    answers_a_challenge: bool,
}

impl<'a> GpuEvidence<'a> {
    /// Whether a challenge was posed; evidence that does not answer it is never verified.
    #[must_use]
    pub const fn answers_a_challenge(&self) -> bool {
        self.answers_a_challenge
    }

    /// What the device reported: versions, measurements, flags, nonce.
    #[must_use]
    pub const fn report(&self) -> &MeasurementReport<'a> {
        &self.report
    }

    /// Which device, by its certificates.
    #[must_use]
    pub const fn device(&self) -> &Device {
        &self.device
    }

    /// The manifests that came along.
    #[must_use]
    pub const fn rims(&self) -> &Rims {
        &self.rims
    }

    /// How the measurements compare with the manifests.
    #[must_use]
    pub const fn comparison(&self) -> &Comparison {
        &self.comparison
    }
}

/// What the evidence has to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Challenge {
    /// The nonce of the request must be this.
    Nonce([u8; NONCE_BYTES]),
    /// Nobody asked: the report is looked at, not relied on for freshness.
    NotPosed,
}

/// Everything that came from or for one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Evidence<'a> {
    /// Request and response, one behind the other.
    pub report: Option<&'a [u8]>,
    /// Device chain as PEM, leaf first, root included.
    pub chain: Option<&'a [u8]>,
    /// Reference manifests.
    pub rims: RimFiles<'a>,
}

/// Verifies the evidence of one device.
///
/// # Errors
/// The first check that fails, with all before it.
pub fn verify<'a>(
    evidence: &Evidence<'a>,
    challenge: Challenge,
    roots: &Roots<'_>,
    by: Verifier<'_>,
) -> Result<Verified<GpuEvidence<'a>>, Rejection> {
    Verified::by(|trail| verify_device(trail, evidence, challenge, roots, by))
}

/// First stage: bytes to a report that nobody has signed yet.
///
/// # Errors
/// The structure is not that of a report.
pub fn read_report(bytes: Option<&[u8]>) -> Result<MeasurementReport<'_>, Rejection> {
    Trail::of(|trail| parse(trail, bytes)).map(|(report, _)| report)
}

fn verify_device<'a>(
    trail: &mut Trail,
    evidence: &Evidence<'a>,
    challenge: Challenge,
    roots: &Roots<'_>,
    by: Verifier<'_>,
) -> Result<GpuEvidence<'a>, Stop> {
    let report = parse(trail, evidence.report)?;
    let device = device::verify_chain(trail, evidence.chain, &roots.device, by)?;
    let rims = rim::verify_rims(trail, &evidence.rims, &roots.rim, by)?;
    report::check(trail, &device, &report, challenge, by.signatures)?;
    let comparison = golden::compare(trail, &device, &report, &rims)?;
    let answers_a_challenge = challenge != Challenge::NotPosed;
    Ok(GpuEvidence { report, device, rims, comparison, answers_a_challenge })
}

fn parse<'a>(trail: &mut Trail, bytes: Option<&'a [u8]>) -> Result<MeasurementReport<'a>, Stop> {
    let Some(bytes) = bytes else {
        return Err(trail.stop(Code::EvidenceMissing, "evidence", "a report", "none"));
    };
    let parsed = MeasurementReport::parse(bytes);
    let code = match parsed {
        Ok(_) | Err(SpdmError::Truncated { .. }) => Code::Truncated,
        Err(SpdmError::Version { .. }) => Code::UnsupportedVersion,
        Err(_) => Code::Malformed,
    };
    trail.unwrap(code, "report structure", "SPDM 1.1 GET_MEASUREMENTS and MEASUREMENTS", parsed)
}
