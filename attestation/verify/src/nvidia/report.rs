//! Third stage: a report under the key of its device.

use alloc::format;
use alloc::string::String;
use core::fmt::Write;

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
        let found = report.request().nonce;
        let is_answer = found == expected;
        trail.require(Code::NonceMismatch, "request nonce", hex(&expected), hex(&found), is_answer)?;
    }
    check_fwid(trail, device, report)?;
    let trailing = report.trailing_bytes();
    trail.note(Code::TrailingUnsigned, "bytes behind the signature", 0, trailing, trailing == 0);
    Ok(())
}

/// The certificate was issued to one firmware; the report says which one is running. Older drivers do not say.
fn check_fwid(trail: &mut Trail, device: &Device, report: &MeasurementReport<'_>) -> Result<(), Stop> {
    let certified = device.fields().fwids.first();
    let expected = certified.map_or_else(|| "none".into(), |fwid| hex(fwid));
    let Some(reported) = report.fields().fwid() else {
        trail.note(Code::FwidAbsent, "FWID", expected, "none", false);
        return Ok(());
    };
    let is_same = certified == Some(reported);
    trail.require(Code::FwidMismatch, "FWID", expected, hex(reported), is_same)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        // Writing to a `String` is infallible.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
