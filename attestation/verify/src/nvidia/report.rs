//! Third stage: a report under the key of its device.

use alloc::format;

use attestation_report::spdm::MeasurementReport;
use attestation_signature::SignatureVerifier;

use super::{Challenge, Device};
use crate::trail::Stop;
use crate::{Code, Trail};

pub(super) fn check(
    trail: &mut Trail,
    device: &Device,
    report: &MeasurementReport<'_>,
    challenge: Challenge,
    by: &dyn SignatureVerifier,
) -> Result<(), Stop> {
    let is_signed = by.ecdsa_p384_sha384(device.key(), report.signed_bytes(), report.signature());
    let expected = format!("by {}", device.leaf().subject());
    let found = if is_signed { "valid" } else { "not valid" };
    trail.require(Code::SignatureInvalid, "report signature", expected, found, is_signed)?;
    trail.unwrap(Code::Malformed, "report contents", "those of a device", report.check_contents())?;
    if let Challenge::Nonce(expected) = challenge {
        trail.require_bytes(Code::NonceMismatch, "request nonce", &expected, &report.request().nonce)?;
    }
    check_fwid(trail, device, report)?;
    let trailing = report.trailing_bytes();
    trail.note(Code::TrailingUnsigned, "bytes behind the signature", 0, trailing, trailing == 0);
    Ok(())
}

/// The certificate was issued to one firmware; the report says which one is running. Older drivers do not say.
fn check_fwid(trail: &mut Trail, device: &Device, report: &MeasurementReport<'_>) -> Result<(), Stop> {
    let certified = device.fields().fwids.first();
    let expected = certified.map_or_else(|| "none".into(), hex::encode);
    let Some(reported) = report.fields().fwid() else {
        trail.note(Code::FwidAbsent, "FWID", expected, "none", false);
        return Ok(());
    };
    let is_same = certified == Some(reported);
    trail.require(Code::FwidMismatch, "FWID", expected, hex::encode(reported), is_same)
}
