//! Second stage: from the PCK to the quoting enclave, from that to the attestation key, from that to the quote.

use alloc::format;

use attestation_report::tdx::{INTEL_QE_VENDOR_ID, Quote};
use attestation_signature::{P256Point, SignatureVerifier, UNCOMPRESSED};
use sha2::{Digest, Sha256};
use zerocopy::IntoBytes;

use super::Challenge;
use crate::trail::Stop;
use crate::{Code, Trail};

pub(super) fn check(
    trail: &mut Trail,
    quote: &Quote<'_>,
    pck: &P256Point,
    challenge: Challenge,
    by: &dyn SignatureVerifier,
) -> Result<(), Stop> {
    let data = &quote.signature_data;
    let is_signed = by.ecdsa_p256_sha256(pck, data.qe_report.as_bytes(), data.qe_report_signature);
    let code = Code::QeReportSignatureInvalid;
    trail.require(code, "QE report signature", "by the PCK", validity(is_signed), is_signed)?;
    check_binding(trail, quote)?;
    let key = attestation_key(data.attestation_key);
    let is_signed = by.ecdsa_p256_sha256(&key, quote.signed_bytes, data.signature);
    let code = Code::SignatureInvalid;
    trail.require(code, "quote signature", "by the attestation key", validity(is_signed), is_signed)?;
    let (expected, found) = (&INTEL_QE_VENDOR_ID, &quote.header.qe_vendor_id);
    trail.require_bytes(Code::QeVendorUnknown, "QE vendor id", expected, found)?;
    let report_data = &quote.body.report().report_data;
    if let Challenge::ReportData(expected) = challenge {
        trail.require_bytes(Code::NonceMismatch, "REPORTDATA", &expected, report_data)?;
    }
    Ok(())
}

/// For messages.
pub(super) const fn validity(holds: bool) -> &'static str {
    if holds { "valid" } else { "not valid" }
}

/// The digest fills half of `REPORTDATA`. What the other half meant if it were not zero, nobody has said.
fn check_binding(trail: &mut Trail, quote: &Quote<'_>) -> Result<(), Stop> {
    let data = &quote.signature_data;
    let digest: [u8; 32] = Sha256::new()
        .chain_update(data.attestation_key)
        .chain_update(data.qe_authentication_data)
        .finalize()
        .into();
    let found = &data.qe_report.report_data;
    let holds = found.strip_prefix(&digest) == Some(&[0; 32]);
    let expected =
        format!("{} and 32 zero bytes: SHA-256 of key and authentication data", hex::encode(digest));
    trail.require(Code::AkUnbound, "QE report: REPORTDATA", expected, hex::encode(found), holds)
}

fn attestation_key(coordinates: &[u8; 64]) -> P256Point {
    let mut point = [UNCOMPRESSED; _];
    point.iter_mut().skip(1).zip(coordinates).for_each(|(to, from)| *to = *from);
    point
}
