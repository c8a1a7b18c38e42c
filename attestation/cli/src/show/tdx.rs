//! TDX quotes, Intel's documents, event logs.

use attestation_report::tdx::{Quote, TdAttributes, TdBody};
use attestation_verify::tdx::{DocumentSubject, EventLog, UnverifiedDocument};

use super::{Fields, bits, hex};

pub(super) fn quote(fields: &mut Fields, file: &str, bytes: &[u8]) -> Result<(), String> {
    let quote = Quote::parse(bytes).map_err(|error| error.to_string())?;
    fields.plain("version", quote.header.version);
    fields.plain("attestation key type", quote.header.attestation_key_type);
    fields.explained("TEE type", format!("{:#x}", quote.header.tee_type), "TDX");
    fields.hex("QE vendor id", &quote.header.qe_vendor_id);
    show_body(fields, &quote.body);
    let qe = quote.signature_data.qe_report;
    fields.hex("QE MRSIGNER", &qe.mr_signer);
    fields.plain("QE ISVPRODID", qe.isv_prod_id);
    fields.plain("QE ISVSVN", qe.isv_svn);
    if quote.trailing_bytes != 0 {
        fields.explained("behind the quote", format!("{} bytes", quote.trailing_bytes), "nobody signed them");
    }
    if let Some(pem) = quote.signature_data.certification_pem() {
        fields.certificates(file, pem);
    }
    Ok(())
}

fn show_body(fields: &mut Fields, body: &TdBody) {
    let report = body.report();
    fields.plain("TEE_TCB_SVN", report.tee_tcb_svn());
    fields.hex("MRSEAM", &report.mr_seam);
    fields.hex("MRSIGNERSEAM", &report.mr_signer_seam);
    fields.plain("SEAMATTRIBUTES", format!("{:#x}", report.seam_attributes));
    let attributes = report.attributes();
    fields.explained("TDATTRIBUTES", attributes, bits(attributes.0, &ATTRIBUTES));
    fields.plain("XFAM", format!("{:#x}", report.xfam));
    fields.hex("MRTD", &report.mr_td);
    fields.hex("MRCONFIGID", &report.mr_config_id);
    fields.hex("MROWNER", &report.mr_owner);
    fields.hex("MROWNERCONFIG", &report.mr_owner_config);
    for (index, register) in report.rtmr.iter().enumerate() {
        fields.hex(format!("RTMR{index}"), register);
    }
    fields.hex("REPORTDATA", &report.report_data);
    if let Some(report) = body.report_15() {
        fields.plain("TEE_TCB_SVN2", report.tee_tcb_svn_2());
        fields.hex("MRSERVICETD", &report.mr_service_td);
    }
}

const ATTRIBUTES: [(u64, &str); 7] = [
    (TdAttributes::DEBUG, "DEBUG"),
    (TdAttributes::LASS, "LASS"),
    (TdAttributes::SEPT_VE_DISABLE, "SEPT_VE_DISABLE"),
    (TdAttributes::MIGRATABLE, "MIGRATABLE"),
    (TdAttributes::PKS, "PKS"),
    (TdAttributes::KL, "KL"),
    (TdAttributes::PERFMON, "PERFMON"),
];

pub(super) fn document(fields: &mut Fields, bytes: &[u8]) -> Result<(), String> {
    let document = UnverifiedDocument::read(bytes).map_err(|error| error.to_string())?;
    match document.subject {
        DocumentSubject::TcbInfo { fmspc, pce_id } => {
            fields.hex("fmspc", &fmspc);
            fields.hex("pceId", &pce_id);
        }
        _ => fields.plain("about", "the quoting enclave of TDX"),
    }
    fields.plain("issueDate", document.issue.issue_date);
    fields.plain("nextUpdate", document.issue.next_update);
    fields.plain("tcbEvaluationDataNumber", document.issue.evaluation_number);
    Ok(())
}

pub(super) fn event_log(fields: &mut Fields, bytes: &[u8]) -> Result<(), String> {
    let log = if bytes.starts_with(b"[") { EventLog::Digests(bytes) } else { EventLog::Ccel(bytes) };
    let registers = log.replay().map_err(|error| error.to_string())?;
    for (index, register) in registers.iter().enumerate() {
        fields.explained(format!("RTMR{index}"), hex(register), "where the log leads");
    }
    Ok(())
}
