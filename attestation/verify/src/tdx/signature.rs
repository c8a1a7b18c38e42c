//! Second stage: from the PCK to the quoting enclave, from that to the attestation key, from that to the quote.

use alloc::format;

use attestation_report::tdx::{INTEL_QE_VENDOR_ID, Quote};
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};
use zerocopy::IntoBytes;

use super::Challenge;
use super::hex::Hex;
use crate::trail::Stop;
use crate::{Code, Trail};

/// First byte of an uncompressed point in SEC1.
const UNCOMPRESSED: u8 = 4;

pub(super) fn check(
    trail: &mut Trail,
    quote: &Quote<'_>,
    pck: &VerifyingKey,
    challenge: Challenge,
) -> Result<(), Stop> {
    let data = &quote.signature_data;
    let is_signed = verifies(pck, data.qe_report.as_bytes(), data.qe_report_signature);
    let code = Code::QeReportSignatureInvalid;
    trail.require(code, "QE report signature", "by the PCK", validity(is_signed), is_signed)?;
    check_binding(trail, quote)?;
    let key = attestation_key(data.attestation_key);
    let is_signed = key.is_some_and(|key| verifies(&key, quote.signed_bytes, data.signature));
    let code = Code::SignatureInvalid;
    trail.require(code, "quote signature", "by the attestation key", validity(is_signed), is_signed)?;
    let (expected, found) = (Hex(&INTEL_QE_VENDOR_ID), Hex(&quote.header.qe_vendor_id));
    trail.require(Code::QeVendorUnknown, "QE vendor id", expected, found, expected == found)?;
    let report_data = &quote.body.report().report_data;
    if let Challenge::ReportData(expected) = challenge {
        let holds = *report_data == expected;
        trail.require(Code::NonceMismatch, "REPORTDATA", Hex(&expected), Hex(report_data), holds)?;
    }
    Ok(())
}

/// Whether `signature`, R and S of 32 big-endian bytes each, is by `key` over `message`.
pub(super) fn verifies(key: &VerifyingKey, message: &[u8], signature: &[u8; 64]) -> bool {
    Signature::from_slice(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
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
    let expected = format!("{} and 32 zero bytes: SHA-256 of key and authentication data", Hex(&digest));
    trail.require(Code::AkUnbound, "QE report: REPORTDATA", expected, Hex(found), holds)
}

fn attestation_key(coordinates: &[u8; 64]) -> Option<VerifyingKey> {
    let mut point = [UNCOMPRESSED; 65];
    point.split_first_mut()?.1.copy_from_slice(coordinates);
    VerifyingKey::from_sec1_bytes(&point).ok()
}
