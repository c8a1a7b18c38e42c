//! Third stage: a report under the key that its endorsement certifies.

use alloc::format;
use alloc::string::ToString;

use attestation_report::{ProductLine, SigningKeyKind, SnpReport, TcbParts, TcbVersion};
use attestation_signature::SignatureVerifier;
use attestation_x509::amd::{CertifiedTcb, Endorses, KeyKind};

use super::{Challenge, Endorsement, SnpEvidence, findings};
use crate::trail::Stop;
use crate::{Code, Rejection, Trail, Verified};

impl Endorsement {
    /// Verifies a report: signature first, then that it and the certificate speak of the same key, product, firmware and
    /// chip.
    ///
    /// # Errors
    /// The first check that fails, with all before it.
    pub fn verify_report(
        &self,
        report: SnpReport,
        challenge: Challenge,
        by: &dyn SignatureVerifier,
    ) -> Result<Verified<SnpEvidence>, Rejection> {
        let mut trail = self.trail().clone();
        match check(&mut trail, self, &report, challenge, by) {
            Ok(()) => {
                findings::note(&mut trail, self, &report);
                Ok(Verified::new(
                    SnpEvidence {
                        report,
                        endorsement: self.clone(),
                        vtpm: None,
                        answers_a_challenge: challenge != Challenge::NotPosed,
                    },
                    trail,
                ))
            }
            Err(_) => Err(Rejection::new(trail)),
        }
    }
}

fn check(
    trail: &mut Trail,
    endorsement: &Endorsement,
    report: &SnpReport,
    challenge: Challenge,
    by: &dyn SignatureVerifier,
) -> Result<(), Stop> {
    let is_signed = is_signed(endorsement, report, by);
    let expected = format!("by the {}", endorsement.kind);
    let found = if is_signed { "valid" } else { "not valid" };
    trail.require(Code::SignatureInvalid, "report signature", expected, found, is_signed)?;
    let contents = report.check_contents();
    trail.unwrap(Code::ReservedNonzero, "report contents", "what its version prescribes", contents)?;
    check_signing_key(trail, endorsement, report)?;
    check_product(trail, endorsement, report)?;
    check_tcb(trail, endorsement, report)?;
    check_chip_id(trail, endorsement, report)?;
    if let Challenge::ReportData(expected) = challenge {
        trail.require_bytes(Code::NonceMismatch, "REPORT_DATA", &expected, &report.report_data)?;
    }
    Ok(())
}

fn is_signed(endorsement: &Endorsement, report: &SnpReport, by: &dyn SignatureVerifier) -> bool {
    let signature = report.signature.to_big_endian();
    signature
        .is_some_and(|signature| by.ecdsa_p384_sha384(&endorsement.key, report.signed_bytes(), &signature))
}

fn check_signing_key(trail: &mut Trail, endorsement: &Endorsement, report: &SnpReport) -> Result<(), Stop> {
    let expected = match endorsement.kind {
        KeyKind::Vcek => SigningKeyKind::VCEK,
        KeyKind::Vlek => SigningKeyKind::VLEK,
    };
    let found = report.signing_key();
    trail.require(Code::SigningKeyMismatch, "KEY_INFO.SIGNING_KEY", expected.0, found.0, found == expected)
}

/// Version 2 has no CPUID: there the certificate alone names the product.
fn check_product(trail: &mut Trail, endorsement: &Endorsement, report: &SnpReport) -> Result<(), Stop> {
    let Some(cpuid) = report.cpuid() else { return Ok(()) };
    let line = ProductLine::of_cpuid(cpuid);
    let name = line.map_or("no known line", ProductLine::name);
    let found = format!("{name} (family {:#x}, model {:#x})", cpuid.family, cpuid.model);
    let is_same = line == Some(endorsement.line);
    trail.require(Code::ProductMismatch, "CPUID family and model", endorsement.line, found, is_same)
}

fn check_tcb(trail: &mut Trail, endorsement: &Endorsement, report: &SnpReport) -> Result<(), Stop> {
    let CertifiedTcb { fmc, boot_loader, tee, snp, microcode } = endorsement.fields.tcb;
    let certified = TcbParts { fmc, boot_loader, tee, snp, microcode };
    let reported = TcbVersion(report.reported_tcb.get());
    let parts = endorsement.line.tcb_layout().and_then(|layout| reported.parts(layout));
    let found = parts.map_or_else(|| format!("{reported}, no such layout"), |parts| parts.to_string());
    let is_same = parts == Some(certified);
    trail.require(Code::TcbMismatch, "REPORTED_TCB", certified, found, is_same)
}

/// A masked identity cannot be compared; the key that signed is the chip's all the same.
fn check_chip_id(trail: &mut Trail, endorsement: &Endorsement, report: &SnpReport) -> Result<(), Stop> {
    let Endorses::Chip(hardware_id) = &endorsement.fields.endorses else { return Ok(()) };
    if report.chip_id == [0; 64] {
        return Ok(());
    }
    let rest = report.chip_id.strip_prefix(hardware_id.as_slice());
    let is_same = rest.is_some_and(|rest| rest.iter().all(|byte| *byte == 0));
    let (expected, found) = (hex::encode(hardware_id), hex::encode(report.chip_id));
    trail.require(Code::ChipIdMismatch, "CHIP_ID", expected, found, is_same)
}
