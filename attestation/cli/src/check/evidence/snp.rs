//! SEV-SNP, and the simulated platform, which speaks its protocol.

use attestation_evidence::Evidence;
use attestation_manifest::reference::MeasurementReference;
use attestation_manifest::{HexDigest, HexU64, SnpLaunch, manifest_digest};
use attestation_policy::Platform;
use attestation_report::SnpReport;
use attestation_verify::Verified;
use attestation_verify::snp::SnpEvidence;

use crate::appraise::{narrow_to, snp_report};
use crate::check::{Expected, Verdict};

/// Verified up to AMD's roots and wanted by the policy, with the measurement and the manifest that the reference values
/// name.
pub(super) fn verify(
    verdict: &mut Verdict,
    evidence: &Evidence,
    against: &Expected<'_>,
) -> Option<Verified<SnpEvidence>> {
    let mut policy = against.hardware.policy.clone();
    if let Platform::Rules(rules) = &mut policy.snp {
        narrow_to(&mut rules.launch.measurements, against.reference.measurement.snp_qemu.0);
        narrow_to(&mut rules.launch.host_data, against.reference.manifest.sha256.0);
    }
    super::ask(verdict, evidence, &against.hardware, &policy, snp_report)
}

pub(super) fn check_binding(
    verdict: &mut Verdict,
    report: &SnpReport,
    evidence: &Evidence,
    measurement: &MeasurementReference,
) {
    let bound = HexDigest(super::bound(evidence));
    verdict.compare("instance key in REPORT_DATA", bound, HexDigest(report.report_data));
    let manifest = HexDigest(manifest_digest(&evidence.manifest));
    verdict.compare("manifest in HOST_DATA", manifest, HexDigest(report.host_data));
    verdict.compare("measurement", measurement.snp_qemu, HexDigest(report.measurement));
}

pub(super) fn check_launch(verdict: &mut Verdict, report: &SnpReport, launch: SnpLaunch) {
    verdict.compare("guest policy", launch.policy, HexU64(report.policy.get()));
    verdict.compare("VMPL", launch.vmpl, report.vmpl.get());
    let debug = if report.guest_policy().is_debug() { "on: the host may read the guest" } else { "off" };
    verdict.compare("debugging", "off", debug);
}
