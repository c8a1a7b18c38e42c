//! TDX.
//!
//! The manifest is bound at launch in `MRCONFIGID`, whose 48 bytes are the SHA-384 of its exact bytes. `RTMR2` is left to
//! the policy: what the design has a guest extend it with before the workload runs is the manifest once more.

use attestation_evidence::Evidence;
use attestation_manifest::reference::MeasurementReference;
use attestation_manifest::{HexDigest, HexU64, TdxLaunch};
use attestation_policy::Platform;
use attestation_report::tdx::{TdAttributes, TdBody, TdReport10};
use attestation_verify::Verified;
use attestation_verify::tdx::TdxEvidence;
use sha2::{Digest, Sha384};

use crate::appraise::{narrow_to, tdx_quote};
use crate::check::{Expected, Verdict};

/// Verified up to Intel's root and wanted by the policy, with the MRTD and the manifest that the reference values name.
pub(super) fn verify(
    verdict: &mut Verdict,
    evidence: &Evidence,
    against: &Expected<'_>,
) -> Option<Verified<TdxEvidence>> {
    let mut policy = against.hardware.policy.clone();
    if let Platform::Rules(rules) = &mut policy.tdx {
        narrow_to(&mut rules.launch.mr_tds, against.reference.measurement.tdx_qemu.0);
        narrow_to(&mut rules.launch.mr_config_ids, against.reference.manifest.sha384.0);
    }
    super::ask(verdict, evidence, &against.hardware, &policy, tdx_quote)
}

pub(super) fn check_binding(
    verdict: &mut Verdict,
    report: &TdReport10,
    evidence: &Evidence,
    measurement: &MeasurementReference,
) {
    let bound = HexDigest(super::bound(evidence));
    verdict.compare("instance key in REPORTDATA", bound, HexDigest(report.report_data));
    let manifest = HexDigest::<48>(Sha384::digest(&evidence.manifest).into());
    verdict.compare("manifest in MRCONFIGID", manifest, HexDigest(report.mr_config_id));
    verdict.compare("measurement", measurement.tdx_qemu, HexDigest(report.mr_td));
}

/// Attributes and features as the manifest states them; and what no manifest can ask for: debugging, a service domain that
/// acts for the guest, and anything in the registers that the design leaves unused.
pub(super) fn check_launch(verdict: &mut Verdict, body: &TdBody, launch: TdxLaunch) {
    let report = body.report();
    let attributes = report.attributes();
    verdict.compare("TD attributes", launch.attributes, HexU64(attributes.0));
    verdict.compare("XFAM", launch.xfam, HexU64(report.features().0));
    let is_open = attributes.0 & TdAttributes::TUD != 0;
    verdict.compare("debugging", "off", if is_open { "on: the host may read the guest" } else { "off" });
    let nothing = HexDigest([0; 48]);
    let [rtmr0, rtmr1, _, rtmr3] = report.rtmr;
    for (name, register) in [("RTMR0, unused", rtmr0), ("RTMR1, unused", rtmr1), ("RTMR3, unused", rtmr3)] {
        verdict.compare(name, nothing, HexDigest(register));
    }
    // Version 1.0 of the report has no such field, and its modules no such domains.
    let service = body.report_15().map_or([0; 48], |report| report.mr_service_td);
    verdict.compare("service TD", nothing, HexDigest(service));
}
