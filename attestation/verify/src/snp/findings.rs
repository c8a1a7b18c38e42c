//! What a policy has to decide on, once the evidence is genuine.

use alloc::format;

use attestation_report::{GuestPolicy, ProductLine, SnpReport, TcbVersion};
use attestation_x509::amd::KeyKind;

use super::Endorsement;
use crate::{Code, Trail};

pub(super) fn note(trail: &mut Trail, endorsement: &Endorsement, report: &SnpReport) {
    let policy = report.guest_policy();
    let debug = GuestPolicy(policy.0 & GuestPolicy::DEBUG);
    trail.note(Code::PolicyDebugEnabled, "POLICY.DEBUG", "0x0", debug, !policy.is_debug());
    let vmpl = report.vmpl.get();
    trail.note(Code::VmplNonzero, "VMPL", 0, vmpl, vmpl == 0);
    let line = endorsement.line;
    trail.note(Code::ProductMilan, "product line", "Genoa or later", line, line != ProductLine::Milan);
    let kind = endorsement.kind;
    trail.note(Code::SignerVlek, "signer", KeyKind::Vcek, kind, kind == KeyKind::Vcek);
    let has_chip_id = report.chip_id != [0; 64];
    let found = if has_chip_id { "not zero" } else { "zero" };
    trail.note(Code::ChipIdMasked, "CHIP_ID", "not zero", found, has_chip_id);
    let is_bound = report.report_data != [0; 64];
    let found = if is_bound { "not zero" } else { "zero" };
    trail.note(Code::NonceUnbound, "REPORT_DATA", "not zero", found, is_bound);
    let unknown = report.platform().unknown_bits();
    let found = format!("{unknown:#x}");
    trail.note(Code::PlatformInfoUnknownBits, "PLATFORM_INFO, unknown bits", "0x0", found, unknown == 0);
    note_tcb(trail, line, report);
}

fn note_tcb(trail: &mut Trail, line: ProductLine, report: &SnpReport) {
    let [current, committed, reported] =
        [report.current_tcb, report.committed_tcb, report.reported_tcb].map(|tcb| TcbVersion(tcb.get()));
    trail.note(Code::TcbProvisional, "CURRENT_TCB", committed, current, current == committed);
    let now = (report.current_major, report.current_minor, report.current_build);
    let kept = (report.committed_major, report.committed_minor, report.committed_build);
    let (expected, found) = (format!("{kept:?}"), format!("{now:?}"));
    trail.note(Code::TcbProvisional, "CURRENT firmware version", expected, found, now == kept);
    let parts = |tcb: TcbVersion| line.tcb_layout().and_then(|layout| tcb.parts(layout));
    let is_at_least = |high: TcbVersion, low: TcbVersion| match (parts(high), parts(low)) {
        (Some(high), Some(low)) => high.is_at_least(&low),
        _ => false,
    };
    let not_below = format!("not below {current}");
    let holds = is_at_least(reported, current);
    trail.note(Code::TcbReportedBelowCurrent, "REPORTED_TCB", not_below, reported, holds);
    for (what, tcb) in [("REPORTED_TCB, order", reported), ("COMMITTED_TCB, order", committed)] {
        let not_above = format!("not above {current}");
        trail.note(Code::TcbOrder, what, not_above, tcb, is_at_least(current, tcb));
    }
}
