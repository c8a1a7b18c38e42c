//! Azure: what stands behind its virtual TPM, and the parts of that.

use attestation_recognise::{Item, Kind};
use attestation_report::hcl::{HclReport, REPORT_TYPE_TDX};
use attestation_verify::{Pcr, VtpmBundle};

use super::{Question, snp, tdx};
use crate::check::Verdict;

pub(super) fn report(verdict: &mut Verdict, bytes: &[u8], question: &Question<'_>) {
    if is_before_tdx(bytes) {
        tdx::azure(verdict, bytes, question);
    } else {
        snp::azure(verdict, bytes, question);
    }
}

/// Whether the blob is of a guest on TDX, whose quote is then part of it.
pub(super) fn is_before_tdx(bytes: &[u8]) -> bool {
    HclReport::parse(bytes).is_ok_and(|report| report.report_type == REPORT_TYPE_TDX)
}

/// `None` after saying so, when a part is missing.
pub(super) fn bundle<'a>(
    verdict: &mut Verdict,
    hcl_report: &'a [u8],
    items: &'a [Item],
) -> Option<VtpmBundle<'a>> {
    let one = |kind: Kind| items.iter().find(|item| item.kind == kind).map(|item| item.bytes.as_slice());
    let parts = (one(Kind::TpmQuote), one(Kind::TpmSignature), one(Kind::TpmRegisters));
    let (Some(quote), Some(signature), Some(registers)) = parts else {
        verdict.fail("virtual TPM", "its quote, signature and registers", "not all of them");
        return None;
    };
    verdict
        .note("the virtual TPM is the paravisor's: it is worth what the policy's measurements say of that");
    let (pcrs, _) = registers.as_chunks::<{ size_of::<Pcr>() }>();
    Some(VtpmBundle { hcl_report, quote, signature, pcrs })
}
