//! What Azure wraps around a report.

use attestation_recognise::Kind;
use attestation_report::hcl::{HclReport, REPORT_TYPE_SNP};
use attestation_report::tpm::{PCR_COUNT, TpmQuote};

use super::{Fields, hex};

/// Bytes of a register of the SHA-256 bank.
const REGISTER_BYTES: usize = 32;

pub(super) fn hcl_report(fields: &mut Fields, file: &str, bytes: &[u8]) -> Result<(), String> {
    let report = HclReport::parse(bytes).map_err(|error| error.to_string())?;
    let is_snp = report.report_type == REPORT_TYPE_SNP;
    fields.explained("report type", report.report_type, if is_snp { "SEV-SNP" } else { "TDX" });
    fields.plain("runtime data", String::from_utf8_lossy(report.runtime_data));
    if is_snp {
        fields.part(file, Kind::SnpReport, report.hardware_report);
    }
    Ok(())
}

pub(super) fn quote(fields: &mut Fields, bytes: &[u8]) -> Result<(), String> {
    let quote = TpmQuote::parse(bytes).map_err(|error| error.to_string())?;
    fields.explained("extraData", hex(quote.extra_data), "the verifier's nonce");
    let selected: Vec<String> = (0..PCR_COUNT)
        .filter(|index| quote.selected >> index & 1 == 1)
        .map(|index| index.to_string())
        .collect();
    fields.plain("PCRs", selected.join(" "));
    fields.hex("pcrDigest", quote.pcr_digest);
    Ok(())
}

pub(super) fn registers(fields: &mut Fields, bytes: &[u8]) {
    for (index, register) in bytes.chunks(REGISTER_BYTES).enumerate() {
        fields.hex(format!("PCR {index}"), register);
    }
}
