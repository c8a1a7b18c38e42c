//! The simulated platform's trust: a development root that everybody holds the key of.
//!
//! The chain has the shape of AMD's: root → chip key (as VCEK) → report. What it proves is that the pieces fit
//! together, never that a machine protected anything: whoever reads this file can sign as the root.

use alloc::vec::Vec;

use attestation_report::{ReportSignature, SnpReport};
use p384::ecdsa::signature::{Signer, Verifier};
use p384::ecdsa::{Signature, SigningKey, VerifyingKey};
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::{Evidence, EvidenceError, Platform, check_binding};

/// Secret scalar of the development root. It is no secret: that is the point of its name, and why evidence under it is
/// refused unless somebody asks for simulated evidence in so many words.
pub const DEVELOPMENT_ROOT_SECRET_IS_PUBLIC: [u8; 48] = *b"redoubt development root: public, guards nothing";

/// Bytes of a P-384 key: SEC1, uncompressed.
pub const CHIP_KEY_BYTES: usize = 97;

const ENDORSEMENT_LABEL: [u8; 32] = *b"redoubt simulated chip endorsed\0";
const ENDORSEMENT_VERSION: u32 = 1;

/// What the development root says of a simulated chip, as a VCEK certificate does of a real one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChipEndorsement {
    /// Identity of the chip.
    pub chip_id: [u8; 64],
    /// TCB version that the key belongs to.
    pub tcb: u64,
    /// Key that signs the chip's reports: SEC1, uncompressed, P-384.
    pub public_key: [u8; CHIP_KEY_BYTES],
}

/// A report that an endorsed simulated chip signed. Deliberately not the type of a machine's report: whoever accepts one
/// has to write down that it is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SimulatedReport(SnpReport);

impl SimulatedReport {
    /// What the simulated platform reported.
    #[must_use]
    pub const fn report(&self) -> &SnpReport {
        &self.0
    }
}

/// Verifies simulated evidence: root → chip key → report → instance key and manifest.
///
/// # Errors
/// [`EvidenceError::NotSimulated`] for a machine's evidence; otherwise the first link that does not hold.
pub fn verify_simulated(evidence: &Evidence) -> Result<SimulatedReport, EvidenceError> {
    if evidence.platform != Platform::Simulated {
        return Err(EvidenceError::NotSimulated { found: evidence.platform.name() });
    }
    let report = verify_report(&evidence.report, &evidence.endorsement)?;
    check_binding(report.report(), evidence)?;
    Ok(report)
}

/// Verifies that an endorsed simulated chip signed the report; says nothing of what the report binds.
///
/// # Errors
/// Report or endorsement is malformed, or signed by somebody else, or they are of different chips or TCB versions.
pub fn verify_report(report: &[u8], endorsement: &[u8]) -> Result<SimulatedReport, EvidenceError> {
    let report = SnpReport::parse(report)?;
    let chip = verify_endorsement(endorsement)?;
    let key = VerifyingKey::from_sec1_bytes(&chip.public_key).map_err(|_| EvidenceError::EndorsedKey)?;
    report
        .signature
        .to_big_endian()
        .and_then(|bytes| Signature::from_slice(&bytes).ok())
        .and_then(|signature| key.verify(report.signed_bytes(), &signature).ok())
        .ok_or(EvidenceError::ReportSignature)?;
    if let Some(offset) =
        report.chip_id.iter().zip(&chip.chip_id).position(|(mine, endorsed)| mine != endorsed)
    {
        return Err(EvidenceError::ChipId { offset });
    }
    let reported = report.reported_tcb.get();
    if reported != chip.tcb {
        return Err(EvidenceError::Tcb { expected: chip.tcb, found: reported });
    }
    Ok(SimulatedReport(report))
}

/// Signs a report as a simulated chip does.
pub fn sign_report(report: &mut SnpReport, chip_key: &SigningKey) {
    let signature: Signature = chip_key.sign(report.signed_bytes());
    report.signature = ReportSignature::from_big_endian(&signature.to_bytes().into());
}

/// Signs a chip's endorsement with the development root.
#[must_use]
pub fn endorse(chip: &ChipEndorsement) -> Vec<u8> {
    let mut wire = WireEndorsement {
        label: ENDORSEMENT_LABEL,
        version: U32::new(ENDORSEMENT_VERSION),
        chip_id: chip.chip_id,
        tcb: U64::new(chip.tcb),
        public_key: chip.public_key,
        signature: [0; 96],
    };
    if let Some(root) = development_root() {
        let signature: Signature = root.sign(wire.signed_bytes());
        wire.signature = signature.normalize_s().to_bytes().into();
    }
    wire.as_bytes().to_vec()
}

/// Verifies an endorsement against the development root.
///
/// # Errors
/// Another format, or not signed by the development root. Every byte is protected.
pub fn verify_endorsement(bytes: &[u8]) -> Result<ChipEndorsement, EvidenceError> {
    let wrong_format = EvidenceError::EndorsementFormat { found: bytes.len() };
    let Ok(wire) = WireEndorsement::read_from_bytes(bytes) else { return Err(wrong_format) };
    if wire.label != ENDORSEMENT_LABEL || wire.version.get() != ENDORSEMENT_VERSION {
        return Err(wrong_format);
    }
    let signature =
        Signature::from_slice(&wire.signature).map_err(|_| EvidenceError::EndorsementSignature)?;
    let root = development_root().ok_or(EvidenceError::EndorsementSignature)?;
    let verified = root.verifying_key().verify(wire.signed_bytes(), &signature);
    // The other S of the same signature would be a second spelling of one endorsement.
    if verified.is_err() || signature.normalize_s() != signature {
        return Err(EvidenceError::EndorsementSignature);
    }
    Ok(ChipEndorsement { chip_id: wire.chip_id, tcb: wire.tcb.get(), public_key: wire.public_key })
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct WireEndorsement {
    label: [u8; 32],
    version: U32,
    chip_id: [u8; 64],
    tcb: U64,
    public_key: [u8; CHIP_KEY_BYTES],
    signature: [u8; 96],
}

const _: () = assert!(size_of::<WireEndorsement>() == 301, "an endorsement has 301 bytes");

impl WireEndorsement {
    fn signed_bytes(&self) -> &[u8] {
        let end = core::mem::offset_of!(Self, signature);
        self.as_bytes().get(..end).unwrap_or_default()
    }
}

/// `None` only if the constant were not a scalar of P-384, which a test excludes.
fn development_root() -> Option<SigningKey> {
    SigningKey::from_slice(&DEVELOPMENT_ROOT_SECRET_IS_PUBLIC).ok()
}

#[cfg(test)]
mod tests;
