//! `MSG_REPORT_REQ`: attestation reports (56860, "Attestation Report Request").

use attestation_evidence::sim::sign_report;
use attestation_report::{REPORT_BYTES, SIGNATURE_ALGORITHM_ECDSA_P384_SHA384, SnpReport};
use enclave_wire::psp::{ReportRequest, ReportResponse, ResponseStatus};
use zerocopy::{FromZeros, IntoBytes};

use crate::chip::{CHIP_TCB, SimChip};
use crate::mailbox::Launch;

/// Genoa: family 19h, model 11h, stepping 1.
pub(crate) const CPUID_FAMILY_MODEL_STEPPING: [u8; 3] = [0x19, 0x11, 0x01];
const REPORT_VERSION: u32 = 5;
/// SMT on, ECC memory, alias check complete.
const PLATFORM_INFO: u64 = 1 << 0 | 1 << 2 | 1 << 5;
/// SNP firmware 1.55 build 54.
const FIRMWARE: [u8; 3] = [54, 55, 1];
/// No key but the chip's own is loaded.
const KEY_SELECT_VLEK: u32 = 2;

/// Answers an authenticated request that came with VMPCK `vmpck`.
pub(crate) fn respond(
    request: &ReportRequest,
    vmpck: u8,
    launch: &Launch,
    report_id: &[u8; 32],
    chip: &SimChip,
) -> ReportResponse {
    let mut response = ReportResponse::new_zeroed();
    let status = check(request, vmpck);
    response.status = status.0.into();
    if status == ResponseStatus::SUCCESS {
        let mut report = fill(request, launch, report_id, chip);
        sign_report(&mut report, chip.signing_key());
        response.report_bytes = u32::try_from(REPORT_BYTES).unwrap_or(u32::MAX).into();
        response.report.copy_from_slice(report.as_bytes());
    }
    response
}

fn check(request: &ReportRequest, vmpck: u8) -> ResponseStatus {
    let vmpl_ok = (u32::from(vmpck)..=3).contains(&request.vmpl.get());
    if !vmpl_ok || request.reserved.iter().any(|byte| *byte != 0) {
        return ResponseStatus::INVALID_PARAMETERS;
    }
    match request.key_select.get() {
        0 | 1 => ResponseStatus::SUCCESS,
        KEY_SELECT_VLEK => ResponseStatus::INVALID_KEY_SELECTION,
        _ => ResponseStatus::INVALID_PARAMETERS,
    }
}

fn fill(request: &ReportRequest, launch: &Launch, report_id: &[u8; 32], chip: &SimChip) -> SnpReport {
    let mut report = SnpReport::new_zeroed();
    report.version = REPORT_VERSION.into();
    report.guest_svn = launch.guest_svn.into();
    report.policy = launch.policy.into();
    report.vmpl = request.vmpl;
    report.signature_algorithm = SIGNATURE_ALGORITHM_ECDSA_P384_SHA384.into();
    report.platform_info = PLATFORM_INFO.into();
    report.report_data = request.report_data;
    report.measurement = launch.measurement;
    report.host_data = launch.host_data;
    report.report_id = *report_id;
    report.report_id_ma = [0xFF; 32];
    report.chip_id = *chip.chip_id();
    let [family, model, stepping] = CPUID_FAMILY_MODEL_STEPPING;
    (report.cpuid_family, report.cpuid_model, report.cpuid_stepping) = (family, model, stepping);
    let tcb = CHIP_TCB.into();
    (report.current_tcb, report.reported_tcb) = (tcb, tcb);
    (report.committed_tcb, report.launch_tcb) = (tcb, tcb);
    let [build, minor, major] = FIRMWARE;
    (report.current_build, report.current_minor, report.current_major) = (build, minor, major);
    (report.committed_build, report.committed_minor, report.committed_major) = (build, minor, major);
    report
}
