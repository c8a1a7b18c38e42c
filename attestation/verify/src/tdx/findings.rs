//! What a policy has to decide on, once the quote is genuine.

use alloc::format;

use attestation_report::tdx::{Quote, TdAttributes};

use crate::{Code, Trail};

pub(super) fn note(trail: &mut Trail, quote: &Quote<'_>) {
    let trailing = quote.trailing_bytes;
    trail.note(Code::TrailingUnsigned, "bytes behind the quote", 0, trailing, trailing == 0);
    let report = quote.body.report();
    note_attributes(trail, report.attributes());
    let is_bound = report.report_data != [0; 64];
    let found = if is_bound { "not zero" } else { "zero" };
    trail.note(Code::NonceUnbound, "REPORTDATA", "not zero", found, is_bound);
    if let Some(report) = quote.body.report_15() {
        let (at_launch, now) = (report.base.tee_tcb_svn(), report.tee_tcb_svn_2());
        trail.note(Code::TdxModuleUpdated, "TEE_TCB_SVN2", at_launch, now, at_launch == now);
        let service = hex::encode(report.mr_service_td);
        let is_alone = report.mr_service_td == [0; 48];
        trail.note(Code::TdServiceTdBound, "MRSERVICETD", hex::encode([0; 48]), service, is_alone);
    }
}

fn note_attributes(trail: &mut Trail, attributes: TdAttributes) {
    // One bit of the group is called DEBUG. The others are reserved for what is no better.
    let untrusted = attributes.0 & TdAttributes::TUD;
    let found = format!("{untrusted:#x}");
    trail.note(Code::PolicyDebugEnabled, "TDATTRIBUTES.TUD", "0x0", found, untrusted == 0);
    let is_set = attributes.has(TdAttributes::SEPT_VE_DISABLE);
    trail.note(Code::TdSeptVeDisableClear, "TDATTRIBUTES.SEPT_VE_DISABLE", true, is_set, is_set);
    let has_pks = attributes.has(TdAttributes::PKS);
    trail.note(Code::TdPksEnabled, "TDATTRIBUTES.PKS", false, has_pks, !has_pks);
    let unknown = attributes.unknown_bits() & !TdAttributes::TUD;
    let found = format!("{unknown:#x}");
    trail.note(Code::TdAttributesUnknownBits, "TDATTRIBUTES, unknown bits", "0x0", found, unknown == 0);
}
