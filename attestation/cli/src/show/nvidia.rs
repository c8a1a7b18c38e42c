//! NVIDIA: measurement reports, lists of its SDK, reference manifests.

use attestation_recognise::Kind;
use attestation_report::spdm::MeasurementReport;
use attestation_rim::SignedRim;
use attestation_verify::nvidia::SdkEvidence;

use super::{Fields, hex};

pub(super) fn report(fields: &mut Fields, bytes: &[u8]) -> Result<(), String> {
    let report = MeasurementReport::parse(bytes).map_err(|error| error.to_string())?;
    fields.explained("request nonce", hex(&report.request().nonce), "what the device was asked");
    fields.hex("responder nonce", report.responder_nonce());
    let named = report.fields();
    let texts = [
        ("driver version", named.driver_version().map(ToString::to_string)),
        ("VBIOS version", named.vbios_version().map(|version| version.to_string())),
        ("project", named.project().map(ToString::to_string)),
        ("project SKU", named.project_sku().map(ToString::to_string)),
        ("chip SKU", named.chip_sku().map(ToString::to_string)),
        ("FWID", named.fwid().map(|fwid| hex(fwid))),
    ];
    for (name, value) in texts {
        fields.plain(name, value.unwrap_or_else(|| "none".into()));
    }
    for field in named.iter() {
        let name = field.id.name().unwrap_or("unknown");
        fields.explained(format!("opaque field {}", field.id.0), hex(field.value), name);
    }
    for measurement in report.measurements().iter() {
        fields.hex(format!("block {}", measurement.index), measurement.value);
    }
    if report.trailing_bytes() != 0 {
        let found = format!("{} bytes", report.trailing_bytes());
        fields.explained("behind the report", found, "nobody signed them");
    }
    Ok(())
}

pub(super) fn list(fields: &mut Fields, file: &str, bytes: &[u8]) -> Result<(), String> {
    let list = SdkEvidence::parse(bytes).map_err(|error| error.to_string())?;
    for (position, device) in list.devices().iter().enumerate() {
        fields.explained(format!("device {position}"), &device.arch, format!("nonce {}", hex(&device.nonce)));
        fields.part(file, Kind::SpdmReport, &device.report);
        fields.certificates(file, &device.chain);
    }
    Ok(())
}

/// Nothing of a manifest's contents is read before its signature holds: who signed it is all there is to show.
pub(super) fn manifest(fields: &mut Fields, file: &str, bytes: &[u8]) -> Result<(), String> {
    let manifest = SignedRim::parse(bytes).map_err(|error| error.to_string())?;
    fields.plain("certificates", manifest.certificates().len());
    for certificate in manifest.certificates() {
        fields.part(file, Kind::Certificate, certificate);
    }
    Ok(())
}
